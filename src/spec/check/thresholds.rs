//! The checks of `thresholds`.

use std::time::Duration;

use super::{
    super::{
        file::{LimitFile, ThresholdsFile},
        load::Load,
        quantity::Refusal,
        schedule::Schedule,
        stack::Thresholds,
        threshold::{self, METRICS, Metric, Needs, Side, THROUGHPUT, Threshold},
    },
    values::Check,
};
use crate::deliveries::spec::Deliver;

impl Check<'_> {
    /// In the order of the metrics. `load` and `deliver` are none where something is wrong with them.
    pub(super) fn thresholds(
        &mut self,
        written: &ThresholdsFile,
        load: Option<&Load>,
        deliver: Option<&Deliver>,
    ) -> Option<Thresholds> {
        let before = self.complaints();
        let mut thresholds = Vec::new();
        for metric in &METRICS {
            match written.0.get(metric.name) {
                Some(limit) => thresholds.extend(self.threshold(metric, limit, deliver)),
                None if metric.name == THROUGHPUT => thresholds.extend(load.and_then(of_schedule)),
                None => {}
            }
        }
        (self.complaints() == before).then_some(Thresholds(thresholds))
    }

    fn threshold(
        &mut self,
        metric: &'static Metric,
        written: &LimitFile,
        deliver: Option<&Deliver>,
    ) -> Option<Threshold> {
        let path = format!("thresholds.{}", metric.name);
        let (limit, of_limit, aborts) = match written {
            LimitFile::Scalar(limit) => (limit.text(), path.clone(), false),
            LimitFile::Map(map) => (map.limit.as_ref()?.text(), format!("{path}.limit"), map.abort.unwrap_or_default()),
        };
        if metric.name == THROUGHPUT && limit == "off" {
            return None;
        }
        let (side, limit) = self.keep(&of_limit, threshold::limit(metric, &limit))?;
        if let Some(problem) = deliver.and_then(|deliver| missing(metric.delivery?, deliver)) {
            let expected = "a figure of what the stack has, or no such threshold";
            self.refuse_key(&path, Refusal::new(format!("{problem}, so there is no `{}`", metric.name), expected));
        }
        if aborts {
            self.abort(&path, metric, side);
        }
        Some(Threshold { metric, side, limit, aborts, is_of_schedule: false })
    }

    /// A limit can stop the load if it can be told meanwhile that it is crossed.
    fn abort(&mut self, path: &str, metric: &Metric, side: Side) {
        let live: Vec<String> =
            METRICS.iter().filter(|metric| metric.is_live).map(|metric| format!("`{}`", metric.name)).collect();
        let (problem, expected) = match () {
            () if !metric.is_live => {
                (format!("`{}` is not known before the load is over", metric.name), live.join(", "))
            }
            () if !side.is_upper() => (
                "a load that has just begun is below each lower limit".to_owned(),
                "an upper limit, or no `abort`".to_owned(),
            ),
            () => return,
        };
        self.refuse_key(&format!("{path}.abort"), Refusal::new(problem, expected));
    }
}

/// What a stack lacks that a figure is of.
fn missing(needs: Needs, deliver: &Deliver) -> Option<&'static str> {
    let (has, problem) = match needs {
        Needs::NoDelivery => (deliver.is_empty(), "the stream itself is read only where nothing is delivered"),
        Needs::S3 => (deliver.s3.is_some(), "the stack has no `deliver.s3`"),
        Needs::Catalog => {
            (deliver.s3.as_ref().is_some_and(|s3| s3.catalog.is_some()), "the stack has no `deliver.s3.catalog`")
        }
        Needs::Redshift => (deliver.redshift.is_some(), "the stack has no `deliver.redshift`"),
        Needs::DynamoDb => (deliver.dynamodb.is_some(), "the stack has no `deliver.dynamodb`"),
    };
    (!has).then_some(problem)
}

/// What a load reaches that keeps its rate, by and large: a tenth more time than the rate needs, and a little for the last
/// answers.
fn of_schedule(load: &Load) -> Option<Threshold> {
    const SHARE: f64 = 0.9;
    const GRACE: Duration = Duration::from_secs(2);
    let Schedule::Open(times) = &load.schedule else { return None };
    let records = times.documents() as f64;
    let taken = records - load.imperfect.as_ref().map_or(0.0, |imperfect| imperfect.refused(records));
    let limit = taken / (records / times.mean() / SHARE + GRACE.as_secs_f64());
    let metric = threshold::metric(THROUGHPUT).expect("it is in the table");
    Some(Threshold { metric, side: Side::AtLeast, limit, aborts: false, is_of_schedule: true })
}
