//! What the service answers of a record that it has.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::Span;

/// The service has the record. While it is kept, so is the answer to the whole request, which it shares with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(super) attempts: u32,
    pub(super) answered: Arc<Answered>,
    pub(super) shard_id: Span,
    pub(super) sequence_number: Span,
    pub(super) sub_sequence_number: Option<u32>,
}

/// What the records of one request share.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// What the spans point into.
    pub(super) text: Bytes,
    pub(super) sent: Instant,
    pub(super) at: Instant,
}

impl Receipt {
    /// The number of requests that carried the record, the last included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the request of the last attempt was handed to the transport.
    pub fn sent_at(&self) -> Instant {
        self.answered.sent
    }

    /// When the answer was read.
    pub fn acknowledged_at(&self) -> Instant {
        self.answered.at
    }

    /// For example `shardId-000000000000`.
    pub fn shard_id(&self) -> &str {
        self.text(self.shard_id)
    }

    /// Unique within the shard, but for records that travelled in one aggregate.
    pub fn sequence_number(&self) -> &str {
        self.text(self.sequence_number)
    }

    /// The position within the aggregated record, from 0; `None` for a record that travelled by itself.
    pub fn sub_sequence_number(&self) -> Option<u32> {
        self.sub_sequence_number
    }

    fn text(&self, span: Span) -> &str {
        str::from_utf8(&self.answered.text[span.start as usize..span.end as usize]).expect("an answer is text")
    }
}
