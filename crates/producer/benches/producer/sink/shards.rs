//! The stream's shards: equal parts of the hash keys.

use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::entries::Entry;

/// Shards in one page of ListShards, as the service gives by default. Source: Kinesis API reference, ListShards.
const PER_PAGE: u64 = 1000;

/// How many there are.
#[derive(Clone, Copy)]
pub struct Shards(pub u64);

impl Shards {
    /// Where an entry goes.
    pub fn of(self, entry: &Entry<'_>) -> u64 {
        let explicit = entry.explicit_hash_key.as_ref().and_then(|key| key.parse::<u128>().ok());
        let hash = explicit.unwrap_or_else(|| hash(&entry.partition_key));
        (((hash >> 64) * u128::from(self.0)) >> 64) as u64
    }

    /// A shard's first hash key; of the one after the last, the end of all.
    fn start(self, shard: u64) -> Option<u128> {
        (shard < self.0).then(|| (u128::from(shard) << 64).div_ceil(u128::from(self.0)) << 64)
    }

    /// A page of ListShards.
    pub fn page(self, request: &Value) -> Value {
        let asked = request["MaxResults"].as_u64().unwrap_or(PER_PAGE);
        let from: u64 = request["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        let to = from.saturating_add(asked).min(self.0);
        let shards: Vec<_> = (from..to).map(|shard| self.describe(shard)).collect();
        if to < self.0 { json!({"Shards": shards, "NextToken": to.to_string()}) } else { json!({"Shards": shards}) }
    }

    /// All of them, for DescribeStream.
    pub fn all(self) -> Value {
        (0..self.0).map(|shard| self.describe(shard)).collect()
    }

    fn describe(self, shard: u64) -> Value {
        let end = self.start(shard + 1).map_or(u128::MAX, |next| next - 1);
        json!({
            "ShardId": id(shard),
            "HashKeyRange": {
                "StartingHashKey": self.start(shard).unwrap_or_default().to_string(),
                "EndingHashKey": end.to_string(),
            },
            "SequenceNumberRange": {"StartingSequenceNumber": sequence_number(0)},
        })
    }
}

/// Of a shard.
pub fn id(shard: u64) -> String {
    format!("shardId-{shard:012}")
}

/// As long as the service's.
pub fn sequence_number(number: u64) -> String {
    format!("496621348{number:047}")
}

fn hash(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}
