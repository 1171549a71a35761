//! What Athena's operations have in common on the wire.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(super) use crate::json::now;
use crate::{json, service_error::ServiceError};

/// A request's body as `T`; what does not fit is the caller's mistake.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    json::parse(body).map_err(|e| invalid(json::problem(&e)))
}

pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidRequestException", message)
}

/// A resource's tag.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

/// Where a listing goes on, and how far.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
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
        Ok(json::page_from(all, before, size))
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
