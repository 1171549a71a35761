//! What is read and not yet an object.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{ServiceError, item::Item, progress::Range, records::Records, source::RecordSource};

/// Read from one shard at once.
const READ: usize = 1 << 20;

/// Records of one shard that follow one another.
pub(super) struct Block {
    pub(super) range: Range,
    pub(super) records: Records,
}

impl Block {
    /// Reads up to `max_bytes` from `position` on; `None` where there is nothing to read.
    pub(super) fn read(
        source: &RecordSource,
        shard: &str,
        position: u64,
        max_bytes: usize,
        delimiter: &[u8],
    ) -> Result<Option<Self>, ServiceError> {
        let items = source.read(shard, position, max_bytes.min(READ))?;
        Ok(Self::of(source, shard, position, &items, delimiter))
    }

    /// In bytes of data.
    pub(super) fn bytes(&self) -> usize {
        self.records.bytes()
    }

    fn of(source: &RecordSource, shard: &str, from: u64, items: &[Item], delimiter: &[u8]) -> Option<Self> {
        let (first, to) = (items.first()?.position, items.last()?.next);
        if first > from {
            tracing::warn!("records {from} to {first} of {shard} are not delivered: the source no longer has them");
        }
        let oldest = items.iter().map(|item| item.arrived).min()?;
        let bytes = items.iter().map(|item| item.data.len() + delimiter.len()).sum();
        let mut records = Records::new(oldest, bytes);
        for item in items {
            source.contents(item).iter().for_each(|record| records.push(record, delimiter));
        }
        Some(Self { range: Range { shard: shard.to_owned(), from, to }, records })
    }

    /// All of a range again, for objects that were begun before.
    pub(super) fn read_again(
        source: &RecordSource,
        range: &Range,
        delimiter: &[u8],
    ) -> Result<Vec<Records>, ServiceError> {
        let (mut records, mut position) = (Vec::new(), range.from);
        while position < range.to {
            let mut items = source.read(&range.shard, position, READ)?;
            items.retain(|item| item.position < range.to);
            let Some(block) = Self::of(source, &range.shard, position, &items, delimiter) else {
                let Range { shard, to, .. } = range;
                tracing::warn!(
                    "records {position} to {to} of {shard} are not delivered: the source no longer has them"
                );
                break;
            };
            position = block.range.to;
            records.push(block.records);
        }
        Ok(records)
    }
}

/// Blocks in memory, shard by shard, until they are due.
#[derive(Default)]
pub(super) struct Buffer {
    shards: BTreeMap<String, Vec<Block>>,
    bytes: usize,
    begun: Option<Instant>,
}

impl Buffer {
    pub(super) fn push(&mut self, block: Block) {
        self.bytes += block.bytes();
        self.begun.get_or_insert_with(Instant::now);
        self.shards.entry(block.range.shard.clone()).or_default().push(block);
    }

    /// In bytes of data, before compression.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is something, and it is large enough or has waited long enough.
    pub(super) fn is_due(&self, size: usize, interval: Duration) -> bool {
        self.begun.is_some_and(|begun| self.bytes >= size || begun.elapsed() >= interval)
    }

    /// What is buffered, one range for each shard.
    pub(super) fn ranges(&self) -> Vec<Range> {
        let whole = |(shard, blocks): (&String, &Vec<Block>)| {
            let (first, last) = (blocks.first()?, blocks.last()?);
            Some(Range { shard: shard.clone(), from: first.range.from, to: last.range.to })
        };
        self.shards.iter().filter_map(whole).collect()
    }

    /// When the oldest record arrived.
    pub(super) fn oldest(&self) -> Option<SystemTime> {
        self.shards.values().flatten().map(|block| block.records.oldest()).min()
    }

    /// The records in the order of their ranges; the buffer is empty afterwards.
    pub(super) fn take(&mut self) -> Vec<Records> {
        std::mem::take(self).shards.into_values().flatten().map(|block| block.records).collect()
    }
}
