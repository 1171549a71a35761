//! Exit codes, and errors that carry one.

use std::process::ExitCode;

/// Exit codes; if several apply, the smallest of `LeftOver`, `Unverified`, `Crossed` wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Fine = 0,
    /// Something failed.
    Error = 1,
    /// The file or the flags are wrong; nothing was touched.
    Usage = 2,
    /// Some of the stack's resources are left; the command listed them.
    LeftOver = 3,
    /// Verification failed.
    Unverified = 4,
    /// A quota or a missing permission.
    Refused = 5,
    /// There are changes, and `--detailed-exitcode` was given.
    Changes = 6,
    /// A threshold of the stack was crossed, or its budget stopped the load.
    Crossed = 99,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl Exit {
    /// All of them, by their numbers.
    pub const ALL: [Self; 9] = [
        Self::Fine,
        Self::Error,
        Self::Usage,
        Self::LeftOver,
        Self::Unverified,
        Self::Refused,
        Self::Changes,
        Self::Crossed,
        Self::Interrupted,
    ];
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
    /// The exit code of the command.
    pub exit: Exit,
    /// The message for a person.
    pub message: String,
}

impl Stop {
    /// A wrong file or wrong flags.
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// Any failure, with its exit code.
    pub fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }
}
