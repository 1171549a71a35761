//! The figures of a run, in the words and digits that every rendering shares.

use super::{
    RunReport,
    landed::Landed,
    numbers::{bytes, grouped, millis, rate},
};
use crate::verify::{LedgerEnd, LedgerLine};

/// One figure of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it counts or measures.
    pub name: String,
    /// With its unit.
    pub value: String,
}

impl Figure {
    fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// What was sent and where it is.
pub fn counts(report: &RunReport) -> Vec<Figure> {
    let known = |n: Option<u64>| n.map_or("not checked".to_owned(), grouped);
    let mut figures = vec![
        Figure::new("offered", grouped(report.offered)),
        Figure::new("acknowledged", grouped(report.acknowledged)),
    ];
    for Landed { destination, documents, by_sql } in &report.landed.0 {
        let apart = report.apart_in(*destination);
        figures.push(Figure::new(format!("in {destination}"), and_apart(*documents, apart)));
        // What lies apart has no key that SQL could count by.
        figures.extend(by_sql.map(|n| Figure::new("by SQL", and_apart(n, apart))));
    }
    figures.push(Figure::new("lost", known(report.lost)));
    figures.push(Figure::new("duplicated", known(report.duplicated)));
    figures.push(Figure::new("failed", grouped(report.failed)));
    figures.push(Figure::new("retried", grouped(report.retried)));
    figures.push(Figure::new("throttled", grouped(report.throttled)));
    figures.push(Figure::new("possible duplicates", grouped(report.possible_duplicates)));
    figures.extend(report.ledger.iter().map(|line| Figure::new(line.flaw.key(), flaw(line))));
    figures
}

/// A count with that of the documents that lie apart, such as `59,880 + 120`.
pub(super) fn and_apart(documents: u64, apart: u64) -> String {
    if apart == 0 { grouped(documents) } else { format!("{} + {}", grouped(documents), grouped(apart)) }
}

/// What became of documents that were imperfect on purpose, such as `120 = S3 error prefix 120`.
pub(super) fn flaw(line: &LedgerLine) -> String {
    let LedgerLine { documents, ends, others, .. } = line;
    let mut value = grouped(*documents);
    for LedgerEnd { destination, place, found, .. } in ends {
        let place = place.as_ref().map_or_else(String::new, |place| format!(" {place}"));
        value += &match found {
            Some(found) if found == documents => format!(" = {destination}{place} {}", grouped(*found)),
            Some(found) => format!(" ≠ {destination}{place} {}", grouped(*found)),
            None => format!(", in {destination}{place} not known"),
        };
    }
    match others {
        Some(others) => value += &format!(", {} other", grouped(*others)),
        None if ends.is_empty() => value += " refused by the producer",
        None => {}
    }
    value
}

/// How fast it went.
pub fn speed(report: &RunReport) -> Vec<Figure> {
    let ms = |name: &str, n: f64| Figure::new(name, format!("{} ms", millis(n)));
    let latency = &report.ack_latency_ms;
    let mut figures = vec![
        Figure::new("documents", rate(report.records_per_second, report.asked_per_second)),
        Figure::new("bytes", format!("{}/s", bytes(report.bytes_per_second))),
        ms("acknowledged in p50", latency.p50),
        ms("acknowledged in p90", latency.p90),
        ms("acknowledged in p99", latency.p99),
        ms("acknowledged in max", latency.max),
    ];
    for (destination, fresh) in report.freshness() {
        for (quantile, n) in [("p50", fresh.p50), ("p99", fresh.p99), ("max", fresh.max)] {
            figures.push(ms(&format!("readable in {destination} after {quantile}"), n));
        }
    }
    figures
}

/// How long each phase took.
pub fn phases(report: &RunReport) -> Vec<Figure> {
    let seconds = &report.seconds;
    let all = [("up", seconds.up), ("load", seconds.load), ("verify", seconds.verify), ("down", seconds.down)];
    all.into_iter().filter_map(|(name, took)| Some(Figure::new(name, format!("{:.1} s", took?)))).collect()
}

/// What the run left behind.
pub fn leftovers(report: &RunReport) -> String {
    match report.leftovers {
        None => "The run did not remove its stack; `demo ls` lists what is there.".to_owned(),
        Some(0) => "Nothing is left: the inventory after `down` found no resource of the stack.".to_owned(),
        Some(1) => "1 resource is left; `demo down` removes it.".to_owned(),
        Some(n) => format!("{} resources are left; `demo down` removes them.", grouped(n)),
    }
}
