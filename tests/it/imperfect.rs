//! Documents that are wrong on purpose: each kind ends where it must, and the ledger agrees.

use serde_json::Value;

use crate::{command::Demo, running::Running};

const FLAWS: &str = "load.imperfect={duplicates: 2%, malformed: 12, missing: 1%, unknown: 1%, oversize: 3, empty: 5}";
const BUFFER: &str = "deliver.s3.buffer.interval=1s";

fn run(demo: &Demo, stack: &str, sets: &[&str]) -> Value {
    let sets = ["load.rate=500/s", "load.duration=2s"].iter().chain(sets).flat_map(|set| ["--set", set]);
    let args: Vec<&str> = ["run", stack, "--json"].into_iter().chain(sets).collect();
    demo.json(&args)
}

/// Each line of the ledger: the flaw, how many there are, and where how many were found.
fn ledger(report: &Value) -> Vec<String> {
    let end = |end: &Value| {
        let place = end["place"].as_str().map_or_else(String::new, |place| format!(" {place}"));
        format!(" = {}{place} {}", end["destination"].as_str().expect("a destination"), end["found"])
    };
    let line = |line: &Value| {
        let ends: String = line["ends"].as_array().expect("a list").iter().map(end).collect();
        format!("{} {}{ends}", line["flaw"].as_str().expect("a flaw"), line["documents"])
    };
    report["ledger"].as_array().expect("a list").iter().map(line).collect()
}

fn is_proved(report: &Value) {
    assert_eq!((&report["lost"], &report["problems"]), (&0.into(), &Value::Array(Vec::new())), "{report}");
    assert_eq!((&report["offered"], &report["refused"]), (&report["acknowledged"], &3.into()), "{report}");
    assert_eq!(report["duplicated"], 0, "those that are meant are none: {report}");
}

#[test]
fn the_stream_has_every_document_as_it_was_sent() {
    let demo = Demo::new();
    let report = run(&demo, "stacks/stream-only.yaml", &[FLAWS, "load.imperfect.wrong_type=7"]);
    is_proved(&report);
    let expected = [
        "duplicates 20 = stream 20",
        "malformed 12 = stream 12",
        "wrong_type 7 = stream 7",
        "missing 10 = stream 10",
        "unknown 10 = stream 10",
        "empty 5 = stream 5",
        "oversize 3",
    ];
    assert_eq!(ledger(&report), expected);
    assert_eq!((&report["offered"], &report["landed_stream"]), (&997.into(), &980.into()), "{report}");
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn event_times_that_are_late_or_out_of_order_are_found_again() {
    let demo = Demo::new();
    let documents = r#"load.workload={template: {text: '{"at": {{ now_ms }}, "n": {{ sequence }}}'}}"#;
    let flaws = "load.imperfect={late: {count: 20, by: 1h}, out_of_order: 3%, duplicates: 2%}";
    let report = run(&demo, "stacks/stream-only.yaml", &[documents, flaws]);
    assert_eq!((&report["lost"], &report["duplicated"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(ledger(&report), ["duplicates 20 = stream 20", "late 20 = stream 20", "out_of_order 30 = stream 30"]);
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn a_table_over_lines_has_rows_of_nulls_for_those_without_a_key() {
    let demo = Demo::new();
    let report = run(&demo, "stacks/store-sales-s3.yaml", &[FLAWS, BUFFER]);
    is_proved(&report);
    let all =
        ["duplicates 20 = S3 20", "malformed 12 = S3 12", "missing 10 = S3 10", "unknown 10 = S3 10", "empty 5 = S3 5"];
    assert_eq!(ledger(&report)[..5], all);
    assert_eq!((&report["landed_s3"], &report["landed_sql"]), (&980.into(), &980.into()), "{report}");
    // Another run of the same stack, whose lines lie beside the first one's, and both of them together.
    let report = run(&demo, "stacks/store-sales-s3.yaml", &[FLAWS, BUFFER, "load.imperfect.seed=2"]);
    is_proved(&report);
    assert_eq!(ledger(&report)[..5], all);
    let verified = demo.json(&["verify", "store-sales", "--json"]);
    assert_eq!((&verified["lost"], &verified["acknowledged"]), (&0.into(), &1_994.into()), "{verified}");
    assert_eq!(ledger(&verified)[1], "malformed 24 = S3 24");
    demo.expect(0, &["down", "store-sales"]);
}

#[test]
fn what_firehose_cannot_convert_is_under_the_error_prefix() {
    let demo = Demo::new();
    let sets = [FLAWS, BUFFER, "load.imperfect.wrong_type={count: 9, field: ss_quantity}"];
    let report = run(&demo, "stacks/store-sales-parquet.yaml", &sets);
    is_proved(&report);
    let expected = [
        "duplicates 20 = S3 20",
        "malformed 12 = S3 error prefix 12",
        "wrong_type 9 = S3 error prefix 9",
        "missing 10 = S3 10",
        "unknown 10 = S3 10",
        "empty 5 = S3 5",
    ];
    assert_eq!(ledger(&report)[..6], expected);
    assert_eq!((&report["landed_s3"], &report["landed_sql"]), (&971.into(), &971.into()), "{report}");
    demo.expect(0, &["down", "store-sales-parquet"]);
}

#[test]
fn what_copy_cannot_load_is_in_redshifts_load_errors() {
    let demo = Demo::new();
    let quick = "deliver.redshift.buffer.interval=1s";
    let sets =
        [FLAWS, quick, "load.imperfect.wrong_type=9", "deliver.redshift.every=1s", "deliver.redshift.max_errors=100"];
    let report = run(&demo, "stacks/store-sales-redshift.yaml", &sets);
    is_proved(&report);
    let expected = [
        "duplicates 20 = Redshift 20",
        "malformed 12 = Redshift load errors 12",
        "wrong_type 9 = Redshift load errors 9",
        "missing 10 = Redshift 10",
        "unknown 10 = Redshift 10",
        "empty 5 = Redshift rows of NULLs 5",
    ];
    assert_eq!(ledger(&report)[..6], expected);
    demo.expect(0, &["down", "store-sales-redshift"]);
}

#[test]
fn what_the_function_cannot_write_is_in_the_failure_bucket() {
    let demo = Demo::new();
    let sets = [FLAWS, "load.imperfect.wrong_type=9", "deliver.dynamodb.mapping.retries=0"];
    let report = run(&demo, "stacks/store-sales-dynamodb.yaml", &sets);
    is_proved(&report);
    let expected = [
        "duplicates 20 = DynamoDB 20",
        "malformed 12 = DynamoDB failure bucket 12",
        "wrong_type 9 = DynamoDB 9",
        "missing 10 = DynamoDB 10",
        "unknown 10 = DynamoDB 10",
        "empty 5 = DynamoDB failure bucket 5",
    ];
    assert_eq!(ledger(&report)[..6], expected);
    demo.expect(0, &["down", "store-sales-dynamodb"]);
}

#[test]
fn the_others_of_an_aggregated_record_are_written_all_the_same() {
    let demo = Demo::new();
    let documents = r#"load.workload={template: {text: '{"id": {{ sequence }}, "w": "{{ word }}"}', key: [id]}}"#;
    let sets = [
        "load.workload.store_sales=null",
        documents,
        "deliver.dynamodb.key=null",
        "load.aggregation=on",
        "load.imperfect={malformed: 4}",
        "deliver.dynamodb.mapping.retries=0",
    ];
    let report = run(&demo, "stacks/store-sales-dynamodb.yaml", &sets);
    assert_eq!((&report["lost"], &report["problems"]), (&0.into(), &Value::Array(Vec::new())), "{report}");
    assert_eq!(ledger(&report), ["malformed 4 = DynamoDB failure bucket 4"]);
    demo.expect(0, &["down", "store-sales-dynamodb"]);
}

#[test]
fn after_a_kill_each_flaw_is_still_told() {
    let demo = Demo::new();
    let flaws = "load.imperfect={duplicates: 5%, malformed: 5%, wrong_type: 5%, missing: 5%, oversize: 5%, empty: 5%}";
    drop(Running::start(&demo, &["--set", flaws]));
    let verified = demo.json(&["verify", "stream-only", "--json"]);
    assert_eq!((&verified["lost"], &verified["runs_cut_off"]), (&0.into(), &1.into()), "{verified}");
    let lines = ledger(&verified);
    assert!(!lines.is_empty(), "{verified}");
    for line in verified["ledger"].as_array().expect("a list") {
        assert!(line["ends"].as_array().is_some_and(|ends| ends.iter().all(|end| end["found"] == line["documents"])));
    }
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn workers_share_them_without_a_word() {
    let demo = Demo::new();
    let sets = ["--set", "load.rate=500/s", "--set", "load.duration=2s", "--set", FLAWS];
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    for worker in ["1/3", "2/3", "3/3"] {
        demo.expect(
            0,
            &[&["run", "stacks/stream-only.yaml", "--workers", worker, "--run", "shared"], &sets[..]].concat(),
        );
    }
    let verified = demo.json(&["verify", "stream-only", "--json"]);
    assert_eq!((&verified["lost"], &verified["duplicated"]), (&0.into(), &0.into()), "{verified}");
    assert_eq!(ledger(&verified)[..2], ["duplicates 20 = stream 20", "malformed 12 = stream 12"]);
    assert_eq!(ledger(&verified).last().map(String::as_str), Some("oversize 3"));
    demo.expect(0, &["down", "stream-only"]);
}
