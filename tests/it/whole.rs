//! The whole demo through the real binary: stand up, drive, prove, ask, take away, and be killed on the way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kinesis_demo::load::AckLog;
use serde_json::Value;

use crate::command::{Demo, text, until};

const STORE_SALES: &str = "stacks/store-sales-s3.yaml";
const SMALL: [&str; 4] = ["--set", "load.duration=3s", "--set", "deliver.s3.buffer.interval=1s"];

fn args<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}"))
}

#[test]
fn the_whole_demo_loses_nothing_and_leaves_nothing() {
    let demo = Demo::new();
    let report = demo.json(&args(&[&["run", STORE_SALES, "--rm", "--json"], &SMALL]));
    let acknowledged = number(&report, "acknowledged");
    assert_eq!(acknowledged, 6_000, "2,000/s for 3 s: {report}");
    for field in ["offered", "landed_s3", "landed_sql"] {
        assert_eq!(number(&report, field), acknowledged, "{field} of {report}");
    }
    for field in ["failed", "lost", "duplicated", "leftovers"] {
        assert_eq!(number(&report, field), 0, "{field} of {report}");
    }
    for percentile in ["p50", "p90", "p99", "max"] {
        assert!(report["ack_latency_ms"][percentile].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    }
    for phase in ["up", "load", "verify", "down"] {
        assert!(report["seconds"][phase].as_f64().is_some_and(|s| s > 0.0), "{phase} of {report}");
    }
    assert!(demo.expect(0, &["ls", "--json"]).trim() == "[]");
    let status = demo.output(&["local", "status"]);
    assert!(text(&status.stdout).contains("not running"), "the last stack's end stops the stand-in");
}

#[test]
fn a_stream_without_delivery_is_proved_from_the_stream() {
    let demo = Demo::new();
    let report = demo.json(&["run", "stacks/stream-only.yaml", "--rm", "--json", "--set", "load.duration=2s"]);
    assert_eq!(report["landed_stream"], report["acknowledged"]);
    assert_eq!((report["landed_s3"].clone(), report["landed_sql"].clone()), (Value::Null, Value::Null));
    assert_eq!((number(&report, "lost"), number(&report, "leftovers")), (0, 0));
}

#[test]
fn every_document_of_a_load_in_stages_arrives() {
    let demo = Demo::new();
    let stages = "load={rate: null, duration: null, stages: [{ramp: 0/s..1000/s, for: 2s}, {pause: 1s}, {rate: 500/s, for: 1s}]}";
    let report = demo.json(&["run", "stacks/stream-only.yaml", "--rm", "--json", "--set", stages]);
    assert_eq!((number(&report, "offered"), number(&report, "landed_stream")), (1_500, 1_500));
    assert_eq!((number(&report, "lost"), number(&report, "leftovers")), (0, 0));
    assert!(report["seconds"]["load"].as_f64().is_some_and(|seconds| seconds > 3.9), "{report}");
}

#[test]
fn a_crossed_threshold_stands_in_the_summary_and_exits_99() {
    let demo = Demo::new();
    let sets = ["--set", "load.duration=1s", "--set", "thresholds.p99_ack=1ms"];
    let out = demo.expect(99, &args(&[&["run", "stacks/stream-only.yaml", "--rm"], &sets]));
    assert!(out.contains("  ✓ lost: 0, at most 0\n") && out.contains("  ✗ p99_ack: "), "{out}");
    assert!(out.contains(" ms, at most 1.0 ms\n"), "{out}");
}

#[test]
fn a_rate_that_a_stream_cannot_take_is_told_and_exits_99() {
    let demo = Demo::new();
    let sets = [
        "--set",
        "stream.shards=1",
        "--set",
        "load.rate=400/s",
        "--set",
        "load.duration=5s",
        "--set",
        "thresholds.lost=0",
    ];
    let out = demo.expect(99, &args(&[&["run", "stacks/stream-only.yaml", "--rm"], &sets]));
    assert!(out.contains("/s of 400/s asked for"), "{out}");
    assert!(out.contains("  ✗ throughput: ") && out.contains("/s, at least 265/s\n"), "{out}");
}

#[test]
fn two_ups_of_one_file_at_the_same_moment_make_one_stack() {
    let demo = Demo::new();
    demo.expect(0, &["local", "start"]);
    let ups: Vec<_> = (0..3).map(|_| demo.spawn(&["up", "stacks/stream-only.yaml"])).collect();
    let ended: Vec<_> = ups.into_iter().map(|mut up| up.wait().expect("it ends").code()).collect();
    assert!(ended.contains(&Some(0)), "{ended:?}");
    assert_eq!(demo.json(&["ls", "--json"]).as_array().map(Vec::len), Some(1), "{ended:?}");
}

#[test]
fn one_damaged_journal_does_not_stop_other_stacks() {
    let demo = Demo::new();
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    let folder = demo.home.path().join("stacks/broken-0a1b2c3d");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("journal.jsonl"), "not a journal\n{}\n").expect("written");
    let listed = demo.output(&["ls"]);
    assert!(listed.status.success() && text(&listed.stdout).contains("stream-only-"), "{listed:?}");
    assert!(text(&listed.stderr).contains("demo down --discover broken-0a1b2c3d"), "{listed:?}");
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    demo.expect(0, &["down", "stream-only"]);
    demo.expect(0, &["down", "--discover", "--local", "broken-0a1b2c3d"]);
}

#[test]
fn runs_on_one_stack_share_no_key() {
    let demo = Demo::new();
    demo.expect(0, &args(&[&["up", STORE_SALES], &SMALL]));
    demo.expect(0, &args(&[&["up", STORE_SALES], &SMALL]));
    assert_eq!(demo.json(&["ls", "--json"]).as_array().map(Vec::len), Some(1), "up twice is one stack");
    let small = args(&[&["--json"], &SMALL]);
    let first = demo.json(&args(&[&["run", STORE_SALES], &small]));
    let second = demo.json(&args(&[&["run", STORE_SALES], &small]));
    assert_eq!((number(&first, "lost"), number(&second, "lost")), (0, 0));
    let both = demo.json(&["verify", "store-sales", "--json"]);
    assert_eq!(number(&both, "acknowledged"), number(&first, "acknowledged") + number(&second, "acknowledged"));
    assert_eq!((number(&both, "lost"), number(&both, "duplicated")), (0, 0), "{both}");

    let rows = demo.json(&["query", "store-sales", "SELECT count(*) AS n FROM store_sales", "--json"]);
    assert_eq!(rows[0]["n"].as_u64(), Some(number(&both, "acknowledged")));
    let bad = demo.output(&["query", "store-sales", "SELECT nonsense FROM store_sales"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stderr).contains("nonsense"), "{}", text(&bad.stderr));

    demo.expect(0, &["down", "store-sales"]);
    let again = demo.output(&["down", "store-sales"]);
    assert_eq!(again.status.code(), Some(0), "down twice is fine: {}", text(&again.stderr));
}

#[test]
fn documents_are_found_by_sql_whatever_the_patterns_of_projected_keys() {
    let demo = Demo::new();
    let prefix = "dt=!{timestamp:yyyy-MM-dd}/raw/at=!{timestamp:HH}/month=!{timestamp:MMM}/!{timestamp:mm}/";
    let prefix = format!("deliver.s3.prefix=tpcds/sales/{prefix}");
    let sets = ["--set", &prefix, "--set", "deliver.s3.catalog.partitions=projected"];
    let stack = args(&[&[STORE_SALES], &SMALL, &sets]);
    let report = demo.json(&args(&[&["run", "--json"], &stack]));
    assert_eq!((number(&report, "lost"), number(&report, "landed_sql")), (0, number(&report, "acknowledged")));
    let sql = "SELECT count(*) AS n FROM store_sales WHERE dt LIKE '20__-__-__' AND at IN ('00', '01', '02', '03', '04', \
               '05', '06', '07', '08', '09', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20', '21', '22', \
               '23') AND month IN ('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', \
               'Nov', 'Dec')";
    let rows = demo.json(&["query", "store-sales", sql, "--json"]);
    assert_eq!(rows[0]["n"].as_u64(), Some(number(&report, "acknowledged")), "{rows}");
    demo.expect(0, &["down", "store-sales"]);
}

#[test]
fn a_killed_run_has_lost_nothing_that_was_acknowledged() {
    let demo = Demo::new();
    let mut run =
        demo.spawn(&["run", STORE_SALES, "--set", "load.duration=60s", "--set", "deliver.s3.buffer.interval=1s"]);
    until("some thousand acknowledged records", || acknowledged(&demo) > 3_000);
    run.kill().expect("it runs");
    run.wait().expect("it was ours");
    let known = acknowledged(&demo);
    let report = demo.json(&["verify", "store-sales", "--json"]);
    assert_eq!(number(&report, "acknowledged"), known, "{report}");
    assert_eq!((number(&report, "lost"), number(&report, "duplicated")), (0, 0), "{report}");
    assert!(number(&report, "landed_s3") >= known, "{report}");
    assert_eq!(report["landed_s3"], report["landed_sql"], "{report}");
    demo.expect(0, &["down", "store-sales", "--yes"]);
    assert_eq!(demo.json(&["ls", "--json"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn one_interrupt_drains_the_load_and_rm_still_removes() {
    let demo = Demo::new();
    let mut run = demo.spawn(&["run", STORE_SALES, "--rm", "--set", "load.duration=60s"]);
    until("some acknowledged records", || acknowledged(&demo) > 500);
    let pid = run.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    assert_eq!(run.wait().expect("it was ours").code(), Some(130));
    let logs: Vec<_> = ack_logs(&demo).iter().map(|log| AckLog::read(log).expect("a whole log")).collect();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].offered, Some(logs[0].acknowledged.count()), "what was offered was waited for");
    assert_eq!(demo.json(&["ls", "--json"]).as_array().map(Vec::len), Some(0));
}

fn ack_logs(demo: &Demo) -> Vec<PathBuf> {
    let is_log = |path: &PathBuf| path.extension().is_some_and(|end| end == "acks");
    demo.files("runs").into_iter().filter(is_log).collect()
}

/// What the ack logs of all runs say.
fn acknowledged(demo: &Demo) -> u64 {
    let logs = ack_logs(demo).into_iter();
    logs.filter_map(|log| AckLog::read(&log).ok()).map(|log| log.acknowledged.count()).sum()
}

#[test]
fn a_killed_stand_in_comes_back_with_everything() {
    let demo = Demo::new();
    let small = args(&[&["run", STORE_SALES, "--json"], &SMALL]);
    let before = demo.json(&small);
    let status = demo.json(&["local", "status", "--json"]);
    let pid = status["pid"].as_i64().expect("a process id").to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().expect("kill").success());
    until("the stand-in is gone", || !Path::new("/proc").join(&pid).exists());
    let after = demo.json(&["verify", "store-sales", "--json"]);
    assert_eq!((after["landed_s3"].clone(), number(&after, "lost")), (before["acknowledged"].clone(), 0));
    assert_eq!(number(&demo.json(&small), "lost"), 0, "and takes new records");
    demo.expect(0, &["down", "store-sales"]);
}

#[test]
fn every_broken_spec_is_refused_before_anything_is_touched() {
    let demo = Demo::new();
    let cases = crate::specs::cases();
    assert!(cases.len() >= 30, "{}", cases.len());
    for (case, command) in cases.iter().zip(["up", "run", "plan", "validate"].into_iter().cycle()) {
        // A test's `run` sets a threshold of its own.
        let command = if case.expected().contains(": thresholds.") { "plan" } else { command };
        let mut spec = vec![case.file().display().to_string()];
        case.overlays().iter().for_each(|file| spec.extend(["-c".to_owned(), file.display().to_string()]));
        case.sets().into_iter().for_each(|set| spec.extend(["--set".to_owned(), set]));
        let spec: Vec<&str> = [command].into_iter().chain(spec.iter().map(String::as_str)).collect();
        let output = demo.output(&spec);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}: {said}", case.name());
        assert!(said.contains(case.expected().trim_end()), "{}: {said}", case.name());
    }
    let begun = fs::read_dir(demo.home.path()).expect("the state folder").count();
    assert_eq!(begun, 0, "not even the stand-in was started: {:?}", demo.files(""));
}
