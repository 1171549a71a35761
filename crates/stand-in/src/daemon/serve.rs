//! The serving process: from its start to its end.

use std::{fs::File, io, path::Path, time::Duration};

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, interval, sleep},
};

use super::{Endpoint, Started, endpoint::Files};
use crate::{folder::make_private, keys::AccessKey, server::StandIn};

/// How often the process checks that its folder still exists.
const FOLDER_LOOK: Duration = Duration::from_secs(1);
/// Somebody who asks whether the folder is served holds its lock for a moment; a real owner holds it for longer than this.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const LOCK_AGAIN: Duration = Duration::from_millis(20);

/// Why a stand-in cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another process has the folder.
    #[error("another stand-in serves {0} already: `demo local status` shows it, `demo local stop` ends it")]
    AlreadyServed(std::path::PathBuf),
    /// Something of the operating system.
    #[error("the stand-in cannot {what}")]
    Io {
        /// What it was about to do.
        what: String,
        /// Why it could not.
        source: io::Error,
    },
}

/// Runs the stand-in over `folder` in this process, until SIGTERM, SIGINT, or the folder is gone.
///
/// `background` is who wanted it when a [`Daemon`](super::Daemon) started it: it then leaves the terminal's session, so that
/// neither Ctrl-C nor the end of a login reaches it. `None` is a person's own foreground process, which counts as started by hand.
///
/// # Errors
/// The folder is served already; its state cannot be read; no port can be had.
pub async fn serve(folder: &Path, background: Option<Started>) -> Result<(), ServeError> {
    if background.is_some() {
        rustix::process::setsid().map_err(|e| failed("leave the session", e.into()))?;
    }
    let signals = Signals::catch().map_err(|e| failed("catch signals", e))?;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    raise_open_files();
    make_private(folder).map_err(|e| failed(format!("make {}", folder.display()), e))?;
    let files = Files { folder: folder.to_owned() };
    let lock = take_lock(&files).await?;
    files.remove_endpoint().map_err(|e| failed("remove the endpoint file of an earlier process", e))?;

    let last_port = files.last_port();
    let listener = listen(last_port).await.map_err(|e| failed("listen on 127.0.0.1", e))?;
    let port = listener.local_addr().map_err(|e| failed("learn its port", e))?.port();
    if last_port.is_some_and(|last| last != port) {
        // Whoever has the old port now may hand on what is still sent there, signed with the key of that time.
        AccessKey::renew(folder).map_err(|e| failed("renew its access key", e))?;
    }
    let stand_in = StandIn::open(folder).map_err(|e| failed(format!("open its state in {}", folder.display()), e))?;
    let endpoint = Endpoint {
        pid: std::process::id(),
        port,
        started: background.unwrap_or(Started::ByHand),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        identity: stand_in.identity().to_owned(),
    };
    files.write_last_port(port).map_err(|e| failed("write its port", e))?;
    files.write_endpoint(&endpoint).map_err(|e| failed("write its endpoint file", e))?;
    tracing::info!("the stand-in serves {} at {}", folder.display(), endpoint.url());

    // The file goes while the port is still ours: whoever had it next would be taken for the stand-in.
    let mut removed = Ok(());
    let served = stand_in.serve(listener, async {
        end(signals, &files, &lock).await;
        if files.still_hold(&lock) {
            removed = files.remove_endpoint();
        }
    });
    served.await.map_err(|e| failed("serve", e))?;
    removed.map_err(|e| failed("remove its endpoint file", e))
}

/// A shard, a connection and a query's data have files open; the usual limit is 1,024 of many more that are allowed.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!("the limit of open files stays at {:?}: {e}", limit.current);
    }
}

async fn take_lock(files: &Files) -> Result<File, ServeError> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match files.lock_for_life().map_err(|e| failed("lock its folder", e))? {
            Some(lock) => return Ok(lock),
            None if Instant::now() > deadline => return Err(ServeError::AlreadyServed(files.folder.clone())),
            None => sleep(LOCK_AGAIN).await,
        }
    }
}

/// The last time's port where it is free, else any.
async fn listen(last_port: Option<u16>) -> io::Result<TcpListener> {
    if let Some(port) = last_port {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(e) => tracing::warn!("port {port} of the last time is not to be had ({e}): another one is taken"),
        }
    }
    TcpListener::bind(("127.0.0.1", 0)).await
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

async fn end(mut signals: Signals, files: &Files, lock: &File) {
    let mut folder_look = interval(FOLDER_LOOK);
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return tracing::info!("told to end by SIGTERM"),
            _ = signals.interrupt.recv() => return tracing::info!("told to end by SIGINT"),
            _ = folder_look.tick() => if !files.still_hold(lock) {
                return tracing::info!("{} is gone: nothing is left to serve", files.folder.display());
            }
        }
    }
}

fn failed(what: impl Into<String>, source: io::Error) -> ServeError {
    ServeError::Io { what: what.into(), source }
}
