//! Which shard a document goes to.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use kinesis_producer::Record;
use rand::{SeedableRng, distr::Distribution, rngs::SmallRng};
use rand_distr::Zipf;

use super::generate::Document;
use crate::spec::{HotShare, PartitionKey, ZipfKeys};

/// 2⁶⁴ divided by the golden ratio: multiples of it fill a range evenly, however many there are.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// 2⁶⁴ times what the root of 2 has after its point: the same, and without relation to the other.
const ROOT: u64 = 0x6A09_E667_F3BC_C908;

/// Makes records of documents.
pub(super) struct Spread {
    base: Base,
    /// Times in which a key has a share of the documents.
    spells: Vec<Spell>,
    /// Documents of a ticket share its text.
    last_key: (u64, Arc<str>),
}

/// Where documents go that have no hot key.
enum Base {
    /// To each of these hash ranges in turn.
    Ranges(Vec<RangeInclusive<u128>>),
    /// By their ticket, or by a key of their own.
    Own,
    Zipf(Zipf<f64>),
}

/// A time in which a key is hot.
#[derive(Clone, Debug)]
pub(super) struct Spell {
    key: Arc<str>,
    /// Of 2⁶⁴.
    share: u64,
    begins: Duration,
    ends: Duration,
}

/// A record, and whether it has a hot key.
pub(super) struct Sent {
    pub(super) record: Record,
    pub(super) is_hot: bool,
}

impl Spell {
    /// From the start of the load.
    pub(super) fn new(hot: &HotShare, begins: Duration, ends: Duration) -> Self {
        // A cast of a float ends at the largest number.
        Self { key: hot.key.as_str().into(), share: (hot.share * 2_f64.powi(64)) as u64, begins, ends }
    }

    /// Its documents lie evenly among the others, and are the same however many workers share a load.
    fn has(&self, ordinal: u64, intended: Duration) -> bool {
        let is_chosen = self.share == u64::MAX || ordinal.wrapping_add(1).wrapping_mul(ROOT) < self.share;
        is_chosen && (self.begins..self.ends).contains(&intended)
    }
}

impl Spread {
    /// `shards` are the hash ranges of the open shards; without them the whole range is one.
    pub(super) fn new(key: &PartitionKey, shards: Vec<RangeInclusive<u128>>) -> Self {
        let ranges = || Base::Ranges(if shards.is_empty() { vec![0..=u128::MAX] } else { shards });
        let (base, spells) = match key {
            PartitionKey::Ticket | PartitionKey::Key | PartitionKey::Field(_) => (Base::Own, Vec::new()),
            PartitionKey::Uniform => (ranges(), Vec::new()),
            PartitionKey::Hot(hot) => (ranges(), vec![Spell::new(hot, Duration::ZERO, Duration::MAX)]),
            PartitionKey::Zipf(ZipfKeys { exponent, keys }) => {
                let zipf = Zipf::new(*keys as f64, *exponent).expect("a checked spec has keys and an exponent");
                (Base::Zipf(zipf), Vec::new())
            }
        };
        Self { base, spells, last_key: (0, "0".into()) }
    }

    /// From now on also this; of two at the same time the later counts.
    pub(super) fn heat(&mut self, spell: Spell) {
        self.spells.push(spell);
    }

    /// The record of a document. `ordinal` is its number in the run; `intended`, when it is to be sent.
    pub(super) fn record(&mut self, ordinal: u64, intended: Duration, document: Document) -> Sent {
        let Document { ticket, key, data } = document;
        if let Some(spell) = self.spells.iter().rev().find(|spell| spell.has(ordinal, intended)) {
            return Sent { record: Record::new(data, spell.key.clone()), is_hot: true };
        }
        let record = match &self.base {
            Base::Own => Record::new(data, key.unwrap_or_else(|| self.text_of(ticket))),
            Base::Zipf(zipf) => Record::new(data, ZipfKeys::name(drawn(zipf, ordinal))),
            Base::Ranges(shards) => {
                let hash = explicit_hash_key(shards, ordinal);
                Record::new(data, self.text_of(ticket)).with_explicit_hash_key(hash)
            }
        };
        Sent { record, is_hot: false }
    }

    fn text_of(&mut self, ticket: u64) -> Arc<str> {
        if self.last_key.0 != ticket {
            self.last_key = (ticket, ticket.to_string().into());
        }
        self.last_key.1.clone()
    }
}

/// Each shard in turn, and in each shard evenly over its range, so that a split halves what it gets.
fn explicit_hash_key(shards: &[RangeInclusive<u128>], ordinal: u64) -> u128 {
    let count = shards.len() as u64;
    let shard = &shards[(ordinal % count) as usize];
    let fraction = u128::from((ordinal / count).wrapping_add(1).wrapping_mul(GOLDEN));
    shard.start() + fraction * ((shard.end() - shard.start()) >> 64)
}

/// Which key a document has, from 1; the same for a document of any worker.
fn drawn(zipf: &Zipf<f64>, ordinal: u64) -> u64 {
    zipf.sample(&mut SmallRng::seed_from_u64(ordinal)) as u64
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn document(ticket: u64, key: Option<&str>) -> Document {
        Document { ticket, key: key.map(Into::into), data: Bytes::from_static(b"{}\n") }
    }

    fn shards(count: u128) -> Vec<RangeInclusive<u128>> {
        let width = u128::MAX / count;
        (0..count).map(|i| i * width..=if i + 1 == count { u128::MAX } else { (i + 1) * width - 1 }).collect()
    }

    fn per_shard(spread: &mut Spread, shards: &[RangeInclusive<u128>], documents: u64) -> Vec<usize> {
        let mut counts = vec![0; shards.len()];
        for ordinal in 0..documents {
            let key =
                spread.record(ordinal, Duration::ZERO, document(1, None)).record.explicit_hash_key.expect("a key");
            counts[shards.iter().position(|shard| shard.contains(&key)).expect("a shard")] += 1;
        }
        counts
    }

    #[test]
    fn known_shards_get_exactly_the_same() {
        for count in [1, 2, 7, 20] {
            let shards = shards(count);
            let mut spread = Spread::new(&PartitionKey::Uniform, shards.clone());
            assert_eq!(per_shard(&mut spread, &shards, count as u64 * 500), vec![500; count as usize]);
        }
    }

    #[test]
    fn unknown_shards_get_the_same_within_a_hundredth() {
        let mut spread = Spread::new(&PartitionKey::Uniform, Vec::new());
        let counts = per_shard(&mut spread, &shards(20), 20_000);
        assert!(counts.iter().all(|count| (990..=1_010).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_partition_key_is_the_ticket() {
        let mut spread = Spread::new(&PartitionKey::Ticket, shards(2));
        let record = spread.record(0, Duration::ZERO, document(240_001, None)).record;
        assert_eq!((&*record.partition_key, record.explicit_hash_key), ("240001", None));
        assert_eq!(&*spread.record(1, Duration::ZERO, document(0, None)).record.partition_key, "0");
    }

    #[test]
    fn a_declared_key_decides_the_shard() {
        let mut spread = Spread::new(&PartitionKey::Key, shards(2));
        let record = spread.record(0, Duration::ZERO, document(5, Some("eu/17"))).record;
        assert_eq!((&*record.partition_key, record.explicit_hash_key), ("eu/17", None));
    }

    fn hot(share: f64) -> HotShare {
        HotShare { key: "celebrity".into(), share }
    }

    #[test]
    fn a_hot_key_has_its_share_and_the_others_are_even() {
        let ranges = shards(4);
        for share in [0.001, 0.3, 0.999] {
            let mut spread = Spread::new(&PartitionKey::Hot(hot(share)), ranges.clone());
            let (mut hot, mut counts) = (0_u64, vec![0_u64; 4]);
            for ordinal in 0..100_000 {
                let Sent { record, is_hot } = spread.record(ordinal, Duration::ZERO, document(1, None));
                assert_eq!(is_hot, &*record.partition_key == "celebrity");
                hot += u64::from(is_hot);
                let key = record.explicit_hash_key.map(|key| ranges.iter().position(|shard| shard.contains(&key)));
                key.flatten().inspect(|shard| counts[*shard] += 1);
            }
            assert!(hot.abs_diff((share * 1e5) as u64) <= 10, "{hot} of a share of {share}");
            let mean = (100_000 - hot) / 4;
            assert!(counts.iter().all(|count| count.abs_diff(mean) <= 20), "{counts:?} around {mean}");
        }
        assert!(Spell::new(&hot(1.0), Duration::ZERO, Duration::MAX).has(7, Duration::ZERO), "all of them");
    }

    #[test]
    fn a_key_is_hot_for_its_time_and_the_later_one_counts() {
        let seconds = Duration::from_secs;
        let mut spread = Spread::new(&PartitionKey::Uniform, Vec::new());
        spread.heat(Spell::new(&hot(1.0), seconds(2), seconds(6)));
        spread.heat(Spell::new(&HotShare { key: "other".into(), share: 1.0 }, seconds(4), seconds(5)));
        let mut key = |at| spread.record(0, seconds(at), document(17, None)).record.partition_key;
        let keys = [1, 2, 4, 5, 6].map(|at| key(at).to_string());
        assert_eq!(keys, ["17", "celebrity", "other", "celebrity", "17"]);
    }

    /// The law itself: the n-th key of three comes up 1 / (n × (1 + 1/2 + 1/3)) times.
    #[test]
    fn keys_by_zipf_come_up_as_often_as_they_should() {
        let mut spread = Spread::new(&PartitionKey::Zipf(ZipfKeys { exponent: 1.0, keys: 3 }), Vec::new());
        let mut counts = [0_u32; 3];
        for ordinal in 0..60_000 {
            let record = spread.record(ordinal, Duration::ZERO, document(1, None)).record;
            let n: usize = record.partition_key.strip_prefix("key-").and_then(|n| n.parse().ok()).expect("a key");
            assert_eq!(record.explicit_hash_key, None);
            counts[n - 1] += 1;
        }
        let expected = [1.0, 0.5, 1.0 / 3.0].map(|weight| weight / (11.0 / 6.0) * 60_000.0);
        let near = counts.iter().zip(expected).all(|(count, expected)| (f64::from(*count) - expected).abs() < 500.0);
        assert!(near, "{counts:?}, expected {expected:?}");
    }
}
