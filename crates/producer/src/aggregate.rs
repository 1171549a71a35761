//! User records of one shard on their way into one Kinesis record.

use std::io::{Cursor, Write};

use kinesis_aggregation::{DIGEST_BYTES, Records, UserRecordRef, Writer};

use super::body::Entry;

/// Digits of the largest hash key.
const HASH_KEY_DIGITS: usize = 39;

/// User records that become one Kinesis record. With each goes its hash and what `T` is.
pub(super) struct Aggregate<T> {
    writer: Writer,
    with: Vec<(u128, T)>,
}

/// How much an aggregate holds.
#[derive(Clone, Copy, Default)]
pub(super) struct AggregateSize {
    bytes: usize,
    records: usize,
}

impl<T> Aggregate<T> {
    /// An aggregate without records. It has room for as much as another one held, and a little more, so that it need not grow
    /// step by step.
    pub(super) fn like(AggregateSize { bytes, records }: AggregateSize) -> Self {
        Self { writer: Writer::with_capacity(bytes + bytes / 8), with: Vec::with_capacity(records + records / 8) }
    }

    pub(super) fn load(&self) -> AggregateSize {
        AggregateSize { bytes: self.bytes(), records: self.len() }
    }

    /// Whether the Kinesis record that has this one too is no larger than `max_bytes` as the service counts them: its data,
    /// and the partition key of its first user record.
    pub(super) fn fits(&self, entry: Entry<'_>, max_bytes: usize) -> bool {
        let first = if self.is_empty() { entry.partition_key.len() } else { self.writer.partition_key_len() };
        let digits = entry.explicit_hash_key.map(Digits::of);
        max_bytes.checked_sub(first).is_some_and(|max_bytes| self.writer.fits(record(entry, &digits), max_bytes))
    }

    /// Adds a user record, whatever its size. `hash` tells its shard: its explicit hash key, or else the hash of its
    /// partition key.
    pub(super) fn push(&mut self, entry: Entry<'_>, hash: u128, with: T) {
        self.writer.push(record(entry, &entry.explicit_hash_key.map(Digits::of)));
        self.with.push((hash, with));
    }

    /// User records.
    pub(super) fn len(&self) -> usize {
        self.with.len()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.with.is_empty()
    }

    /// Exactly the bytes of the finished record's data, digest included; the partition key that it is put with comes on top.
    pub(super) fn bytes(&self) -> usize {
        self.writer.bytes()
    }

    /// As the service counts the Kinesis record: with its partition key.
    pub(super) fn size(&self) -> usize {
        self.bytes() + self.writer.partition_key_len()
    }

    /// What the digest is of.
    pub(super) fn message(&self) -> &[u8] {
        self.writer.message()
    }

    /// The partition key of the first user record; of none, an empty one.
    pub(super) fn partition_key(&self) -> &str {
        self.writer.partition_key()
    }

    /// The data of the Kinesis record, given the MD5 of its message; and what was pushed along, in order.
    pub(super) fn finish(self, digest: [u8; DIGEST_BYTES]) -> (Vec<u8>, Vec<(u128, T)>) {
        (self.writer.finish(digest), self.with)
    }
}

impl Aggregate<()> {
    /// The user records of one that is finished; of what was written here.
    pub(super) fn records(data: &[u8]) -> impl Iterator<Item = Entry<'_>> {
        Records::of_finished(data).map(entry)
    }
}

/// A hash key as decimal text.
struct Digits {
    text: [u8; HASH_KEY_DIGITS],
    len: usize,
}

impl Digits {
    fn of(key: u128) -> Self {
        let mut text = Cursor::new([0; HASH_KEY_DIGITS]);
        write!(text, "{key}").expect("no hash key has more digits");
        Self { len: text.position() as usize, text: text.into_inner() }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..self.len]).expect("digits are text")
    }
}

fn record<'a>(entry: Entry<'a>, digits: &'a Option<Digits>) -> UserRecordRef<'a> {
    let record = UserRecordRef::new(entry.partition_key, entry.data);
    record.with_explicit_hash_key(digits.as_ref().map(Digits::as_str))
}

fn entry(record: UserRecordRef<'_>) -> Entry<'_> {
    let UserRecordRef { partition_key, explicit_hash_key, data, .. } = record;
    let number = |digits: &str| digits.parse().expect("an explicit hash key is its digits");
    Entry { data, partition_key, explicit_hash_key: explicit_hash_key.map(number) }
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};
    use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;
    use kinesis_aggregation::{self, UserRecord};

    fn given<'a>(data: &'a [u8], partition_key: &'a str, explicit_hash_key: Option<u128>) -> Entry<'a> {
        Entry { data, partition_key, explicit_hash_key }
    }

    fn owned(entry: Entry<'_>) -> UserRecord {
        let record = UserRecord::new(entry.partition_key, entry.data);
        match entry.explicit_hash_key {
            Some(key) => record.with_explicit_hash_key(key.to_string()),
            None => record,
        }
    }

    /// The smallest limit that a record fits into.
    fn smallest(aggregate: &Aggregate<usize>, entry: Entry<'_>) -> usize {
        let (mut too_small, mut enough) = (0, 1 << 22);
        while enough - too_small > 1 {
            let middle = (too_small + enough) / 2;
            *if aggregate.fits(entry, middle) { &mut enough } else { &mut too_small } = middle;
        }
        enough
    }

    /// Pushes each with its position, and holds the sizes that are told before to those that are there after.
    fn packed(entries: &[Entry<'_>]) -> Aggregate<usize> {
        let mut aggregate = Aggregate::like(AggregateSize::default());
        for (at, entry) in entries.iter().enumerate() {
            let smallest = smallest(&aggregate, *entry);
            aggregate.push(*entry, at as u128 + 7, at);
            assert_eq!(smallest, aggregate.bytes() + entries[0].partition_key.len());
            assert_eq!((aggregate.len(), aggregate.is_empty()), (at + 1, false));
        }
        aggregate
    }

    /// With the digest that belongs to it.
    fn finished(aggregate: Aggregate<usize>) -> Vec<u8> {
        let (bytes, len) = (aggregate.bytes(), aggregate.len());
        let digest = Md5::digest(aggregate.message()).into();
        let (data, with) = aggregate.finish(digest);
        assert_eq!(data.len(), bytes);
        assert!(with.into_iter().eq((0..len).map(|at| (at as u128 + 7, at))));
        data
    }

    /// What is written is read, by the reader for everybody's records and by the one for its own.
    fn check(entries: &[Entry<'_>]) {
        let data = finished(packed(entries));
        let records: Vec<UserRecord> = entries.iter().copied().map(owned).collect();
        assert!(Aggregate::records(&data).map(owned).eq(records.iter().cloned()));
        assert_eq!(kinesis_aggregation::decode(&data), Ok(Some(records)));
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        check(&[]);
        check(&[given(b"", "", None)]);
        check(&[given(b"one", "a", None), given(b"two", "b", Some(u128::MAX)), given(b"\0\xff", "a", Some(0))]);
        check(&[given(&[7; 127], "ключ", Some(5)), given(&[8; 128], "ключ", Some(5)), given(&[9; 1 << 20], "", None)]);
    }

    #[test]
    fn random_records_come_out_again() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        let noise: Vec<u8> = (0..4_000).map(|_| random.random()).collect();
        let keys: Vec<String> =
            (0..600).map(|key: u32| format!("{key:0>width$}", width = key as usize % 256)).collect();
        for round in 0..60 {
            let (few, many) = (1 + round % 7, 1 + round * 10);
            let entries: Vec<Entry<'_>> = (0..random.random_range(0..700))
                .map(|_| Entry {
                    data: &noise[..random.random_range(0..if round % 20 == 0 { 4_000 } else { 25 })],
                    partition_key: &keys[random.random_range(0..many)],
                    explicit_hash_key: random
                        .random_bool(0.5)
                        .then(|| u128::MAX / random.random_range(1..=few as u128)),
                })
                .collect();
            check(&entries);
        }
    }

    #[test]
    fn a_key_is_written_once() {
        let same: Vec<Entry<'_>> = (0..300).map(|_| given(b"data", "a partition key", Some(1 << 99))).collect();
        let text = finished(packed(&same));
        let times = |key: &[u8]| text.windows(key.len()).filter(|window| *window == key).count();
        assert_eq!((times(b"a partition key"), times(b"633825300114114700748351602688")), (1, 1));
    }

    /// Up to the next byte of a length, and of a position in a table.
    #[test]
    fn a_limit_is_reached_and_never_passed() {
        let keys: Vec<String> = (0..2_000).map(|key| format!("key {key}")).collect();
        for limit in (200..1_000).step_by(37).chain([20_000, 50_000]) {
            let mut aggregate = Aggregate::like(AggregateSize::default());
            for (at, key) in keys.iter().enumerate() {
                let entry = given(b"0123456789", key, (at % 3 == 0).then_some(at as u128));
                if aggregate.fits(entry, limit) {
                    aggregate.push(entry, 0, at);
                }
            }
            let bytes = aggregate.bytes() + aggregate.partition_key().len();
            assert!((limit - 40..=limit).contains(&bytes), "{bytes} of {limit}");
        }
    }

    #[test]
    fn it_is_put_where_its_first_record_belongs() {
        let aggregate = packed(&[given(b"1", "first", Some(9)), given(b"2", "second", None)]);
        assert_eq!(aggregate.partition_key(), "first");
        let none = Aggregate::<()>::like(AggregateSize::default());
        assert_eq!((none.partition_key(), none.len(), none.is_empty()), ("", 0, true));
    }
}
