//! How the service refuses: AWS's codes and texts, in one place.

use crate::{ACCOUNT, service_error::ServiceError};

/// The longest value of a field that a refusal repeats.
const REPEATED: usize = 256;

pub(super) fn argument(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidArgumentException", message)
}

pub(super) fn in_use(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ResourceInUseException", message)
}

pub(super) fn limit(message: impl Into<String>) -> ServiceError {
    ServiceError::client("LimitExceededException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", message)
}

pub(super) fn serialization(message: impl Into<String>) -> ServiceError {
    ServiceError::client("SerializationException", message)
}

pub(super) fn no_stream(name: &str) -> ServiceError {
    not_found(format!("Stream {name} under account {ACCOUNT} not found."))
}

pub(super) fn no_shard(stream: &str, shard: &str) -> ServiceError {
    not_found(format!("Could not find shard {shard} in stream {stream} under account {ACCOUNT}."))
}

pub(super) fn throttled_message(stream: &str, shard: &str) -> String {
    format!("Rate exceeded for shard {shard} in stream {stream} under account {ACCOUNT}.")
}

/// Refuses a call for a shard that has taken or given what it may in a second.
pub(super) fn throttled(stream: &str, shard: &str) -> ServiceError {
    ServiceError::client("ProvisionedThroughputExceededException", throttled_message(stream, shard))
}

/// Ends a call that only asks whether it would succeed: it would.
pub(super) fn dry_run(asked: Option<bool>) -> Result<(), ServiceError> {
    if asked != Some(true) {
        return Ok(());
    }
    let message = "Request would have succeeded, but DryRun flag is set.";
    Err(ServiceError::client("DryRunOperationException", message))
}

/// A field breaks a constraint of the service's model; `value` is left out where it would be long.
pub(super) fn constraint(field: &str, value: Option<&str>, constraint: impl std::fmt::Display) -> ServiceError {
    let value = match value {
        Some(value) if value.len() <= REPEATED => format!("Value '{value}' at"),
        _ => "Value at".to_owned(),
    };
    validation(format!("{value} '{field}' failed to satisfy constraint: {constraint}"))
}

fn validation(error: String) -> ServiceError {
    ServiceError::client("ValidationException", format!("1 validation error detected: {error}"))
}

/// The value of a field that must be there.
pub(super) fn required<T>(field: &str, value: Option<T>) -> Result<T, ServiceError> {
    value.ok_or_else(|| {
        validation(format!("Value null at '{field}' failed to satisfy constraint: Member must not be null"))
    })
}

/// A number within its bounds.
pub(super) fn within(field: &str, value: i64, least: i64, most: i64) -> Result<i64, ServiceError> {
    let refuse = |bound: String| Err(constraint(field, Some(&value.to_string()), bound));
    if value < least {
        return refuse(format!("Member must have value greater than or equal to {least}"));
    }
    if value > most {
        return refuse(format!("Member must have value less than or equal to {most}"));
    }
    Ok(value)
}

/// Refuses a consumer that the stream does not have.
pub(super) fn no_consumer(consumer: &str, stream: &str) -> ServiceError {
    not_found(format!("Consumer {consumer}, stream {stream} under account {ACCOUNT} not found."))
}

/// A length within its bounds.
pub(super) fn length(
    field: &str,
    value: Option<&str>,
    length: usize,
    least: usize,
    most: usize,
) -> Result<(), ServiceError> {
    if length < least {
        return Err(constraint(field, value, format!("Member must have length greater than or equal to {least}")));
    }
    if length > most {
        return Err(constraint(field, value, format!("Member must have length less than or equal to {most}")));
    }
    Ok(())
}

/// A name of 1 to 128 letters, digits, `_`, `.` and `-`.
pub(super) fn name<'a>(field: &str, name: &'a str) -> Result<&'a str, ServiceError> {
    length(field, Some(name), name.chars().count(), 1, 128)?;
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if !fits {
        let pattern = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
        return Err(constraint(field, Some(name), pattern));
    }
    Ok(name)
}

/// A hash key in decimal: pattern, then range.
pub(super) fn hash_key(field: &str, what: &str, text: &str) -> Result<u128, ServiceError> {
    let plain = text == "0" || (!text.starts_with('0') && !text.is_empty() && text.len() <= 39);
    if !plain || !text.bytes().all(|b| b.is_ascii_digit()) {
        let pattern = r"Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})";
        return Err(constraint(field, Some(text), pattern));
    }
    text.parse().map_err(|_| {
        argument(format!("Invalid {what}. {what} must be in the range: [0, 2^128-1]. Specified value was {text}"))
    })
}
