//! The stacks of a state folder: which there are, who works on them, and the claim to a new one's name.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use aws_stand_in::folder::make_private;
use chrono::{DateTime, Utc};

use super::{
    home::{FolderError, Home},
    id::StackId,
    journal::{self, JournalError},
    lock::{self, Held},
    state::State,
};

/// The name of a stack whose journal is about to be opened. While it lives, no other process opens a stack of this name.
#[derive(Debug)]
pub struct Claim {
    /// The stack's id: that of its journal, or a new one.
    pub id: StackId,
    /// What its journal says; empty if there is none.
    pub state: State,
    /// When a new stack counts as opened: its time to live is in its resources' tags before its journal is open.
    pub opened_at: DateTime<Utc>,
    _lock: File,
}

/// Why a stack of the state folder could not be found or claimed.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The stack's journal cannot be read.
    #[error(transparent)]
    Damaged(DamagedJournal),
    /// No stack has this id or name.
    #[error("unknown stack '{0}'; `demo ls` lists the stacks of this machine")]
    Unknown(String),
    /// Another process is opening a stack of this name.
    #[error("a stack named '{name}' is being created by {holder}; wait until it ends, or stop it")]
    Claimed {
        /// The name.
        name: String,
        /// Who.
        holder: String,
    },
    /// Several stacks have this name.
    #[error("several stacks are named '{name}': {}; use an id", .ids.iter().map(StackId::as_str).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// What it may be, newest first.
        ids: Vec<StackId>,
    },
}

impl HomeError {
    pub(crate) fn io(path: PathBuf, source: io::Error) -> Self {
        FolderError::Io { path, source }.into()
    }
}

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{why}\n  run `demo down --discover {id}` to remove the stack by what exists of it")]
pub struct DamagedJournal {
    /// Whose it is.
    pub id: StackId,
    /// What is wrong with it.
    pub why: JournalError,
}

/// The journals of a state folder.
#[derive(Default)]
pub struct Journals {
    /// Of every stack that was ever opened, newest first.
    pub readable: Vec<State>,
    /// Those that cannot be read; they hide no other.
    pub damaged: Vec<DamagedJournal>,
}

impl Home {
    /// Whose a stack is: who works on it, or did so last.
    pub fn held(&self, id: &StackId) -> Result<Held, HomeError> {
        let path = self.stack(id);
        lock::look(&path).map_err(|source| HomeError::io(path, source))
    }

    /// Reads every journal.
    pub fn journals(&self) -> Result<Journals, HomeError> {
        let path = self.stacks();
        let entries = fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|source| HomeError::io(path, source))?;
        let mut journals = Journals::default();
        for entry in entries {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            match journal::read(&self.journal(&id)) {
                Ok(state) if state.opened().is_some() => journals.readable.push(state),
                Ok(_) => journals.damaged.extend(self.emptied(&id)?),
                Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(why) => journals.damaged.push(DamagedJournal { id, why }),
            }
        }
        journals.readable.sort_by(|a, b| b.opened_at().cmp(a.opened_at()));
        Ok(journals)
    }

    /// Why a journal without its first entry is damaged: the stack was loaded, so it had one. Else a crash came before
    /// that entry, and nothing was made.
    fn emptied(&self, id: &StackId) -> Result<Option<DamagedJournal>, HomeError> {
        let runs = self.runs().join(id.as_str());
        if !runs.try_exists().map_err(|source| HomeError::io(runs, source))? {
            return Ok(None);
        }
        let why = "the stack has runs, but its journal has no first entry".to_owned();
        let why = JournalError::Corrupt { path: self.journal(id), line: 1, why };
        Ok(Some(DamagedJournal { id: id.clone(), why }))
    }

    /// The stack of this id, or the one of this name that is not gone. A damaged journal counts only if it is the one that
    /// was asked for.
    pub fn find(&self, id_or_name: &str) -> Result<State, HomeError> {
        let Journals { readable: mut states, damaged } = self.journals()?;
        if let Some(at) = states.iter().position(|state| state.id().is_some_and(|id| id.as_str() == id_or_name)) {
            return Ok(states.swap_remove(at));
        }
        states.retain(|state| !state.is_closed() && state.name() == Some(id_or_name));
        let mut damaged = damaged.into_iter();
        match states.len() {
            0 => match damaged.find(|journal| journal.id.as_str() == id_or_name || journal.id.name() == id_or_name) {
                Some(journal) => Err(HomeError::Damaged(journal)),
                None => Err(HomeError::Unknown(id_or_name.to_owned())),
            },
            1 => Ok(states.swap_remove(0)),
            _ => Err(HomeError::Ambiguous {
                name: id_or_name.to_owned(),
                ids: states.iter().filter_map(State::id).cloned().collect(),
            }),
        }
    }

    /// Claims a name until a journal is open: two processes must not choose two ids for one stack file.
    pub fn claim(&self, name: &str) -> Result<Claim, HomeError> {
        let folder = self.root().join("names").join(name);
        let taken = make_private(&folder).and_then(|()| lock::take(&folder));
        let taken = taken.map_err(|source| HomeError::io(folder, source))?;
        let lock = taken.map_err(|holder| {
            let holder = holder.map_or("another process".to_owned(), |holder| holder.to_string());
            HomeError::Claimed { name: name.to_owned(), holder }
        })?;
        let state = match self.find(name) {
            Ok(state) => state,
            Err(HomeError::Unknown(_)) => State::default(),
            Err(error) => return Err(error),
        };
        Ok(Claim {
            id: state.id().cloned().unwrap_or_else(|| StackId::new(name)),
            state,
            opened_at: Utc::now(),
            _lock: lock,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Fingerprint, Journal, journal::Entry};

    fn open(home: &Home, id: &str) -> Journal {
        let fingerprint = Fingerprint { account: "1".into(), region: "r".into(), endpoint: None };
        Journal::create(home, &id.parse().expect("an id"), fingerprint, serde_json::Value::Null).expect("a journal")
    }

    #[test]
    fn one_process_at_a_time_has_a_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        let claim = home.claim("a").expect("free");
        assert!(claim.state.opened().is_none());
        let error = home.claim("a").expect_err("claimed").to_string();
        assert!(error.contains("'a' is being created by process"), "{error}");
        home.claim("b").expect("another name");
        open(&home, claim.id.as_str());
        let id = claim.id.clone();
        drop(claim);
        assert_eq!(home.claim("a").expect("free again").id, id);
    }

    #[test]
    fn a_damaged_journal_blocks_its_own_stack_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        open(&home, "a-00000001");
        open(&home, "b-00000002");
        fs::write(home.journal(&"b-00000002".parse().expect("an id")), "garbage\n{}\n").expect("written");
        let c = home.stack(&"c-00000003".parse().expect("an id"));
        fs::create_dir_all(c.join("journal.jsonl")).expect("a folder in place of a file");
        assert_eq!(home.journals().expect("both kinds").readable.len(), 1);
        assert_eq!(home.find("a").expect("healthy").id().map(StackId::as_str), Some("a-00000001"));
        home.claim("d").expect("a new name");
        for asked in ["b", "b-00000002", "c"] {
            let error = home.find(asked).expect_err("damaged").to_string();
            assert!(error.contains("journal") && error.contains("down --discover"), "{error}");
        }
        assert_eq!(home.journals().expect("both kinds").damaged.len(), 2);
    }

    #[test]
    fn an_emptied_journal_of_a_stack_that_was_loaded_is_damaged() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        for id in ["a-00000001", "b-00000002"] {
            open(&home, id);
            fs::write(home.journal(&id.parse().expect("an id")), r#"{"at": "2026-"#).expect("torn");
        }
        fs::create_dir_all(home.runs().join("b-00000002")).expect("runs");
        assert!(matches!(home.find("a"), Err(HomeError::Unknown(_))), "a crash came before its first entry");
        let error = home.find("b").expect_err("damaged").to_string();
        assert!(error.contains("has no first entry") && error.contains("down --discover b-00000002"), "{error}");
    }

    #[test]
    fn a_stack_is_found_by_id_or_by_a_name_that_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        assert!(matches!(home.find("a"), Err(HomeError::Unknown(_))));
        let first = open(&home, "a-00000001");
        open(&home, "b-00000002");
        assert_eq!(home.find("a").expect("one").id().map(StackId::as_str), Some("a-00000001"));
        open(&home, "a-00000003");
        let error = home.find("a").expect_err("two").to_string();
        assert!(error.contains("a-00000003, a-00000001"), "{error}");
        first.record(Entry::Closed).expect("closed");
        assert_eq!(home.find("a").expect("one").id().map(StackId::as_str), Some("a-00000003"));
        assert!(home.find("a-00000001").expect("by id").is_closed());
        assert_eq!(home.journals().expect("all").readable.len(), 3);
    }
}
