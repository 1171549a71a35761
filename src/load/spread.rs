//! Which shard a document goes to.

use std::{ops::RangeInclusive, sync::Arc};

use kinesis_producer::Record;

use super::generate::Document;
use crate::spec::PartitionKey;

/// 2⁶⁴ divided by the golden ratio: multiples of it fill a range evenly, however many there are.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Makes records of documents.
pub(super) struct Spread {
    /// Empty when the partition key alone decides.
    shards: Vec<RangeInclusive<u128>>,
    /// Documents of a ticket share its text.
    last_key: (u64, Arc<str>),
}

impl Spread {
    /// `shards` are the hash ranges of the open shards; without them the whole range is one.
    pub(super) fn new(key: PartitionKey, shards: Vec<RangeInclusive<u128>>) -> Self {
        let shards = match key {
            PartitionKey::Ticket | PartitionKey::Key => Vec::new(),
            PartitionKey::Uniform if shards.is_empty() => vec![0..=u128::MAX],
            PartitionKey::Uniform => shards,
        };
        Self { shards, last_key: (0, "0".into()) }
    }

    /// The record of a document. `ordinal` is its number in the run.
    pub(super) fn record(&mut self, ordinal: u64, document: Document) -> Record {
        let Document { ticket, key, data } = document;
        let key = key.unwrap_or_else(|| self.text_of(ticket));
        let record = Record::new(data, key);
        match self.explicit_hash_key(ordinal) {
            Some(key) => record.with_explicit_hash_key(key),
            None => record,
        }
    }

    fn text_of(&mut self, ticket: u64) -> Arc<str> {
        if self.last_key.0 != ticket {
            self.last_key = (ticket, ticket.to_string().into());
        }
        self.last_key.1.clone()
    }

    /// Each shard in turn, and in each shard evenly over its range, so that a split halves what it gets.
    fn explicit_hash_key(&self, ordinal: u64) -> Option<u128> {
        let round = ordinal.checked_div(self.shards.len() as u64)?;
        let shard = &self.shards[(ordinal % self.shards.len() as u64) as usize];
        let fraction = u128::from(round.wrapping_add(1).wrapping_mul(GOLDEN));
        Some(shard.start() + fraction * ((shard.end() - shard.start()) >> 64))
    }
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
            let key = spread.record(ordinal, document(1, None)).explicit_hash_key.expect("a key");
            counts[shards.iter().position(|shard| shard.contains(&key)).expect("a shard")] += 1;
        }
        counts
    }

    #[test]
    fn known_shards_get_exactly_the_same() {
        for count in [1, 2, 7, 20] {
            let shards = shards(count);
            let mut spread = Spread::new(PartitionKey::Uniform, shards.clone());
            assert_eq!(per_shard(&mut spread, &shards, count as u64 * 500), vec![500; count as usize]);
        }
    }

    #[test]
    fn unknown_shards_get_the_same_within_a_hundredth() {
        let mut spread = Spread::new(PartitionKey::Uniform, Vec::new());
        let counts = per_shard(&mut spread, &shards(20), 20_000);
        assert!(counts.iter().all(|count| (990..=1_010).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_partition_key_is_the_ticket() {
        let mut spread = Spread::new(PartitionKey::Ticket, shards(2));
        let record = spread.record(0, document(240_001, None));
        assert_eq!((&*record.partition_key, record.explicit_hash_key), ("240001", None));
        assert_eq!(&*spread.record(1, document(0, None)).partition_key, "0");
    }

    #[test]
    fn a_declared_key_decides_the_shard() {
        let mut spread = Spread::new(PartitionKey::Key, shards(2));
        let record = spread.record(0, document(5, Some("eu/17")));
        assert_eq!((&*record.partition_key, record.explicit_hash_key), ("eu/17", None));
    }
}
