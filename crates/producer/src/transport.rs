//! What carries a batch to the service and brings its answer back, once, without retrying.

use std::sync::Arc;

use futures::{
    FutureExt,
    future::{BoxFuture, ready},
};

use super::{
    answer::Answer,
    body::{Body, Format},
    shard_map::{LookError, ShardMap},
};

/// Sends PutRecords requests. It must not retry by itself: attempts are counted and paced by the producer.
pub trait Transport: Send + Sync + 'static {
    /// How the bodies of coming requests are to be made; may change.
    fn wants(&self) -> Wants;

    /// Sends one request, at most 500 records and 10 MiB, and returns one position for each record, in their order.
    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>>;

    /// The stream's open shards, for limits by shard and for aggregation; `None` where they cannot be known. Asked for when
    /// a producer is built, and again, at most once a second, when a record is in a shard that is not the expected one.
    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, LookError>> {
        ready(Ok(None)).boxed()
    }
}

/// What a transport wants of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// How its body is written.
    pub format: Format,
    /// Whether the body's SHA-256 is needed.
    pub hash: bool,
}

/// One PutRecords request. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Request {
    /// The body, closed. A transport that sends in another way takes its records.
    pub body: Arc<Body>,
    /// Of the body, where the transport wants it.
    pub sha256: Option<[u8; 32]>,
}

/// Why a request as a whole has no answer by position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What it means for the records.
    pub severity: Severity,
    /// What failed and why, for people.
    pub message: String,
}

/// What a failed request means for its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The service wants less; nothing was written.
    Throttled,
    /// The service cannot now; it said that it failed.
    Unavailable,
    /// No answer, or half of one: the records may have been written.
    Unknown,
    /// Sending again would not change it.
    Fatal,
}
