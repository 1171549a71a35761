//! What Lambda refuses, in its words.

use std::fmt::Display;

use super::Fault;

pub(super) fn parameter(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterValueException", message)
}

pub(super) fn not_covered(what: &str) -> Fault {
    parameter(format!("{what} is not supported by the stand-in."))
}

pub(super) fn constraint(field: &str, value: impl Display, rule: &str) -> Fault {
    Fault::client(
        "ValidationException",
        format!("1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"),
    )
}

/// Refuses a number that is not within bounds, the bounds included.
pub(super) fn within(field: &str, value: i64, least: i64, most: i64) -> Result<(), Fault> {
    if value < least {
        return Err(constraint(field, value, &format!("Member must have value greater than or equal to {least}")));
    }
    if value > most {
        return Err(constraint(field, value, &format!("Member must have value less than or equal to {most}")));
    }
    Ok(())
}

pub(super) fn not_found(message: impl Into<String>) -> Fault {
    Fault { status: 404, code: "ResourceNotFoundException", message: message.into() }
}

pub(super) fn no_function(arn: &str) -> Fault {
    not_found(format!("Function not found: {arn}"))
}

pub(super) fn conflict(message: impl Into<String>) -> Fault {
    Fault { status: 409, code: "ResourceConflictException", message: message.into() }
}

pub(super) fn in_use(message: impl Into<String>) -> Fault {
    Fault::client("ResourceInUseException", message)
}

/// A function that is being made or changed takes no change.
pub(super) fn busy(arn: &str) -> Fault {
    conflict(format!("The operation cannot be performed at this time. An update is in progress for resource: {arn}"))
}

pub(super) fn revision(present: &str) -> Fault {
    let message = format!(
        "The Revision Id provided does not match the latest Revision Id, {present}. Call the GetFunction API to retrieve it"
    );
    Fault { status: 412, code: "PreconditionFailedException", message }
}

pub(super) fn role() -> Fault {
    parameter("The role defined for the function cannot be assumed by Lambda.")
}

pub(super) fn too_large(message: impl Into<String>) -> Fault {
    Fault { status: 413, code: "RequestTooLargeException", message: message.into() }
}
