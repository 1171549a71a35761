//! What carries a batch to the service and brings its answer back, once, without retrying.

use futures::future::BoxFuture;

use super::record::Record;

/// Sends one PutRecords request. It must not retry by itself: attempts are counted and paced by the producer.
pub trait Transport: Send + Sync + 'static {
    /// Sends `records`, at most 500 and 10 MiB, and returns one position for each, in their order.
    fn put_records<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Answer>;
}

/// Of one request.
pub type Answer = Result<Vec<Position>, RequestError>;

/// What became of one record of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Acknowledged.
    Written {
        /// For example `shardId-000000000000`.
        shard_id: String,
        /// Unique within the shard.
        sequence_number: String,
    },
    /// Not written; to be sent again.
    Refused {
        /// `ProvisionedThroughputExceededException` or `InternalFailure`. Source: Kinesis API reference, PutRecords.
        code: String,
        /// The service's words.
        message: String,
    },
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
