//! A run as test cases: one for each threshold, and one for each destination.

use std::fmt::Write;

use super::{RunReport, html::escaped, landed::Landed, numbers::grouped, recorded::Recorded, verdict::Verdict};
use crate::verify::destination::Keeps;

struct Case {
    class: &'static str,
    name: String,
    /// Why it failed.
    failure: Option<String>,
}

/// The test suite of a run, as XML that CI systems read.
pub fn suite(run: &Recorded) -> String {
    let cases: Vec<Case> = thresholds(&run.report).chain(destinations(run)).collect();
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let (about, seconds) = (&run.about, &run.report.seconds);
    let took: f64 = [seconds.up, seconds.load, seconds.verify, seconds.down]
        .into_iter()
        .flatten()
        .fold(0.0, |sum, took| sum + took);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" \
         time=\"{took:.3}\" timestamp=\"{}\">\n",
        escaped(&format!("{} {}", about.stack, about.run)),
        cases.len(),
        escaped(&about.started)
    );
    for Case { class, name, failure } in &cases {
        let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{}\"", escaped(name));
        match failure {
            Some(why) => _ = writeln!(text, "><failure message=\"{}\"/></testcase>", escaped(why)),
            None => text += "/>\n",
        }
    }
    text + "  </testsuite>\n</testsuites>\n"
}

fn thresholds(report: &RunReport) -> impl Iterator<Item = Case> {
    report.thresholds.iter().map(|check| {
        let failure = (!check.met).then(|| check.to_string());
        Case { class: "thresholds", name: check.name.clone(), failure }
    })
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
        Case { class: "destinations", name: format!("every acknowledged document is in {label}"), failure }
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
