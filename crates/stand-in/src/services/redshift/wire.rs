//! What the operations have in common on the wire.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(super) use crate::json::now;
use crate::{json, service_error::ServiceError, tags::reserved};

/// A request's body as `T`; what does not fit is the caller's mistake. A password may be in it, so its text is not shown.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    json::parse(body).map_err(|e| {
        invalid(match e.is_data() {
            true => json::problem(&e),
            false => format!("the request is not as the API has it: line {}, column {}", e.line(), e.column()),
        })
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

/// Where a listing goes on, and how far.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
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
        Ok(json::page_from(all, before, size))
    }
}

/// The number that a token is; 0 without one.
pub(super) fn offset(token: Option<&str>) -> Result<usize, ServiceError> {
    let token = token.unwrap_or("0");
    token.parse().map_err(|_| invalid(format!("NextToken {token:?} is none that was given out")))
}

/// Refuses tags that nobody but AWS may put.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), ServiceError> {
    reserved(tags.iter().map(|tag| &tag.key)).map_or(Ok(()), |problem| Err(invalid(problem)))
}

/// A resource's tag in Redshift Serverless.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}
