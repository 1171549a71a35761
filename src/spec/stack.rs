//! What a stack file says, once it is known to be right.

use std::{collections::BTreeMap, time::Duration};

use super::{load::Load, names::Name, threshold::Threshold};
use crate::deliveries::spec::Deliver;

/// A validated stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The stem of every name: lower-case letters, digits and `-`, at most 40 characters.
    pub name: String,
    /// Where it runs.
    pub target: Target,
    /// Tags the user wants on everything, besides the stack's own.
    pub tags: BTreeMap<String, String>,
    /// How long it may live from when it was opened, 1 minute to 30 days; for as long as nobody takes it down when `None`.
    pub ttl: Option<Duration>,
    /// The Kinesis data stream.
    pub stream: Stream,
    /// Where records go from the stream.
    pub deliver: Deliver,
    /// Whether the journal is kept in the stack's bucket too, which every stack then has.
    pub mirror: bool,
    /// What is sent, how fast, for how long.
    pub load: Load,
    /// What a run may cost at most, by an estimate.
    pub budget: Option<Budget>,
    /// What the run must reach, or exit 99.
    pub thresholds: Thresholds,
}

/// Where a stack runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The stand-in on this machine.
    Local,
    /// AWS.
    Aws {
        /// For example `us-east-1`.
        region: String,
        /// A profile of the shared configuration, else the default chain.
        profile: Option<String>,
    },
}

/// The Kinesis data stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Defaults to the stem `Stack::name`.
    pub name: Name,
    /// Capacity mode.
    pub mode: StreamMode,
    /// 24 h to 8,760 h.
    pub retention: Duration,
    /// The largest record it takes, 1,024 KiB (as every new stream) to 10,240 KiB.
    pub max_record_kib: u32,
}

/// Capacity mode of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMode {
    /// A fixed number of shards, 1 MB/s or 1,000 records/s each.
    Provisioned {
        /// At least 1. `shards: auto` is resolved by validation from the load's rate.
        shards: u32,
    },
    /// Scaled by AWS.
    OnDemand,
}

/// What a run may cost at most: its load stops before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// US dollars, more than 0.
    pub dollars: f64,
    /// Whether the stack is removed once its load has stopped for this.
    pub takes_down: bool,
}

/// What a run must reach, or exit 99: what the file says, and a throughput that its schedule comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds(pub Vec<Threshold>);

impl Thresholds {
    /// Those that can be held against a run before its stack is removed.
    pub fn before_removal(&self) -> Self {
        let is_known = |threshold: &&Threshold| !["/seconds/down", "/leftovers"].contains(&threshold.metric.json);
        Self(self.0.iter().filter(is_known).cloned().collect())
    }
}
