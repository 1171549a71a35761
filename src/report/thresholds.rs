//! The thresholds of a run: what it reached of each figure, and whether it kept the limit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    RunReport,
    numbers::{bytes, grouped},
};
use crate::{
    aws::cost::dollars,
    spec::{Threshold, Thresholds, Unit},
};

/// Below so many documents a second, a rate that just misses its limit would be rounded to it.
const FEW: f64 = 100.0;

/// A threshold, and what the run reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdCheck {
    /// Its key in the stack file.
    pub name: String,
    /// What the run reached, with its unit.
    pub actual: String,
    /// What it may be, for example `at most 500.0 ms`.
    pub limit: String,
    /// Whether the run kept it.
    pub met: bool,
}

/// Such as `lost: 2, at most 0`.
impl fmt::Display for ThresholdCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.name, self.actual, self.limit)
    }
}

/// Why a load was stopped before its end: a threshold with `abort`, or the budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abort {
    /// Seconds since the load began.
    pub at: f64,
    /// What was crossed.
    #[serde(flatten)]
    pub check: ThresholdCheck,
}

/// What the check of a budget is called.
pub const BUDGET: &str = "budget";

impl Abort {
    /// Whether it was the budget.
    pub fn is_of_budget(&self) -> bool {
        self.check.name == BUDGET
    }
}

/// Such as `p99_ack: 712.0 ms, at most 500.0 ms, after 12.0 s`.
impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, after {:.1} s", self.check, self.at)
    }
}

impl ThresholdCheck {
    /// Holds a figure against its limit.
    pub fn of(threshold: &Threshold, figure: f64) -> Self {
        let Threshold { metric, side, limit, .. } = threshold;
        let met = side.admits(figure, *limit);
        let shown = shown(metric.unit, *limit);
        let actual = match self::shown(metric.unit, figure) {
            rounded if !met && rounded == shown => exact(metric.unit, figure),
            rounded => rounded,
        };
        Self { name: metric.name.to_owned(), actual, limit: format!("{} {shown}", side.words()), met }
    }
}

impl RunReport {
    /// Records which thresholds were kept, which were crossed, and which could not be held against anything.
    pub fn check_thresholds(&mut self, thresholds: &Thresholds) {
        let is_steered = self.actions.iter().any(|done| done.action.changes_the_schedule());
        let figures = figures(self);
        let applies = |threshold: &&Threshold| !(threshold.is_of_schedule && is_steered);
        let aborted = self.aborted.as_ref().map(|abort| &abort.check);
        (self.thresholds, self.unmeasured) = (Vec::new(), Vec::new());
        for threshold in thresholds.0.iter().filter(applies) {
            let name = threshold.metric.name;
            let stopped = aborted.filter(|check| check.name == name).cloned();
            let check = stopped.or_else(|| Some(ThresholdCheck::of(threshold, figure(&figures, threshold)?)));
            match check {
                Some(check) => self.thresholds.push(check),
                None => self.unmeasured.push(name.to_owned()),
            }
        }
        let of_budget = aborted.filter(|check| thresholds.0.iter().all(|known| known.metric.name != check.name));
        self.thresholds.extend(of_budget.cloned());
        self.crossed = self.thresholds.iter().filter(|check| !check.met).map(ToString::to_string).collect();
    }

    /// The first of these thresholds that the run has crossed by now.
    pub fn first_crossed<'a>(&self, thresholds: impl IntoIterator<Item = &'a Threshold>) -> Option<ThresholdCheck> {
        let figures = figures(self);
        let check = |threshold: &Threshold| Some(ThresholdCheck::of(threshold, figure(&figures, threshold)?));
        thresholds.into_iter().filter_map(check).find(|check| !check.met)
    }
}

fn figures(report: &RunReport) -> serde_json::Value {
    serde_json::to_value(report).expect("a report has only texts for keys")
}

fn figure(figures: &serde_json::Value, threshold: &Threshold) -> Option<f64> {
    figures.pointer(threshold.metric.json)?.as_f64()
}

fn shown(unit: Unit, n: f64) -> String {
    match unit {
        Unit::Count => grouped(n.round() as u64),
        Unit::Millis => format!("{n:.1} ms"),
        Unit::Seconds => format!("{n:.1} s"),
        Unit::PerSecond if n < FEW => format!("{n:.1}/s"),
        Unit::PerSecond => format!("{}/s", grouped(n.round() as u64)),
        Unit::BytesPerSecond => format!("{}/s", bytes(n)),
        Unit::Ratio => format!("{n:.2}"),
        Unit::Dollars => dollars(n),
    }
}

/// With the digits that tell a figure from a limit that it just misses.
fn exact(unit: Unit, n: f64) -> String {
    match unit {
        Unit::Count => n.to_string(),
        Unit::Millis => format!("{n} ms"),
        Unit::Seconds => format!("{n} s"),
        Unit::PerSecond => format!("{n:.3}/s"),
        Unit::BytesPerSecond => format!("{n:.0} B/s"),
        Unit::Ratio => n.to_string(),
        Unit::Dollars => format!("${n}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        load::{Done, HotDocuments, Imbalance, Percentiles},
        report::{landed::LandedDocuments, recorded},
        spec::{Action, METRICS, Side, metric},
    };

    /// Numbers of a run's JSON that are no results, or parts of one.
    const GIVEN: [&str; 5] =
        ["/aborted/at", "/asked_per_second", "/cost/of_load", "/cost/of_stack", "/imbalance/shards"];

    fn threshold(name: &str, side: Side, limit: f64) -> Threshold {
        let metric = metric(name).expect(name);
        Threshold { metric, side, limit, aborts: false, is_of_schedule: false }
    }

    fn report() -> RunReport {
        RunReport {
            lost: Some(2),
            records_per_second: 100.0,
            ack_latency_ms: Percentiles { p99: 7.0, ..Percentiles::default() },
            ..RunReport::default()
        }
    }

    fn strict() -> Thresholds {
        let throughput = Threshold { is_of_schedule: true, ..threshold("throughput", Side::AtLeast, 101.0) };
        Thresholds(vec![threshold("lost", Side::AtMost, 0.0), throughput, threshold("p99_ack", Side::Below, 5.0)])
    }

    /// The pointers of all numbers in a JSON value, lists left out.
    fn numbers(at: &str, value: &serde_json::Value, into: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Number(_) => drop(into.insert(at.to_owned())),
            serde_json::Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| numbers(&format!("{at}/{key}"), value, into));
            }
            _ => {}
        }
    }

    #[test]
    fn every_number_of_a_runs_json_is_a_metric_and_every_metric_is_one_of_them() {
        let mut report = recorded::tests::recorded().report;
        let ms = Percentiles::default();
        report.hot = Some(HotDocuments { documents: 1, ack_latency_ms: ms });
        report.imbalance = Some(Imbalance { shards: 1, hottest: String::new(), documents: 1, over_mean: 1.0 });
        let mut json = figures(&report);
        for (field, _) in LandedDocuments::default().fields() {
            json[field] = 1.into();
        }
        let mut found = BTreeSet::new();
        numbers("", &json, &mut found);
        let named: BTreeSet<String> =
            METRICS.iter().map(|metric| metric.json).chain(GIVEN).map(str::to_owned).collect();
        assert_eq!(found, named);
    }

    #[test]
    fn each_threshold_is_checked_by_itself() {
        let mut report = report();
        report.check_thresholds(&strict());
        let crossed = ["lost: 2, at most 0", "throughput: 100/s, at least 101/s", "p99_ack: 7.0 ms, below 5.0 ms"];
        assert_eq!(report.crossed, crossed);
        report.actions = vec![Done { at: 1.0, action: Action::Pause }];
        report.check_thresholds(&strict());
        assert_eq!(report.crossed, [crossed[0], crossed[2]], "a schedule changed by hand says nothing of the rate");
        report.check_thresholds(&Thresholds(vec![threshold("lost", Side::AtMost, 2.0)]));
        assert_eq!((report.crossed.len(), report.thresholds[0].met), (0, true));
        report.check_thresholds(&Thresholds::default());
        assert!(report.thresholds.is_empty());
    }

    #[test]
    fn a_limit_that_is_just_missed_shows() {
        let said = |name, side, limit, figure| ThresholdCheck::of(&threshold(name, side, limit), figure).to_string();
        assert_eq!(said("throughput", Side::AtLeast, 4.0, 3.97), "throughput: 3.970/s, at least 4.0/s");
        assert_eq!(said("cost", Side::Below, 5.0, 5.0), "cost: $5, below $5.00");
        assert_eq!(said("shard_imbalance", Side::AtMost, 1.5, 1.501), "shard_imbalance: 1.501, at most 1.50");
        assert_eq!(said("lost", Side::Below, 1.0, 1.0), "lost: 1, below 1");
    }

    #[test]
    fn what_was_not_measured_is_not_taken_for_kept() {
        let mut report = RunReport { lost: None, ..report() };
        report.check_thresholds(&Thresholds(vec![threshold("lost", Side::AtMost, 0.0)]));
        assert_eq!((report.thresholds.len(), report.unmeasured.as_slice()), (0, &["lost".to_owned()][..]));
    }

    #[test]
    fn what_stopped_the_load_stays_crossed() {
        let crossed = report().first_crossed(&strict().0[2..]).expect("crossed");
        let mut report = report();
        report.aborted = Some(Abort { at: 12.0, check: crossed });
        report.ack_latency_ms.p99 = 4.0;
        report.check_thresholds(&Thresholds(strict().0[2..].to_vec()));
        assert_eq!(report.crossed, ["p99_ack: 7.0 ms, below 5.0 ms"], "it was by then");
        assert_eq!(
            report.aborted.as_ref().map(ToString::to_string).as_deref(),
            Some("p99_ack: 7.0 ms, below 5.0 ms, after 12.0 s")
        );
        report.check_thresholds(&Thresholds::default());
        assert_eq!(report.crossed.len(), 1, "a budget is no threshold of the table");
    }
}
