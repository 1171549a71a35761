//! How unevenly shards got the documents of a load. Nothing can be said of that where the stream was resharded meanwhile: a
//! shard that was open for a part of the load got less for that alone.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The shard that got most of a load, held against the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imbalance {
    /// The stream's shards.
    pub shards: u64,
    /// The one that got most.
    pub hottest: String,
    /// Acknowledged documents that it got.
    pub documents: u64,
    /// They over the mean of all shards: 1 where all got the same.
    pub over_mean: f64,
}

/// Acknowledged documents by shard, in the order in which the shards got their first.
#[derive(Clone, Default)]
pub struct ShardCounts {
    counts: Vec<ShardCount>,
    by_id: HashMap<Box<str>, usize>,
}

/// What one shard got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardCount {
    /// Such as `shardId-000000000000`.
    pub id: Box<str>,
    /// Acknowledged documents.
    pub documents: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Times that it wanted a record later, where that is counted.
    #[serde(default)]
    pub throttled: u64,
}

impl ShardCounts {
    pub(super) fn count(&mut self, shard: &str, bytes: u64) {
        let count = self.of(shard);
        count.documents += 1;
        count.bytes += bytes;
    }

    /// Adds what a shard got of another load.
    pub fn add(&mut self, more: &ShardCount) {
        let count = self.of(&more.id);
        count.documents += more.documents;
        count.bytes += more.bytes;
        count.throttled += more.throttled;
    }

    /// All of them.
    pub fn all(&self) -> &[ShardCount] {
        &self.counts
    }

    /// What one of them got, if it got something.
    pub fn get(&self, shard: &str) -> Option<&ShardCount> {
        self.by_id.get(shard).map(|index| &self.counts[*index])
    }

    fn of(&mut self, shard: &str) -> &mut ShardCount {
        let index = match self.by_id.get(shard) {
            Some(index) => *index,
            None => {
                self.by_id.insert(shard.into(), self.counts.len());
                self.counts.push(ShardCount { id: shard.into(), ..ShardCount::default() });
                self.counts.len() - 1
            }
        };
        &mut self.counts[index]
    }

    /// Whether more shards than were `open` at the beginning got documents, so that some were opened later.
    pub(super) fn were_resharded(&self, open: usize) -> bool {
        open > 0 && self.counts.len() > open
    }
}

impl Imbalance {
    /// Of what shards got of a stream that had so many open shards all the time; `None` when nothing was acknowledged.
    pub(super) fn of(counts: &[ShardCount], open: usize) -> Option<Self> {
        // Of several that got the same, always the same one.
        let hottest = counts.iter().max_by(|a, b| (a.documents, &b.id).cmp(&(b.documents, &a.id)))?;
        let all: u64 = counts.iter().map(|count| count.documents).sum();
        let (shards, documents) = (counts.len().max(open) as u64, hottest.documents);
        let over_mean = documents as f64 * shards as f64 / all as f64;
        Some(Self { shards, hottest: hottest.id.to_string(), documents, over_mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_is_held_against_all_shards_even_those_without_a_document() {
        let mut counts = ShardCounts::default();
        assert_eq!(Imbalance::of(counts.all(), 4), None);
        ["b", "a", "b", "a", "c"].into_iter().for_each(|shard| counts.count(shard, 10));
        let expected = Imbalance { shards: 4, hottest: "a".into(), documents: 2, over_mean: 1.6 };
        assert_eq!(Imbalance::of(counts.all(), 4), Some(expected));
        assert_eq!(
            Imbalance::of(counts.all(), 0).map(|of| (of.shards, of.over_mean)),
            Some((3, 1.2)),
            "not known how many are open"
        );
        assert_eq!([0, 2, 3].map(|open| counts.were_resharded(open)), [false, true, false]);
    }
}
