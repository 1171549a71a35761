//! An error as an AWS service answers it.

/// An error as an AWS service answers it; rendered as JSON or XML by the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ServiceError {
    /// HTTP status.
    pub status: u16,
    /// For example `ResourceNotFoundException`.
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
}

impl ServiceError {
    /// A client's error: status 400.
    pub fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// The stand-in's own failure: status 500.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self { status: 500, code: "InternalFailure", message: message.to_string() }
    }
}
