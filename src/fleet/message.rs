//! What a coordinator and its workers tell each other.

use std::{
    fmt,
    ops::RangeInclusive,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::figures::Figures;
use crate::load::{Done, Flaws, LoadResult, Part, Percentiles, Resumed};

pub(super) const PLAN: &str = "plan";
pub(super) const COORDINATOR: &str = "coordinator";

/// A part of the load, and which of its workers has it: from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seat {
    /// The part.
    pub part: Part,
    /// 1, or more where others had it before.
    pub generation: u32,
}

impl Seat {
    fn object(&self, what: &str) -> String {
        let Part { worker, of } = self.part;
        format!("{what}-{worker}-of-{of}.{}", self.generation)
    }

    pub(super) fn assignment(&self) -> String {
        self.object("seat")
    }

    pub(super) fn status(&self) -> String {
        self.object("status")
    }

    pub(super) fn log(&self) -> String {
        self.object("log")
    }

    pub(super) fn ended(&self) -> String {
        self.object("ended")
    }

    /// That of whoever has the part next.
    pub(super) fn next(&self) -> Self {
        Self { generation: self.generation + 1, ..*self }
    }

    /// That of an assignment's name.
    pub(super) fn of_assignment(name: &str) -> Option<Self> {
        let (part, generation) = name.strip_prefix("seat-")?.split_once('.')?;
        let (worker, of) = part.split_once("-of-")?;
        let part = Part { worker: worker.parse().ok()?, of: of.parse().ok()? };
        Some(Self { part, generation: generation.parse().ok()? })
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.part.fmt(f)
    }
}

pub(super) fn order(number: u64) -> String {
    format!("order-{number}")
}

/// What all workers of a run are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// The stack file with its overlays and overrides, as a journal has it.
    pub spec: Value,
    /// The stack's id.
    pub stack: String,
    /// The run's id.
    pub run: String,
    /// The run's tickets.
    pub tickets: RangeInclusive<u64>,
    /// Which of its documents are imperfect, if any are.
    pub flaws: Option<Flaws>,
    /// What event times begin at, in milliseconds since 1970.
    pub began: i64,
    /// Called in place of the target's own endpoint.
    pub endpoint_url: Option<String>,
    /// How often workers and their coordinator look for what is new.
    pub poll: Duration,
    /// How often workers write their logs: what is in none when a worker dies is sent again.
    pub logged: Duration,
    /// Whether workers say what each shard got; it is much where they and the shards are many.
    pub by_shard: bool,
    /// When the stack is to be gone, in milliseconds since 1970, if it is: a worker ends by itself then.
    pub expires: Option<i64>,
}

/// The coordinator's heartbeat, with all that a worker looks for again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pulse {
    /// Who leads: no two coordinators write the same.
    pub(super) leader: u64,
    /// Grows with each.
    pub(super) beat: u64,
    /// A worker that sees no other for so long ends by itself.
    pub(super) lease: Duration,
    /// When the load starts, in milliseconds since 1970; none until all workers are ready.
    pub(super) start: Option<i64>,
    /// How many orders there are.
    pub(super) orders: u64,
}

/// What one worker is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Assignment {
    /// What another worker did of the part.
    pub(super) resumed: Option<Resumed>,
    /// How many orders that has in it.
    pub(super) orders: u64,
}

/// What all workers are to do now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Act on the load; with when it was asked for.
    Act(Done),
    /// End in order, as on a Ctrl-C.
    End,
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It has not made its first documents.
    Preparing,
    /// It waits for the start.
    Ready,
    /// It sends.
    Sending,
    /// It has said what it came to.
    Ended,
}

/// What a worker says each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Status {
    /// Grows with each.
    pub(super) beat: u64,
    pub(super) stage: Stage,
    pub(super) figures: Figures,
    /// How many orders it has carried out.
    pub(super) orders: u64,
    /// When it carried out the last of them, in seconds since the load began.
    pub(super) acted: f64,
}

/// What a worker came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The load is over.
    Finished(Box<Finished>),
    /// It cannot go on.
    Failed(String),
}

/// What a worker's load came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finished {
    /// Its counts and times.
    pub load: LoadResult,
    /// How fresh a destination was.
    pub tracked: Option<Tracked>,
    /// What went wrong meanwhile.
    pub problems: Vec<String>,
}

/// How fresh a destination was, by the documents that a worker tracked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tracked {
    /// Such as `S3`.
    pub destination: String,
    /// Documents tracked.
    pub tracked: u64,
    /// Those that could not be read in time.
    pub unseen: u64,
    /// Why the first of them could not be read, if a call failed.
    pub why: Option<String>,
    /// The times of the others in milliseconds.
    pub ms: Option<Percentiles>,
}

/// Whether a time in milliseconds since 1970 has passed.
pub(super) fn has_passed(at: i64) -> bool {
    since_1970() >= Duration::from_millis(at.unsigned_abs())
}

/// What machines' clocks agree on, by the clock that Tokio's timers go by: a simulation turns that one forward.
pub(super) fn since_1970() -> Duration {
    let (runs, told) = (std::time::Instant::now(), Instant::now().into_std());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    match told.checked_duration_since(runs) {
        Some(ahead) => now + ahead,
        None => now.saturating_sub(runs.duration_since(told)),
    }
}
