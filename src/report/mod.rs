//! One result, several renderings.

pub mod table;
pub mod terminal;

use serde::{Deserialize, Serialize};

use crate::{
    load::HotKey,
    spec::Thresholds,
    verify::{Place, Proof},
};

/// What a run came to. The JSON that `demo run --json` prints is this.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Id of the stack.
    pub stack: String,
    /// Id of the run.
    pub run: String,
    /// Which worker's part of the run this is, such as `2/3`; null where it is all of it.
    pub worker: Option<String>,
    /// Where it ran.
    pub target: String,
    /// Documents that were due, and handed to the producer.
    pub offered: u64,
    /// Documents that the stream confirmed.
    pub acknowledged: u64,
    /// Documents that the producer gave up, with the reason below.
    pub failed: u64,
    /// Times that a document was sent again.
    pub retried: u64,
    /// Of those, times because a shard had taken all that it takes.
    pub throttled: u64,
    /// Partition keys that held the load up, because much of it went to one shard: the hottest first.
    pub hot_keys: Vec<HotKey>,
    /// Documents found more than once (each beyond the first), in the destination that has most of them.
    pub duplicated: Option<u64>,
    /// Acknowledged documents that are missing, in the destination that lacks most; null where nothing was looked at.
    pub lost: Option<u64>,
    /// Distinct documents found in the stream itself; only of a stack that delivers nowhere.
    pub landed_stream: Option<u64>,
    /// Distinct documents found in the S3 objects.
    pub landed_s3: Option<u64>,
    /// Distinct documents found by SQL through the catalog.
    pub landed_sql: Option<u64>,
    /// Distinct documents found in the Redshift table.
    pub landed_redshift: Option<u64>,
    /// Distinct documents found in the DynamoDB table.
    pub landed_dynamodb: Option<u64>,
    /// Acknowledged documents a second, over the time of the load.
    pub records_per_second: f64,
    /// Acknowledged bytes of documents a second.
    pub bytes_per_second: f64,
    /// From the intended send time to the acknowledgement.
    pub ack_latency_ms: Latency,
    /// From the intended send time until a document could be read in the DynamoDB table, of one or so a second.
    pub freshness_ms: Option<Latency>,
    /// Resources still there after `down`; null where it was not taken down.
    pub leftovers: Option<u64>,
    /// Wall time of each phase; null where there was none.
    pub seconds: Seconds,
    /// Whether the load was stopped before its end.
    pub interrupted: bool,
    /// What went wrong, in a person's words.
    pub problems: Vec<String>,
    /// Thresholds of the stack that were crossed.
    pub crossed: Vec<String>,
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

/// Wall time of each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Standing up.
    pub up: Option<f64>,
    /// Sending, until the last acknowledgement.
    pub load: Option<f64>,
    /// From then until everything was found.
    pub verify: Option<f64>,
    /// Taking away.
    pub down: Option<f64>,
}

impl RunReport {
    /// Whether every acknowledged document is where it belongs, by every way of looking.
    pub fn proved(&self) -> bool {
        let accounted = self.offered == self.acknowledged + self.failed;
        let agree = match (self.landed_s3, self.landed_sql) {
            (Some(s3), Some(sql)) => s3 == sql,
            _ => true,
        };
        accounted && agree && self.failed == 0 && self.lost.unwrap_or(0) == 0 && self.problems.is_empty()
    }

    /// Notes what was found in every destination.
    pub fn note_proof(&mut self, proof: &Proof) {
        let landed = |place| proof.landed_in(place);
        self.landed_stream = landed(Place::Stream);
        self.landed_s3 = landed(Place::S3);
        self.landed_sql = proof.landed_by_sql();
        self.landed_redshift = landed(Place::Redshift);
        self.landed_dynamodb = landed(Place::DynamoDb);
        self.duplicated = Some(proof.duplicated());
        self.lost = proof.lost();
        self.interrupted = proof.stopped;
        self.problems.extend(proof.problems());
    }

    /// Notes which thresholds were crossed.
    pub fn judge(&mut self, thresholds: &Thresholds) {
        let mut crossed = Vec::new();
        if let (Some(limit), Some(lost)) = (thresholds.lost, self.lost)
            && lost > limit
        {
            crossed.push(format!("lost: {lost} > {limit}"));
        }
        if let Some(limit) = thresholds.p99_ack {
            let limit = limit.as_secs_f64() * 1e3;
            if self.ack_latency_ms.p99 > limit {
                crossed.push(format!("p99_ack: {:.1} ms > {limit:.1} ms", self.ack_latency_ms.p99));
            }
        }
        if let Some(limit) = thresholds.throughput
            && self.records_per_second < limit
        {
            crossed.push(format!("throughput: {:.0}/s < {limit:.0}/s", self.records_per_second));
        }
        self.crossed = crossed;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn clean() -> RunReport {
        RunReport {
            offered: 10,
            acknowledged: 10,
            lost: Some(0),
            landed_s3: Some(10),
            landed_sql: Some(10),
            records_per_second: 100.0,
            ack_latency_ms: Latency { p99: 7.0, ..Latency::default() },
            ..RunReport::default()
        }
    }

    #[test]
    fn a_run_is_proved_only_when_every_count_agrees() {
        assert!(clean().proved());
        assert!(!RunReport { lost: Some(1), ..clean() }.proved());
        assert!(!RunReport { landed_sql: Some(9), ..clean() }.proved());
        assert!(!RunReport { acknowledged: 9, failed: 1, ..clean() }.proved());
        assert!(!RunReport { acknowledged: 9, ..clean() }.proved());
        assert!(!RunReport { problems: vec!["unreadable object".into()], ..clean() }.proved());
    }

    #[test]
    fn each_threshold_is_judged_by_itself() {
        let strict = Thresholds { lost: Some(0), p99_ack: Some(Duration::from_millis(5)), throughput: Some(101.0) };
        let mut report = RunReport { lost: Some(2), ..clean() };
        report.judge(&strict);
        assert_eq!(report.crossed, ["lost: 2 > 0", "p99_ack: 7.0 ms > 5.0 ms", "throughput: 100/s < 101/s"]);
        report.judge(&Thresholds::default());
        assert!(report.crossed.is_empty());
    }
}
