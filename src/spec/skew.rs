//! What partition keys make of a stream's capacity.

use std::fmt;

use md5::{Digest, Md5};

use super::partition_key::{HotShare, PartitionKey, ZipfKeys};

/// The keys that are looked up one by one; rarer ones are taken to be spread evenly.
const LOOKED_UP: u64 = 10_000;

/// How much of a load goes to the shard that gets most, where that is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skew {
    shards: u32,
    /// Of the documents.
    hottest: f64,
}

impl Skew {
    /// That of keys over so many shards of a new stream, which share the hash range evenly; `None` where nobody knows
    /// what keys the documents will have.
    pub fn of(key: &PartitionKey, shards: u32) -> Option<Self> {
        let even = 1.0 / f64::from(shards);
        let hottest = match key {
            PartitionKey::Uniform => even,
            PartitionKey::Hot(HotShare { share, .. }) => share + (1.0 - share) * even,
            PartitionKey::Zipf(keys) => hottest_of(*keys, shards),
            PartitionKey::Ticket | PartitionKey::Key | PartitionKey::Field(_) => return None,
        };
        Some(Self { shards, hottest })
    }

    /// The share of the documents that the hottest shard gets.
    pub fn hottest(self) -> f64 {
        self.hottest
    }

    /// What the hottest shard gets over the mean; 1 where all get the same.
    pub fn imbalance(self) -> f64 {
        self.hottest * f64::from(self.shards)
    }

    /// Whether one shard gets more than the others.
    pub fn is_uneven(self) -> bool {
        self.imbalance() > 1.005
    }

    /// How many shards' worth the stream takes of such a load, before the hottest shard is full.
    pub fn usable_shards(self) -> f64 {
        1.0 / self.hottest
    }
}

/// Such as `the hottest of 20 shards gets 34 % of the documents, 6.7 times the mean: together they take what 3.0 would`.
impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shards, hottest } = self;
        if !self.is_uneven() {
            return f.write_str("every shard gets the same");
        }
        write!(
            f,
            "the hottest of {shards} shards gets {:.0} % of the documents, {:.1} times the mean: together they take \
             what {:.1} would",
            hottest * 100.0,
            self.imbalance(),
            self.usable_shards()
        )
    }
}

fn hottest_of(ZipfKeys { exponent, keys }: ZipfKeys, shards: u32) -> f64 {
    let weight = |n: u64| (n as f64).powf(-exponent);
    let all: f64 = (1..=keys).map(weight).sum();
    let known = keys.min(LOOKED_UP);
    let mut of_shards = vec![0.0; shards as usize];
    for n in 1..=known {
        of_shards[shard_of(&ZipfKeys::name(n), shards)] += weight(n);
    }
    let looked_up: f64 = of_shards.iter().sum();
    let rest = (all - looked_up).max(0.0) / f64::from(shards);
    (of_shards.into_iter().fold(0.0, f64::max) + rest) / all
}

/// Where a partition key goes (Kinesis Data Streams developer guide, "Partition key": its MD5 is a number in the range that
/// the shards share).
fn shard_of(key: &str, shards: u32) -> usize {
    let hash = u128::from_be_bytes(Md5::digest(key).into());
    let shards = u128::from(shards);
    (hash / (u128::MAX / shards)).min(shards - 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_key_takes_its_share_and_a_part_of_the_rest() {
        let hot = PartitionKey::Hot(HotShare { key: "celebrity".into(), share: 0.3 });
        let skew = Skew::of(&hot, 20).expect("known");
        assert!((skew.hottest() - 0.335).abs() < 1e-9 && (skew.imbalance() - 6.7).abs() < 1e-9);
        let said = "the hottest of 20 shards gets 34 % of the documents, 6.7 times the mean: together they take what \
                    3.0 would";
        assert_eq!(skew.to_string(), said);
    }

    #[test]
    fn keys_that_nobody_knows_say_nothing() {
        assert_eq!(Skew::of(&PartitionKey::Key, 4), None);
        let even = Skew::of(&PartitionKey::Uniform, 4).expect("known");
        assert!(!even.is_uneven() && even.usable_shards() == 4.0);
    }

    /// Counted out for three keys: MD5 of `key-1` begins with 21, of `key-2` with bc, of `key-3` with 5c.
    #[test]
    fn keys_by_zipf_add_up_in_their_shards() {
        assert_eq!([1, 2, 3].map(|n| shard_of(&ZipfKeys::name(n), 256)), [0x21, 0xbc, 0x5c]);
        let keys = |keys| PartitionKey::Zipf(ZipfKeys { exponent: 1.0, keys });
        let hottest = |count, shards| Skew::of(&keys(count), shards).expect("known").hottest();
        assert!((hottest(1, 8) - 1.0).abs() < 1e-9);
        assert!((hottest(3, 256) - 1.0 / (1.0 + 0.5 + 1.0 / 3.0)).abs() < 1e-9);
        assert!((hottest(3, 1) - 1.0).abs() < 1e-9);
        assert!(hottest(100_000, 4) > 0.25 && hottest(100_000, 4) < 0.5);
    }
}
