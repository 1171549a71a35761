//! How much a stream takes, and whether the load fits.

use super::{
    stack::{Rate, Stack, StreamMode},
    tree::{Found, Node},
};

/// The mean length of a `store_sales` document, in bytes.
pub const MEAN_DOCUMENT_BYTES: u64 = 8_170;

/// What a shard takes in a second. Kinesis Data Streams Developer Guide, "Quotas and limits".
const SHARD_BYTES: f64 = 1_000_000.0;
/// What a shard takes in a second. Kinesis Data Streams Developer Guide, "Quotas and limits".
const SHARD_RECORDS: f64 = 1_000.0;
/// What a new on-demand stream takes at first, in shards. Kinesis Data Streams Developer Guide, "Choose the right mode".
const ON_DEMAND_SHARDS: f64 = 4.0;
/// The share of a stream's capacity that a load may plan with.
const HEADROOM: f64 = 0.95;

/// The fewest shards that take `rate` documents a second with room to spare.
pub(super) fn shards_for(rate: f64) -> u32 {
    let by_bytes = bytes_per_second(rate) / (SHARD_BYTES * HEADROOM);
    let by_records = rate / SHARD_RECORDS;
    by_bytes.max(by_records).ceil().max(1.0) as u32
}

/// What a person should know before the load meets the stream.
pub(super) fn warnings(stack: &Stack, root: &Node) -> Vec<Found> {
    let Rate::PerSecond(rate) = stack.load.rate else { return Vec::new() };
    let (shards, stream) = match stack.stream.mode {
        StreamMode::Provisioned { shards: 1 } => (1.0, "1 shard".to_owned()),
        StreamMode::Provisioned { shards } => (f64::from(shards), format!("{shards} shards")),
        StreamMode::OnDemand => (ON_DEMAND_SHARDS, "a new on-demand stream".to_owned()),
    };
    let (offered, taken) = (bytes_per_second(rate), shards * SHARD_BYTES);
    let span = root.nearest("load.rate");
    let enough = format!("at least {} shards, or a lower rate", shards_for(rate));
    let mut found = Vec::new();
    if offered > taken * HEADROOM {
        let (percent, offered, taken) = (100.0 * offered / taken, offered / 1e6, taken / 1e6);
        let problem = format!(
            "{rate}/s of {MEAN_DOCUMENT_BYTES} bytes each are {offered:.1} MB/s, {percent:.0} % of the {taken:.1} MB/s that {stream} can take"
        );
        found.push(span.problem("load.rate", problem).expected(enough.as_str()));
    }
    if rate > shards * SHARD_RECORDS {
        let problem =
            format!("{rate} records a second are more than the {} that {stream} can take", shards * SHARD_RECORDS);
        found.push(span.problem("load.rate", problem).expected(enough));
    }
    found
}

fn bytes_per_second(rate: f64) -> f64 {
    rate * MEAN_DOCUMENT_BYTES as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_leave_five_percent() {
        assert_eq!(shards_for(0.1), 1);
        assert_eq!(shards_for(2_000.0), 18);
        assert_eq!(shards_for(60_000.0), 516);
    }
}
