//! The hash key ranges of a stream's open shards.

use std::ops::RangeInclusive;

use super::failure::{broken, failure};
use crate::engine::{Cause, ProviderError};

const LIST: &str = "kinesis ListShards";

/// One range for each shard that takes records, in hash key order.
pub async fn open_ranges(
    kinesis: &aws_sdk_kinesis::Client,
    stream: &str,
) -> Result<Vec<RangeInclusive<u128>>, ProviderError> {
    let (mut ranges, mut token) = (Vec::new(), None);
    loop {
        let call = kinesis.list_shards();
        let call = match token {
            Some(token) => call.next_token(token),
            None => call.stream_name(stream),
        };
        let page = call.send().await.map_err(|error| failure(LIST, stream, &error))?;
        let open = |shard: &&aws_sdk_kinesis::types::Shard| {
            shard.sequence_number_range().is_none_or(|range| range.ending_sequence_number().is_none())
        };
        for shard in page.shards().iter().filter(open) {
            let range = shard.hash_key_range().and_then(|range| {
                Some(range.starting_hash_key().parse().ok()?..=range.ending_hash_key().parse().ok()?)
            });
            ranges.push(range.ok_or_else(|| {
                let message = format!("{} has no hash key range", shard.shard_id());
                broken(Cause::Other, LIST, stream, message, "")
            })?);
        }
        token = page.next_token;
        if token.is_none() {
            ranges.sort_by_key(|range| *range.start());
            return Ok(ranges);
        }
    }
}
