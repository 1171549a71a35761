//! The result of a load that several processes shared.

use std::collections::HashMap;

use super::{Failure, HotKey, Imbalance, LoadResult, collect::REASONS, imbalance::ShardCounts, latency};

impl LoadResult {
    /// Of a load that has sent nothing.
    pub fn none() -> Self {
        Self {
            offered: 0,
            acknowledged: 0,
            failed: 0,
            refused: 0,
            failures: Vec::new(),
            retried: 0,
            throttled: 0,
            hot_keys: Vec::new(),
            shards: Vec::new(),
            imbalance: None,
            resharded: false,
            hot_latency_us: None,
            actions: Vec::new(),
            possible_duplicates: 0,
            bytes: 0,
            seconds: 0.0,
            records_per_second: 0.0,
            asked_per_second: None,
            bytes_per_second: 0.0,
            latency_us: latency::of_load(),
            late: 0.0,
            cancelled: false,
            gave_up: false,
        }
    }

    /// What loads come to together that began at the same time, into a stream that had so many open shards. Actions are
    /// those of whoever steered them all, and stay out of it.
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Self>, open_shards: usize) -> Self {
        let (mut all, mut shards, mut hot_keys) = (Self::none(), ShardCounts::default(), HotKeys::default());
        for part in parts {
            all.add(part);
            hot_keys.add(&part.hot_keys);
            part.shards.iter().for_each(|shard| shards.add(shard));
        }
        (all.shards, all.hot_keys) = (shards.all().to_vec(), hot_keys.hottest_first());
        let per_second = |amount: u64| if all.seconds > 0.0 { amount as f64 / all.seconds } else { 0.0 };
        let (records_per_second, bytes_per_second) = (per_second(all.acknowledged), per_second(all.bytes));
        all.resharded |= open_shards > 0 && all.shards.len() > open_shards;
        let imbalance = Imbalance::of(&all.shards, open_shards).filter(|_| !all.resharded);
        Self { records_per_second, bytes_per_second, imbalance, ..all }
    }

    fn add(&mut self, part: &Self) {
        self.offered += part.offered;
        self.acknowledged += part.acknowledged;
        self.failed += part.failed;
        self.refused += part.refused;
        self.retried += part.retried;
        self.throttled += part.throttled;
        self.possible_duplicates += part.possible_duplicates;
        self.bytes += part.bytes;
        self.resharded |= part.resharded;
        self.cancelled |= part.cancelled;
        self.gave_up |= part.gave_up;
        self.seconds = self.seconds.max(part.seconds);
        self.late = self.late.max(part.late);
        self.asked_per_second = match (self.asked_per_second, part.asked_per_second) {
            (Some(all), Some(more)) => Some(all + more),
            (all, more) => all.or(more),
        };
        add_counts(&mut self.latency_us, &part.latency_us);
        if let Some(hot) = &part.hot_latency_us {
            add_counts(self.hot_latency_us.get_or_insert_with(latency::of_load), hot);
        }
        part.failures.iter().for_each(|failure| self.add_failure(failure));
    }

    fn add_failure(&mut self, failure: &Failure) {
        if let Some(known) = self.failures.iter_mut().find(|known| known.reason == failure.reason) {
            known.count += failure.count;
            known.first = known.first.min(failure.first);
        } else if self.failures.len() < REASONS {
            self.failures.push(failure.clone());
        }
    }
}

fn add_counts(all: &mut hdrhistogram::Histogram<u64>, more: &hdrhistogram::Histogram<u64>) {
    all.add(more).expect("histograms of loads have the same bounds");
}

/// Hot keys of several loads.
#[derive(Default)]
pub struct HotKeys<'a>(HashMap<&'a str, u64>);

impl<'a> HotKeys<'a> {
    /// Adds those of one load.
    pub fn add(&mut self, more: &'a [HotKey]) {
        more.iter().for_each(|hot| *self.0.entry(&hot.partition_key).or_default() += hot.bytes);
    }

    /// All of them, the hottest first.
    pub fn hottest_first(self) -> Vec<HotKey> {
        let hot = self.0.into_iter().map(|(key, bytes)| HotKey { partition_key: key.to_owned(), bytes });
        let mut all: Vec<_> = hot.collect();
        all.sort_by(|a, b| (b.bytes, &a.partition_key).cmp(&(a.bytes, &b.partition_key)));
        all
    }
}
