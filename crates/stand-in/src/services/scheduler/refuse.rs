//! What EventBridge Scheduler refuses, in its words.

use crate::service_error::ServiceError;

/// Longest name of a schedule or a group (EventBridge Scheduler API reference, CreateSchedule).
const NAME_CHARACTERS: usize = 64;

pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

pub(super) fn not_covered(what: &str) -> ServiceError {
    validation(format!("{what} is not supported by the stand-in."))
}

pub(super) fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError { status: 409, code: "ConflictException", message: message.into() }
}

pub(super) fn no_schedule(name: &str) -> ServiceError {
    not_found(format!("Schedule {name} does not exist."))
}

pub(super) fn no_group(name: &str) -> ServiceError {
    not_found(format!("Schedule group {name} does not exist."))
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError { status: 404, code: "ResourceNotFoundException", message: message.into() }
}

pub(super) fn constraint(field: &str, value: &str, rule: &str) -> ServiceError {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"
    ))
}

/// Letters, digits, `-`, `_` and `.`, 1 to 64 of them.
pub(super) fn name(field: &str, name: &str) -> Result<(), ServiceError> {
    if name.is_empty() || name.len() > NAME_CHARACTERS {
        let rule = format!("Member must have length between 1 and {NAME_CHARACTERS}");
        return Err(constraint(field, name, &rule));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(constraint(field, name, "Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$"));
    }
    Ok(())
}

/// A number within bounds, the bounds included.
pub(super) fn within(field: &str, value: i64, least: i64, most: i64) -> Result<(), ServiceError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(constraint(field, &value.to_string(), &format!("Member must have value between {least} and {most}")))
}
