//! Runs are recorded as they go, listed, reported and compared.

use std::fs;

use serde_json::Value;

use crate::{
    command::{Demo, text, until},
    running::Running,
};

const SHORT: [&str; 6] = ["run", "stacks/stream-only.yaml", "--set", "load.duration=2s", "--set", "load.rate=100/s"];

fn runs(demo: &Demo) -> Vec<Value> {
    demo.json(&["runs", "--json"]).as_array().expect("a list").clone()
}

#[test]
fn a_run_is_recorded_and_every_report_says_the_same() {
    let demo = Demo::new();
    assert_eq!(demo.expect(0, &["runs"]), "no run is recorded\n");
    let said = demo.expect(0, &[&SHORT[..], &["--rm"]].concat());
    let [run] = &runs(&demo)[..] else { panic!("one run") };
    assert_eq!((&run["verdict"], &run["documents"]), (&"verified".into(), &200.into()), "{run}");
    assert!(demo.expect(0, &["runs", "stream-only"]).contains("verified"), "the stack is gone, its runs stay");

    let report = demo.expect(0, &["report"]);
    assert!(
        report.contains("Verified: every acknowledged document is in every destination.") && report.ends_with(&said),
        "{report}"
    );
    let json = demo.json(&["report", "--json", run["run"].as_str().expect("an id")]);
    assert_eq!(
        (&json["offered"], &json["landed_stream"], &json["leftovers"]),
        (&200.into(), &200.into(), &0.into()),
        "{json}"
    );
    let markdown = demo.expect(0, &["report", "--markdown"]);
    let (page, suite) = (demo.home.path().join("run.html"), demo.home.path().join("run.xml"));
    demo.expect(0, &["report", "--html", &page.display().to_string(), "--junit", &suite.display().to_string()]);
    let (page, suite) = (fs::read_to_string(page).expect("a page"), fs::read_to_string(suite).expect("a suite"));
    let p99 = json["ack_latency_ms"]["p99"].as_f64().expect("a number");
    let p99 = if p99 >= 100.0 { format!("{p99:.0} ms") } else { format!("{p99:.1} ms") };
    for (name, value) in [("offered", "200"), ("in the stream", "200"), ("lost", "0"), ("acknowledged in p99", &p99)] {
        assert!(markdown.contains(&format!("| {name} | {value} |")), "{name} {value} in {markdown}");
        assert!(page.contains(&format!("<td>{name}</td><td class=\"n\">{value}</td>")), "{name} {value}");
    }
    assert!(said.contains(&format!("p99 {p99}")), "{p99} in {said}");
    assert!(
        suite.contains("name=\"every acknowledged document is in stream\"/>") && suite.contains("name=\"lost\"/>"),
        "{suite}"
    );

    let key = demo.key();
    let files = demo.files("runs");
    let record: Vec<String> = files.iter().map(|path| fs::read_to_string(path).expect("text")).collect();
    assert!(record.iter().all(|file| !file.contains(&key.secret)), "no secret is recorded");
    let rows = files.iter().zip(&record).find(|(path, _)| path.ends_with("seconds.jsonl")).expect("rows").1;
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect();
    let sum = |field: &str| rows.iter().filter_map(|row| row["load"][field].as_u64()).sum::<u64>();
    assert_eq!((sum("acknowledged"), sum("offered"), sum("scheduled")), (200, 200, 200), "{rows:?}");
    let of_shards: u64 = rows
        .iter()
        .filter_map(|row| row["load"]["shards"]["acknowledged"].as_array())
        .flatten()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(of_shards, 200);
    assert!(rows.iter().any(|row| row["load"]["service_ms"]["p99"].as_f64().is_some_and(|ms| ms > 0.0)), "{rows:?}");
    if cfg!(target_os = "linux") {
        assert!(
            rows.iter().all(|row| row["stand_in"]["memory"].as_u64().is_some_and(|bytes| bytes > 1_000_000)),
            "{rows:?}"
        );
    }
}

#[test]
fn a_killed_run_has_its_record_up_to_the_kill() {
    let demo = Demo::new();
    let run = Running::start(&demo, &[]);
    let rows = || demo.files("runs").into_iter().find(|path| path.ends_with("seconds.jsonl")).expect("rows");
    until("two rows", || fs::read_to_string(rows()).is_ok_and(|text| text.lines().count() >= 2));
    demo.expect(0, &["runs", "--prune", "--keep", "0"]);
    assert_eq!(runs(&demo)[0]["verdict"], "under way", "and it was not pruned");
    run.kill();
    let [killed] = &runs(&demo)[..] else { panic!("one run") };
    assert_eq!(killed["verdict"], "interrupted");
    assert!(killed["documents"].as_u64().is_some_and(|documents| documents > 100), "{killed}");
    let torn = fs::read_to_string(rows()).expect("rows") + "{\"at\": 3";
    fs::write(rows(), torn).expect("torn");
    let report = demo.output(&["report"]);
    assert_eq!(report.status.code(), Some(0));
    assert!(text(&report.stdout).contains("Interrupted: "), "{}", text(&report.stdout));
    assert!(text(&report.stderr).contains("left out of the record"), "{}", text(&report.stderr));
    demo.expect(0, &["down", "stream-only"]);
    assert_eq!(runs(&demo).len(), 1, "the runs of a stack that is gone stay");
    demo.expect(0, &["runs", "--prune", "--keep", "0"]);
    assert_eq!(runs(&demo).len(), 0);
}

#[test]
fn runs_are_compared() {
    let demo = Demo::new();
    for rate in ["load.rate=100/s", "load.rate=100/s", "load.rate=50/s"] {
        demo.expect(0, &["run", "stacks/stream-only.yaml", "--json", "--set", "load.duration=1s", "--set", rate]);
    }
    let ids: Vec<String> = runs(&demo).iter().map(|run| run["run"].as_str().expect("an id").to_owned()).collect();
    let [half, second, first] = &ids[..] else { panic!("three runs: {ids:?}") };
    let comparison = demo.json(&["report", "--compare", "--json", first, half]);
    assert_eq!(comparison["runs"][0]["repeated"], 2, "{comparison}");
    let documents = &comparison["measures"][0];
    assert_eq!((&documents["values"][0], &documents["values"][1]), (&100.0.into(), &50.0.into()), "{comparison}");
    assert_eq!(documents["differences"][0]["exceeds_spread"], true, "{comparison}");
    let alike = demo.expect(0, &["report", "--compare", first, second]);
    assert!(!alike.contains("beyond the spread"), "{alike}");
    assert_eq!(demo.output(&["report", "--compare", first]).status.code(), Some(2));
    demo.expect(0, &["down", "stream-only"]);
}
