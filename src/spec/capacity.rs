//! How much a stream takes.

use kinesis_producer::limits::{SHARD_BYTES_PER_SECOND, SHARD_RECORDS_PER_SECOND};

use super::stack::{Stack, StreamMode};

/// Bytes that a shard takes in a second.
pub const SHARD_BYTES: f64 = SHARD_BYTES_PER_SECOND as f64;
/// Records that a shard takes in a second.
pub const SHARD_RECORDS: f64 = SHARD_RECORDS_PER_SECOND as f64;
/// What a new on-demand stream takes at first, in shards. Kinesis Data Streams Developer Guide, "Choose the right mode".
pub const ON_DEMAND_SHARDS: f64 = 4.0;
/// The share of a stream's capacity that a load may plan with.
pub(super) const HEADROOM: f64 = 0.95;
const _: () = assert!(SHARD_BYTES * HEADROOM < 1e6, "a plan holds even if a shard takes one megabyte only");

/// The fewest shards that take `rate` documents a second, of a mean length, with room to spare.
pub(super) fn shards_for(rate: f64, mean_bytes: f64) -> u32 {
    let by_bytes = rate * mean_bytes / (SHARD_BYTES * HEADROOM);
    let by_records = rate / SHARD_RECORDS;
    by_bytes.max(by_records).ceil().max(1.0) as u32
}

/// What a stream takes, in shards; a new one on demand takes at first as much as some of them.
pub fn shards(stack: &Stack) -> u32 {
    match stack.stream.mode {
        StreamMode::Provisioned { shards } => shards,
        StreamMode::OnDemand => ON_DEMAND_SHARDS as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::load::MEAN_DOCUMENT_BYTES, *};

    #[test]
    fn shards_leave_five_percent() {
        let mean = MEAN_DOCUMENT_BYTES as f64;
        assert_eq!(shards_for(0.1, mean), 1);
        assert_eq!(shards_for(2_000.0, mean), 17);
        assert_eq!(shards_for(60_000.0, mean), 493);
        assert_eq!(shards_for(2_500.0, 0.0), 3);
    }
}
