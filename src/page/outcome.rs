//! What a run came to, once it has a result: the figures of every other rendering.

use serde::Serialize;

use crate::report::{
    figures::{self, Figure},
    landed::Landed,
    recorded::Recorded,
    thresholds::ThresholdCheck,
};

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    /// Nothing more happens: the run ended, or nobody writes its record any more.
    pub(super) is_over: bool,
    verdict: String,
    sentence: String,
    is_good: bool,
    counts: Vec<Named>,
    speed: Vec<Named>,
    phases: Vec<Named>,
    leftovers: String,
    thresholds: Vec<ThresholdCheck>,
    problems: Vec<String>,
    /// What was found in each destination.
    landed: Vec<Found>,
    documents_per_second: f64,
    bytes_per_second: f64,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
struct Named {
    name: String,
    value: String,
}

/// Documents in a destination.
#[derive(Clone, Debug, Serialize)]
struct Found {
    destination: &'static str,
    documents: u64,
    by_sql: Option<u64>,
}

impl Outcome {
    /// None while the run is under way and has no result.
    pub(super) fn of(run: &Recorded) -> Option<Self> {
        if run.is_under_way && run.json.is_none() {
            return None;
        }
        let (report, verdict) = (&run.report, run.verdict());
        let named =
            |figures: Vec<Figure>| figures.into_iter().map(|Figure { name, value }| Named { name, value }).collect();
        let found = |landed: &Landed| Found {
            destination: landed.destination.label,
            documents: landed.documents,
            by_sql: landed.by_sql,
        };
        Some(Self {
            is_over: !run.is_under_way,
            is_good: verdict.is_good(),
            verdict: verdict.to_string(),
            sentence: run.sentence(),
            counts: named(figures::counts(report)),
            speed: named(figures::speed(report)),
            phases: named(figures::phases(report)),
            leftovers: figures::leftovers(report),
            thresholds: report.thresholds.clone(),
            problems: report.problems.iter().chain(&report.unrecorded).cloned().collect(),
            landed: report.landed.0.iter().map(found).collect(),
            documents_per_second: report.records_per_second,
            bytes_per_second: report.bytes_per_second,
        })
    }
}
