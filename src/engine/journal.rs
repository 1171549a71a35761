//! The journal of one stack: JSON lines, appended and synced before each call that changes anything.
//!
//! It is the only truth about what may exist. A last line that a crash has torn is dropped: what it meant to announce
//! has not been done, because the call comes after the sync.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};

pub use super::entry::Entry;
use super::{
    entry::{Fingerprint, Opened},
    home::Home,
    id::StackId,
    lock,
    mirror::{Mirror, MirrorError, Reflection},
    state::{Illegal, State},
};

#[derive(Serialize, Deserialize)]
struct Line {
    /// RFC 3339, UTC.
    at: String,
    #[serde(flatten)]
    entry: Entry,
}

/// Why a journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system.
    #[error("journal {}: {source}; no call was made that is not recorded there", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that is not an entry, and not the last.
    #[error("journal {}, line {line}: {why}; someone edited it, or the disk is damaged", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Another process has the stack.
    #[error("stack {id} is locked by {holder}; wait until it ends, or stop it")]
    Locked {
        /// The stack.
        id: StackId,
        /// Who.
        holder: String,
    },
    /// An entry that cannot come now.
    #[error("journal: {0}")]
    Illegal(#[from] Illegal),
    /// The mirror.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// A run must reserve something.
    #[error("journal: run {0} reserved no tickets, or more than 64 bits can count")]
    Tickets(String),
}

/// A journal open for writing; the stack is locked while it lives. Shared by reference among tasks.
#[derive(Debug)]
pub struct Journal {
    id: StackId,
    path: PathBuf,
    inner: Mutex<Inner>,
    reflection: OnceLock<Reflection>,
    _lock: File,
}

#[derive(Debug)]
struct Inner {
    file: File,
    state: State,
}

impl Journal {
    /// Starts the journal of a new stack.
    pub fn create(home: &Home, id: &StackId, target: Fingerprint, spec: Value) -> Result<Self, JournalError> {
        Self::create_at(home, id, Utc::now(), target, spec)
    }

    /// Starts the journal of a stack that counts as opened at this time.
    pub fn create_at(
        home: &Home,
        id: &StackId,
        opened_at: DateTime<Utc>,
        target: Fingerprint,
        spec: Value,
    ) -> Result<Self, JournalError> {
        let journal = Self::open(home, id)?;
        let opened = Opened { stack: id.to_string(), name: id.name().to_owned(), target, spec };
        journal.append(&mut journal.inner(), opened_at, Entry::Opened(opened))?;
        Ok(journal)
    }

    /// Locks and replays a stack's journal; a torn last line is cut off.
    pub fn open(home: &Home, id: &StackId) -> Result<Self, JournalError> {
        let folder = home.stack(id);
        let path = home.journal(id);
        let io = |source| JournalError::Io { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(io)?;
        let lock = lock(&folder, &path, id)?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(io)?;
        let (state, whole) = replay(&path, &text)?;
        if whole < text.len() {
            tracing::warn!(journal = %path.display(), bytes = text.len() - whole, "dropped a torn last line");
            file.set_len(whole as u64).map_err(io)?;
        }
        file.seek(SeekFrom::Start(whole as u64)).map_err(io)?;
        file.sync_all().map_err(io)?;
        for folder in [Some(folder.as_path()), folder.parent()].into_iter().flatten() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok(Self {
            id: id.clone(),
            path,
            inner: Mutex::new(Inner { file, state }),
            reflection: OnceLock::new(),
            _lock: lock,
        })
    }

    /// The stack's id.
    pub fn id(&self) -> &StackId {
        &self.id
    }

    /// What it says so far.
    pub fn state(&self) -> State {
        self.inner().state.clone()
    }

    /// What a function makes of the state.
    pub(super) fn with_state<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.inner().state)
    }

    /// Checks, appends and syncs one entry. Only when this has returned may the call be made that it announces.
    pub fn record(&self, entry: Entry) -> Result<(), JournalError> {
        let mut inner = self.inner();
        self.append(&mut inner, Utc::now(), entry)
    }

    /// Keeps a copy in this mirror from now on; the first one that is named.
    pub fn reflect_in(&self, mirror: Arc<dyn Mirror>) {
        self.reflection.get_or_init(|| Reflection::new(mirror));
    }

    /// Waits until everything recorded so far lies in the mirror, where there is one.
    ///
    /// # Errors
    /// [`JournalError::Mirror`] where another machine has written it, or where it cannot be written.
    pub async fn reflect(&self) -> Result<(), JournalError> {
        match self.reflection.get() {
            Some(reflection) => reflection.put(self.id.as_str(), || self.text()).await,
            None => Ok(()),
        }
    }

    /// [`Self::reflect`] where that may fail; [`Self::unreflected`] then tells why.
    pub async fn try_reflect(&self) -> Result<(), JournalError> {
        match self.reflection.get() {
            Some(reflection) if reflection.failure().is_none() => match self.reflect().await {
                Err(JournalError::Mirror(error)) => {
                    reflection.fail(error);
                    Ok(())
                }
                result => result,
            },
            Some(_) => Ok(()),
            None => Ok(()),
        }
    }

    /// Why the mirror is no copy any more.
    pub fn unreflected(&self) -> Option<MirrorError> {
        self.reflection.get().and_then(Reflection::failure)
    }

    /// All of it, as it is on disk.
    pub(super) fn text(&self) -> Result<Vec<u8>, JournalError> {
        let _whole = self.inner();
        fs::read(&self.path).map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }

    /// Gives a run `count` tickets that no other run of the stack has or will have.
    pub fn reserve(&self, run: &str, count: u64) -> Result<RangeInclusive<u64>, JournalError> {
        self.reserve_for(run, count, None)
    }

    /// [`Journal::reserve`] for a run that so many workers share.
    pub fn reserve_shared(&self, run: &str, count: u64, workers: u32) -> Result<RangeInclusive<u64>, JournalError> {
        self.reserve_for(run, count, Some(workers))
    }

    fn reserve_for(&self, run: &str, count: u64, workers: Option<u32>) -> Result<RangeInclusive<u64>, JournalError> {
        let mut inner = self.inner();
        let first = inner.state.next_ticket();
        let last = count.checked_sub(1).and_then(|more| first.checked_add(more));
        let last = last.filter(|last| *last < u64::MAX).ok_or_else(|| JournalError::Tickets(run.to_owned()))?;
        self.append(&mut inner, Utc::now(), Entry::Reserved { run: run.to_owned(), first, last, workers })?;
        Ok(first..=last)
    }

    fn append(&self, inner: &mut Inner, at: DateTime<Utc>, entry: Entry) -> Result<(), JournalError> {
        let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        inner.state.check(&entry)?;
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let line = Line { at, entry };
        let mut text = serde_json::to_vec(&line).map_err(io::Error::from).map_err(io)?;
        text.push(b'\n');
        let before = inner.file.stream_position().map_err(io)?;
        let written = off_async(|| inner.file.write_all(&text).and_then(|()| inner.file.sync_data()));
        if let Err(source) = written {
            // Half a line must not stay in front of the next one; if even this fails, the next open drops it.
            let _ = inner.file.set_len(before).and_then(|()| inner.file.seek(SeekFrom::Start(before)).map(drop));
            return Err(io(source));
        }
        inner.state.commit(&line.at, &line.entry);
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves the state consistent: it moves on in one step, after the sync.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the disk without keeping a runtime's other tasks waiting.
fn off_async<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(wait),
        _ => wait(),
    }
}

/// Replays a journal without locking or changing it.
pub fn read(path: &Path) -> Result<State, JournalError> {
    let text = fs::read(path).map_err(|source| JournalError::Io { path: path.to_owned(), source })?;
    parse(path, &text)
}

/// Replays a journal's text, which lies at `path`.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<State, JournalError> {
    replay(path, text).map(|(state, _)| state)
}

/// The state, and how many bytes of the text are whole lines.
fn replay(path: &Path, text: &[u8]) -> Result<(State, usize), JournalError> {
    let mut state = State::default();
    let mut whole = 0;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let last = whole + line.len() == text.len();
        let corrupt = |why: String| JournalError::Corrupt { path: path.to_owned(), line: number + 1, why };
        match serde_json::from_slice::<Line>(line) {
            Ok(parsed) if line.ends_with(b"\n") => {
                state.apply(&parsed.at, &parsed.entry).map_err(|illegal| corrupt(illegal.to_string()))?;
                whole += line.len();
            }
            _ if last => break,
            Ok(_) => unreachable!("only the last line can lack its newline"),
            Err(error) => return Err(corrupt(error.to_string())),
        }
    }
    Ok((state, whole))
}

/// Takes the stack's lock, or says who has it.
fn lock(folder: &Path, path: &Path, id: &StackId) -> Result<File, JournalError> {
    let taken = lock::take(folder).map_err(|source| JournalError::Io { path: path.to_owned(), source })?;
    taken.map_err(|holder| {
        let holder = holder.map_or("another process".to_owned(), |holder| holder.to_string());
        JournalError::Locked { id: id.clone(), holder }
    })
}

#[cfg(test)]
mod tests;
