//! What Firehose refuses, in its words.

use std::fmt::Display;

use super::ServiceError;
use crate::{ACCOUNT, json};

pub(super) fn argument(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidArgumentException", message)
}

pub(super) fn serialization(message: String) -> ServiceError {
    ServiceError::client("SerializationException", message)
}

/// A request, or a configuration in it, that cannot be read, or asks for what the stand-in does not do.
pub(super) fn unreadable(error: &serde_json::Error) -> ServiceError {
    match json::unsupported(error) {
        Some(member) => argument(member),
        None => serialization(error.to_string()),
    }
}

pub(super) fn constraint(field: &str, value: impl Display, rule: &str) -> ServiceError {
    ServiceError::client(
        "ValidationException",
        format!("1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"),
    )
}

/// AWS takes it, the stand-in does not.
pub(super) fn not_covered(what: &str) -> ServiceError {
    argument(format!("{what} is not supported by the stand-in."))
}

pub(super) fn role(arn: &str) -> ServiceError {
    argument(format!("Firehose is unable to assume role {arn}. Please check the role provided."))
}

pub(super) fn not_found(name: &str) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", format!("Firehose {name} under account {ACCOUNT} not found."))
}

pub(super) fn in_use(message: String) -> ServiceError {
    ServiceError::client("ResourceInUseException", message)
}

pub(super) fn limit(message: impl Into<String>) -> ServiceError {
    ServiceError::client("LimitExceededException", message)
}

pub(super) fn unavailable() -> ServiceError {
    let message = "Slow down: records wait for a destination that does not take them.";
    ServiceError { status: 503, code: "ServiceUnavailableException", message: message.to_owned() }
}
