//! What the operations have in common on the wire.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::service_error::ServiceError;

/// A request's body as `T`; what does not fit is the caller's mistake. A password may be in it, so its text is not shown.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|e| {
        let what = if e.is_data() { e.to_string() } else { format!("line {}, column {}", e.line(), e.column()) };
        invalid(format!("the request is not as the API has it: {what}"))
    })
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ValidationException", message)
}

pub(super) fn missing(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", message)
}

pub(super) fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ConflictException", message)
}

/// Seconds since 1970, as AWS's JSON protocols write a time.
pub(super) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e3).floor() / 1e3
}

/// Where a listing goes on, and how far.
#[derive(Default, Deserialize)]
pub(super) struct Paging {
    #[serde(alias = "NextToken", alias = "nextToken")]
    next_token: Option<String>,
    #[serde(alias = "MaxResults", alias = "maxResults")]
    max_results: Option<usize>,
}

impl Paging {
    /// One page of `all`; the token counts what came before.
    pub(super) fn page<T>(
        &self,
        all: impl Iterator<Item = T>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let size = match self.max_results {
            None | Some(0) => limit,
            Some(size) if size > limit => return Err(invalid(format!("MaxResults must be at most {limit}"))),
            Some(size) => size,
        };
        let before = offset(self.next_token.as_deref())?;
        let mut rest = all.skip(before).peekable();
        let page: Vec<T> = rest.by_ref().take(size).collect();
        let token = rest.peek().map(|_| (before + page.len()).to_string());
        Ok((page, token))
    }
}

/// The number that a token is; 0 without one.
pub(super) fn offset(token: Option<&str>) -> Result<usize, ServiceError> {
    let token = token.unwrap_or("0");
    token.parse().map_err(|_| invalid(format!("NextToken {token:?} is none that was given out")))
}

/// A resource's tag in Redshift Serverless.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}
