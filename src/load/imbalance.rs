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
#[derive(Default)]
pub(super) struct ShardCounts {
    counts: Vec<ShardCount>,
    by_id: HashMap<Box<str>, usize>,
}

/// What one shard got.
pub(super) struct ShardCount {
    pub(super) id: Box<str>,
    pub(super) documents: u64,
    pub(super) bytes: u64,
}

impl ShardCounts {
    pub(super) fn count(&mut self, shard: &str, bytes: u64) {
        let index = match self.by_id.get(shard) {
            Some(index) => *index,
            None => {
                self.by_id.insert(shard.into(), self.counts.len());
                self.counts.push(ShardCount { id: shard.into(), documents: 0, bytes: 0 });
                self.counts.len() - 1
            }
        };
        self.counts[index].documents += 1;
        self.counts[index].bytes += bytes;
    }

    pub(super) fn all(&self) -> &[ShardCount] {
        &self.counts
    }

    /// Whether more shards than were `open` at the beginning got documents, so that some were opened later.
    pub(super) fn were_resharded(&self, open: usize) -> bool {
        open > 0 && self.counts.len() > open
    }

    /// Of a stream that had so many open shards all the time; `None` when nothing was acknowledged.
    pub(super) fn imbalance(&self, open: usize) -> Option<Imbalance> {
        // Of several that got the same, always the same one.
        let hottest = self.counts.iter().max_by(|a, b| (a.documents, &b.id).cmp(&(b.documents, &a.id)))?;
        let all: u64 = self.counts.iter().map(|count| count.documents).sum();
        let (shards, documents) = (self.counts.len().max(open) as u64, hottest.documents);
        let over_mean = documents as f64 * shards as f64 / all as f64;
        Some(Imbalance { shards, hottest: hottest.id.to_string(), documents, over_mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_is_held_against_all_shards_even_those_without_a_document() {
        let mut counts = ShardCounts::default();
        assert_eq!(counts.imbalance(4), None);
        ["b", "a", "b", "a", "c"].into_iter().for_each(|shard| counts.count(shard, 10));
        let expected = Imbalance { shards: 4, hottest: "a".into(), documents: 2, over_mean: 1.6 };
        assert_eq!(counts.imbalance(4), Some(expected));
        assert_eq!(
            counts.imbalance(0).map(|of| (of.shards, of.over_mean)),
            Some((3, 1.2)),
            "not known how many are open"
        );
        assert_eq!([0, 2, 3].map(|open| counts.were_resharded(open)), [false, true, false]);
    }
}
