//! A worker that sends nothing, but says each second what it would have sent, as large as a real one says it.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use hdrhistogram::Histogram;
use kinesis_demo::{
    engine::Cancel,
    fleet::{AtGate, Ended, Figures, Finished, Member, Rendezvous, Seat, Tally, View},
    load::{
        AckLog, ByShard, Gate, Header, HotKey, IntervalSet, LatencyCounts, LoadResult, LoadSecond, LoadTotals, Origin,
        Progress, Resumed, control,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep_until};

/// Of a document.
const BYTES: u64 = 8_170;
/// Of the load's latencies.
const LONGEST: u64 = 3_600_000_000;
/// Documents whose latencies are drawn in a second; the others have the same.
const DRAWN: u64 = 400;

/// What is the same for all workers.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Documents of all workers.
    pub documents: u64,
    /// How long it takes.
    pub seconds: u64,
    pub shards: usize,
    /// Whether each worker has keys of its own that hold it up.
    pub has_hot_keys: bool,
}

/// What workers did, for whoever counts.
#[derive(Default)]
pub struct Ledger {
    /// Documents sent, each as often as it was.
    pub sent: u64,
    /// When the first workers of the parts began.
    pub starts: Vec<Instant>,
    /// When others went on, and with which part.
    pub went_on: Vec<(u32, Instant)>,
}

/// One worker.
pub struct SimulatedWorker {
    pub place: Arc<dyn Rendezvous>,
    pub seat: Seat,
    pub load: Load,
    pub ledger: Arc<Mutex<Ledger>>,
    /// It dies so long after the load began.
    pub dies_after: Option<Duration>,
}

struct Seen {
    log: Mutex<AckLog>,
    tally: Mutex<Tally>,
}

impl Seen {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("nobody panicked")
    }

    fn log(&self) -> MutexGuard<'_, AckLog> {
        self.log.lock().expect("nobody panicked")
    }
}

impl View for Seen {
    fn figures(&self) -> Figures {
        self.tally().figures()
    }

    fn seconds(&self) -> u64 {
        self.tally().seconds()
    }

    fn log(&self) -> Option<String> {
        Some(Seen::log(self).text())
    }
}

impl SimulatedWorker {
    /// Until its part is sent, or it dies.
    pub async fn work(self) {
        let mut member = Member::join(self.place.clone(), self.seat).await.expect("a seat");
        let resumed = member.resumed.take();
        let done = resumed.as_ref().map(|resumed| resumed.done.all()).unwrap_or_default();
        let origin = Origin::StoreSales { scale: 1, seed: 1 };
        let header = Header { run: member.plan.run.clone(), origin, part: self.seat.part, flaws: None };
        let tickets = vec![member.plan.tickets.clone()];
        let log = AckLog { header, tickets, acknowledged: done, refused: IntervalSet::default(), offered: None };
        let seen = Seen { log: Mutex::new(log), tally: Mutex::new(Tally::new(member.plan.by_shard)) };
        let by_shard = member.plan.by_shard;
        let (control, _controls) = control();
        let (gate, at_gate) = AtGate::new();
        let cancel = Cancel::new();
        let sent = tokio::select! {
            sent = self.send(resumed, &seen, gate) => sent,
            never = member.attend(&seen, &control, at_gate, &cancel) => match never {},
        };
        let Some(mut load) = sent else { return };
        if !by_shard {
            load.shards.clear();
        }
        let ended = Ended::Finished(Box::new(Finished { load, tracked: None, problems: Vec::new() }));
        member.leave(&seen, &ended).await.expect("said");
    }

    /// None where it dies.
    async fn send(&self, resumed: Option<Resumed>, seen: &Seen, gate: Gate) -> Option<LoadResult> {
        let part = self.seat.part.documents(self.load.documents);
        gate.ready.send(()).expect("someone waits");
        let started = Instant::from_std(gate.start.await.expect("a start"));
        sleep_until(started).await;
        self.began(resumed.is_some());
        let due = |now: Instant| {
            let elapsed = (now - started).as_secs_f64() / self.load.seconds as f64;
            part.start + ((part.end - part.start) as f64 * elapsed.min(1.0)).round() as u64
        };
        let mut result = LoadResult::none();
        if let Some(resumed) = &resumed {
            let open =
                due(Instant::now()) - part.start - seen.log().acknowledged.count_in(part.start..due(Instant::now()));
            result.possible_duplicates = open * resumed.times;
            let possible_duplicates = result.possible_duplicates;
            seen.tally().progress(&Progress { possible_duplicates, ..Progress::default() });
        }
        let mut random = StdRng::seed_from_u64(u64::from(self.seat.part.worker));
        let dies_at = self.dies_after.map(|after| started + after);
        while seen.log().acknowledged.count_in(part.clone()) < part.end - part.start {
            let until = started + Duration::from_secs((Instant::now() - started).as_secs() + 1);
            let dies = dies_at.filter(|at| *at < until);
            sleep_until(dies.unwrap_or(until)).await;
            let sent = missing(&seen.log().acknowledged, part.start..due(Instant::now()));
            self.ledger.lock().expect("nobody panicked").sent +=
                sent.iter().map(|range| range.end - range.start).sum::<u64>();
            if dies.is_some() {
                return None;
            }
            self.acknowledge(&sent, seen, &mut result, &mut random);
        }
        result.seconds = (Instant::now() - started).as_secs_f64();
        Some(result)
    }

    fn began(&self, resumes: bool) {
        let mut ledger = self.ledger.lock().expect("nobody panicked");
        match resumes {
            true => ledger.went_on.push((self.seat.part.worker, Instant::now())),
            false => ledger.starts.push(Instant::now()),
        }
    }

    /// A second of documents.
    fn acknowledge(&self, sent: &[Range<u64>], seen: &Seen, result: &mut LoadResult, random: &mut StdRng) {
        let count: u64 = sent.iter().map(|range| range.end - range.start).sum();
        for range in sent {
            seen.log().acknowledged.insert_range(range.start..=range.end - 1);
        }
        let latencies = latencies(count, random);
        result.latency_us.add(latencies_of_load(&latencies)).expect("the same bounds");
        result.offered += count;
        result.acknowledged += count;
        result.bytes += count * BYTES;
        let so_far = LoadTotals {
            offered: result.offered,
            acknowledged: result.acknowledged,
            bytes: result.bytes,
            ..LoadTotals::default()
        };
        let shards = self.by_shard(count, seen);
        let (ack_latency_us, service_us) = (LatencyCounts::of(&latencies), LatencyCounts::of(&latencies));
        let second = LoadSecond { offered: count, ack_latency_us, service_us, shards, so_far, ..LoadSecond::default() };
        seen.tally().second(&second);
        let possible_duplicates = result.possible_duplicates;
        let (records_per_second, hot_keys) = (count as f64, self.hot_keys());
        seen.tally().progress(&Progress { records_per_second, hot_keys, possible_duplicates, ..Progress::default() });
    }

    fn by_shard(&self, count: u64, seen: &Seen) -> ByShard {
        let shards = self.load.shards;
        let first_seen = match seen.tally().seconds() {
            0 => (0..shards).map(|shard| format!("shardId-{shard:012}")).collect(),
            _ => Vec::new(),
        };
        let each = count / shards as u64;
        let (acknowledged, bytes) = (vec![each; shards], vec![each * BYTES; shards]);
        ByShard { first_seen, acknowledged, bytes, throttled: Vec::new(), closed: Vec::new(), open: shards }
    }

    /// As many as one load can have.
    fn hot_keys(&self) -> Vec<HotKey> {
        let keys = if self.load.has_hot_keys { 20 } else { 0 };
        let key = |number| format!("store-{}-{number}", self.seat.part.worker);
        (0..keys).map(|number| HotKey { partition_key: key(number), bytes: 1_000 }).collect()
    }
}

fn missing(done: &IntervalSet, among: Range<u64>) -> Vec<Range<u64>> {
    let (mut missing, mut from) = (Vec::new(), among.start);
    for known in done.intervals().filter(|known| *known.end() >= among.start && *known.start() < among.end) {
        if from < *known.start() {
            missing.push(from..*known.start());
        }
        from = from.max(known.end() + 1);
    }
    if from < among.end {
        missing.push(from..among.end);
    }
    missing
}

/// A few milliseconds to some hundred, as a busy stream takes.
fn latencies(count: u64, random: &mut StdRng) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, LONGEST, 2).expect("bounds");
    let drawn = count.clamp(1, DRAWN);
    for _ in 0..drawn {
        let power: f64 = random.random_range(3.5..5.5);
        histogram.record_n(10_f64.powf(power) as u64, count / drawn).expect("within");
    }
    histogram
}

fn latencies_of_load(of_second: &Histogram<u64>) -> Histogram<u64> {
    let mut histogram = LoadResult::none().latency_us;
    for value in of_second.iter_recorded() {
        histogram.record_n(value.value_iterated_to(), value.count_at_value()).expect("within");
    }
    histogram
}
