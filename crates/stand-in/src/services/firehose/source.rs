//! Where a delivery's records come from: the shards of a stream, or what was put directly.

use std::{borrow::Cow, sync::Arc};

use super::{Kinesis, ServiceError, item::Item, spool::Spool};

/// The one shard of a source that has none.
const SPOOL_SHARD: &str = "direct";

/// Where records are read from, again if need be.
#[derive(Clone)]
pub(super) enum RecordSource {
    /// A Kinesis data stream.
    Stream { kinesis: Arc<Kinesis>, arn: String },
    /// Records of PutRecord and PutRecordBatch.
    Spool(Arc<Spool>),
}

impl RecordSource {
    /// Whether nothing is to be read for a delivery stream.
    pub(super) fn is_stalled(&self, delivery: &str) -> bool {
        match self {
            Self::Stream { kinesis, .. } => kinesis.faults().stalls(delivery),
            Self::Spool(_) => false,
        }
    }

    /// The ids of every shard, open or closed; the same order each time.
    pub(super) fn shards(&self) -> Result<Vec<String>, ServiceError> {
        match self {
            Self::Stream { kinesis, arn } => Ok(kinesis.shards(arn)?.into_iter().map(|shard| shard.id).collect()),
            Self::Spool(_) => Ok(vec![SPOOL_SHARD.to_owned()]),
        }
    }

    /// The position after a shard's newest record.
    pub(super) fn end(&self, shard: &str) -> Result<u64, ServiceError> {
        match self {
            Self::Stream { kinesis, arn } => kinesis.end(arn, shard),
            Self::Spool(spool) => Ok(spool.end()),
        }
    }

    /// Records from `position` on, at most `max_bytes` of data but at least one record.
    pub(super) fn read(&self, shard: &str, position: u64, max_bytes: usize) -> Result<Vec<Item>, ServiceError> {
        match self {
            Self::Stream { kinesis, arn } => {
                let records = kinesis.read(arn, shard, position, max_bytes)?;
                let items = records.into_iter().map(|record| Item {
                    position: record.position,
                    next: record.position + 1,
                    arrived: record.arrived,
                    data: record.data,
                });
                Ok(items.collect())
            }
            Self::Spool(spool) => Ok(spool.read(position, max_bytes)?),
        }
    }

    /// What an item is delivered as. Aggregated records of a stream are taken apart, those that were put directly are not
    /// (Firehose developer guide, "Configure source settings for Amazon Kinesis Data Streams"); nor is what only looks like one.
    pub(super) fn contents<'a>(&self, item: &'a Item) -> Vec<Cow<'a, [u8]>> {
        let whole = || vec![Cow::Borrowed(&item.data[..])];
        match self {
            Self::Stream { .. } => kinesis_aggregation::contents(&item.data).unwrap_or_else(|_| whole()),
            Self::Spool(_) => whole(),
        }
    }

    /// Says that nothing before `position` will be read again.
    pub(super) fn done_with(&self, position: u64) -> Result<(), ServiceError> {
        match self {
            Self::Stream { .. } => Ok(()),
            Self::Spool(spool) => Ok(spool.trim(position)?),
        }
    }
}
