//! What a run may not cross: thresholds over any of its figures, and a budget.

use std::fs;

use serde_json::Value;

use crate::{
    command::{Demo, text},
    running::Running,
};

const RUN: [&str; 6] = ["run", "stacks/stream-only.yaml", "--set", "load.duration=300s", "--set", "load.rate=100/s"];

fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&RUN[..], more].concat()
}

#[test]
fn a_load_that_crosses_a_threshold_with_abort_stops_in_order() {
    let demo = Demo::new();
    let sets =
        ["--rm", "--set", "thresholds.acknowledged={limit: <= 150, abort: true}", "--set", "thresholds.throughput=off"];
    let summary = demo.expect(99, &run(&sets));
    assert!(
        summary.contains("the load was stopped: acknowledged: ") && summary.contains("  ✗ acknowledged: "),
        "{summary}"
    );
    let json = demo.json(&["report", "--json"]);
    let acknowledged = json["acknowledged"].as_u64().expect("a count");
    assert!((151..10_000).contains(&acknowledged), "{json}");
    assert_eq!((&json["landed_stream"], &json["lost"]), (&json["acknowledged"], &0.into()), "verified all the same");
    assert_eq!((&json["offered"], &json["interrupted"]), (&json["acknowledged"], &false.into()), "{json}");
    assert_eq!((&json["aborted"]["name"], &json["aborted"]["limit"]), (&"acknowledged".into(), &"at most 150".into()));
    assert!(json["aborted"]["at"].as_f64().is_some_and(|at| (1.0..60.0).contains(&at)), "{json}");
    assert_eq!(demo.json(&["runs", "--json"])[0]["verdict"], "stopped");
    let suite = demo.home.path().join("run.xml");
    demo.expect(0, &["report", "--junit", &suite.display().to_string()]);
    let suite = fs::read_to_string(suite).expect("a suite");
    assert!(suite.contains("name=\"acknowledged\"><failure message=\"the load was stopped: acknowledged: "), "{suite}");
    let events = demo.files("runs").into_iter().find(|path| path.ends_with("events.jsonl")).expect("events");
    let events = fs::read_to_string(events).expect("events");
    assert!(events.contains("the load is stopped: acknowledged: "), "{events}");
}

#[test]
fn a_threshold_of_the_command_line_is_held() {
    let demo = Demo::new();
    let short = ["run", "stacks/stream-only.yaml", "--set", "load.duration=1s", "--json"];
    let of = |threshold: &'static str| [&short[..], &["--threshold", threshold]].concat();
    let crossed: Value = serde_json::from_str(&demo.expect(99, &of("p50_ack < 0ms"))).expect("JSON");
    assert_eq!(crossed["aborted"], Value::Null, "it stops nothing: {crossed}");
    assert!(crossed["crossed"][0].as_str().is_some_and(|crossed| crossed.starts_with("p50_ack: ")), "{crossed}");
    let kept: Value = serde_json::from_str(&demo.expect(0, &of("shard_imbalance < 4.5"))).expect("JSON");
    assert!(kept["thresholds"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "shard_imbalance")));
    let unknown = demo.output(&of("p99_akc < 5ms"));
    assert_eq!(unknown.status.code(), Some(2));
    let said = text(&unknown.stderr);
    assert!(
        said.contains("--threshold p99_akc < 5ms:1:1: thresholds.p99_akc") && said.contains("`p99_ack`?"),
        "{said}"
    );
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn what_is_known_after_the_removal_is_held_too() {
    let demo = Demo::new();
    let args =
        ["run", "stacks/stream-only.yaml", "--set", "load.duration=1s", "--rm", "--threshold", "seconds.down < 0s"];
    let ended = demo.output(&args);
    assert_eq!(ended.status.code(), Some(99), "{}", text(&ended.stderr));
    assert!(text(&ended.stderr).contains("threshold crossed: seconds.down: "), "{}", text(&ended.stderr));
}

#[test]
fn a_budget_stops_the_load_before_it_is_passed_and_takes_the_stack_away() {
    let demo = Demo::new();
    let sets = ["--set", "stream.shards=8", "--set", "load.rate=10/s", "--set", "load.duration=3000s"];
    let s3 = ["--set", "thresholds.throughput=off", "--set", "budget={limit: $0.0065, then: down}"];
    let stack = [
        "--set",
        "deliver={s3: {prefix: a/, error_prefix: 'b/!{firehose:error-output-type}/', buffer: {interval: 1s}}}",
    ];
    let run = Running::start(&demo, &[&sets[..], &s3, &stack].concat());
    // What nobody saw coming when the budget was checked.
    demo.expect(0, &["control", "stream-only", "rate", "1000/s"]);
    let said = run.ends(99);
    assert!(said.contains("the load was stopped: budget: $0.00") && said.contains("removed, nothing left"), "{said}");
    assert!(said.contains("cost nothing here; on AWS in us-east-1 about $0.00"), "{said}");
    let json = demo.json(&["report", "--json"]);
    assert_eq!((&json["lost"], &json["leftovers"], &json["cost"]["billed"]), (&0.into(), &0.into(), &false.into()));
    assert!(json["cost"]["dollars"].as_f64().is_some_and(|cost| cost > 0.001 && cost <= 0.0065), "{json}");
    let rows = demo.files("runs").into_iter().find(|path| path.ends_with("seconds.jsonl")).expect("rows");
    let rows = fs::read_to_string(rows).expect("rows");
    let costs =
        rows.lines().map(|row| serde_json::from_str::<Value>(row).expect("a row")["cost"].as_f64().expect("a cost"));
    let costs: Vec<f64> = costs.collect();
    assert!(costs.is_sorted() && costs.len() > 3, "it only grows: {costs:?}");
}

#[test]
fn a_budget_that_is_too_small_for_a_minute_is_refused_before_anything_is_created() {
    let demo = Demo::new();
    for command in ["validate", "run"] {
        let refused = demo.output(&[command, "stacks/stream-only.yaml", "--set", "budget=$0.001"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        // 4 shards at $0.015 for two minutes and ten seconds, and 4,000 documents.
        assert!(said.contains("budget: $0.001 is less than") && said.contains("about $0.002 (prices of 20"), "{said}");
    }
    assert!(demo.files("").is_empty(), "{:?}", demo.files(""));
    demo.expect(0, &["validate", "stacks/stream-only.yaml", "--set", "budget=$0.01"]);
}
