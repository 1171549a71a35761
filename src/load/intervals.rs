//! Sets of numbers that lie mostly side by side.

use std::{
    collections::BTreeMap,
    ops::{Range, RangeInclusive},
};

use serde::{Deserialize, Serialize};

/// A set of numbers kept as intervals, so that its size follows the gaps and not the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct IntervalSet {
    /// First to last; never touching each other.
    ends: BTreeMap<u64, u64>,
}

impl IntervalSet {
    /// Adds one number.
    pub fn insert(&mut self, number: u64) {
        self.insert_range(number..=number);
    }

    /// Adds every number of a range; an empty one adds none.
    pub fn insert_range(&mut self, range: RangeInclusive<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut first, mut last) = range.into_inner();
        while let Some((&start, &end)) = self.ends.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            self.ends.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.ends.insert(first, last);
    }

    /// Adds numbers that ascend, mostly by one.
    pub fn insert_ascending(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let mut run: Option<RangeInclusive<u64>> = None;
        for number in numbers {
            run = match run {
                Some(known) if known.end().checked_add(1) == Some(number) => Some(*known.start()..=number),
                other => {
                    other.into_iter().for_each(|known| self.insert_range(known));
                    Some(number..=number)
                }
            };
        }
        run.into_iter().for_each(|known| self.insert_range(known));
    }

    /// Whether a number is in the set.
    pub fn contains(&self, number: u64) -> bool {
        self.ends.range(..=number).next_back().is_some_and(|(_, &end)| number <= end)
    }

    /// The least number that it lacks, from this one on.
    pub fn first_missing(&self, from: u64) -> u64 {
        let around = self.ends.range(..=from).next_back().filter(|(_, end)| from <= **end);
        around.map_or(from, |(_, end)| end.saturating_add(1))
    }

    /// How many numbers of a range it has.
    pub fn count_in(&self, range: Range<u64>) -> u64 {
        let before = self.ends.range(..range.start).next_back();
        let overlapping = before.into_iter().chain(self.ends.range(range.clone()));
        let inside = |(first, last): (&u64, &u64)| {
            last.saturating_add(1).min(range.end).saturating_sub((*first).max(range.start))
        };
        overlapping.map(inside).sum()
    }

    /// How many numbers it has.
    pub fn count(&self) -> u64 {
        self.ends.iter().map(|(start, end)| end - start + 1).sum()
    }

    /// Its intervals, ascending, with a gap between any two.
    pub fn intervals(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        self.ends.iter().map(|(&start, &end)| start..=end)
    }

    /// Whether it has no number.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl From<Vec<(u64, u64)>> for IntervalSet {
    fn from(ranges: Vec<(u64, u64)>) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|(first, last)| set.insert_range(first..=last));
        set
    }
}

impl From<IntervalSet> for Vec<(u64, u64)> {
    fn from(set: IntervalSet) -> Self {
        set.ends.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_says_what_a_plain_set_says() {
        let mut plain = BTreeSet::new();
        let mut set = IntervalSet::default();
        for _ in 0..2_000 {
            let first = rand::random_range(0..1_000_u64);
            let range = first..=first + rand::random_range(0..3);
            plain.extend(range.clone());
            set.insert_range(range);
            assert_eq!(set.count(), plain.len() as u64);
        }
        assert!((0..1_010).all(|number| set.contains(number) == plain.contains(&number)));
        for first in (0..1_010).step_by(7) {
            let missing = (first..).find(|number| !plain.contains(number));
            assert_eq!(Some(set.first_missing(first)), missing);
            assert_eq!(set.count_in(first..first + 50), plain.range(first..first + 50).count() as u64);
        }
        assert_eq!(set.intervals().flatten().collect::<Vec<_>>(), plain.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn ascending_numbers_are_the_same_as_each_by_itself() {
        let numbers = [0, 1, 2, 5, 7, 8, u64::MAX - 1, u64::MAX];
        let (mut together, mut each) = (IntervalSet::default(), IntervalSet::default());
        together.insert_ascending(numbers);
        numbers.into_iter().for_each(|number| each.insert(number));
        assert_eq!(together, each);
        together.insert_ascending([]);
        assert_eq!(together, each);
    }

    #[test]
    fn neighbours_become_one_interval() {
        let mut set = IntervalSet::default();
        for number in [5, 3, 4, u64::MAX, 0, 1] {
            set.insert(number);
        }
        assert_eq!(set.intervals().collect::<Vec<_>>(), [0..=1, 3..=5, u64::MAX..=u64::MAX]);
    }
}
