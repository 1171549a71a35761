//! What the shards of a stream do now.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    load::{HotShard, LoadSecond},
    spec::{SHARD_BYTES, SHARD_RECORDS},
};

/// A shard is hot that gets so many times the mean of all.
const HOT: f64 = 1.5;

/// The shards by their places, which stay for the whole load.
#[derive(Clone, Debug, Default)]
pub(super) struct Shards {
    ids: Vec<String>,
    closed: BTreeSet<usize>,
}

/// The shards in one row.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ShardsNow {
    /// Shards that are open; 0 where that is not known.
    pub(super) open: usize,
    /// The shards of the next places; of a whole state, those of all.
    pub(super) first_seen: Vec<String>,
    /// Places whose shards are closed.
    closed: BTreeSet<usize>,
    /// How much of what it takes each place got, in thousandths of its documents or its bytes, whichever is more.
    used: Vec<u64>,
    /// Times that each wanted a record later; empty where none did.
    throttled: Vec<u64>,
    hottest: Option<Hottest>,
    hot_keys: Vec<HotShard>,
}

/// The shard that got most.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Hottest {
    shard: String,
    documents_per_second: f64,
    /// They over the mean of all open shards.
    over_mean: f64,
    /// The partition key that holds it up, if one does.
    key: Option<String>,
}

impl Shards {
    pub(super) fn row(&mut self, load: &LoadSecond) -> ShardsNow {
        self.ids.extend(load.shards.first_seen.iter().cloned());
        self.closed.extend(&load.shards.closed);
        let seconds = if load.seconds > 0.0 { load.seconds } else { 1.0 };
        let thousandths = |(documents, bytes): (&u64, &u64)| {
            let share = (*documents as f64 / SHARD_RECORDS).max(*bytes as f64 / SHARD_BYTES) / seconds;
            (share * 1e3).round() as u64
        };
        ShardsNow {
            open: load.shards.open,
            first_seen: load.shards.first_seen.clone(),
            closed: self.closed.clone(),
            used: load.shards.acknowledged.iter().zip(&load.shards.bytes).map(thousandths).collect(),
            throttled: load.shards.throttled.clone(),
            hottest: self.hottest(load, seconds),
            hot_keys: load.hot_keys.clone(),
        }
    }

    /// The shards of all places.
    pub(super) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// None where the shards got about the same.
    fn hottest(&self, load: &LoadSecond, seconds: f64) -> Option<Hottest> {
        let counts = &load.shards.acknowledged;
        let (place, most) = counts.iter().enumerate().max_by_key(|(place, count)| (*count, usize::MAX - place))?;
        let open = if load.shards.open > 0 { load.shards.open } else { counts.len() - self.closed.len() };
        let mean = load.acknowledged as f64 / open.max(1) as f64;
        let (shard, over_mean) = (self.ids.get(place)?, *most as f64 / mean);
        let key = load.hot_keys.iter().find(|hot| hot.shard.as_ref() == Some(shard));
        let is_hot = mean > 0.0 && (over_mean >= HOT || key.is_some());
        is_hot.then(|| Hottest {
            shard: shard.clone(),
            documents_per_second: *most as f64 / seconds,
            over_mean,
            key: key.map(|hot| hot.partition_key.clone()),
        })
    }
}

/// Documents a second that so many shards take, by what a document has on average; none where nobody knows.
pub(super) fn capacity(load: &LoadSecond) -> Option<f64> {
    let totals = load.so_far;
    let is_known = load.shards.open > 0 && totals.acknowledged > 0;
    let mean_bytes = totals.bytes as f64 / totals.acknowledged as f64;
    is_known.then(|| load.shards.open as f64 * SHARD_RECORDS.min(SHARD_BYTES / mean_bytes.max(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{ByShard, LoadTotals};

    fn load(acknowledged: Vec<u64>, first_seen: &[&str], closed: Vec<usize>) -> LoadSecond {
        let bytes: Vec<u64> = acknowledged.iter().map(|documents| documents * 8_192).collect();
        let (sum, all) = (acknowledged.iter().sum::<u64>(), bytes.iter().sum::<u64>());
        LoadSecond {
            seconds: 1.0,
            acknowledged: sum,
            bytes: all,
            so_far: LoadTotals { acknowledged: sum, bytes: all, ..LoadTotals::default() },
            shards: ByShard {
                open: acknowledged.len() - closed.len(),
                first_seen: first_seen.iter().map(|id| (*id).to_owned()).collect(),
                acknowledged,
                bytes,
                closed,
                ..ByShard::default()
            },
            ..LoadSecond::default()
        }
    }

    #[test]
    fn the_hottest_is_named_with_the_key_that_heats_it() {
        let mut shards = Shards::default();
        let even = shards.row(&load(vec![30, 31, 30], &["a", "b", "c"], Vec::new()));
        assert_eq!((even.hottest, even.used), (None, vec![234, 242, 234]), "of 128 documents of 8 KiB a second");
        let mut hot = load(vec![10, 128, 10], &[], Vec::new());
        let found = shards.row(&hot).hottest.expect("a hot one");
        assert_eq!((found.shard.as_str(), found.documents_per_second, &found.key), ("b", 128.0, &None));
        assert!((found.over_mean - 128.0 / (148.0 / 3.0)).abs() < 1e-9);
        hot.hot_keys = vec![HotShard { partition_key: "celebrity".into(), shard: Some("b".into()) }];
        assert_eq!(shards.row(&hot).hottest.expect("a hot one").key.as_deref(), Some("celebrity"));
    }

    #[test]
    fn a_reshard_closes_places_and_adds_others_and_capacity_follows() {
        let mut shards = Shards::default();
        let before = load(vec![10, 10], &["a", "b"], Vec::new());
        assert_eq!(capacity(&before), Some(256.0), "two of 1 MiB in documents of 8 KiB");
        shards.row(&before);
        let after = load(vec![0, 10, 5, 5], &["c", "d"], vec![0]);
        assert_eq!(capacity(&after), Some(384.0));
        let now = shards.row(&after);
        assert_eq!(
            (now.closed.into_iter().collect::<Vec<_>>(), now.first_seen),
            (vec![0], vec!["c".into(), "d".into()])
        );
        assert_eq!(shards.ids(), ["a", "b", "c", "d"]);
    }
}
