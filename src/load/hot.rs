//! Partition keys that hold a load up.

use kinesis_producer::{Producer, ShardView, Snapshot};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::second::HotShard;

/// A key is hot from this share of all bytes on: one in so many.
const ONE_IN: u64 = 20;

/// A partition key whose records had to wait for their shard, and that much of the load had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotKey {
    /// The key.
    pub partition_key: String,
    /// At least so many bytes of its records had to wait.
    pub bytes: u64,
}

/// The hottest first.
pub(super) fn hot_keys(producer: &Producer, metrics: &Snapshot) -> Vec<HotKey> {
    let waited = producer.hot_keys().into_iter().map(|key| (key.partition_key, key.at_least));
    hot(waited, metrics.offered_bytes)
}

/// The same, each with the shard that takes it by the MD5 of its key.
pub(super) fn hot_shards(producer: &Producer, metrics: &Snapshot, open: &[ShardView]) -> Vec<(HotShard, u64)> {
    let shard = |key: &str| {
        let hash = u128::from_be_bytes(Md5::digest(key).into());
        open.iter().find(|shard| shard.hash_keys.contains(&hash)).map(|shard| shard.shard_id.clone())
    };
    let with_shard = |HotKey { partition_key, bytes }| {
        let hot = HotShard { shard: shard(&partition_key), partition_key };
        (hot, bytes)
    };
    hot_keys(producer, metrics).into_iter().map(with_shard).collect()
}

fn hot(waited: impl Iterator<Item = (String, u64)>, offered_bytes: u64) -> Vec<HotKey> {
    let much = offered_bytes.div_ceil(ONE_IN).max(1);
    let much = waited.filter(|(_, bytes)| *bytes >= much);
    much.map(|(partition_key, bytes)| HotKey { partition_key, bytes }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_that_much_of_the_load_has_is_hot() {
        let waited = [("a", 400), ("b", 50), ("c", 49), ("d", 0)].map(|(key, bytes)| (key.to_owned(), bytes));
        let found: Vec<_> = hot(waited.clone().into_iter(), 1_000).into_iter().map(|hot| hot.partition_key).collect();
        assert_eq!(found, ["a", "b"]);
        assert!(hot(waited.into_iter(), 10_000).is_empty());
        assert!(hot([("a".to_owned(), 0)].into_iter(), 0).is_empty());
    }
}
