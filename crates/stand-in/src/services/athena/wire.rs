//! What Athena's operations have in common on the wire.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::service_error::ServiceError;

/// A request's body as `T`; what does not fit is the caller's mistake.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|e| invalid(format!("the request is not as the API has it: {e}")))
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequestException", message)
}

/// Seconds since 1970, as AWS's JSON protocols write a time.
pub(super) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e3).floor() / 1e3
}

/// A resource's tag.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

/// Where a listing goes on, and how far.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Paging {
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Paging {
    /// One page of `all`; the token counts what came before.
    pub(super) fn page<T>(
        &self,
        all: impl Iterator<Item = T>,
        limit: usize,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let size = self.size(limit)?;
        let before = self.offset()?;
        let mut rest = all.skip(before).peekable();
        let page: Vec<T> = rest.by_ref().take(size).collect();
        let token = rest.peek().map(|_| (before + page.len()).to_string());
        Ok((page, token))
    }

    /// How much a page may hold.
    pub(super) fn size(&self, limit: usize) -> Result<usize, ServiceError> {
        match self.max_results {
            Some(size) if size == 0 || size > limit => Err(invalid(format!("MaxResults must be 1 to {limit}"))),
            size => Ok(size.unwrap_or(limit)),
        }
    }

    /// The number that the token is; 0 without one.
    pub(super) fn offset(&self) -> Result<usize, ServiceError> {
        let token = self.next_token.as_deref().unwrap_or("0");
        token.parse().map_err(|_| invalid(format!("NextToken {token:?} is none that was given out")))
    }
}
