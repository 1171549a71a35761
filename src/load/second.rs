//! What a load does second by second.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::{
    Percentiles,
    imbalance::{ShardCount, ShardCounts},
    latency::{LatencyCounts, microseconds},
    pace::Pace,
};

/// What a load did in about one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSecond {
    /// Its end, in seconds since the load began.
    pub at: f64,
    /// How long it was, in seconds: the last of a load is shorter, and a busy machine makes longer ones.
    pub seconds: f64,
    /// Documents that the schedule has in it; null where documents are sent as fast as they can be.
    pub scheduled: Option<u64>,
    /// Documents that the producer took.
    pub offered: u64,
    /// Documents that the service acknowledged.
    pub acknowledged: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Times that a document was sent again.
    pub retried: u64,
    /// Of those, times because a shard had taken all that it takes.
    pub throttled: u64,
    /// Documents that ended with an error.
    pub failed: u64,
    /// Documents that have not ended at its end.
    pub in_flight: u64,
    /// From the intended send time to the acknowledgement, of the documents acknowledged in it.
    pub ack_latency_ms: Option<Percentiles>,
    /// From when the request left to its answer, of the same documents; of a document that was retried, the last request.
    pub service_ms: Option<Percentiles>,
    /// All of the former, for whoever puts several loads together; no record has them.
    #[serde(skip)]
    pub ack_latency_us: LatencyCounts,
    /// All of the latter.
    #[serde(skip)]
    pub service_us: LatencyCounts,
    /// What each shard did in it.
    pub shards: ByShard,
    /// Partition keys that held the load up in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hot_keys: Vec<HotShard>,
    /// Counts from the beginning of the load to the end of this second.
    pub so_far: LoadTotals,
}

/// What shards did in one second, each at its place; places follow from the order in which shards took their first document,
/// and stay for the whole load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ByShard {
    /// The shards that got their place in this second, such as `shardId-000000000000`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_seen: Vec<String>,
    /// Documents that each acknowledged.
    pub acknowledged: Vec<u64>,
    /// Bytes of those.
    pub bytes: Vec<u64>,
    /// Times that each wanted a record later; empty where none did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub throttled: Vec<u64>,
    /// Places whose shards were closed in this second, by a reshard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<usize>,
    /// Shards that are open at its end; 0 where that is not known.
    #[serde(default)]
    pub open: usize,
}

/// A partition key that holds the load up, and the shard that takes its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotShard {
    /// The key.
    pub partition_key: String,
    /// The shard, if it is known.
    pub shard: Option<String>,
}

/// Counts of a load from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadTotals {
    /// Documents that the producer took.
    pub offered: u64,
    /// Documents that the service acknowledged.
    pub acknowledged: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Times that a document was sent again.
    pub retried: u64,
    /// Of those, times because a shard had taken all that it takes.
    pub throttled: u64,
    /// Documents that ended with an error.
    pub failed: u64,
    /// From the intended send time to the acknowledgement.
    pub ack_latency_ms: Option<Percentiles>,
}

/// Latencies of the documents acknowledged in the present second.
pub(super) struct Latencies {
    acknowledgement: Histogram<u64>,
    service: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new() -> Self {
        Self { acknowledgement: microseconds(DIGITS), service: microseconds(DIGITS) }
    }

    pub(super) fn record(&mut self, from_intended: Duration, from_sent: Duration) {
        self.acknowledgement.saturating_record(from_intended.as_micros() as u64);
        self.service.saturating_record(from_sent.as_micros() as u64);
    }

    fn take(&mut self) -> [(Option<Percentiles>, LatencyCounts); 2] {
        [&mut self.acknowledgement, &mut self.service].map(|histogram| {
            let taken = (Percentiles::of(histogram), LatencyCounts::of(histogram));
            histogram.reset();
            taken
        })
    }
}

/// Of the latencies of one second.
const DIGITS: u8 = 2;

/// Where a load is at this moment.
pub(super) struct Position<'a> {
    pub(super) elapsed: Duration,
    pub(super) totals: LoadTotals,
    pub(super) in_flight: u64,
    pub(super) shards: &'a ShardCounts,
    /// The open shards by their ids, and how often each wanted a record later so far; none while they are not known.
    pub(super) throttled: Vec<(String, u64)>,
    /// Partition keys that held the load up so far, the hottest first, and how many bytes of each had to wait.
    pub(super) hot_keys: Vec<(HotShard, u64)>,
}

/// Tells what a load does, second by second.
pub(super) struct Seconds {
    receiver: mpsc::UnboundedSender<LoadSecond>,
    schedule: watch::Receiver<Pace>,
    /// Where the present second began.
    began: Duration,
    scheduled: u64,
    before: LoadTotals,
    shards: Vec<(u64, u64)>,
    throttled: HashMap<String, u64>,
    /// Places whose shards are closed.
    closed: HashSet<usize>,
    /// Bytes of each hot key that had to wait so far.
    hot: HashMap<String, u64>,
}

impl Seconds {
    pub(super) fn new(receiver: mpsc::UnboundedSender<LoadSecond>, schedule: watch::Receiver<Pace>) -> Self {
        Self {
            receiver,
            schedule,
            began: Duration::ZERO,
            scheduled: 0,
            before: LoadTotals::default(),
            shards: Vec::new(),
            throttled: HashMap::new(),
            closed: HashSet::new(),
            hot: HashMap::new(),
        }
    }

    /// Whether a second is over.
    pub(super) fn is_due(&self, elapsed: Duration) -> bool {
        elapsed.as_secs() > self.began.as_secs()
    }

    /// Ends the present second and begins the next. Nobody need listen.
    pub(super) fn tell(&mut self, position: Position<'_>, latencies: &mut Latencies) {
        let Position { elapsed, totals, in_flight, .. } = position;
        let before = std::mem::replace(&mut self.before, totals);
        let [(ack_latency_ms, ack_latency_us), (service_ms, service_us)] = latencies.take();
        let second = LoadSecond {
            at: elapsed.as_secs_f64(),
            seconds: elapsed.saturating_sub(self.began).as_secs_f64(),
            scheduled: self.scheduled(elapsed, totals.offered),
            offered: totals.offered - before.offered,
            acknowledged: totals.acknowledged - before.acknowledged,
            bytes: totals.bytes - before.bytes,
            retried: totals.retried - before.retried,
            throttled: totals.throttled - before.throttled,
            failed: totals.failed - before.failed,
            in_flight,
            ack_latency_ms,
            service_ms,
            ack_latency_us,
            service_us,
            shards: self.by_shard(&position),
            hot_keys: self.hot_keys(position.hot_keys),
            so_far: totals,
        };
        self.began = elapsed;
        let _ = self.receiver.send(second);
    }

    /// A load that had no schedule goes on from what it has offered.
    fn scheduled(&mut self, elapsed: Duration, offered: u64) -> Option<u64> {
        let due = self.schedule.borrow().scheduled(elapsed);
        let before = std::mem::replace(&mut self.scheduled, due.unwrap_or(offered));
        due.map(|due| due.saturating_sub(before))
    }

    fn by_shard(&mut self, position: &Position<'_>) -> ByShard {
        let Position { shards, throttled, .. } = position;
        let (all, known) = (shards.all(), self.shards.len());
        self.shards.resize(all.len(), (0, 0));
        let mut second = ByShard { open: throttled.len(), closed: self.closed(all, throttled), ..ByShard::default() };
        let mut throttled = self.throttled(throttled);
        second.first_seen.extend(all[known..].iter().map(|shard| shard.id.to_string()));
        for (shard, (documents, bytes)) in all.iter().zip(&mut self.shards) {
            second.acknowledged.push(shard.documents - std::mem::replace(documents, shard.documents));
            second.bytes.push(shard.bytes - std::mem::replace(bytes, shard.bytes));
            second.throttled.push(throttled.remove(&*shard.id).unwrap_or(0));
        }
        if second.throttled.iter().all(|times| *times == 0) {
            second.throttled.clear();
        }
        second
    }

    /// Those that are hotter than a second before: a key that has cooled down holds nothing up.
    fn hot_keys(&mut self, so_far: Vec<(HotShard, u64)>) -> Vec<HotShard> {
        let before = std::mem::take(&mut self.hot);
        self.hot = so_far.iter().map(|(hot, bytes)| (hot.partition_key.clone(), *bytes)).collect();
        let is_hotter =
            |(hot, bytes): &(HotShard, u64)| before.get(&hot.partition_key).is_none_or(|before| bytes > before);
        so_far.into_iter().filter(is_hotter).map(|(hot, _)| hot).collect()
    }

    /// The places of shards that were open before, and now are not.
    fn closed(&mut self, all: &[ShardCount], open: &[(String, u64)]) -> Vec<usize> {
        if open.is_empty() {
            return Vec::new();
        }
        let open: HashSet<&str> = open.iter().map(|(id, _)| id.as_str()).collect();
        let is_closed = |place: &usize| !open.contains(&*all[*place].id) && !self.closed.contains(place);
        let closed: Vec<usize> = (0..all.len()).filter(is_closed).collect();
        self.closed.extend(&closed);
        closed
    }

    /// Times that each open shard wanted a record later in this second. The producer's counts begin anew with a new shard map.
    fn throttled(&mut self, so_far: &[(String, u64)]) -> HashMap<String, u64> {
        let before = std::mem::take(&mut self.throttled);
        self.throttled = so_far.iter().cloned().collect();
        let since = |(id, now): (&String, &u64)| {
            let now = now.checked_sub(before.get(id).copied().unwrap_or(0)).unwrap_or(*now);
            (id.clone(), now)
        };
        self.throttled.iter().map(since).filter(|(_, times)| *times > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::part::Part,
        spec::{Length, Rate, Schedule},
    };

    #[test]
    fn a_second_has_what_is_new_in_it_and_shards_keep_their_places() {
        let schedule = Schedule::constant(Rate::PerSecond(10.0), Length::Records(15)).expect("documents");
        let (_pace, schedule) = watch::channel(Pace::new(schedule, Part::WHOLE).expect("all of it"));
        let (sender, mut received) = mpsc::unbounded_channel();
        let (mut seconds, mut latencies, mut shards) =
            (Seconds::new(sender, schedule), Latencies::new(), ShardCounts::default());
        let mut tell = |ms, offered, shards: &ShardCounts, throttled| {
            let throttled = vec![("a".to_owned(), throttled), ("b".to_owned(), 0)];
            latencies.record(Duration::from_millis(30), Duration::from_millis(20));
            let totals = LoadTotals {
                offered,
                acknowledged: shards.all().iter().map(|shard| shard.documents).sum(),
                ..LoadTotals::default()
            };
            let (elapsed, hot_keys) = (Duration::from_millis(ms), Vec::new());
            let position = Position { elapsed, totals, in_flight: 0, shards, throttled, hot_keys };
            seconds.tell(position, &mut latencies);
            assert!(!seconds.is_due(Duration::from_millis(ms)) && seconds.is_due(Duration::from_secs(ms / 1_000 + 1)));
            received.try_recv().expect("a second")
        };
        shards.count("b", 100);
        let first = tell(1_000, 9, &shards, 2);
        assert_eq!((first.scheduled, first.offered, first.acknowledged), (Some(11), 9, 1));
        assert_eq!((first.shards.first_seen, first.shards.acknowledged), (vec!["b".to_owned()], vec![1]));
        assert!(first.ack_latency_ms.is_some_and(|ms| (29.0..31.0).contains(&ms.p99)));
        assert!(first.service_ms.is_some_and(|ms| (19.0..21.0).contains(&ms.p99)));
        ["a", "b", "a"].into_iter().for_each(|shard| shards.count(shard, 10));
        let second = tell(2_000, 15, &shards, 5);
        assert_eq!((second.scheduled, second.offered, second.acknowledged), (Some(4), 6, 3));
        let expected = ByShard {
            first_seen: vec!["a".into()],
            acknowledged: vec![1, 2],
            bytes: vec![10, 20],
            throttled: vec![0, 3],
            closed: Vec::new(),
            open: 2,
        };
        assert_eq!((second.shards, second.so_far.acknowledged), (expected, 4));
        assert_eq!(tell(3_000, 15, &shards, 1).shards.throttled, [0, 1], "counted anew");
    }

    #[test]
    fn what_is_closed_is_told_once_and_a_key_only_while_it_is_hot() {
        let (sender, _received) = mpsc::unbounded_channel();
        let schedule = Schedule::constant(Rate::Max, Length::Records(15)).expect("documents");
        let (_pace, schedule) = watch::channel(Pace::new(schedule, Part::WHOLE).expect("all of it"));
        let (mut seconds, mut shards) = (Seconds::new(sender, schedule), ShardCounts::default());
        ["a", "b"].into_iter().for_each(|shard| shards.count(shard, 1));
        let mut closed = |open: &[&str]| {
            let open: Vec<_> = open.iter().map(|id| ((*id).to_owned(), 0)).collect();
            seconds.closed(shards.all(), &open)
        };
        assert!(closed(&["a", "b"]).is_empty() && closed(&[]).is_empty(), "open, and not known");
        assert_eq!((closed(&["a", "c", "d"]), closed(&["a", "c", "d"])), (vec![1], Vec::new()));
        let mut hot = |bytes| {
            let hot = HotShard { partition_key: "celebrity".into(), shard: Some("a".into()) };
            seconds.hot_keys(vec![(hot, bytes)]).len()
        };
        assert_eq!([hot(10), hot(20), hot(20), hot(21)], [1, 1, 0, 1], "it cools down in the third second");
    }
}
