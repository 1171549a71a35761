//! What is read and not yet an object.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use tokio::time::Instant;

use super::{
    Fault,
    progress::Range,
    source::{Item, Source},
};
use crate::aggregated;

/// Read from one shard at once.
const READ: usize = 1 << 20;

/// Records of one shard that follow one another, as they will lie in the object.
pub(super) struct Block {
    pub(super) range: Range,
    oldest: SystemTime,
    data: Vec<u8>,
}

impl Block {
    /// Reads up to `max_bytes` from `position` on; `None` where there is nothing to read.
    pub(super) fn read(
        source: &Source,
        shard: &str,
        position: u64,
        max_bytes: usize,
        delimiter: &[u8],
    ) -> Result<Option<Self>, Fault> {
        let items = source.read(shard, position, max_bytes.min(READ))?;
        Ok(Self::of(shard, position, &items, delimiter))
    }

    /// In bytes of data.
    pub(super) fn bytes(&self) -> usize {
        self.data.len()
    }

    fn of(shard: &str, from: u64, items: &[Item], delimiter: &[u8]) -> Option<Self> {
        let to = items.last()?.next;
        let mut data = Vec::with_capacity(items.iter().map(|item| item.data.len() + delimiter.len()).sum());
        let mut add = |record: &[u8]| {
            data.extend_from_slice(record);
            data.extend_from_slice(delimiter);
        };
        for item in items {
            // Firehose takes aggregated records apart by itself; what only looks like one is a record as it is.
            match aggregated::decode(&item.data) {
                Ok(Some(records)) => records.iter().for_each(|record| add(&record.data)),
                Ok(None) | Err(_) => add(&item.data),
            }
        }
        let oldest = items.iter().map(|item| item.arrived).min()?;
        Some(Self { range: Range { shard: shard.to_owned(), from, to }, oldest, data })
    }

    /// All of a range again, for an object that was begun before.
    pub(super) fn read_again(source: &Source, range: &Range, delimiter: &[u8]) -> Result<Vec<Self>, Fault> {
        let (mut blocks, mut position) = (Vec::new(), range.from);
        while position < range.to {
            let mut items = source.read(&range.shard, position, READ)?;
            items.retain(|item| item.position < range.to);
            let Some(block) = Self::of(&range.shard, position, &items, delimiter) else { break };
            position = block.range.to;
            blocks.push(block);
        }
        Ok(blocks)
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
        self.bytes += block.data.len();
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
        self.shards.values().flatten().map(|block| block.oldest).min()
    }

    /// The blocks in the order of their ranges; the buffer is empty afterwards.
    pub(super) fn take(&mut self) -> Vec<Block> {
        std::mem::take(self).shards.into_values().flatten().collect()
    }
}

/// The object that blocks make; each is freed as soon as it is in.
pub(super) fn object(blocks: Vec<Block>, gzip: bool) -> io::Result<Bytes> {
    if !gzip {
        let mut whole = Vec::with_capacity(blocks.iter().map(|block| block.data.len()).sum());
        blocks.into_iter().for_each(|block| whole.extend_from_slice(&block.data));
        return Ok(whole.into());
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for block in blocks {
        encoder.write_all(&block.data)?;
    }
    Ok(encoder.finish()?.into())
}
