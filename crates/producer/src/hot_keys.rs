//! The partition keys that carry most, in a fixed amount of memory.
//!
//! The space-saving algorithm (Metwally, Agrawal, El Abbadi: "Efficient computation of frequent and top-k elements in
//! data streams", 2005): a key without a counter takes over the lowest one, with what that had counted as its error. So
//! a key that carries more than a 64th of everything always has a counter.

use std::cmp::Reverse;

/// Keys that are counted at a time.
const COUNTERS: usize = 64;

/// A partition key and how many bytes it has carried, within bounds, since the producer began.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HotKey {
    /// The key.
    pub partition_key: String,
    /// It has certainly carried so many bytes.
    pub at_least: u64,
    /// It has not carried more bytes than that.
    pub at_most: u64,
}

/// Counts keys by weight. The three lists go together: a search looks at numbers that lie side by side, and at a key only
/// when they agree.
#[derive(Clone, Debug, Default)]
pub(super) struct HotKeys {
    fingerprints: Vec<u64>,
    counts: Vec<u64>,
    keys: Vec<Counted>,
}

#[derive(Clone, Debug)]
struct Counted {
    key: String,
    /// How much of the count may be other keys'.
    error: u64,
}

impl HotKeys {
    /// Counts a key that carries so much.
    pub(super) fn note(&mut self, key: &str, weight: u64) {
        let fingerprint = fingerprint(key);
        match self.find(key, fingerprint) {
            Some(place) => self.counts[place] += weight,
            None if self.keys.len() < COUNTERS => self.begin(key, fingerprint, weight),
            None => self.take_over(key, fingerprint, weight),
        }
    }

    /// The first `n`, those that have certainly carried most first.
    pub(super) fn top(&self, n: usize) -> Vec<HotKey> {
        let mut all: Vec<_> = self.keys.iter().zip(&self.counts).map(|(counted, count)| counted.seen(*count)).collect();
        all.sort_by(|a, b| {
            let order = |key: &HotKey| Reverse((key.at_least, key.at_most));
            order(a).cmp(&order(b)).then_with(|| a.partition_key.cmp(&b.partition_key))
        });
        all.truncate(n);
        all
    }

    fn find(&self, key: &str, fingerprint: u64) -> Option<usize> {
        let alike = self.fingerprints.iter().enumerate().filter(|(_, other)| **other == fingerprint);
        alike.map(|(place, _)| place).find(|place| self.keys[*place].key == key)
    }

    fn begin(&mut self, key: &str, fingerprint: u64, weight: u64) {
        self.fingerprints.push(fingerprint);
        self.counts.push(weight);
        self.keys.push(Counted { key: key.to_owned(), error: 0 });
    }

    fn take_over(&mut self, key: &str, fingerprint: u64, weight: u64) {
        let lowest = self.counts.iter().copied().min().unwrap_or_default();
        let place = self.counts.iter().position(|count| *count == lowest).unwrap_or_default();
        self.fingerprints[place] = fingerprint;
        self.counts[place] = lowest + weight;
        let counted = &mut self.keys[place];
        counted.error = lowest;
        counted.key.clear();
        counted.key.push_str(key);
    }
}

impl Counted {
    fn seen(&self, count: u64) -> HotKey {
        HotKey { partition_key: self.key.clone(), at_least: count - self.error, at_most: count }
    }
}

/// Equal for equal keys, and quick; keys of the same fingerprint are still distinguished.
fn fingerprint(key: &str) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let words = key.as_bytes().chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(key.len() as u64, mix)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    /// Notes a stream and says what each key really carried.
    fn counted(stream: impl IntoIterator<Item = (String, u64)>) -> (HotKeys, HashMap<String, u64>) {
        let (mut hot, mut truth) = (HotKeys::default(), HashMap::new());
        for (key, weight) in stream {
            hot.note(&key, weight);
            *truth.entry(key).or_default() += weight;
        }
        (hot, truth)
    }

    fn assert_bounds(hot: &HotKeys, truth: &HashMap<String, u64>) {
        for HotKey { partition_key, at_least, at_most } in hot.top(COUNTERS) {
            let really = truth[&partition_key];
            assert!((at_least..=at_most).contains(&really), "{partition_key}: {at_least}..={at_most}, not {really}");
        }
    }

    /// Ranks 1 to `keys`, the k-th 1/k as often as the first.
    fn zipf(keys: usize, count: usize, seed: u64) -> impl Iterator<Item = usize> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut sum = 0.0;
        let sums: Vec<f64> = (1..=keys)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        (0..count).map(move |_| {
            let at = rng.random_range(0.0..sums[keys - 1]);
            sums.partition_point(|sum| *sum < at) + 1
        })
    }

    #[test]
    fn few_keys_are_counted_exactly() {
        let stream = (0..10_000_u64).map(|i| (format!("key-{}", i % COUNTERS as u64), i % 7));
        let (hot, truth) = counted(stream);
        let top = hot.top(usize::MAX);
        assert_eq!(top.len(), COUNTERS);
        assert!(top.iter().all(|key| key.at_least == key.at_most && key.at_least == truth[&key.partition_key]));
        assert!(top.windows(2).all(|pair| pair[0].at_least >= pair[1].at_least));
    }

    #[test]
    fn the_hottest_keys_of_many_are_found_within_true_bounds() {
        for seed in 0..5 {
            let stream = zipf(100_000, 200_000, seed).map(|rank| (format!("customer-{rank}"), 1));
            let (hot, truth) = counted(stream);
            let mut hottest: Vec<_> = truth.iter().map(|(key, count)| (Reverse(*count), key.clone())).collect();
            hottest.sort();
            let expected: Vec<_> = hottest[..5].iter().map(|(_, key)| key.clone()).collect();
            let found: Vec<_> = hot.top(5).into_iter().map(|key| key.partition_key).collect();
            assert_eq!(found, expected, "seed {seed}");
            assert_bounds(&hot, &truth);
        }
    }

    #[test]
    fn a_key_of_few_heavy_records_is_hot_too() {
        let mut rng = StdRng::seed_from_u64(3);
        let light = |i: u64| (format!("light-{i}"), 100);
        let stream = (0..50_000)
            .map(|i| if i % 100 == 0 { ("heavy".to_owned(), 50_000) } else { light(rng.next_u64() % 9_000) });
        let (hot, truth) = counted(stream);
        assert_eq!(hot.top(1)[0].partition_key, "heavy");
        assert!(hot.top(1)[0].at_least > 24_000_000);
        assert_bounds(&hot, &truth);
    }

    #[test]
    fn among_equal_keys_none_is_said_to_be_hot() {
        let mut rng = StdRng::seed_from_u64(5);
        let (hot, truth) = counted((0..200_000).map(|_| (format!("{:x}", rng.next_u64() % 50_000), 1)));
        assert_bounds(&hot, &truth);
        assert!(hot.top(COUNTERS).iter().all(|key| key.at_least <= 30), "{:?}", hot.top(3));
    }

    #[test]
    fn memory_is_bounded_by_the_longest_keys() {
        let (hot, _) = counted((0..10_000).map(|i| (format!("{i:0256}"), 1)));
        assert_eq!((hot.keys.len(), hot.counts.len(), hot.fingerprints.len()), (COUNTERS, COUNTERS, COUNTERS));
        assert!(hot.keys.iter().all(|counted| counted.key.capacity() <= 512));
    }

    #[test]
    fn keys_that_share_a_fingerprint_are_told_apart() {
        let (mut hot, fingerprint) = (HotKeys::default(), fingerprint("a"));
        hot.begin("a", fingerprint, 2);
        hot.begin("b", fingerprint, 3);
        assert_eq!(
            (hot.find("a", fingerprint), hot.find("b", fingerprint), hot.find("c", fingerprint)),
            (Some(0), Some(1), None)
        );
    }
}
