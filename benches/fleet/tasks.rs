//! Starts simulated workers as ECS starts tasks: some at once and then so many a second, and each takes a while.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use kinesis_demo::fleet::{Launcher, Running, Seat};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    bucket::{Bucket, Who},
    worker::{Ledger, Load, SimulatedWorker},
};

/// Tasks that RunTask starts at once, and in a second after that (ECS developer guide, "Request throttling").
const BURST: u32 = 100;
const PER_SECOND: u32 = 20;
/// From when a task is asked for until its worker runs: its image, its network, the worker's program. Nobody publishes it.
const STARTS: std::ops::Range<u64> = 20_000..60_000;
/// How long it may take until a worker that ended is known to have, by DescribeTasks.
const DESCRIBED_EVERY: Duration = Duration::from_secs(10);
const STARTS_WITHIN: Duration = Duration::from_secs(300);

/// Which workers die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaths {
    None,
    /// One in so many, at any time. Of every second of them it is not known that it has ended.
    OneIn(u32),
}

/// Starts them.
pub struct Tasks {
    bucket: Bucket,
    load: Load,
    deaths: Deaths,
    pub ledger: Arc<Mutex<Ledger>>,
    asked: Mutex<(u32, StdRng)>,
    began: Instant,
}

impl Tasks {
    pub fn new(bucket: &Bucket, load: Load, deaths: Deaths) -> Self {
        let asked = Mutex::new((0, StdRng::seed_from_u64(2)));
        Self { bucket: bucket.of(Who::Worker), load, deaths, ledger: Arc::default(), asked, began: Instant::now() }
    }

    /// When a worker dies, and whether that is seen otherwise than by its silence.
    fn fate(&self, seat: Seat, random: &mut StdRng) -> Option<(Duration, bool)> {
        let Deaths::OneIn(many) = self.deaths else { return None };
        let number = seat.part.worker - 1;
        let dies = number.is_multiple_of(many) && seat.generation == 1;
        let after = Duration::from_millis(random.random_range(1..self.load.seconds * 900));
        dies.then_some((after, (number / many).is_multiple_of(2)))
    }
}

impl Launcher for Tasks {
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Running>> {
        let mut asked = self.asked.lock().expect("nobody panicked");
        let waits = asked.0.saturating_sub(BURST) / PER_SECOND;
        asked.0 += 1;
        let since = if seat.generation == 1 { self.began + Duration::from_secs(waits.into()) } else { Instant::now() };
        let runs_at = since + Duration::from_millis(asked.1.random_range(STARTS));
        let fate = self.fate(seat, &mut asked.1);
        let worker = SimulatedWorker {
            place: Arc::new(self.bucket.clone()),
            seat,
            load: self.load,
            ledger: self.ledger.clone(),
            dies_after: fate.map(|(after, _)| after),
        };
        let task = tokio::spawn(async move {
            sleep_until(runs_at).await;
            worker.work().await;
        });
        Ok(Box::new(Task { task, is_seen: fate.is_none_or(|(_, is_seen)| is_seen), ended: None }))
    }

    fn starts_within(&self) -> Duration {
        STARTS_WITHIN
    }
}

struct Task {
    task: JoinHandle<()>,
    is_seen: bool,
    ended: Option<Instant>,
}

impl Running for Task {
    fn ended(&mut self) -> Option<String> {
        if !self.task.is_finished() || !self.is_seen {
            return None;
        }
        let ended = *self.ended.get_or_insert_with(Instant::now);
        (ended.elapsed() >= DESCRIBED_EVERY).then(|| "stopped: essential container exited".to_owned())
    }

    fn kill(&mut self) {
        self.task.abort();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.kill();
    }
}
