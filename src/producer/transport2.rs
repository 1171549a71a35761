//! What carries a request to the service and brings its answer back, once, without retrying.

use std::sync::Arc;

use futures::future::BoxFuture;

pub use super::transport::{RequestError, Severity};
use super::{
    answer::Answer,
    body::{Body, Format},
};

/// One PutRecords request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Finished.
    pub body: Arc<Body>,
    /// SHA-256 of the body's bytes, where [`Wants::hash`] asks for it.
    pub sha256: Option<[u8; 32]>,
}

/// What a transport asks of those who make requests for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// Of the next bodies.
    pub format: Format,
    /// Whether the body's SHA-256 is of use.
    pub hash: bool,
}

/// Sends one PutRecords request. It must not retry by itself: attempts are counted and paced by the producer.
pub trait Transport: Send + Sync + 'static {
    /// Asked before each new body; it may change.
    fn wants(&self) -> Wants;

    /// Sends a request, and returns one position for each of its entries, in their order.
    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>>;
}
