//! What a coordinator tells whoever asked for its load.

use super::{figures::LastRead, seat::WorkerState};
use crate::load::{LoadSecond, Progress};

/// What happens to a shared load.
pub enum FleetEvent<'a> {
    /// It starts now.
    Started {
        /// Its documents.
        total: u64,
    },
    /// It goes on.
    Progress(&'a Progress),
    /// A second of it is over.
    Second(&'a LoadSecond),
    /// A document that a worker tracks could be read.
    Read(&'a LastRead),
    /// What each worker does.
    Workers(&'a [WorkerState]),
    /// A worker is gone.
    Warning(&'a str),
}

/// Tells somebody what happens.
pub type Tell<'a> = &'a (dyn Fn(FleetEvent<'_>) + Send + Sync);
