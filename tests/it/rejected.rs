//! Documents that a service gives up: the run says so at once, and why.

use std::{fs, time::Instant};

use serde_json::Value;

use crate::command::{Demo, PATIENCE, text};

/// The template's fields are known from its first thousand documents; a second run sends what lies behind them.
const PARQUET: &str = r#"
name: late
stream: { shards: 4 }
deliver:
  s3:
    prefix: e/year=!{timestamp:yyyy}/
    error_prefix: err/!{firehose:error-output-type}/
    buffer: { size: 64MiB, interval: 1s }
    format: parquet
    catalog: { database: late, table: docs }
load:
  workload:
    template:
      text: '{"id": {{ sequence }}, "v": {% if sequence > 1100 %}"n/a"{% else %}{{ int(1,9) }}{% endif %}}'
      key: [id]
  rate: 600/s
  records: 600
"#;

const ITEMS: &str = r#"
name: late
stream: { shards: 1 }
deliver:
  dynamodb: { mapping: { retries: 0, window: 1s } }
load:
  workload:
    template:
      text: '{"id": {% if sequence > 1040 %}"n{{ sequence }}"{% else %}{{ sequence }}{% endif %}}'
      key: [id]
  rate: 600/s
  records: 525
"#;

/// Runs a stack twice, of which the second run's documents are rejected in part; what the run says, as JSON and to a person.
fn run(demo: &Demo, stack: &str) -> (Value, String) {
    let file = demo.home.path().join("stack.yaml");
    fs::write(&file, stack).expect("written");
    let file = file.display().to_string();
    demo.expect(0, &["run", &file]);
    let begun = Instant::now();
    let output = demo.output(&["run", &file, "--json"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(begun.elapsed() < PATIENCE / 2, "nothing more is waited for");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let verified = demo.output(&["verify", "late"]);
    assert_eq!(verified.status.code(), Some(4), "{}", text(&verified.stderr));
    demo.expect(0, &["down", "late"]);
    (report, text(&verified.stdout))
}

#[test]
fn what_firehose_cannot_convert_is_told_with_its_reason() {
    let (report, said) = run(&Demo::new(), PARQUET);
    assert_eq!((report["acknowledged"].as_u64(), report["lost"].as_u64()), (Some(600), Some(100)), "{report}");
    let rejected = &report["rejected"][0];
    assert_eq!((&rejected["place"], &rejected["documents"]), (&"S3".into(), &100.into()), "{report}");
    assert!(rejected["reason"].as_str().is_some_and(|why| why.starts_with("DataFormatConversion.")), "{report}");
    assert!(rejected["object"].as_str().is_some_and(|object| object.contains("/err/format-conversion-failed/")));
    assert!(rejected["document"].as_str().is_some_and(|document| document.contains("\"v\":\"n/a\"")), "{report}");
    assert!(said.contains("S3: 100 documents were rejected: DataFormatConversion."), "{said}");
}

#[test]
fn what_lambda_gives_up_is_told_with_the_functions_reason() {
    let (report, said) = run(&Demo::new(), ITEMS);
    assert_eq!((report["acknowledged"].as_u64(), report["lost"].as_u64()), (Some(525), Some(10)), "{report}");
    let rejected = &report["rejected"][0];
    assert_eq!((&rejected["place"], &rejected["documents"]), (&"DynamoDB".into(), &10.into()), "{report}");
    assert!(
        rejected["reason"]
            .as_str()
            .is_some_and(|why| why.contains("The provided key element does not match the schema")),
        "{report}"
    );
    assert!(rejected["document"].as_str().is_some_and(|document| document.contains("\"id\":\"n10")), "{report}");
    assert!(said.contains("DynamoDB: 10 documents were rejected: "), "{said}");
}
