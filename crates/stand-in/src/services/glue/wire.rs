//! What Glue's operations have in common on the wire.

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub(super) use crate::json::now;
use crate::{ACCOUNT, json, service_error::ServiceError};

/// An object of the API, kept as its creator sent it.
pub(super) type Object = Map<String, Value>;

/// A request's body as `T`; what does not fit is the caller's mistake. There is one catalog, which any request may name.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    let refused = |e| invalid(json::problem(&e));
    let mut request: Object = json::parse(body).map_err(refused)?;
    match request.remove("CatalogId").filter(|id| !id.is_null() && *id != ACCOUNT) {
        Some(other) => Err(not_found(format!("CatalogId {other} not found; there is {ACCOUNT} alone."))),
        None => T::deserialize(Value::Object(request)).map_err(refused),
    }
}

/// A request of another service of the stand-in, with the checks of one that came over the wire.
pub(super) fn request<T: DeserializeOwned>(request: Value) -> Result<T, ServiceError> {
    T::deserialize(request).map_err(|e| invalid(json::problem(&e)))
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidInputException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::client("EntityNotFoundException", message)
}

pub(super) fn already_exists(message: impl Into<String>) -> ServiceError {
    ServiceError::client("AlreadyExistsException", message)
}

/// The name in an input object, folded to lower case as Glue does.
pub(super) fn name_of(input: &Object, kind: &str) -> Result<String, ServiceError> {
    let name = input.get("Name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return Err(invalid(format!("{kind}.Name must be 1 to 255 bytes of single-line text")));
    }
    Ok(name.to_lowercase())
}

/// One error of a batch's answer.
pub(super) fn error_detail(error: &ServiceError) -> Value {
    serde_json::json!({"ErrorCode": error.code, "ErrorMessage": error.message})
}

/// Refuses a batch above the API's limit.
pub(super) fn check_batch(count: usize, limit: usize, what: &str) -> Result<(), ServiceError> {
    if count > limit {
        return Err(invalid(format!("{count} {what} in one call; at most {limit} are allowed: send smaller batches")));
    }
    Ok(())
}

/// Where a listing goes on, and how far.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Paging {
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Paging {
    /// One page of `all`, which is in key order; the token names the last key of the page before.
    pub(super) fn page<T>(
        &self,
        all: impl Iterator<Item = (String, T)>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let size = self.max_results.unwrap_or(limit);
        if size == 0 {
            return Err(invalid("MaxResults must be at least 1"));
        }
        let after = self.next_token.as_deref().filter(|token| !token.is_empty());
        Ok(json::page_after(all, after, size.min(limit)))
    }
}

/// `{what: items}` with a `NextToken` where there is more.
pub(super) fn listing(what: &str, items: Vec<Value>, token: Option<String>) -> Value {
    let mut answer = Object::new();
    answer.insert(what.to_owned(), items.into());
    if let Some(token) = token {
        answer.insert("NextToken".to_owned(), token.into());
    }
    answer.into()
}
