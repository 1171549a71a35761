//! One run in every rendering.

use super::{
    RunReport,
    figures::{Figure, counts, phases, speed},
    html, junit, markdown,
    recorded::{self, interrupted},
    terminal,
};
use crate::{
    spec::Flaw,
    verify::{LedgerEnd, LedgerLine},
};

fn figures(report: &RunReport) -> Vec<Figure> {
    [counts(report), speed(report), phases(report)].concat()
}

#[test]
fn the_figures_of_a_run_are_equal_in_every_rendering() {
    let run = recorded::tests::recorded();
    let json = run.json().expect("JSON");
    let mut read: RunReport = serde_json::from_str(&json).expect("a report");
    read.freshness_in = run.report.freshness_in;
    assert_eq!(figures(&read), figures(&run.report), "the JSON says the same");

    let (page, table) = (html::page(&run).expect("a page"), markdown::summary(&run));
    let all = figures(&run.report);
    assert_eq!(all.len(), 27, "{all:?}");
    for Figure { name, value } in &all {
        assert!(page.contains(&format!("<tr><td>{name}</td><td class=\"n\">{value}</td></tr>")), "{name} {value}");
        assert!(table.contains(&format!("| {name} | {value} |\n")), "{name} {value}");
    }
    let text = terminal::summary(&run.report);
    for Figure { name, value } in counts(&run.report) {
        assert!(text.contains(&format!("{name} {value}")), "{name} {value} in {text}");
    }
    for Figure { name, value } in speed(&run.report) {
        let quantile = name.rsplit(' ').next().filter(|last| last.starts_with('p') || *last == "max");
        let said = quantile.map_or(value.clone(), |quantile| format!("{quantile} {value}"));
        assert!(text.contains(&said), "{said} in {text}");
    }
    for check in &run.report.thresholds {
        assert!(text.contains(&format!("✗ {check}")) && page.contains(&check.limit) && table.contains(&check.limit));
    }
    let cost = run.report.cost.as_ref().expect("a cost").to_string();
    let abort = run.report.aborted.as_ref().expect("a reason").to_string();
    assert!(text.contains(&format!("  cost {cost}\n")) && page.contains(&cost) && table.contains(&cost), "{table}");
    assert!(text.contains(&format!("stopped: {abort}")) && page.contains(&abort) && table.contains(&abort), "{page}");
    let unmeasured = text.contains("? shard_imbalance: not measured") && page.contains("? shard_imbalance</td>");
    assert!(unmeasured && table.contains("| shard\\_imbalance | not measured | | ? |"), "{table}");
}

#[test]
fn what_lies_apart_is_in_every_rendering() {
    let mut run = recorded::tests::recorded();
    let apart = LedgerEnd { destination: "S3".into(), place: Some("error prefix".into()), found: Some(4), apart: true };
    run.report.ledger = vec![LedgerLine { flaw: Flaw::Malformed, documents: 4, ends: vec![apart], others: None }];
    let (page, table, text) =
        (html::page(&run).expect("a page"), markdown::summary(&run), terminal::summary(&run.report));
    for (name, value) in [("in S3", "11,997 + 4"), ("malformed", "4 = S3 error prefix 4")] {
        assert!(page.contains(&format!("<tr><td>{name}</td><td class=\"n\">{value}</td></tr>")), "{page}");
        assert!(table.contains(&format!("| {name} | {value} |\n")), "{table}");
        assert!(text.contains(&format!("{name} {value}")), "{text}");
    }
    let suite = junit::suite(&run);
    assert!(!suite.contains("documents found in S3\"/>"), "12,001 of 12,001 are there: {suite}");
}

#[test]
fn a_page_needs_nothing_else_and_takes_no_text_for_markup() {
    let page = html::page(&recorded::tests::recorded()).expect("a page");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;a|b&quot;)"), "{page}");
    let outside = ["src=", "@import", "url(", "<link"];
    assert!(outside.iter().all(|word| !page.contains(word)), "{page}");
    let addresses: Vec<_> = page.match_indices("http").map(|(at, _)| &page[at..at + 26]).collect();
    assert!(addresses.iter().all(|address| *address == "http://www.w3.org/2000/svg"), "{addresses:?}");
    assert_eq!(
        page.matches("<svg ").count(),
        8,
        "rates, latencies, retries, in flight, shards, behind, processors, memory"
    );
    assert!(
        page.contains("demo run &#39;my shop.yaml&#39;")
            && page.contains("Lost: 6 acknowledged documents are missing.")
    );
}

#[test]
fn a_test_suite_has_each_threshold_and_each_destination() {
    let suite = junit::suite(&recorded::tests::recorded());
    assert!(suite.contains("tests=\"5\" failures=\"4\""), "{suite}");
    assert!(suite.contains("name=\"lost\"><failure message=\"lost: 6, at most 0\"/>"), "{suite}");
    let budget = "name=\"budget\"><failure message=\"the load was stopped: budget: $0.16 by now, at most $0.17, after 12.3 s\"/>";
    assert!(suite.contains(budget), "{suite}");
    assert!(suite.contains("name=\"shard_imbalance\"><skipped message=\"not measured\"/>"), "{suite}");
    let s3 = "every acknowledged document is in S3\"><failure message=\"11,997 of 12,001 documents found in S3\"/>";
    assert!(suite.contains(s3), "{suite}");
    let mut verified = recorded::tests::recorded();
    verified.report.lost = Some(0);
    verified.report.thresholds.iter_mut().for_each(|check| check.met = true);
    for landed in &mut verified.report.landed.0 {
        (landed.documents, landed.by_sql) = (12_001, None);
    }
    let suite = junit::suite(&verified);
    assert!(suite.contains("tests=\"5\" failures=\"0\" skipped=\"1\"") && !suite.contains("<failure"), "{suite}");
}

#[test]
fn a_run_that_was_killed_has_the_figures_of_its_latest_row() {
    let mut run = recorded::tests::recorded();
    let latest = run.seconds.last_mut().expect("a row");
    let load = latest.load.as_mut().expect("a load");
    (load.so_far.acknowledged, load.so_far.offered) = (11_000, 11_100);
    let report = interrupted(&run.about, run.seconds.last(), &run.moments);
    assert_eq!((report.acknowledged, report.offered, report.records_per_second), (11_000, 11_100, 11_000.0 / 30.0));
    assert!(report.interrupted && report.lost.is_none());
    (run.report, run.ended, run.json) = (report, None, None);
    assert_eq!(run.verdict().to_string(), "interrupted");
    assert!(
        html::page(&run)
            .expect("a page")
            .contains("Interrupted: the run was stopped before its end, or its end could not be recorded.")
    );
}
