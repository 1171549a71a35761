//! The open shards of a stream, and where to ask for them.

mod describe;

use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

pub use describe::{DescribeError, StreamSummary, describe_stream, list_open_shards};

/// A shard that takes records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenShard {
    /// For example `shardId-000000000000`.
    pub id: Arc<str>,
    /// The hash keys that it takes, both ends included.
    pub range: RangeInclusive<u128>,
}

impl OpenShard {
    /// A shard by its id and the hash keys that it takes, both ends included.
    pub fn new(id: impl Into<Arc<str>>, range: RangeInclusive<u128>) -> Self {
        Self { id: id.into(), range }
    }
}

/// The open shards of a stream in the order of their hash keys: every hash key has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    shards: Vec<OpenShard>,
    by_id: HashMap<Arc<str>, usize>,
    by_number: Numbers,
}

/// Where shards are by the number that their ids end in, without a look at each one's id: every answer names a shard for
/// each of its records. For ids that differ in nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Numbers {
    /// What is before the number, in all ids.
    prefix: String,
    /// Digits of the number, in all ids.
    digits: usize,
    first: u64,
    /// Those without a shard have `u32::MAX`.
    places: Vec<u32>,
}

/// Numbers for each shard that are kept at most.
const SPARSE: usize = 16;

/// Shards that are not all of a stream's open shards at one moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardMapError {
    /// No shard takes some of the hash keys.
    #[error("no open shard takes the hash keys {} to {}", .0.start(), .0.end())]
    Gap(RangeInclusive<u128>),
    /// Some hash keys are taken twice.
    #[error("{first} and {second} both take hash key {hash_key}")]
    Overlap {
        /// The first shard that takes it.
        first: Arc<str>,
        /// The second.
        second: Arc<str>,
        /// The lowest of those taken twice.
        hash_key: u128,
    },
    /// The end of a range comes before its start.
    #[error("{0} takes no hash keys: its range ends before it starts")]
    Empty(Arc<str>),
    /// Two shards of one name.
    #[error("{0} is there twice")]
    Twice(Arc<str>),
}

impl ShardMap {
    /// Of shards in any order.
    ///
    /// # Errors
    /// When they leave out hash keys, or take some twice.
    pub fn new(mut shards: Vec<OpenShard>) -> Result<Self, ShardMapError> {
        shards.sort_by_key(|shard| *shard.range.start());
        check(&shards)?;
        let by_id: HashMap<_, _> = shards.iter().enumerate().map(|(index, shard)| (shard.id.clone(), index)).collect();
        match shards.iter().enumerate().find(|(index, shard)| by_id[&shard.id] != *index) {
            Some((_, shard)) => Err(ShardMapError::Twice(shard.id.clone())),
            None => Ok(Self { by_number: Numbers::of(&shards), shards, by_id }),
        }
    }

    /// How many shards are open; at least one is.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// The place of the shard that takes a hash key.
    pub fn index_of(&self, hash_key: u128) -> usize {
        // The first shard starts at 0.
        self.shards.partition_point(|shard| *shard.range.start() <= hash_key) - 1
    }

    /// The place of a shard by its name; `None` for one that is not open.
    pub fn index_of_id(&self, id: &str) -> Option<usize> {
        self.by_number.place(id).or_else(|| self.by_id.get(id).copied())
    }

    /// A shard by its place.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn shard(&self, index: usize) -> &OpenShard {
        &self.shards[index]
    }

    /// All, in the order of their hash keys.
    pub fn shards(&self) -> &[OpenShard] {
        &self.shards
    }
}

impl Numbers {
    /// Without places where the ids are not alike, or their numbers lie too far apart.
    fn of(shards: &[OpenShard]) -> Self {
        let split = |shard: &OpenShard| split(&shard.id).map(|(prefix, digits)| (prefix.to_owned(), digits.len()));
        let Some((prefix, digits)) = shards.first().and_then(split) else { return Self::default() };
        let empty = Self { prefix, digits, first: 0, places: Vec::new() };
        let numbers: Option<Vec<_>> = shards.iter().map(|shard| empty.number(&shard.id)).collect();
        let Some(numbers) = numbers else { return Self::default() };
        let (first, last) = (numbers.iter().min().copied().unwrap_or(0), numbers.iter().max().copied().unwrap_or(0));
        let span = usize::try_from(last - first).map_or(usize::MAX, |span| span.saturating_add(1));
        if span > SPARSE * numbers.len() {
            return Self::default();
        }
        let mut places = vec![u32::MAX; span];
        for (place, number) in numbers.iter().enumerate() {
            places[(number - first) as usize] = place as u32;
        }
        Self { first, places, ..empty }
    }

    fn place(&self, id: &str) -> Option<usize> {
        let place = *self.places.get(usize::try_from(self.number(id)?.checked_sub(self.first)?).ok()?)?;
        (place != u32::MAX).then_some(place as usize)
    }

    fn number(&self, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(self.prefix.as_str()).filter(|digits| digits.len() == self.digits)?;
        digits
            .bytes()
            .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
    }
}

/// An id and the number that it ends in, of so many digits that it fits.
fn split(id: &str) -> Option<(&str, &str)> {
    let digits = id.bytes().rev().take_while(u8::is_ascii_digit).count();
    (1..=18).contains(&digits).then(|| id.split_at(id.len() - digits))
}

/// Whether shards, sorted by their starts, take every hash key once.
fn check(shards: &[OpenShard]) -> Result<(), ShardMapError> {
    // The next hash key that is nobody's; `None` after the last one.
    let mut free = Some(0);
    for (index, shard) in shards.iter().enumerate() {
        let (start, end) = (*shard.range.start(), *shard.range.end());
        if start > end {
            return Err(ShardMapError::Empty(shard.id.clone()));
        }
        match free {
            Some(free) if start > free => return Err(ShardMapError::Gap(free..=start - 1)),
            Some(free) if start == free => {}
            _ => return Err(ShardMapError::overlap(&shards[index - 1], shard)),
        }
        free = end.checked_add(1);
    }
    free.map_or(Ok(()), |free| Err(ShardMapError::Gap(free..=u128::MAX)))
}

impl ShardMapError {
    fn overlap(first: &OpenShard, second: &OpenShard) -> Self {
        Self::Overlap { first: first.id.clone(), second: second.id.clone(), hash_key: *second.range.start() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};

    use super::*;

    /// Shards that begin at any hash keys, with ids of the service's form in any order, which may lie far apart.
    fn shards() -> impl Strategy<Value = Vec<OpenShard>> {
        let starts = btree_map(any::<u128>(), any::<bool>(), 0..20);
        (starts, 0..1_000_u64, prop::sample::select(vec![1, 3, 1_000])).prop_flat_map(|(starts, first, step)| {
            let mut starts: Vec<u128> = starts.into_keys().collect();
            starts.splice(..usize::from(starts.first() == Some(&0)), [0]);
            let ends = starts.iter().skip(1).map(|next| next - 1).chain([u128::MAX]);
            let ranges: Vec<_> = starts.iter().copied().zip(ends).map(|(start, end)| start..=end).collect();
            let ids: Vec<_> = (0..ranges.len() as u64).map(|id| format!("shardId-{:012}", first + id * step)).collect();
            (Just(ranges), Just(ids).prop_shuffle())
                .prop_map(|(ranges, ids)| {
                    ids.iter().zip(ranges).map(|(id, range)| shard(id, range)).collect::<Vec<_>>()
                })
                .prop_flat_map(|shards| Just(shards).prop_shuffle())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_lookup_finds_what_a_search_of_all_shards_finds(shards in shards(), keys in [any::<u128>(); 4], id in 0..20_000_u64) {
            let map = ShardMap::new(shards.clone()).expect("whole");
            for key in keys.into_iter().chain(shards.iter().flat_map(|shard| [*shard.range.start(), *shard.range.end()])) {
                let searched = shards.iter().find(|shard| shard.range.contains(&key));
                prop_assert_eq!(Some(map.shard(map.index_of(key))), searched);
            }
            let any_id = format!("shardId-{id:012}");
            for id in shards.iter().map(|shard| &*shard.id).chain([any_id.as_str()]) {
                let searched = shards.iter().find(|shard| *shard.id == *id);
                prop_assert_eq!(map.index_of_id(id).map(|index| map.shard(index)), searched);
            }
        }

        #[test]
        fn shards_of_which_one_is_missing_are_no_map(shards in shards(), missing in any::<prop::sample::Index>()) {
            let mut shards = shards;
            let missing = shards.remove(missing.index(shards.len()));
            prop_assert_eq!(ShardMap::new(shards), Err(ShardMapError::Gap(missing.range)));
        }
    }

    fn shard(id: &str, range: RangeInclusive<u128>) -> OpenShard {
        OpenShard { id: id.into(), range }
    }

    fn even(count: u128) -> Vec<OpenShard> {
        let width = u128::MAX / count;
        let end = |i| if i == count - 1 { u128::MAX } else { (i + 1) * width - 1 };
        (0..count).map(|i| shard(&format!("shardId-{i:012}"), i * width..=end(i))).collect()
    }

    #[test]
    fn every_hash_key_finds_the_shard_that_takes_it() {
        for count in [1, 2, 3, 7, 500] {
            let mut shards = even(count);
            shards.reverse();
            let map = ShardMap::new(shards).expect("whole");
            assert_eq!(map.len(), count as usize);
            for index in 0..map.len() {
                let shard = map.shard(index);
                let (start, end) = (*shard.range.start(), *shard.range.end());
                assert!([start, start + (end - start) / 2, end].iter().all(|key| map.index_of(*key) == index));
                assert_eq!(map.index_of_id(&shard.id), Some(index));
            }
            for other in ["shardId-000000099999", "shardId-00000000001", "other-000000000001", "shardId-", ""] {
                assert_eq!(map.index_of_id(other), None, "{other}");
            }
        }
    }

    #[test]
    fn hash_keys_that_nobody_takes_are_named() {
        let without = |index| {
            let mut shards = even(4);
            let missing = shards.remove(index);
            (ShardMap::new(shards), missing.range)
        };
        for index in 0..4 {
            let (map, missing) = without(index);
            assert_eq!(map, Err(ShardMapError::Gap(missing)), "{index}");
        }
        assert_eq!(ShardMap::new(Vec::new()), Err(ShardMapError::Gap(0..=u128::MAX)));
        let one = vec![shard("a", 0..=8), shard("b", 10..=u128::MAX)];
        assert_eq!(ShardMap::new(one), Err(ShardMapError::Gap(9..=9)));
    }

    #[test]
    fn hash_keys_taken_twice_are_named_with_both_shards() {
        let overlap = |shards, first: &str, second: &str, hash_key| {
            let expected = ShardMapError::Overlap { first: first.into(), second: second.into(), hash_key };
            assert_eq!(ShardMap::new(shards), Err(expected));
        };
        overlap(vec![shard("b", 9..=u128::MAX), shard("a", 0..=9)], "a", "b", 9);
        overlap(vec![shard("a", 0..=u128::MAX), shard("b", 5..=7)], "a", "b", 5);
        overlap(vec![shard("a", 0..=u128::MAX), shard("b", u128::MAX..=u128::MAX)], "a", "b", u128::MAX);
        // A parent that is listed beside its children.
        overlap(vec![shard("p", 0..=u128::MAX), shard("a", 0..=7), shard("b", 8..=u128::MAX)], "p", "a", 0);
    }

    #[test]
    fn ranges_and_names_must_make_sense() {
        #[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
        let backward = vec![shard("a", 0..=7), shard("b", 8..=7), shard("c", 8..=u128::MAX)];
        assert_eq!(ShardMap::new(backward), Err(ShardMapError::Empty("b".into())));
        let twice = vec![shard("a", 0..=7), shard("a", 8..=u128::MAX)];
        assert_eq!(ShardMap::new(twice), Err(ShardMapError::Twice("a".into())));
    }
}
