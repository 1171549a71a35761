//! The delivery to DynamoDB through the real binary: the function in its own process, fed by the mapping.

use demo_workload::store_sales::StoreSales;
use serde_json::Value;

use crate::command::{Demo, text};

const STACK: &str = "stacks/store-sales-dynamodb.yaml";
const SMALL: [&str; 4] = ["--set", "load.duration=3s", "--set", "load.rate=100/s"];

fn args<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

#[test]
fn every_document_lands_and_one_is_read_back() {
    let demo = Demo::new();
    demo.expect(0, &args(&[&["up", STACK], &SMALL]));
    demo.expect(0, &args(&[&["plan", STACK, "--detailed-exitcode"], &SMALL]));
    let report = demo.json(&args(&[&["run", STACK, "--json"], &SMALL]));
    assert_eq!(report["acknowledged"].as_u64(), Some(300), "{report}");
    assert_eq!(report["landed_dynamodb"], report["acknowledged"], "{report}");
    assert_eq!((report["lost"].as_u64(), report["duplicated"].as_u64()), (Some(0), Some(0)), "{report}");
    assert!(report["freshness_ms"]["p50"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");

    let key = StoreSales::new(1, 1).keys(1..=1).next().expect("a key");
    let (ticket, item) = (key.ticket.to_string(), key.item.to_string());
    let read = demo.json(&["get", "store-sales-dynamodb", &ticket, &item, "--json"]);
    assert_eq!(read["item"]["ss_ticket_number"].as_u64(), Some(key.ticket));
    assert_eq!(read["item"].as_object().map(|item| item.len()), Some(31 + 2), "columns, and two times");
    assert!(read["behind_ms"].as_i64().is_some_and(|ms| ms >= 0) && read["read_ms"].as_f64().is_some(), "{read}");
    let shown = demo.expect(0, &["get", STACK, &ticket, &item]);
    assert!(shown.contains(&format!("\n  \"ss_item_sk\": {item},\n")) && shown.contains("\n  processed 20"), "{shown}");

    let missing = demo.output(&["get", "store-sales-dynamodb", "999999999", "1"]);
    assert_eq!(missing.status.code(), Some(1));
    let said = text(&missing.stderr);
    assert!(said.contains("no item with ss_ticket_number 999999999, ss_item_sk 1 in store_sales-"), "{said}");
    let half = demo.output(&["get", "store-sales-dynamodb", "1"]);
    assert_eq!(half.status.code(), Some(2), "{}", text(&half.stderr));

    demo.expect(0, &["down", "store-sales-dynamodb"]);
    assert_eq!(demo.json(&["ls", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn what_lambda_could_not_run_is_refused_before_anything_is_made() {
    let demo = Demo::new();
    let script = demo.home.path().join("function");
    std::fs::write(&script, "#!/bin/sh\n").expect("written");
    let script = script.display().to_string();
    for command in ["up", "run", "plan"] {
        let output = demo.output(&[command, STACK, "--function-binary", &script]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("it is a script; a 64-bit ELF binary") && said.contains("musl"), "{said}");
    }
    assert_eq!(std::fs::read_dir(demo.home.path()).expect("the state folder").count(), 1, "only the script");
}

#[test]
fn a_stack_without_a_table_has_nothing_to_get() {
    let demo = Demo::new();
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    let output = demo.output(&["get", "stream-only", "1", "2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("has no delivery to DynamoDB"), "{}", text(&output.stderr));
    demo.expect(0, &["down", "stream-only"]);
}
