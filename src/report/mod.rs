//! The result of a run, and how to render it.

pub mod compare;
pub mod figures;
mod headline;
pub mod html;
pub mod junit;
pub mod landed;
pub mod markdown;
pub mod numbers;
pub mod recorded;
pub mod second;
pub mod table;
pub mod terminal;
pub mod thresholds;
pub mod verdict;
pub mod visible;
#[cfg(test)]
mod renderings;

use serde::{Deserialize, Serialize};

use crate::{
    deliveries::s3,
    load::{Done, Failure, HotDocuments, HotKey, Imbalance, LoadResult, Percentiles},
    pipeline::meter::RunCost,
    spec::Flaw,
    verify::{Destination, LedgerLine, Verification, freshness::Freshness, rejections::Rejection},
};
use landed::LandedDocuments;
use thresholds::{Abort, ThresholdCheck};

/// The result of a run, and the JSON that `demo run --json` prints.
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
    /// Times that a document was sent again although the attempt before may have stored it: at most so many copies.
    #[serde(default)]
    pub possible_duplicates: u64,
    /// Partition keys that held the load up, because much of it went to one shard: the hottest first.
    pub hot_keys: Vec<HotKey>,
    /// The shard that got most, held against the others; null where nothing was acknowledged or the stream was resharded.
    #[serde(default)]
    pub imbalance: Option<Imbalance>,
    /// Whether the stream was resharded while the load went on.
    #[serde(default)]
    pub resharded: bool,
    /// What became of documents that had a hot key of the stack's or by hand; null where there was none.
    #[serde(default)]
    pub hot: Option<HotDocuments>,
    /// What was done to the load by hand or as an event, and when.
    #[serde(default)]
    pub actions: Vec<Done>,
    /// Documents too long on purpose, which the producer refused: they are in none of the numbers above.
    #[serde(default)]
    pub refused: u64,
    /// What became of the documents that were imperfect on purpose, flaw by flaw.
    #[serde(default)]
    pub ledger: Vec<LedgerLine>,
    /// Documents found more often than they were sent, in the destination that has most of them.
    pub duplicated: Option<u64>,
    /// Acknowledged documents that are missing, in the destination that lacks most; null where nothing was looked at.
    pub lost: Option<u64>,
    /// Distinct documents found in each destination: `landed_s3` and so on.
    #[serde(flatten)]
    pub landed: LandedDocuments,
    /// Acknowledged documents a second, over the time of the load.
    pub records_per_second: f64,
    /// Documents a second that the load was to send; null for as many as possible.
    #[serde(default)]
    pub asked_per_second: Option<f64>,
    /// Acknowledged bytes of documents a second.
    pub bytes_per_second: f64,
    /// From the intended send time to the acknowledgement.
    pub ack_latency_ms: Percentiles,
    /// From the intended send time until a document could be read in its destination, of one or so a second.
    pub freshness_ms: Option<Percentiles>,
    /// That destination.
    #[serde(skip)]
    pub freshness_in: Option<Destination>,
    /// From the intended send time until a listing of S3 had the object with a document in it, of one or so a second.
    #[serde(default)]
    pub freshness_s3_ms: Option<Percentiles>,
    /// Resources still there after `down`; null where it was not taken down.
    pub leftovers: Option<u64>,
    /// Wall time of each phase; null where there was none.
    pub seconds: Seconds,
    /// An estimate of what the run costs, until its result was known.
    #[serde(default)]
    pub cost: Option<RunCost>,
    /// Whether the load was stopped before its end.
    pub interrupted: bool,
    /// Why the record of the run is incomplete; null where it is complete. The run itself does not rest on it.
    #[serde(default)]
    pub unrecorded: Option<String>,
    /// Why documents are missing, as far as the services say it.
    #[serde(default)]
    pub rejected: Vec<RejectedDocuments>,
    /// What went wrong, in a person's words.
    pub problems: Vec<String>,
    /// Thresholds of the stack that were crossed.
    pub crossed: Vec<String>,
    /// Every threshold of the stack that could be checked.
    pub thresholds: Vec<ThresholdCheck>,
    /// Thresholds of the stack whose figure is not known.
    #[serde(default)]
    pub unmeasured: Vec<String>,
    /// What stopped the load before its end; null where nothing did.
    #[serde(default)]
    pub aborted: Option<Abort>,
}

/// Documents that a destination lacks for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedDocuments {
    /// The destination, such as `S3`.
    pub place: String,
    /// How many, why, and the first of them.
    #[serde(flatten)]
    pub rejection: Rejection,
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
    pub fn is_verified(&self) -> bool {
        let accounted = self.offered == self.acknowledged + self.failed;
        // A worker does not search: `demo verify` does, over all of them.
        let complete = self.lost == Some(0) || (self.lost.is_none() && self.worker.is_some());
        accounted && self.landed.agree() && complete && self.failed == 0 && self.problems.is_empty()
    }

    /// Documents that were found in a destination apart from those that it counts.
    pub fn apart_in(&self, destination: Destination) -> u64 {
        let ends = self.ledger.iter().flat_map(|line| &line.ends);
        ends.filter(|end| end.apart && end.destination == destination.label).filter_map(|end| end.found).sum()
    }

    /// Records the result of a load.
    pub fn record_load(&mut self, load: &LoadResult) {
        self.offered = load.offered;
        self.acknowledged = load.acknowledged;
        self.failed = load.failed;
        self.refused = load.refused;
        self.retried = load.retried;
        self.throttled = load.throttled;
        self.possible_duplicates = load.possible_duplicates;
        self.hot_keys = load.hot_keys.clone();
        self.imbalance = load.imbalance.clone();
        self.resharded = load.resharded;
        self.hot = load.hot();
        self.actions = load.actions.clone();
        self.records_per_second = load.records_per_second;
        self.asked_per_second = load.asked_per_second;
        self.bytes_per_second = load.bytes_per_second;
        self.interrupted = load.cancelled;
        self.seconds.load = Some(load.seconds);
        self.ack_latency_ms = load.ack_latency_ms().unwrap_or_default();
        let failures = load.failures.iter();
        let problem = |Failure { count, reason, .. }: &Failure| match count {
            1 => format!("1 document failed: {reason}"),
            _ => format!("{count} documents failed: {reason}"),
        };
        self.problems.extend(failures.map(problem));
    }

    /// Records how fresh a destination was.
    pub fn record_freshness(&mut self, freshness: &Freshness) {
        self.freshness_ms = freshness.ms;
        self.freshness_in = Some(freshness.destination);
        if freshness.unseen > 0 {
            let Freshness { destination, tracked, unseen, why, .. } = freshness;
            let why = why.as_deref().unwrap_or("they did not arrive in time");
            let problem = format!("{unseen} of {tracked} documents tracked in {destination} were not read: {why}");
            self.problems.push(problem);
        }
    }

    /// How long documents took until they could be read, in each destination where that was measured.
    pub fn freshness(&self) -> impl Iterator<Item = (Destination, Percentiles)> {
        let in_s3 = self.freshness_s3_ms.map(|fresh| (s3::DESTINATION, fresh));
        in_s3.into_iter().chain(self.freshness_in.zip(self.freshness_ms))
    }

    /// Records whether the load's log has as many acknowledged documents as the load counted.
    pub fn compare_with_log(&mut self, acknowledged: u64) {
        if acknowledged != self.acknowledged {
            let counted = self.acknowledged;
            self.problems.push(format!("{counted} acknowledged by the load, {acknowledged} in its log"));
        }
    }

    /// Records what was found in every destination.
    pub fn record_verification(&mut self, verification: &Verification) {
        self.landed = LandedDocuments::of(verification);
        self.duplicated = Some(verification.duplicated());
        self.lost = verification.lost();
        self.ledger = verification.ledger.clone();
        self.freshness_s3_ms = verification.of(s3::DESTINATION).and_then(|landed| landed.freshness);
        self.interrupted = verification.stopped;
        let rejected = |(destination, rejection): (Destination, &Rejection)| RejectedDocuments {
            place: destination.to_string(),
            rejection: rejection.clone(),
        };
        self.rejected = verification.rejections().map(rejected).collect();
        self.problems.extend(verification.problems());
        let taken = self.ledger.iter().filter(|line| line.flaw == Flaw::Oversize && !line.ends.is_empty());
        let problem =
            |line: &LedgerLine| format!("{} documents too long on purpose were taken by the stream", line.documents);
        let taken: Vec<String> = taken.map(problem).collect();
        self.problems.extend(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::{landed::Landed, *};

    fn in_s3(documents: u64, by_sql: u64) -> LandedDocuments {
        LandedDocuments(vec![Landed { destination: s3::DESTINATION, documents, by_sql: Some(by_sql) }])
    }

    fn clean() -> RunReport {
        RunReport {
            offered: 10,
            acknowledged: 10,
            lost: Some(0),
            landed: in_s3(10, 10),
            records_per_second: 100.0,
            ack_latency_ms: Percentiles { p99: 7.0, ..Percentiles::default() },
            ..RunReport::default()
        }
    }

    #[test]
    fn a_run_is_verified_only_when_every_count_agrees() {
        assert!(clean().is_verified());
        assert!(!RunReport { lost: Some(1), ..clean() }.is_verified());
        assert!(!RunReport { lost: None, ..clean() }.is_verified(), "nothing was searched");
        assert!(RunReport { lost: None, worker: Some("1/2".into()), ..clean() }.is_verified());
        assert!(!RunReport { landed: in_s3(10, 9), ..clean() }.is_verified());
        assert!(!RunReport { acknowledged: 9, failed: 1, ..clean() }.is_verified());
        assert!(!RunReport { acknowledged: 9, ..clean() }.is_verified());
        assert!(!RunReport { problems: vec!["unreadable object".into()], ..clean() }.is_verified());
    }

    #[test]
    fn every_destination_has_its_fields_in_json() {
        let json = serde_json::to_string(&clean()).expect("JSON");
        let fields =
            r#""landed_stream":null,"landed_s3":10,"landed_sql":10,"landed_redshift":null,"landed_dynamodb":null,"#;
        assert!(json.contains(&format!(r#""lost":0,{fields}"#)), "{json}");
        assert!(!json.contains("freshness_in"), "{json}");
    }
}
