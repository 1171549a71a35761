//! A run as its record has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    RunReport,
    headline::headline,
    second::{Moment, Second},
    verdict::Verdict,
};
use crate::load::{LoadTotals, Percentiles};

/// What is known of a run when it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The version of the record's format.
    pub format: u32,
    /// Id of the run; with workers, that of the part: `NAME.2-of-3`.
    pub run: String,
    /// Id of the stack.
    pub stack: String,
    /// Which worker's part of the run this is, such as `2/3`.
    pub worker: Option<String>,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// Where it ran.
    pub target: String,
    /// The stack file with its overlays and overrides.
    pub spec: Value,
    /// Where documents are searched, such as `S3`.
    pub destinations: Vec<String>,
    /// The command line that began it.
    pub command: Vec<String>,
    /// The version of this program.
    pub version: String,
    /// The machine that ran it.
    pub machine: Machine,
    /// What the stack costs, in a person's words.
    pub cost: String,
    /// What it costs on AWS by the hour, billed or not.
    #[serde(default)]
    pub hourly: Option<Hourly>,
    /// When it is to be gone, RFC 3339 in UTC, if it has a time to live.
    #[serde(default)]
    pub expires: Option<String>,
}

/// What a stack costs on AWS by the hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hourly {
    /// US dollars, for as long as it is up.
    pub dollars: f64,
    /// US dollars more, while Redshift computes.
    pub computing: f64,
    /// The region of the prices.
    pub region: String,
    /// The month in which the prices were written down.
    pub as_of: String,
    /// Whether AWS bills it; the stand-in costs nothing.
    pub is_billed: bool,
    /// Whether there is more, which cannot be priced.
    pub is_least: bool,
}

/// The version of the format that this program writes.
pub const FORMAT: u32 = 1;

/// A machine, as far as its system tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture, such as `linux x86_64`.
    pub system: String,
    /// Its version.
    pub kernel: Option<String>,
    /// The model of the processor.
    pub processor: Option<String>,
    /// Processors that this program may use.
    pub processors: usize,
    /// Bytes of memory.
    pub memory: Option<u64>,
}

/// A run, read from its record.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What was known at its beginning.
    pub about: About,
    /// When it ended, RFC 3339 in UTC; none while it is under way and where it was killed.
    pub ended: Option<String>,
    /// What ended it early.
    pub error: Option<String>,
    /// Its result; of a run that was killed before it had one, what its rows say.
    pub report: RunReport,
    /// The JSON of its result as it was written; none where there is none.
    pub json: Option<String>,
    /// Its rows.
    pub seconds: Vec<Second>,
    /// What happened in it.
    pub moments: Vec<Moment>,
    /// What of the record could not be read, in a person's words.
    pub torn: Vec<String>,
    /// Whether a process still writes it.
    pub is_under_way: bool,
    /// What it takes on disk, in bytes.
    pub bytes: u64,
}

impl Recorded {
    /// What became of it.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.report, self.is_under_way, self.ended.is_some(), self.error.as_deref())
    }

    /// One sentence for the head of a report: of a verified run, what it came to.
    pub fn sentence(&self) -> String {
        let verdict = self.verdict();
        match headline(&self.report).filter(|_| verdict == Verdict::Verified) {
            Some(headline) => format!("Verified: {headline}."),
            None => verdict.sentence(),
        }
    }

    /// The JSON that `demo run --json` printed, byte for byte; of a run without a result, what its rows say.
    ///
    /// # Errors
    /// A number that is none.
    pub fn json(&self) -> serde_json::Result<String> {
        self.json.clone().map_or_else(|| serde_json::to_string(&self.report), Ok)
    }
}

/// The report of a run that has none, by its latest row.
pub fn interrupted(about: &About, latest: Option<&Second>, moments: &[Moment]) -> RunReport {
    let load = latest.and_then(|second| second.load.as_ref());
    let (totals, seconds) = load.map_or((LoadTotals::default(), 0.0), |load| (load.so_far, load.at));
    let per_second = |amount: u64| if seconds > 0.0 { amount as f64 / seconds } else { 0.0 };
    RunReport {
        stack: about.stack.clone(),
        run: about.run.clone(),
        worker: about.worker.clone(),
        target: about.target.clone(),
        offered: totals.offered,
        acknowledged: totals.acknowledged,
        failed: totals.failed,
        retried: totals.retried,
        throttled: totals.throttled,
        records_per_second: per_second(totals.acknowledged),
        bytes_per_second: per_second(totals.bytes),
        ack_latency_ms: totals.ack_latency_ms.unwrap_or(Percentiles::default()),
        actions: moments.iter().filter_map(|moment| moment.done.clone()).collect(),
        interrupted: true,
        ..RunReport::default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        deliveries::{dynamodb, s3},
        load::{ByShard, LoadSecond},
        pipeline::meter::RunCost,
        report::{
            Seconds,
            landed::{Landed, LandedDocuments},
            second::{DestinationSecond, MomentKind, Usage},
            thresholds::{Abort, ThresholdCheck},
        },
    };

    /// A run that has something of everything; no two of its figures are alike.
    pub(crate) fn recorded() -> Recorded {
        let about = About {
            format: FORMAT,
            run: "20261130T101112-00ff".into(),
            stack: "shop-0a1b2c3d".into(),
            worker: None,
            started: "2026-11-30T10:11:12Z".into(),
            target: "the stand-in at 127.0.0.1:1".into(),
            spec: serde_json::json!({"name": "shop"}),
            destinations: vec!["S3".into(), "DynamoDB".into()],
            command: vec!["demo".into(), "run".into(), "my shop.yaml".into()],
            version: "0.1.0".into(),
            machine: Machine::default(),
            cost: "$8.10 an hour".into(),
            hourly: None,
            expires: None,
        };
        let landed = LandedDocuments(vec![
            Landed { destination: s3::DESTINATION, documents: 11_997, by_sql: Some(11_996) },
            Landed { destination: dynamodb::DESTINATION, documents: 11_995, by_sql: None },
        ]);
        let report = RunReport {
            stack: about.stack.clone(),
            run: about.run.clone(),
            target: about.target.clone(),
            offered: 12_003,
            acknowledged: 12_001,
            failed: 2,
            retried: 1_234,
            throttled: 1_111,
            possible_duplicates: 7,
            lost: Some(6),
            duplicated: Some(5),
            landed,
            records_per_second: 1_234.5,
            asked_per_second: Some(2_000.4),
            bytes_per_second: 12_345_678.9,
            ack_latency_ms: Percentiles { p50: 8.649, p90: 13.25, p99: 115.55, max: 1_229.6 },
            freshness_ms: Some(Percentiles { p50: 481.0, p90: 500.0, p99: 981.5, max: 1_500.0 }),
            freshness_in: Some(dynamodb::DESTINATION),
            freshness_s3_ms: Some(Percentiles { p50: 6_100.0, p90: 9_020.0, p99: 9_870.5, max: 10_400.0 }),
            leftovers: Some(0),
            seconds: Seconds { up: Some(0.61), load: Some(30.04), verify: Some(4.44), down: Some(0.37) },
            problems: vec!["<script>alert(\"a|b\")</script>".into()],
            cost: Some(RunCost {
                dollars: 0.164,
                of_stack: 0.15,
                of_load: 0.014,
                an_hour: 0.3,
                billed: true,
                region: "us-east-1".into(),
                prices_of: "2026-11".into(),
            }),
            aborted: Some(Abort { at: 12.3, check: check("budget", "$0.16 by now", "at most $0.17") }),
            unmeasured: vec!["shard_imbalance".into()],
            crossed: vec!["lost: 6, at most 0".into(), "budget: $0.16 by now, at most $0.17".into()],
            thresholds: vec![check("lost", "6", "at most 0"), check("budget", "$0.16 by now", "at most $0.17")],
            ..RunReport::default()
        };
        let json = serde_json::to_string(&report).expect("JSON");
        Recorded {
            about,
            ended: Some("2026-11-30T10:12:00Z".into()),
            error: None,
            report,
            json: Some(json),
            seconds: (1..=30).map(second).collect(),
            moments: vec![Moment { at: 3.0, kind: MomentKind::Action, text: "pause".into(), done: None }],
            torn: Vec::new(),
            is_under_way: false,
            bytes: 1_000,
        }
    }

    fn check(name: &str, actual: &str, limit: &str) -> ThresholdCheck {
        ThresholdCheck { name: name.into(), actual: actual.into(), limit: limit.into(), met: false }
    }

    fn second(at: u64) -> Second {
        let first_seen = if at == 1 { vec!["shardId-000000000000".to_owned()] } else { Vec::new() };
        let latency = Some(Percentiles { p50: at as f64, p90: 9.0, p99: 10.0, max: 11.0 });
        let load = LoadSecond {
            at: at as f64,
            seconds: 1.0,
            scheduled: Some(400),
            offered: 400,
            acknowledged: 390 + at,
            retried: at,
            ack_latency_ms: latency,
            service_ms: latency,
            shards: ByShard {
                first_seen,
                acknowledged: vec![390 + at],
                bytes: vec![1_000],
                throttled: vec![at],
                open: 1,
                ..ByShard::default()
            },
            ..LoadSecond::default()
        };
        let destination =
            DestinationSecond { name: "S3".into(), behind: Some(30 - at), ..DestinationSecond::default() };
        let usage = Some(Usage { cpu: 0.5, memory: 100_000_000 });
        Second {
            at: at as f64,
            load: Some(load),
            destinations: vec![destination],
            cost: Some(0.1),
            demo: usage,
            stand_in: usage,
        }
    }
}
