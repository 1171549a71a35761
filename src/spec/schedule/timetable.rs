//! When each document of an open loop is offered.

use std::time::Duration;

use super::{Replay, Stages};

/// When each document of an open loop is offered, known before the first one is.
#[derive(Clone, Debug, PartialEq)]
pub enum Timetable {
    /// By rates one after the other.
    Stages(Stages),
    /// By their own times.
    Replay(Replay),
}

impl Timetable {
    /// Documents in all.
    pub fn documents(&self) -> u64 {
        match self {
            Self::Stages(stages) => stages.documents(),
            Self::Replay(replay) => replay.documents(),
        }
    }

    pub(super) fn duration(&self) -> Duration {
        match self {
            Self::Stages(stages) => stages.duration(),
            Self::Replay(replay) => replay.duration(),
        }
    }

    pub(super) fn peak(&self) -> f64 {
        match self {
            Self::Stages(stages) => stages.peak(),
            Self::Replay(replay) => replay.peak(),
        }
    }

    /// Documents a second over all of its time.
    pub fn mean(&self) -> f64 {
        match self {
            Self::Stages(stages) => stages.mean(),
            Self::Replay(replay) => replay.mean(),
        }
    }

    /// When a document is to be offered, from the start; between two whole ones only stages know a time.
    pub fn time_of(&self, documents: f64) -> Duration {
        match self {
            Self::Stages(stages) => stages.time_of(documents),
            Self::Replay(replay) => replay.time_of(documents),
        }
    }

    /// How many documents are to be offered by then, give or take one.
    pub fn documents_until(&self, elapsed: Duration) -> f64 {
        match self {
            Self::Stages(stages) => stages.documents_until(elapsed),
            Self::Replay(replay) => replay.documents_until(elapsed),
        }
    }
}
