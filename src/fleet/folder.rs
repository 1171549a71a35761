//! A folder of this machine where a coordinator and its workers meet.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use base64_simd::STANDARD;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::rendezvous::{Rendezvous, RendezvousError};
use crate::engine::mirror::{Put, Reflected};

/// Whoever writes holds its lock meanwhile.
const LOCK: &str = ".lock";
/// What an object is called until it is whole.
const PARTIAL: &str = ".partial";

/// A folder that only its owner enters.
#[derive(Clone)]
pub struct InFolder {
    folder: PathBuf,
}

impl InFolder {
    /// A new one, in place of what an earlier run may have left there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create(folder: &Path) -> Result<Self, RendezvousError> {
        let place = Self::at(folder);
        place.remove()?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.and_then(|()| new_file(&folder.join(LOCK)).map(drop)).map_err(failed("create", folder))?;
        Ok(place)
    }

    /// One that another process has made.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn remove(&self) -> Result<(), RendezvousError> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &self.folder)(error)),
            _ => Ok(()),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Reflected>, RendezvousError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(text) => Ok(Some(Reflected { version: version(&text), text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", path)(error)),
        }
    }

    fn write(&self, name: &str, text: &[u8], replaces: Option<&str>) -> Result<Put, RendezvousError> {
        let (path, lock) = (self.folder.join(name), self.folder.join(LOCK));
        let lock = match File::open(&lock) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Put::Nowhere),
            Err(error) => return Err(failed("open", lock)(error)),
        };
        lock.lock().map_err(failed("lock", &self.folder))?;
        if self.read(name)?.map(|found| found.version).as_deref() != replaces {
            return Ok(Put::Beaten);
        }
        let partial = self.folder.join(format!("{name}{PARTIAL}"));
        let written = new_file(&partial).and_then(|mut file| file.write_all(text));
        match written.and_then(|()| fs::rename(&partial, &path)) {
            Ok(()) => Ok(Put::Done(version(text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Put::Nowhere),
            Err(error) => Err(failed("write", path)(error)),
        }
    }

    fn names(&self) -> Result<Vec<String>, RendezvousError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let entries = entries.map_err(failed("read", &self.folder))?.into_iter();
        let files = entries.filter(|entry| entry.path().is_file());
        let mut names: Vec<_> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| name != LOCK && !name.ends_with(PARTIAL));
        names.sort();
        Ok(names)
    }

    /// On a thread that may wait for the disk.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, RendezvousError> + Send + 'static,
    ) -> Result<T, RendezvousError> {
        let place = self.clone();
        let done = spawn_blocking(move || work(place)).await;
        done.unwrap_or_else(|ended| Err(failed("reach", &self.folder)(io::Error::other(ended))))
    }
}

#[async_trait]
impl Rendezvous for InFolder {
    fn title(&self) -> String {
        self.folder.display().to_string()
    }

    async fn get(&self, name: &str) -> Result<Option<Reflected>, RendezvousError> {
        let name = name.to_owned();
        self.apart(move |place| place.read(&name)).await
    }

    async fn put(&self, name: &str, text: Vec<u8>, replaces: Option<&str>) -> Result<Put, RendezvousError> {
        let (name, replaces) = (name.to_owned(), replaces.map(str::to_owned));
        self.apart(move |place| place.write(&name, &text, replaces.as_deref())).await
    }

    async fn list(&self) -> Result<Vec<String>, RendezvousError> {
        self.apart(|place| place.names()).await
    }

    async fn clear(&self) -> Result<(), RendezvousError> {
        self.apart(|place| place.remove()).await
    }
}

/// What tells one text from another, as an ETag does.
fn version(text: &[u8]) -> String {
    STANDARD.encode_to_string(Sha256::digest(text))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn failed(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> RendezvousError {
    let path = path.as_ref().display().to_string();
    move |source| RendezvousError::Folder { doing, path, source }
}
