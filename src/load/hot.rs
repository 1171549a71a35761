//! Partition keys that hold a load up.

use kinesis_producer::{Producer, Snapshot};
use serde::{Deserialize, Serialize};

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
