//! Text for a person: summaries, numbers and durations.

use std::fmt::Write;

use chrono::TimeDelta;

use super::{RunReport, landed::Landed};
use crate::{
    load::{HotDocuments, Imbalance},
    verify::{LedgerEnd, LedgerLine, Verification, destination::Keeps},
};

/// A rate is kept from this share on: the last document is due a little before the end, and acknowledged a little after.
const KEPT: f64 = 0.99;
/// Shards are told apart when the hottest got so many times the mean.
const UNEVEN: f64 = 1.1;

/// Several short lines: what was offered and where it is, what is missing, how fast it went.
pub fn summary(report: &RunReport) -> String {
    let mut text = String::new();
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
        let _ = write!(text, "{what} {}", grouped(*count));
        if *apart > 0 {
            let _ = write!(text, " + {}", grouped(*apart));
        }
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
    if let (Some(fresh), Some(destination)) = (&report.freshness_ms, report.freshness_in) {
        let (p50, p99, max) = (millis(fresh.p50), millis(fresh.p99), millis(fresh.max));
        let _ = writeln!(text, "  readable in {destination} after p50 {p50} ms, p99 {p99} ms, max {max} ms");
    }
    for problem in &report.problems {
        let _ = writeln!(text, "  problem: {problem}");
    }
    if let Some(why) = &report.unrecorded {
        let _ = writeln!(text, "  the record of this run is incomplete: {why}");
    }
    for check in &report.thresholds {
        let _ = writeln!(text, "  {} {check}", if check.met { '✓' } else { '✗' });
    }
    text
}

/// A line for each flaw, such as `malformed 120 = S3 error prefix 120`.
fn ledger(lines: &[LedgerLine]) -> String {
    lines.iter().map(|line| format!("  {} {}\n", line.flaw, flaw(line))).collect()
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

/// `125/s of 400/s asked for`, where less was reached than was asked for.
pub fn rate(reached: f64, asked: Option<f64>) -> String {
    let reached_text = format!("{}/s", grouped(reached.round() as u64));
    match asked.filter(|asked| reached < asked * KEPT) {
        Some(asked) => format!("{reached_text} of {}/s asked for", grouped(asked.round() as u64)),
        None => reached_text,
    }
}

/// `1 row`, `2,000 rows`.
pub fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `1234567` as `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the unit a person would choose, in powers of ten as AWS bills and limits them.
pub fn bytes(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.2} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.1} MB", n / 1e6),
        n if n >= 1e3 => format!("{:.1} kB", n / 1e3),
        n => format!("{n:.0} B"),
    }
}

/// How much time a stack has until it expires, for a person.
pub fn time_left(left: Option<TimeDelta>) -> String {
    match left {
        None => "no TTL".to_owned(),
        Some(left) if left <= TimeDelta::zero() => format!("expired {} ago", duration(-left)),
        Some(left) => format!("expires in {}", duration(left)),
    }
}

/// A duration in its two largest units, such as `1 h 58 min`.
pub fn duration(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Milliseconds, with a decimal where it says something.
pub fn millis(n: f64) -> String {
    if n >= 100.0 { format!("{n:.0}") } else { format!("{n:.1}") }
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
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 60_000, 1_234_567].map(grouped), ["0", "999", "1,000", "60,000", "1,234,567"]);
    }

    #[test]
    fn a_rate_that_was_missed_is_told() {
        let all = [(125.0, Some(400.0)), (1_998.6, Some(2_000.0)), (125.0, None)].map(|(is, asked)| rate(is, asked));
        assert_eq!(all, ["125/s of 400/s asked for", "1,999/s", "125/s"]);
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

    #[test]
    fn a_duration_has_two_units() {
        let text = |seconds| duration(TimeDelta::seconds(seconds));
        let all = [text(-5), text(59), text(60), text(3_600), text(7_000), text(86_400), text(90_000)];
        assert_eq!(all, ["0 s", "59 s", "1 min", "1 h", "1 h 56 min", "1 d", "1 d 1 h"]);
        assert_eq!(time_left(None), "no TTL");
    }
}
