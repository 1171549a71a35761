//! A coordinator with simulated workers, and what became of them.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use cpu_time::ThreadTime;
use kinesis_demo::{
    engine::Cancel,
    fleet::{Coordinator, FleetEvent, FleetResult, RunPlan},
    load::{self, IntervalSet},
};
use tokio::time::Instant;

use super::{
    bucket::{Asked, Bucket, Requests},
    tasks::{Deaths, Tasks},
    worker::Load,
};

/// As workers in a bucket meet.
const POLL: Duration = Duration::from_secs(1);
const LOGGED: Duration = Duration::from_secs(5);

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub workers: u32,
    /// Of each worker.
    pub documents_per_second: u64,
    pub seconds: u64,
    pub shards: usize,
    pub deaths: Deaths,
    pub has_hot_keys: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub documents: u64,
    pub acknowledged: u64,
    /// Documents in the logs.
    pub logged: u64,
    /// Documents sent more than once, each time.
    pub twice: u64,
    pub possible_duplicates: u64,
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
    /// The sum of the rows.
    pub in_rows: u64,
    /// From the coordinator's start until all workers are ready and the load begins.
    pub begins_after: Duration,
    /// Between the first and the last worker to begin.
    pub skew: Duration,
    /// From the last document's time to the result.
    pub ends_after: Duration,
    /// Parts that another went on with, and how long it took from a death until then, at most.
    pub went_on: usize,
    pub asked: Asked,
    /// While the load went on.
    pub while_sending: Vec<Requests>,
    /// The coordinator's CPU time while the load went on.
    pub cpu: Duration,
    /// The longest time that it took at once.
    pub longest_poll: Duration,
}

impl Outcome {
    /// What must hold whatever happens.
    pub fn check(&self) {
        assert_eq!(self.logged, self.documents, "documents that no log has: {self:?}");
        assert_eq!(self.in_rows, self.acknowledged, "rows add up to what the result says: {self:?}");
        assert!(self.twice <= self.possible_duplicates, "what is sent twice is counted: {self:?}");
        assert!(self.skew < Duration::from_secs(1), "they start within a second: {self:?}");
        assert!(self.problems.is_empty(), "{self:?}");
    }

    /// The coordinator's CPU time for each message of a worker that it read.
    pub fn cpu_per_message(&self, workers: u32) -> Duration {
        self.cpu / u32::try_from(self.while_sending.len()).expect("few seconds").max(1) / workers
    }

    /// What a message of a worker has in bytes.
    pub fn message_bytes(&self) -> u64 {
        let asked = Asked::sum(&self.asked.coordinator);
        asked.got_bytes / asked.gets.max(1)
    }
}

impl Scenario {
    /// In simulated time, so that one thread does for any number of workers.
    pub fn run(&self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.drive())
    }

    async fn drive(&self) -> Outcome {
        let (began, bucket) = (Instant::now(), Bucket::new());
        let documents = u64::from(self.workers) * self.documents_per_second * self.seconds;
        let Self { seconds, shards, has_hot_keys, .. } = *self;
        let tasks = Tasks::new(&bucket, Load { documents, seconds, shards, has_hot_keys }, self.deaths);
        let ledger = tasks.ledger.clone();
        let plan = RunPlan {
            spec: serde_json::Value::Null,
            stack: "shop-0a1b2c3d".to_owned(),
            run: "run".to_owned(),
            tickets: 1..=documents,
            flaws: None,
            began: 0,
            endpoint_url: None,
            poll: POLL,
            logged: LOGGED,
            by_shard: Coordinator::counts_by_shard(self.workers, shards),
            expires: None,
        };
        let (_control, controls) = load::control();
        let place = Arc::new(bucket.clone());
        let coordinator = Coordinator::new(place, Box::new(tasks), controls, plan, (documents, self.workers), shards);
        let told = Mutex::new(Told::default());
        let tell = |event: FleetEvent<'_>| told.lock().expect("nobody panicked").hear(&event);
        let cancel = Cancel::new();
        let mut running = Timed { inner: Box::pin(coordinator.run(&cancel, &tell)), cpu: Cpu::default() };
        let begun = async {
            while told.lock().expect("nobody panicked").started.is_none() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            _ = &mut running => panic!("it ended before it began"),
            () = begun => {}
        }
        let before = running.cpu;
        let sending = tokio::time::sleep(Duration::from_secs(seconds));
        let (first, result) = tokio::select! {
            result = &mut running => (began.elapsed(), Some(result)),
            () = sending => (began.elapsed(), None),
        };
        let cpu = running.cpu.used - before.used;
        let result = match result {
            Some(result) => result,
            None => (&mut running).await,
        };
        let result = result.unwrap_or_else(|error| panic!("{error}"));
        let longest_poll = running.cpu.longest;
        drop(running);
        let told = told.into_inner().expect("nobody panicked");
        let asked = bucket.asked();
        let ledger = ledger.lock().expect("nobody panicked");
        let (first_start, last_start) =
            (ledger.starts.iter().min().expect("workers"), ledger.starts.iter().max().expect("workers"));
        let until = (first.as_secs() as usize).min(asked.seconds().len());
        let from = until.saturating_sub(seconds as usize);
        Outcome {
            documents,
            acknowledged: result.load.acknowledged,
            logged: logged(&result),
            twice: ledger.sent.saturating_sub(documents),
            possible_duplicates: result.load.possible_duplicates,
            problems: result.problems,
            warnings: told.warnings,
            in_rows: told.in_rows,
            begins_after: *first_start - began,
            skew: *last_start - *first_start,
            ends_after: (began.elapsed()).saturating_sub(*first_start - began + Duration::from_secs(seconds)),
            went_on: ledger.went_on.len(),
            while_sending: asked.seconds()[from..until].to_vec(),
            asked,
            cpu,
            longest_poll,
        }
    }
}

fn logged(result: &FleetResult) -> u64 {
    let mut all = IntervalSet::default();
    result.logs.iter().flat_map(|log| log.acknowledged.intervals()).for_each(|range| all.insert_range(range));
    all.count()
}

#[derive(Default)]
struct Told {
    started: Option<Instant>,
    warnings: Vec<String>,
    in_rows: u64,
}

impl Told {
    fn hear(&mut self, event: &FleetEvent<'_>) {
        match event {
            FleetEvent::Started { .. } => self.started = Some(Instant::now()),
            FleetEvent::Warning(text) => self.warnings.push((*text).to_owned()),
            FleetEvent::Second(row) => self.in_rows += row.acknowledged,
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Cpu {
    used: Duration,
    longest: Duration,
}

/// A future, and the CPU time that it takes.
struct Timed<F> {
    inner: Pin<Box<F>>,
    cpu: Cpu,
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = ThreadTime::now();
        let polled = pin!(self.inner.as_mut()).poll(context);
        let took = before.elapsed();
        self.cpu.used += took;
        self.cpu.longest = self.cpu.longest.max(took);
        polled
    }
}
