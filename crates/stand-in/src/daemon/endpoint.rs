//! What a serving stand-in leaves in its folder: where it answers, and a lock for as long as it lives.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Started;
use crate::{REGION, keys::AccessKey, route::IDENTITY_PATH};

/// How long a probe of the port may take.
const LOOK: Duration = Duration::from_secs(5);

/// Where a running stand-in answers, as its `endpoint.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The serving process.
    pub pid: u32,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Who wanted it.
    pub started: Started,
    /// The version of the program that serves.
    pub version: String,
    /// What the port answers with when it is the one that wrote this.
    pub(super) identity: String,
}

impl Endpoint {
    /// For example `http://127.0.0.1:49152`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment variables that point the AWS CLI and every AWS SDK at this stand-in, with its key.
    pub fn env(&self, key: &AccessKey) -> Vec<(String, String)> {
        let url = self.url();
        [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", &key.id),
            ("AWS_SECRET_ACCESS_KEY", &key.secret),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Whether the port answers, and is the stand-in that wrote this.
    pub async fn answers(&self) -> bool {
        let identity = timeout(LOOK, ask_identity(self.port)).await;
        matches!(identity, Ok(Ok(identity)) if identity == self.identity)
    }
}

async fn ask_identity(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {IDENTITY_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: serde_json::Value = serde_json::from_str(body)?;
    Ok(body["identity"].as_str().unwrap_or_default().to_owned())
}

/// The files of a stand-in's folder that are about the process and not about AWS.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub folder: PathBuf,
}

impl Files {
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Held while somebody starts or stops the stand-in.
    fn control(&self) -> PathBuf {
        self.folder.join("control.lock")
    }

    /// Held by the serving process for its whole life.
    fn life(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn endpoint(&self) -> PathBuf {
        self.folder.join("endpoint.json")
    }

    fn port(&self) -> PathBuf {
        self.folder.join("port")
    }

    /// Takes the lock of a serving process, or `None` while another has it.
    pub(super) fn lock_for_life(&self) -> io::Result<Option<File>> {
        lock(&self.life())
    }

    /// Takes the lock for starting and stopping a stand-in; `None` while another process has it.
    pub(super) fn lock_control(&self) -> io::Result<Option<File>> {
        lock(&self.control())
    }

    /// Whether a process serves this folder. Those who ask share the lock among each other.
    pub(super) fn is_served(&self) -> io::Result<bool> {
        match File::open(self.life()) {
            Ok(file) => Ok(!taken(file.try_lock_shared())?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Whether the folder is still the one that holds this lock: not removed, and not made anew.
    pub(super) fn still_hold(&self, lock: &File) -> bool {
        match (lock.metadata(), fs::metadata(self.life())) {
            (Ok(held), Ok(present)) => (held.dev(), held.ino()) == (present.dev(), present.ino()),
            _ => false,
        }
    }

    pub(super) fn read_endpoint(&self) -> io::Result<Option<Endpoint>> {
        match fs::read(self.endpoint()) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn write_endpoint(&self, endpoint: &Endpoint) -> io::Result<()> {
        replace(&self.endpoint(), &serde_json::to_vec(endpoint)?)
    }

    pub(super) fn remove_endpoint(&self) -> io::Result<()> {
        match fs::remove_file(self.endpoint()) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// The port of the last time, which stacks and shells still know.
    pub(super) fn last_port(&self) -> Option<u16> {
        fs::read_to_string(self.port()).ok()?.trim().parse().ok()
    }

    pub(super) fn write_last_port(&self, port: u16) -> io::Result<()> {
        replace(&self.port(), port.to_string().as_bytes())
    }
}

fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    Ok(taken(file.try_lock())?.then_some(file))
}

fn taken(lock: Result<(), TryLockError>) -> io::Result<bool> {
    match lock {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Readers see the old content or the new, never a part.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    File::create(&beside)?.write_all(content)?;
    fs::rename(beside, path)
}
