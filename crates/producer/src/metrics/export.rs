//! The counts as the `metrics` facade has them, under `kinesis_producer_…` with the label `stream`.

use metrics::{Counter, Gauge, counter, gauge};

use super::Snapshot;

/// Handles of one recorder. Several producers may count under the same names, so that only changes are reported.
pub(super) struct Export {
    counters: Vec<(Counter, Count)>,
    gauges: Vec<(Gauge, Count)>,
    reported: Snapshot,
}

type Count = fn(&Snapshot) -> u64;

const COUNTERS: [(&str, Count); 10] = [
    ("kinesis_producer_records_offered_total", |counts| counts.offered),
    ("kinesis_producer_bytes_offered_total", |counts| counts.offered_bytes),
    ("kinesis_producer_records_acknowledged_total", |counts| counts.acknowledged),
    ("kinesis_producer_bytes_acknowledged_total", |counts| counts.acknowledged_bytes),
    ("kinesis_producer_records_failed_total", |counts| counts.failed),
    ("kinesis_producer_records_retried_total", |counts| counts.retried),
    ("kinesis_producer_records_throttled_total", |counts| counts.throttled),
    ("kinesis_producer_records_possibly_duplicated_total", |counts| counts.possible_duplicates),
    ("kinesis_producer_requests_total", |counts| counts.requests),
    ("kinesis_producer_requests_failed_total", |counts| counts.failed_requests),
];

const GAUGES: [(&str, Count); 2] = [
    ("kinesis_producer_records_in_flight", |counts| counts.in_flight_records),
    ("kinesis_producer_bytes_in_flight", |counts| counts.in_flight_bytes),
];

impl Export {
    pub(super) fn of(stream: &str) -> Self {
        let stream = || stream.to_owned();
        Self {
            counters: COUNTERS.map(|(name, count)| (counter!(name, "stream" => stream()), count)).into(),
            gauges: GAUGES.map(|(name, count)| (gauge!(name, "stream" => stream()), count)).into(),
            reported: Snapshot::default(),
        }
    }

    /// What has changed since the last time.
    pub(super) fn report(&mut self, now: Snapshot) {
        for (counter, count) in &self.counters {
            counter.increment(count(&now) - count(&self.reported));
        }
        for (gauge, count) in &self.gauges {
            gauge.increment(count(&now) as f64 - count(&self.reported) as f64);
        }
        self.reported = now;
    }
}
