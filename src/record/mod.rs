//! The record of a run: a folder, written as the run goes, so that a killed run has it up to the kill.
//!
//! `runs/STACK/RUN/` in the state folder has `run.json` (what the run was, and at its end its result), `seconds.jsonl` (a
//! [`Second`](crate::report::second::Second) a line) and `events.jsonl` (a [`Moment`](crate::report::second::Moment) a
//! line). Each line goes to the operating system in one write. No proof rests on a record, so a run goes on without one.

pub mod folders;
pub mod follower;
pub mod machine;
pub mod reader;
pub mod usage;
pub mod writer;
#[cfg(test)]
mod tests;

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::report::recorded::About;

/// What the run was, and its result.
const RUN: &str = "run.json";
const SECONDS: &str = "seconds.jsonl";
const EVENTS: &str = "events.jsonl";

/// What `run.json` has.
#[derive(Serialize, Deserialize)]
struct RunFile {
    about: About,
    /// When it ended, RFC 3339 in UTC.
    ended: Option<String>,
    /// What ended it early.
    error: Option<String>,
    /// Where its freshness was measured.
    freshness_in: Option<String>,
    /// As `demo run --json` prints it.
    report: Option<Box<RawValue>>,
}

/// Why a record cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// What was to be done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no record.
    #[error("{} is not the record of a run: {source}; remove its folder if you do not need it", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A newer program wrote it.
    #[error("{} has format {format}, and this version of `demo` reads 1; use the version that wrote it", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// There is none.
    #[error("{0}")]
    Unknown(String),
}

/// Makes the error of a path out of that of the file system.
fn failed(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> RecordError {
    let path = path.into();
    move |source| RecordError::Io { doing, path, source }
}

/// Whether a process still writes the record in this folder.
fn is_under_way(folder: &Path) -> Result<bool, RecordError> {
    let path = folder.join(SECONDS);
    let rows = match File::open(&path) {
        Ok(rows) => rows,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("read", path)(error)),
    };
    match rows.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(failed("lock", path)(error)),
    }
}
