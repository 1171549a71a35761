//! How DynamoDB reads a request and words an error.

use bytes::Bytes;
use dynoxide::{DynoxideError, streams::LOCAL_REGION};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{REGION, service::Call, service_error::ServiceError, tags::reserved};

/// What the library puts before the text of a value that it will not read, and the class of the error that it means.
const MARKERS: [(&str, &str); 5] = [
    ("SERIALIZATION_AS_READ:", "SerializationException"),
    ("VALIDATION_AS_READ:", "ValidationException"),
    ("VALIDATION_REQUEST:", "ValidationException"),
    ("SERIALIZATION:", "SerializationException"),
    ("VALIDATION:", "ValidationException"),
];

/// Mistakes in the JSON that DynamoDB counts as those of a value rather than of a type.
const OF_VALUES: [&str; 4] = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];

/// A request's body; what does not fit is the caller's mistake.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body).map_err(|e| unreadable(&e.to_string()))
}

/// Refuses a request that has any of these members, which the library would pass over.
pub(super) fn refuse_any(members: &[&str], call: &Call) -> Result<(), ServiceError> {
    let given: Map<String, Value> = parse(&call.body)?;
    match members.iter().find(|member| given.get(**member).is_some_and(|value| !value.is_null())) {
        None => Ok(()),
        Some(member) => {
            Err(ServiceError::client("ValidationException", format!("{member} is not supported by the stand-in.")))
        }
    }
}

/// Refuses tags that nobody but AWS may put.
pub(super) fn refuse_reserved_tags(call: &Call) -> Result<(), ServiceError> {
    let given: Value = parse(&call.body)?;
    let keys = given["Tags"].as_array().into_iter().flatten().filter_map(|tag| tag["Key"].as_str());
    let keys: Vec<String> = keys.map(str::to_owned).collect();
    reserved(&keys).map_or(Ok(()), |problem| Err(ServiceError::client("ValidationException", problem)))
}

fn unreadable(message: &str) -> ServiceError {
    for (marker, code) in MARKERS {
        if let Some(text) = message.strip_prefix(marker) {
            return ServiceError::client(code, without_position(text));
        }
    }
    let of_value = OF_VALUES.iter().any(|sign| message.contains(sign));
    ServiceError::client(if of_value { "ValidationException" } else { "SerializationException" }, message)
}

/// The text without the ` at line 1 column 2` that the JSON reader appends.
fn without_position(text: &str) -> &str {
    text.rsplit_once(" at line ").map_or(text, |(text, _)| text)
}

/// An error of the library as the protocol writes it.
pub(super) fn service_error(operation: &str, error: &DynoxideError) -> ServiceError {
    let code = error.error_type().rsplit('#').next().unwrap_or_else(|| error.error_type());
    let wrapped = matches!(error, DynoxideError::EnvelopedValidation(_))
        && matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem");
    let message = if wrapped { format!("1 validation error detected: {error}") } else { error.to_string() };
    ServiceError { status: error.status_code(), code, message }
}

/// The description of a table with ARNs of the stand-in's region. The library has one of its own; where it reads an ARN it
/// takes any.
pub(super) fn with_region(description: Bytes) -> Bytes {
    let of = |region: &str| format!("\"arn:aws:dynamodb:{region}:");
    match str::from_utf8(&description) {
        Ok(text) => text.replace(&of(LOCAL_REGION), &of(REGION)).into(),
        Err(_) => description,
    }
}
