//! What the page shows of one row of the record.

use serde::Serialize;

use super::{series::Point, shards::ShardsNow};
use crate::{
    load::{LoadTotals, Percentiles},
    report::second::{DestinationSecond, Usage},
};

/// What a run does at the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The stack is created; there is no record yet.
    #[default]
    Preparing,
    /// Documents are sent.
    Load,
    /// Documents are searched.
    Verification,
    /// The result is known; the demo query and the removal follow.
    Closing,
    /// Nothing more happens.
    Over,
}

/// The latest that is known.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    /// Seconds since the load began.
    pub(super) at: f64,
    pub(super) phase: Phase,
    pub(super) is_paused: bool,
    /// Null once the load is over.
    pub(super) point: Option<Point>,
    pub(super) in_flight: u64,
    pub(super) totals: LoadTotals,
    /// From when a request left to its answer.
    pub(super) service_ms: Option<Percentiles>,
    /// Null once the load is over.
    pub(super) shards: Option<ShardsNow>,
    pub(super) destinations: Vec<DestinationSecond>,
    pub(super) demo: Option<Usage>,
    pub(super) stand_in: Option<Usage>,
    /// US dollars so far, on AWS.
    pub(super) dollars: Option<f64>,
}
