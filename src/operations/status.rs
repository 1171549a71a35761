//! The status of a stack according to its journal and its lock, without any call.

use chrono::{DateTime, Utc};

use crate::{
    engine::{Held, Home, HomeError, State},
    pipeline::ttl,
};

/// A stack's status at one time.
#[derive(Clone, Debug)]
pub struct StackStatus {
    /// Its journal, replayed.
    pub state: State,
    /// Its lock.
    pub lock: Held,
    /// The time that it is judged by.
    pub now: DateTime<Utc>,
}

/// The stage of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A process has it locked.
    InUse,
    /// An `up` did not finish.
    HalfMade,
    /// All resources exist.
    Up,
    /// A `down` did not finish.
    HalfGone,
    /// No resource is left.
    Gone,
}

impl Stage {
    /// The name of the stage, for people and for `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in use",
            Self::HalfMade => "half made",
            Self::Up => "up",
            Self::HalfGone => "half gone",
            Self::Gone => "gone",
        }
    }
}

impl StackStatus {
    /// The status of a stack whose journal was read.
    pub fn of(home: &Home, state: &State) -> Result<Self, HomeError> {
        let lock = state.id().map(|id| home.held(id)).transpose()?.unwrap_or_default();
        Ok(Self { state: state.clone(), lock, now: Utc::now() })
    }

    /// Its stage.
    pub fn stage(&self) -> Stage {
        match &self.state {
            state if state.is_closed() => Stage::Gone,
            _ if self.lock.now => Stage::InUse,
            state if state.is_going_down() => Stage::HalfGone,
            state if state.is_whole() => Stage::Up,
            _ => Stage::HalfMade,
        }
    }

    /// Whether a process was cut off while it worked on the stack.
    pub fn is_left_behind(&self) -> bool {
        match self.stage() {
            _ if self.state.opened().is_none() => false,
            Stage::HalfMade | Stage::HalfGone => true,
            Stage::Up => self.is_run_cut_off() || self.is_expired(),
            Stage::InUse | Stage::Gone => false,
        }
    }

    /// When it expires, if it has a TTL.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        ttl::known(&self.state)
    }

    /// Whether its last run has no result.
    pub fn is_run_cut_off(&self) -> bool {
        self.state.runs().last().is_some_and(|run| run.summary.is_none())
    }

    fn is_expired(&self) -> bool {
        self.expires().is_some_and(|at| at <= self.now)
    }
}
