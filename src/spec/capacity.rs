//! How much a stream and a table take, and whether the load fits.

use demo_formats::limits::{SHARD_BYTES_PER_SECOND, SHARD_RECORDS_PER_SECOND};

use super::{
    quantity::Refusal,
    stack::{Rate, Stack, StreamMode, Workload},
};

/// The mean length of a `store_sales` document, in bytes.
pub const MEAN_DOCUMENT_BYTES: u64 = 8_170;

/// Bytes that a shard takes in a second.
pub const SHARD_BYTES: f64 = SHARD_BYTES_PER_SECOND as f64;
/// Records that a shard takes in a second.
pub const SHARD_RECORDS: f64 = SHARD_RECORDS_PER_SECOND as f64;
/// What a new on-demand stream takes at first, in shards. Kinesis Data Streams Developer Guide, "Choose the right mode".
pub const ON_DEMAND_SHARDS: f64 = 4.0;
/// The share of a stream's capacity that a load may plan with.
pub(super) const HEADROOM: f64 = 0.95;
const _: () = assert!(SHARD_BYTES * HEADROOM < 1e6, "a plan holds even if a shard takes one megabyte only");

/// What a table takes in a second by default. DynamoDB Developer Guide, "Quotas", table throughput on demand.
const TABLE_WRITE_UNITS: f64 = 40_000.0;
/// What one write unit writes. DynamoDB Developer Guide, "Read and write operations".
const WRITE_UNIT_BYTES: f64 = 1_024.0;
/// US dollars a million write request units on demand, us-east-1, DynamoDB's price list of November 2024.
const MILLION_WRITE_UNITS: f64 = 0.625;

/// The mean length of a workload's documents, where it is known before they are made.
pub(super) fn mean_bytes(workload: &Workload) -> Option<f64> {
    match workload {
        Workload::StoreSales { .. } => Some(MEAN_DOCUMENT_BYTES as f64),
        Workload::JsonLines { .. } | Workload::Template { .. } => None,
    }
}

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

/// Write units a second that the load asks of the DynamoDB table; none where there is no table, or nobody knows yet.
pub fn write_units(stack: &Stack) -> Option<f64> {
    let Rate::PerSecond(rate) = stack.load.rate else { return None };
    stack.deliver.dynamodb.as_ref()?;
    Some(rate * (mean_bytes(&stack.load.workload)? / WRITE_UNIT_BYTES).ceil())
}

/// Why a rate is more than a DynamoDB table takes, and what it would cost; `None` where it fits, or nobody knows yet.
pub(super) fn beyond_a_table(rate: f64, workload: &Workload) -> Option<Refusal> {
    let each = (mean_bytes(workload)? / WRITE_UNIT_BYTES).ceil();
    let units = rate * each;
    if units <= TABLE_WRITE_UNITS {
        return None;
    }
    let dollars = units * 3_600.0 / 1e6 * MILLION_WRITE_UNITS;
    let problem = format!(
        "{rate}/s of {each} write units each are {} a second, and a DynamoDB table takes {} by default; they would cost ${} an hour",
        thousands(units),
        thousands(TABLE_WRITE_UNITS),
        thousands(dollars),
    );
    Some(Refusal::new(problem, format!("at most {}/s, or no `deliver.dynamodb`", (TABLE_WRITE_UNITS / each).floor())))
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_leave_five_percent() {
        let mean = MEAN_DOCUMENT_BYTES as f64;
        assert_eq!(shards_for(0.1, mean), 1);
        assert_eq!(shards_for(2_000.0, mean), 17);
        assert_eq!(shards_for(60_000.0, mean), 493);
        assert_eq!(shards_for(2_500.0, 0.0), 3);
    }

    #[test]
    fn a_table_takes_five_thousand_documents_a_second() {
        let documents = Workload::StoreSales { scale: 1, seed: 1 };
        assert_eq!(beyond_a_table(5_000.0, &documents), None);
        let beyond = beyond_a_table(60_000.0, &documents).expect("too much");
        assert_eq!(
            beyond.problem,
            "60000/s of 8 write units each are 480,000 a second, and a DynamoDB table takes 40,000 by default; they would cost $1,080 an hour"
        );
        assert_eq!(beyond.expected, "at most 5000/s, or no `deliver.dynamodb`");
        let own = Workload::Template { text: "{}".to_owned(), seed: 1, key: None };
        assert_eq!(beyond_a_table(60_000.0, &own), None);
    }
}
