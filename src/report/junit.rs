//! A run as test cases: one for each threshold, and one for each destination.

use std::fmt::Write;

use super::{RunReport, html::escaped, landed::Landed, numbers::grouped, recorded::Recorded, verdict::Verdict};
use crate::verify::destination::Keeps;

struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failed(String),
    Skipped(&'static str),
}

impl Outcome {
    fn of(failure: Option<String>) -> Self {
        failure.map_or(Self::Passed, Self::Failed)
    }
}

/// The test suite of a run, as XML that CI systems read.
pub fn suite(run: &Recorded) -> String {
    let cases: Vec<Case> = thresholds(&run.report).chain(destinations(run)).collect();
    let failed = cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed(_))).count();
    let skipped = cases.iter().filter(|case| matches!(case.outcome, Outcome::Skipped(_))).count();
    let (about, seconds) = (&run.about, &run.report.seconds);
    let took: f64 = [seconds.up, seconds.load, seconds.verify, seconds.down]
        .into_iter()
        .flatten()
        .fold(0.0, |sum, took| sum + took);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" \
         skipped=\"{skipped}\" time=\"{took:.3}\" timestamp=\"{}\">\n",
        escaped(&format!("{} {}", about.stack, about.run)),
        cases.len(),
        escaped(&about.started)
    );
    for Case { class, name, outcome } in &cases {
        let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{}\"", escaped(name));
        match outcome {
            Outcome::Failed(why) => _ = writeln!(text, "><failure message=\"{}\"/></testcase>", escaped(why)),
            Outcome::Skipped(why) => _ = writeln!(text, "><skipped message=\"{why}\"/></testcase>"),
            Outcome::Passed => text += "/>\n",
        }
    }
    text + "  </testsuite>\n</testsuites>\n"
}

fn thresholds(report: &RunReport) -> impl Iterator<Item = Case> {
    let held = report.thresholds.iter().map(|check| {
        let stopped = report.aborted.as_ref().filter(|abort| abort.check == *check);
        let why = stopped.map_or_else(|| check.to_string(), |abort| format!("the load was stopped: {abort}"));
        Case { class: "thresholds", name: check.name.clone(), outcome: Outcome::of((!check.met).then_some(why)) }
    });
    let unmeasured = report.unmeasured.iter().map(|name| {
        let outcome = Outcome::Skipped("not measured");
        Case { class: "thresholds", name: name.clone(), outcome }
    });
    held.chain(unmeasured)
}

fn destinations(run: &Recorded) -> impl Iterator<Item = Case> {
    run.about.destinations.iter().map(|label| {
        let landed = run.report.landed.0.iter().find(|landed| landed.destination.label == label);
        let failure = match landed {
            Some(landed) => missing(&run.report, landed),
            // A worker leaves the search to `demo verify`.
            None if run.verdict() == Verdict::Sent => None,
            None => Some(format!("not searched: {}", run.verdict().sentence())),
        };
        let outcome = Outcome::of(failure);
        Case { class: "destinations", name: format!("every acknowledged document is in {label}"), outcome }
    })
}

fn missing(report: &RunReport, landed: &Landed) -> Option<String> {
    let Landed { destination, documents, by_sql } = *landed;
    let one_of_a_key = destination.keeps == Keeps::OneOfAKey && report.lost == Some(0);
    let acknowledged = grouped(report.acknowledged);
    let found = documents + report.apart_in(destination);
    if found < report.acknowledged && !one_of_a_key {
        return Some(format!("{} of {acknowledged} documents found in {destination}", grouped(found)));
    }
    let differs = by_sql.filter(|by_sql| *by_sql != documents);
    differs.map(|by_sql| format!("{} documents found in {destination}, {} by SQL", grouped(documents), grouped(by_sql)))
}
