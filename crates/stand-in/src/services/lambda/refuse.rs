//! What Lambda refuses, in its words.

use std::{collections::BTreeMap, fmt::Display};

use super::ServiceError;
use crate::tags;

pub(super) fn parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterValueException", message)
}

pub(super) fn not_covered(what: &str) -> ServiceError {
    parameter(format!("{what} is not supported by the stand-in."))
}

pub(super) fn constraint(field: &str, value: impl Display, rule: &str) -> ServiceError {
    ServiceError::client(
        "ValidationException",
        format!("1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"),
    )
}

/// Refuses tags that nobody but AWS may put.
pub(super) fn reserved(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    tags::reserved(tags.keys()).map_or(Ok(()), |problem| Err(parameter(problem)))
}

/// Refuses a number that is not within bounds, the bounds included.
pub(super) fn within(field: &str, value: i64, least: i64, most: i64) -> Result<(), ServiceError> {
    if value < least {
        return Err(constraint(field, value, &format!("Member must have value greater than or equal to {least}")));
    }
    if value > most {
        return Err(constraint(field, value, &format!("Member must have value less than or equal to {most}")));
    }
    Ok(())
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError { status: 404, code: "ResourceNotFoundException", message: message.into() }
}

pub(super) fn no_function(arn: &str) -> ServiceError {
    not_found(format!("Function not found: {arn}"))
}

pub(super) fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError { status: 409, code: "ResourceConflictException", message: message.into() }
}

pub(super) fn in_use(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ResourceInUseException", message)
}

/// A function that is being made or changed takes no change.
pub(super) fn busy(arn: &str) -> ServiceError {
    conflict(format!("The operation cannot be performed at this time. An update is in progress for resource: {arn}"))
}

pub(super) fn revision(present: &str) -> ServiceError {
    let message = format!(
        "The Revision Id provided does not match the latest Revision Id, {present}. Call the GetFunction API to retrieve it"
    );
    ServiceError { status: 412, code: "PreconditionFailedException", message }
}

pub(super) fn role() -> ServiceError {
    parameter("The role defined for the function cannot be assumed by Lambda.")
}

pub(super) fn too_large(message: impl Into<String>) -> ServiceError {
    ServiceError { status: 413, code: "RequestTooLargeException", message: message.into() }
}
