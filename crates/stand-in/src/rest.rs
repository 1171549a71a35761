//! What a service of a REST protocol with JSON in it answers: Lambda, EventBridge Scheduler.

use bytes::Bytes;
use serde::Serialize;

use super::service_error::ServiceError;

/// An answer of a REST protocol.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Beyond those of every answer.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or a function's own answer.
    pub body: Bytes,
}

impl Answer {
    pub(super) fn json(status: u16, value: &impl Serialize) -> Result<Self, ServiceError> {
        let body = serde_json::to_vec(value).map_err(ServiceError::internal)?;
        Ok(Self { status, headers: Vec::new(), body: body.into() })
    }

    pub(super) fn nothing() -> Self {
        Self { status: 204, headers: Vec::new(), body: Bytes::new() }
    }
}
