//! How a command ends.

use std::process::ExitCode;

/// Exit codes; where several hold, the smallest of `LeftOver`, `NotProved`, `Crossed` is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything is as it was asked for.
    Fine = 0,
    /// Something failed.
    Error = 1,
    /// The file or the flags are wrong; nothing was touched.
    Usage = 2,
    /// Something of ours is still there, and was listed.
    LeftOver = 3,
    /// Verification failed.
    NotProved = 4,
    /// A quota or a permission.
    Refused = 5,
    /// The plan has changes, and was asked to say so.
    Changes = 6,
    /// A threshold of the stack was crossed.
    Crossed = 99,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Stop {
    /// How the command ends.
    pub exit: Exit,
    /// What a person reads.
    pub message: String,
}

impl Stop {
    /// The file or the flags are wrong.
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// Any failure, with its exit code.
    pub fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }
}
