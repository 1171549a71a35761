//! Summaries for a person.

use std::fmt::Write;

use super::{
    RunReport,
    figures::{and_apart, flaw},
    headline::headline,
    landed::Landed,
    numbers::{bytes, grouped, millis, rate},
};
use crate::{
    load::{HotDocuments, Imbalance},
    verify::{LedgerLine, Verification, destination::Keeps},
};

/// Shards are told apart when the hottest got so many times the mean.
const UNEVEN: f64 = 1.1;

/// Several short lines: what it came to, what was offered and where it is, what is missing, how fast it went.
pub fn summary(report: &RunReport) -> String {
    let mut text = headline(report).map_or_else(String::new, |headline| format!("  {headline}\n"));
    let mut chain =
        vec![("offered".to_owned(), report.offered, 0), ("acknowledged".to_owned(), report.acknowledged, 0)];
    // Documents of one key are one: fewer than were acknowledged need not be a loss.
    let once_a_key = |landed: &Landed| {
        let found = landed.documents + report.apart_in(landed.destination);
        let fewer = found < report.acknowledged && report.lost == Some(0);
        fewer && landed.destination.keeps == Keeps::OneOfAKey
    };
    let (by_key, all): (Vec<&Landed>, Vec<&Landed>) = report.landed.0.iter().partition(|landed| once_a_key(landed));
    for landed in all {
        let apart = report.apart_in(landed.destination);
        chain.push((format!("in {}", landed.destination), landed.documents, apart));
        // What lies apart has no key that SQL could count by.
        chain.extend(landed.by_sql.map(|n| ("by SQL".to_owned(), n, apart)));
    }
    text += "  ";
    for (i, (what, count, apart)) in chain.iter().enumerate() {
        if i > 0 {
            let (_, before, apart_before) = &chain[i - 1];
            text += if count + apart == before + apart_before { " = " } else { " ≠ " };
        }
        let _ = write!(text, "{what} {}", and_apart(*count, *apart));
    }
    for Landed { destination, documents, .. } in by_key {
        let _ = write!(text, "\n  in {destination} {}, one item for each key", grouped(*documents));
    }
    let known = |n: Option<u64>| n.map_or("not checked".to_owned(), grouped);
    let _ = write!(text, "\n  lost {}", known(report.lost));
    let _ = write!(text, "   duplicated {}   failed {}", known(report.duplicated), grouped(report.failed));
    let _ = write!(text, "   retried {}", grouped(report.retried));
    if report.throttled > 0 {
        let _ = write!(text, "   throttled {}", grouped(report.throttled));
    }
    if report.possible_duplicates > 0 {
        let _ = write!(text, "   possible duplicates {}", grouped(report.possible_duplicates));
    }
    text += "\n";
    text += &ledger(&report.ledger);
    for done in &report.actions {
        let _ = writeln!(text, "  {:.1} s: {}", done.at, done.action);
    }
    if let Some(uneven) = report.imbalance.as_ref().filter(|imbalance| imbalance.over_mean >= UNEVEN) {
        let Imbalance { shards, hottest, documents, over_mean } = uneven;
        let _ = writeln!(
            text,
            "  hottest of {shards} shards {hottest}: {} documents, {over_mean:.1} times the mean",
            grouped(*documents)
        );
    }
    if report.resharded {
        text += "  hottest shard: not known, as the stream was resharded meanwhile\n";
    }
    if let Some(HotDocuments { documents, ack_latency_ms }) = &report.hot {
        let _ = writeln!(
            text,
            "  of a hot key {} documents, acknowledged in p50 {} ms, p99 {} ms",
            grouped(*documents),
            millis(ack_latency_ms.p50),
            millis(ack_latency_ms.p99)
        );
    }
    for hot in &report.hot_keys {
        let waited = bytes(hot.bytes as f64);
        let _ =
            writeln!(text, "  hot key {}: {waited} of its documents had to wait for their shard", hot.partition_key);
    }
    let latency = &report.ack_latency_ms;
    let _ = writeln!(
        text,
        "  {}   {}/s   acknowledged in p50 {} ms, p90 {} ms, p99 {} ms, max {} ms",
        rate(report.records_per_second, report.asked_per_second),
        bytes(report.bytes_per_second),
        millis(latency.p50),
        millis(latency.p90),
        millis(latency.p99),
        millis(latency.max),
    );
    for (destination, fresh) in report.freshness() {
        let (p50, p99, max) = (millis(fresh.p50), millis(fresh.p99), millis(fresh.max));
        let _ = writeln!(text, "  readable in {destination} after p50 {p50} ms, p99 {p99} ms, max {max} ms");
    }
    for problem in &report.problems {
        let _ = writeln!(text, "  problem: {problem}");
    }
    if let Some(why) = &report.unrecorded {
        let _ = writeln!(text, "  the record of this run is incomplete: {why}");
    }
    if let Some(cost) = &report.cost {
        let _ = writeln!(text, "  cost {cost}");
    }
    if let Some(abort) = &report.aborted {
        let _ = writeln!(text, "  the load was stopped: {abort}");
    }
    for check in &report.thresholds {
        let _ = writeln!(text, "  {} {check}", if check.met { '✓' } else { '✗' });
    }
    for name in &report.unmeasured {
        let _ = writeln!(text, "  ? {name}: not measured");
    }
    text
}

/// A line for each flaw, such as `malformed 120 = S3 error prefix 120`.
fn ledger(lines: &[LedgerLine]) -> String {
    lines.iter().map(|line| format!("  {} {}\n", line.flaw, flaw(line))).collect()
}

/// The result of a verification without a load. While a run is under way, what it sends is found before it is known as
/// acknowledged.
pub fn verified(report: &RunReport, verification: &Verification, is_under_way: bool) -> String {
    let mut text = format!("  acknowledged {}", grouped(report.acknowledged));
    for landed in &verification.landed {
        let _ = write!(text, "   in {} {}", landed.destination, grouped(landed.tally.landed()));
        if let Some(by_sql) = landed.by_sql {
            let _ = write!(text, "   by SQL {}", grouped(by_sql));
        }
    }
    let unacknowledged = verification.landed.iter().map(|landed| landed.tally.unacknowledged).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "\n  lost {}   duplicated {}   {} {}",
        report.lost.map_or("not known".to_owned(), grouped),
        grouped(verification.duplicated()),
        if is_under_way { "found of the run under way" } else { "found but never acknowledged" },
        grouped(unacknowledged),
    );
    text += &ledger(&report.ledger);
    for problem in &report.problems {
        let _ = writeln!(text, "  problem: {problem}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::landed::LandedDocuments, *};
    use crate::{
        deliveries::{dynamodb, s3},
        verify::Destination,
    };

    fn landed(destination: Destination, documents: u64, by_sql: Option<u64>) -> LandedDocuments {
        LandedDocuments(vec![Landed { destination, documents, by_sql }])
    }

    #[test]
    fn one_item_for_each_key_is_no_difference() {
        let landed = landed(dynamodb::DESTINATION, 3, None);
        let report = RunReport { offered: 5, acknowledged: 5, landed, lost: Some(0), ..RunReport::default() };
        let text = summary(&report);
        assert!(text.contains("acknowledged 5\n  in DynamoDB 3, one item for each key\n"), "{text}");
        let text = summary(&RunReport { lost: Some(2), ..report });
        assert!(text.contains("acknowledged 5 ≠ in DynamoDB 3\n"), "{text}");
    }

    #[test]
    fn a_difference_is_seen_in_the_chain() {
        let report = RunReport {
            offered: 5,
            acknowledged: 5,
            landed: landed(s3::DESTINATION, 5, Some(4)),
            lost: Some(0),
            ..RunReport::default()
        };
        let text = summary(&report);
        assert!(text.contains("offered 5 = acknowledged 5 = in S3 5 ≠ by SQL 4"), "{text}");
        assert!(text.contains("lost 0   duplicated not checked"), "{text}");
    }
}
