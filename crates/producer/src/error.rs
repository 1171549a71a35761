//! Why a record was not taken, and why one that was taken did not arrive.

use std::sync::Arc;

use super::limits;

/// Why [`put`](super::Producer::put) did not take a record. It was not counted as offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// Kinesis would refuse it, whatever happens.
    #[error(
        "the record has {bytes} bytes with its partition key, and the stream takes at most {limit}; split it, or raise \
         the stream's limit with UpdateMaxRecordSize and the builder's with `max_record_bytes`"
    )]
    TooLarge {
        /// Data and partition key.
        bytes: usize,
        /// The most that is accepted.
        limit: usize,
    },
    /// Kinesis would refuse it, whatever happens.
    #[error("the partition key has {chars} characters; Kinesis takes {} to {}", limits::PARTITION_KEY_CHARS.start(), limits::PARTITION_KEY_CHARS.end())]
    PartitionKey {
        /// Unicode characters.
        chars: usize,
    },
    /// Only from `try_put`: as much is in flight as was allowed.
    #[error("the producer is full; wait with `put`, or allow more in flight")]
    Full,
    /// `close` was called, or the runtime that the producer lives on has ended.
    #[error("the producer is closed")]
    Closed,
}

/// Why a record that was taken did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, after {attempts} attempts{}", if *.may_be_written { "; an attempt without an answer may have written it all the same" } else { "" })]
pub struct RecordError {
    /// What ended it.
    pub reason: Reason,
    /// Requests that carried it.
    pub attempts: u32,
    /// Whether an attempt whose outcome is not known may have written it all the same.
    pub may_be_written: bool,
}

/// What ended a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The service refused the request in a way that sending again would not change.
    #[error("{0}")]
    Fatal(Arc<str>),
    /// Its time to live was over before it was acknowledged.
    #[error("its time to live ended{}", .last_error.as_deref().map(|e| format!(" (last: {e})")).unwrap_or_default())]
    Expired {
        /// What the last attempt said, if there was one.
        last_error: Option<Arc<str>>,
    },
    /// The deadline of `close` came first.
    #[error("the producer was closed before it was acknowledged")]
    Closed,
    /// The producer ended without `close`, for example with its runtime.
    #[error("the producer was dropped before it was acknowledged")]
    Abandoned,
}
