//! What workers have done so far, and what that comes to together.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::load::{
    ByShard, HotKey, HotKeys, HotShard, LatencyCounts, LoadSecond, LoadTotals, Percentiles, Progress, ShardCount,
    ShardCounts, Silence, microseconds,
};

/// Of the latencies of a load under way.
const DIGITS: u8 = 2;

/// What one worker has done since the load began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Documents that were due.
    pub scheduled: u64,
    /// Documents and their bytes.
    pub totals: LoadTotals,
    /// The most duplicates that it can have made; none before its load has begun.
    pub possible_duplicates: Option<u64>,
    /// Documents that have not ended.
    pub in_flight: u64,
    /// Documents acknowledged in its last second.
    pub records_per_second: f64,
    /// Bytes of those.
    pub bytes_per_second: f64,
    /// From the intended send time to the acknowledgement.
    pub ack_latency_us: LatencyCounts,
    /// From when the request left to its answer.
    pub service_us: LatencyCounts,
    /// What each shard got.
    pub shards: Vec<ShardCount>,
    /// Shards of those that a reshard closed, by their ids.
    pub closed: BTreeSet<Box<str>>,
    /// Shards that are open; 0 where that is not known.
    pub open: usize,
    /// Partition keys that slow it.
    pub hot_keys: Vec<HotKey>,
    /// Those that slowed it in its last second, with their shards.
    pub hot_shards: Vec<HotShard>,
    /// Set while nothing is acknowledged.
    pub silence: Option<Silence>,
    /// Whether it is paused by hand.
    pub is_paused: bool,
    /// The latest document that was tracked and read.
    pub read: Option<LastRead>,
}

impl Figures {
    /// Those of a worker that is gone, with so many documents acknowledged: others offer the rest again.
    pub(super) fn of_the_dead(mut self, acknowledged: u64) -> Self {
        (self.totals.offered, self.totals.acknowledged) = (acknowledged, acknowledged);
        Self {
            in_flight: 0,
            records_per_second: 0.0,
            bytes_per_second: 0.0,
            silence: None,
            hot_shards: Vec::new(),
            read: None,
            ..self
        }
    }
}

/// A document that was tracked and read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRead {
    /// Its number among them.
    pub number: u64,
    /// Where it was read.
    pub destination: String,
    /// From its intended send time until then.
    pub took: Duration,
}

/// The figures of one worker while they are counted.
#[derive(Default)]
pub struct Tally {
    figures: Figures,
    latencies: Latencies,
    seconds: u64,
    /// Whether it is not said what each shard got.
    omits_shards: bool,
}

/// What all workers come to together.
#[derive(Clone, Default)]
pub(super) struct Sum {
    figures: Figures,
    latencies: Latencies,
    shards: ShardCounts,
}

#[derive(Clone)]
struct Latencies {
    acknowledgement: Histogram<u64>,
    service: Histogram<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        let empty = microseconds(DIGITS);
        Self { acknowledgement: empty.clone(), service: empty }
    }
}

impl Latencies {
    fn add(&mut self, acknowledgement: &LatencyCounts, service: &LatencyCounts) {
        acknowledgement.add_to(&mut self.acknowledgement);
        service.add_to(&mut self.service);
    }
}

impl Tally {
    /// Of a worker that says what each shard got, or does not.
    pub fn new(by_shard: bool) -> Self {
        Self { omits_shards: !by_shard, ..Self::default() }
    }

    /// Takes note of what a load is doing.
    pub fn progress(&mut self, progress: &Progress) {
        let figures = &mut self.figures;
        figures.possible_duplicates = Some(progress.possible_duplicates);
        figures.in_flight = progress.in_flight;
        figures.records_per_second = progress.records_per_second;
        figures.bytes_per_second = progress.bytes_per_second;
        figures.hot_keys.clone_from(&progress.hot_keys);
        figures.silence.clone_from(&progress.silence);
        figures.is_paused = progress.is_paused;
    }

    /// Adds what a load did in a second.
    pub fn second(&mut self, second: &LoadSecond) {
        self.seconds += 1;
        let figures = &mut self.figures;
        figures.scheduled += second.scheduled.unwrap_or(second.offered);
        figures.totals = second.so_far;
        self.latencies.add(&second.ack_latency_us, &second.service_us);
        figures.hot_shards.clone_from(&second.hot_keys);
        let ByShard { first_seen, acknowledged, bytes, throttled, closed, open } = &second.shards;
        figures.open = *open;
        if self.omits_shards {
            return;
        }
        let named = first_seen.iter().map(|id| ShardCount { id: id.as_str().into(), ..ShardCount::default() });
        figures.shards.extend(named);
        for (place, shard) in figures.shards.iter_mut().enumerate() {
            let at = |counts: &[u64]| counts.get(place).copied().unwrap_or(0);
            shard.documents += at(acknowledged);
            shard.bytes += at(bytes);
            shard.throttled += at(throttled);
        }
        figures.closed.extend(closed.iter().map(|place| figures.shards[*place].id.clone()));
    }

    /// Takes note of a document that was tracked and read.
    pub fn read(&mut self, destination: &str, took: Duration) {
        let number = self.figures.read.as_ref().map_or(0, |read| read.number) + 1;
        self.figures.read = Some(LastRead { number, destination: destination.to_owned(), took });
    }

    /// How many seconds were added.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// As they travel.
    pub fn figures(&self) -> Figures {
        let Latencies { acknowledgement, service } = &self.latencies;
        let (ack_latency_us, service_us) = (LatencyCounts::of(acknowledgement), LatencyCounts::of(service));
        Figures { ack_latency_us, service_us, ..self.figures.clone() }
    }
}

impl Sum {
    /// What several workers' figures come to.
    pub(super) fn of<'a>(workers: impl IntoIterator<Item = &'a Figures>) -> Self {
        let (mut all, mut hot_keys, mut hot_shards) = (Self::default(), HotKeys::default(), BTreeMap::new());
        for worker in workers {
            all.add(worker);
            hot_keys.add(&worker.hot_keys);
            hot_shards.extend(worker.hot_shards.iter().map(|hot| (&hot.partition_key, hot)));
        }
        all.figures.hot_keys = hot_keys.hottest_first();
        all.figures.hot_shards = hot_shards.into_values().cloned().collect();
        all.figures.totals.ack_latency_ms = Percentiles::of(&all.latencies.acknowledgement);
        all
    }

    fn add(&mut self, worker: &Figures) {
        let (all, more) = (&mut self.figures, &worker.totals);
        all.scheduled += worker.scheduled;
        all.totals.offered += more.offered;
        all.totals.acknowledged += more.acknowledged;
        all.totals.bytes += more.bytes;
        all.totals.retried += more.retried;
        all.totals.throttled += more.throttled;
        all.totals.failed += more.failed;
        let possible = all.possible_duplicates.unwrap_or(0) + worker.possible_duplicates.unwrap_or(0);
        all.possible_duplicates = Some(possible);
        all.in_flight += worker.in_flight;
        all.records_per_second += worker.records_per_second;
        all.bytes_per_second += worker.bytes_per_second;
        all.open = all.open.max(worker.open);
        all.closed.extend(worker.closed.iter().cloned());
        self.latencies.add(&worker.ack_latency_us, &worker.service_us);
        worker.shards.iter().for_each(|shard| self.shards.add(shard));
    }

    /// The progress of all. `silence` and `is_paused` are for those that send to say.
    pub(super) fn told(&self, elapsed: Duration, total: u64) -> Progress {
        let Figures { totals, .. } = &self.figures;
        Progress {
            elapsed,
            offered: totals.offered,
            acknowledged: totals.acknowledged,
            failed: totals.failed,
            retried: totals.retried,
            throttled: totals.throttled,
            possible_duplicates: self.figures.possible_duplicates.unwrap_or(0),
            hot_keys: self.figures.hot_keys.clone(),
            in_flight: self.figures.in_flight,
            total: Some(total),
            records_per_second: self.figures.records_per_second,
            bytes_per_second: self.figures.bytes_per_second,
            p99_ms: totals.ack_latency_ms.map(|ms| ms.p99),
            silence: None,
            is_paused: false,
        }
    }

    /// What all did since an earlier moment. `places` has the shards that a row of the record has had.
    pub(super) fn since(&self, before: &Self, (from, at): (f64, f64), places: &mut Vec<Box<str>>) -> LoadSecond {
        let (now, then) = (&self.figures.totals, &before.figures.totals);
        let ack_latency = difference(&self.latencies.acknowledgement, &before.latencies.acknowledgement);
        let service = difference(&self.latencies.service, &before.latencies.service);
        LoadSecond {
            at,
            seconds: at - from,
            scheduled: Some(self.figures.scheduled.saturating_sub(before.figures.scheduled)),
            offered: now.offered.saturating_sub(then.offered),
            acknowledged: now.acknowledged.saturating_sub(then.acknowledged),
            bytes: now.bytes.saturating_sub(then.bytes),
            retried: now.retried.saturating_sub(then.retried),
            throttled: now.throttled.saturating_sub(then.throttled),
            failed: now.failed.saturating_sub(then.failed),
            in_flight: self.figures.in_flight,
            ack_latency_ms: Percentiles::of(&ack_latency),
            service_ms: Percentiles::of(&service),
            ack_latency_us: LatencyCounts::of(&ack_latency),
            service_us: LatencyCounts::of(&service),
            shards: self.shards_since(before, places),
            hot_keys: self.figures.hot_shards.clone(),
            so_far: *now,
        }
    }

    /// The same, but never less than at an earlier moment: of what a dead worker said, others offer again what its log lacks, and
    /// rows that had it already have it once.
    pub(super) fn at_least(mut self, before: &Self) -> Self {
        let (now, then) = (&mut self.figures.totals, &before.figures.totals);
        now.offered = now.offered.max(then.offered);
        now.acknowledged = now.acknowledged.max(then.acknowledged);
        self
    }

    fn shards_since(&self, before: &Self, places: &mut Vec<Box<str>>) -> ByShard {
        let mut second = ByShard { open: self.figures.open, ..ByShard::default() };
        for shard in self.shards.all() {
            if !places.contains(&shard.id) {
                places.push(shard.id.clone());
                second.first_seen.push(shard.id.to_string());
            }
        }
        let of = |sum: &Self, id: &str| sum.shards.get(id).cloned().unwrap_or_default();
        for id in places.iter() {
            let (now, then) = (of(self, id), of(before, id));
            second.acknowledged.push(now.documents.saturating_sub(then.documents));
            second.bytes.push(now.bytes.saturating_sub(then.bytes));
            second.throttled.push(now.throttled.saturating_sub(then.throttled));
        }
        let closed = self.figures.closed.difference(&before.figures.closed);
        second.closed = closed.filter_map(|id| places.iter().position(|place| place == id)).collect();
        if second.throttled.iter().all(|times| *times == 0) {
            second.throttled.clear();
        }
        second
    }
}

/// A worker's figures never shrink, so neither do those of all.
fn difference(now: &Histogram<u64>, before: &Histogram<u64>) -> Histogram<u64> {
    let mut difference = now.clone();
    match difference.subtract(before) {
        Ok(()) => difference,
        Err(_) => microseconds(DIGITS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(documents: u64, us: u64, shard: &str) -> LoadSecond {
        let mut latencies = microseconds(DIGITS);
        latencies.record_n(us, documents).expect("below an hour");
        let counts = LatencyCounts::of(&latencies);
        let shards = ByShard {
            first_seen: vec![shard.to_owned()],
            acknowledged: vec![documents],
            bytes: vec![documents * 10],
            throttled: vec![1],
            ..ByShard::default()
        };
        let so_far = LoadTotals { offered: documents + 1, acknowledged: documents, ..LoadTotals::default() };
        let (ack_latency_us, service_us) = (counts.clone(), counts);
        LoadSecond { offered: documents + 1, ack_latency_us, service_us, shards, so_far, ..LoadSecond::default() }
    }

    fn worker(seconds: &[LoadSecond]) -> Figures {
        let mut tally = Tally::default();
        seconds.iter().for_each(|second| tally.second(second));
        let text = serde_json::to_string(&tally.figures()).expect("JSON");
        serde_json::from_str(&text).expect("figures")
    }

    #[test]
    fn a_second_of_all_is_what_their_figures_grew_by() {
        let mut places = Vec::new();
        let first = Sum::of(&[worker(&[second(10, 1_000, "a")]), worker(&[second(30, 2_000, "b")])]);
        let row = first.since(&Sum::default(), (0.0, 1.0), &mut places);
        assert_eq!((row.acknowledged, row.offered, row.scheduled), (40, 42, Some(42)));
        assert_eq!((&row.shards.first_seen, &row.shards.acknowledged), (&vec!["a".into(), "b".into()], &vec![10, 30]));
        let mut one_more = second(20, 8_000, "c");
        one_more.shards.acknowledged = vec![0, 20];
        one_more.shards.bytes = vec![0, 200];
        one_more.shards.throttled = Vec::new();
        one_more.so_far.acknowledged = 30;
        let second_of_all = [worker(&[second(10, 1_000, "a"), one_more]), worker(&[second(30, 2_000, "b")])];
        let row = Sum::of(&second_of_all).since(&first, (1.0, 2.0), &mut places);
        assert_eq!((row.acknowledged, row.shards.acknowledged.clone()), (20, vec![0, 0, 20]), "{row:?}");
        assert_eq!((row.shards.first_seen, row.shards.throttled), (vec!["c".to_owned()], Vec::<u64>::new()));
        let ms = row.ack_latency_ms.expect("documents");
        assert!((7.9..8.2).contains(&ms.p50) && ms.p50 == ms.max, "those of this second alone: {ms:?}");
    }

    #[test]
    fn what_is_sent_again_for_a_dead_worker_is_in_rows_once() {
        let said = Sum::of(&[worker(&[second(30, 1_000, "a")])]);
        let logged = worker(&[second(30, 1_000, "a")]).of_the_dead(20);
        let row = |sum: &Sum, before: &Sum| sum.since(before, (1.0, 2.0), &mut vec!["a".into()]).acknowledged;
        let dead = Sum::of(std::slice::from_ref(&logged));
        assert_eq!(row(&dead, &said), 0);
        let kept = dead.at_least(&said);
        assert_eq!(
            row(&Sum::of(&[logged.clone(), worker(&[second(10, 1_000, "a")])]), &kept),
            0,
            "the ten that it said"
        );
        assert_eq!(row(&Sum::of(&[logged, worker(&[second(15, 1_000, "a")])]), &kept), 5);
    }
}
