//! What the producer has done so far.

mod export;

use std::sync::{
    Mutex,
    atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use self::export::Export;
use super::{lock::lock, transport::Severity};

/// Counters, only ever rising.
pub(super) struct Metrics {
    export: Mutex<Export>,
    pub(super) offered: AtomicU64,
    pub(super) offered_bytes: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) acknowledged_bytes: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) throttled: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) failed_requests: AtomicU64,
    pub(super) possible_duplicates: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Release);
}

/// The producer's counters at one moment. `offered` = `acknowledged` + `failed` + `in_flight_records`, always.
///
/// The recorder of the `metrics` facade that is installed when a producer is built has the same, summed up by the label
/// `stream`: `kinesis_producer_records_…_total` (offered, acknowledged, failed, retried, throttled, possibly_duplicated),
/// `kinesis_producer_bytes_…_total` (offered, acknowledged), `kinesis_producer_requests_total`,
/// `kinesis_producer_requests_failed_total`, and the gauges `kinesis_producer_…_in_flight` (records, bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Records that `put` took.
    pub offered: u64,
    /// Their data and partition keys.
    pub offered_bytes: u64,
    /// Records that the service acknowledged.
    pub acknowledged: u64,
    /// Their data and partition keys.
    pub acknowledged_bytes: u64,
    /// Records that ended with an error.
    pub failed: u64,
    /// Records that were given back for another attempt, counted each time.
    pub retried: u64,
    /// Of `retried`: those that the service wanted later.
    pub throttled: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests without an answer by position.
    pub failed_requests: u64,
    /// Times that a record was given back for another attempt although the last may have written it: at most so many
    /// copies too many are in the stream.
    pub possible_duplicates: u64,
    /// Records taken that have not ended.
    pub in_flight_records: u64,
    /// The room that they take, with what `put` has let in but not yet counted.
    pub in_flight_bytes: u64,
}

impl Metrics {
    /// Also reports them to the current recorder of the `metrics` facade.
    pub(super) fn of(stream: &str) -> Self {
        Self {
            export: Mutex::new(Export::of(stream)),
            offered: AtomicU64::new(0),
            offered_bytes: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            acknowledged_bytes: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            failed_requests: AtomicU64::new(0),
            possible_duplicates: AtomicU64::new(0),
        }
    }

    /// Reports what has changed to the recorder.
    pub(super) fn export(&self, in_flight_bytes: usize) {
        lock(&self.export).report(self.snapshot(in_flight_bytes));
    }

    /// Records are given back for another attempt.
    pub(super) fn again(&self, severity: Severity, records: usize) {
        add(&self.retried, records);
        match severity {
            Severity::Throttled => add(&self.throttled, records),
            Severity::Unknown | Severity::Unread => add(&self.possible_duplicates, records),
            Severity::Unavailable | Severity::Fatal => {}
        }
    }

    pub(super) fn snapshot(&self, in_flight_bytes: usize) -> Snapshot {
        // What ends is read before what begins, so that nothing ends here that has not begun.
        let (acknowledged, failed) = (self.acknowledged.load(Acquire), self.failed.load(Acquire));
        let offered = self.offered.load(Relaxed);
        Snapshot {
            offered,
            offered_bytes: self.offered_bytes.load(Relaxed),
            acknowledged,
            acknowledged_bytes: self.acknowledged_bytes.load(Relaxed),
            failed,
            retried: self.retried.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            requests: self.requests.load(Relaxed),
            failed_requests: self.failed_requests.load(Relaxed),
            possible_duplicates: self.possible_duplicates.load(Relaxed),
            in_flight_records: offered - acknowledged - failed,
            in_flight_bytes: in_flight_bytes as u64,
        }
    }
}
