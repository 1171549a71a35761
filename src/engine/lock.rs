//! The lock of one stack: who works on it, and whether anybody still does.

use std::{
    env,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Who only looks whether a stack is locked has its lock for a moment; who works on it, for longer than these together.
const LOOKS: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The process that works on a stack, or that did so last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// What it was told to do, for example `demo up`.
    pub command: String,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
}

impl Holder {
    fn this() -> Self {
        let mut args = env::args();
        let program = args.next().unwrap_or_default();
        let program = Path::new(&program).file_name().map_or_else(Default::default, |name| name.to_string_lossy());
        let what = args.find(|arg| !arg.starts_with('-')).unwrap_or_default();
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { pid: process::id(), command: format!("{program} {what}").trim_end().to_owned(), since }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} (`{}`, running since {})", self.pid, self.command, self.since)
    }
}

/// Whose a stack is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Who has it, or had it last; none where nobody has written it down.
    pub holder: Option<Holder>,
    /// Whether it has it now.
    pub now: bool,
}

/// Takes the lock in a stack's folder; the system frees it when the process ends, however it ends.
///
/// # Errors
/// Outside, the file system; inside, who has it.
pub(super) fn take(folder: &Path) -> io::Result<Result<File, Option<Holder>>> {
    let path = path(folder);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    for look in 0.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if look < LOOKS => thread::sleep(LOOK_AGAIN),
            Err(TryLockError::WouldBlock) => return Ok(Err(written(&mut file)?)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(&Holder::this())?)?;
    Ok(Ok(file))
}

/// Looks whose the stack in a folder is, without taking it.
pub(super) fn look(folder: &Path) -> io::Result<Held> {
    let mut file = match File::open(path(folder)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::default()),
        Err(error) => return Err(error),
    };
    let now = match file.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => return Err(error),
    };
    Ok(Held { holder: written(&mut file)?, now })
}

/// Nobody where the file is empty, or torn by a crash: the lock itself is the system's.
fn written(file: &mut File) -> io::Result<Option<Holder>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

fn path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_is_known_while_and_after() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(look(folder.path()).expect("looked"), Held::default());
        let lock = take(folder.path()).expect("a file").expect("free");
        let held = look(folder.path()).expect("looked");
        let holder = held.holder.clone().expect("written down");
        assert_eq!((held.now, holder.pid), (true, process::id()));
        assert_eq!(take(folder.path()).expect("a file").expect_err("taken"), Some(holder.clone()));
        drop(lock);
        assert_eq!(look(folder.path()).expect("looked"), Held { holder: Some(holder), now: false });
        take(folder.path()).expect("a file").expect("free again");
    }

    #[test]
    fn a_look_does_not_keep_anybody_out() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(take(folder.path()).expect("a file").expect("free"));
        let looked = File::open(path(folder.path())).expect("a file");
        looked.try_lock_shared().expect("free");
        let at = folder.path().to_owned();
        let taking = thread::spawn(move || take(&at).expect("a file").is_ok());
        thread::sleep(LOOK_AGAIN);
        drop(looked);
        assert!(taking.join().expect("no panic"));
    }
}
