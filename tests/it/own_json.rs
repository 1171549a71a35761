//! A user's own documents, from a file or a template, through the whole demo.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Demo, text};

/// Deliveries that are quick, to S3 with a table over it.
const TO_S3: &str = "deliver:
  s3:
    prefix: own/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/
    error_prefix: own_error/!{firehose:error-output-type}/
    buffer: {size: 1MiB, interval: 1s}
    compression: gzip
    catalog: {database: own, table: events, partitions: registered}
";

/// Three kinds of line ends, equal documents, a blank line, broken ones.
const LINES: &str = "{\"id\":1,\"User\":{\"name\":\"Anna\"},\"order\":\"a\"}\r\n\
                     {\"id\":2,\"User\":{\"name\":\"B\\u00e9la\"},\"order\":\"b\",\"price\":2}\n\
                     \n\
                     {\"id\":2,\"User\":{\"name\":\"B\\u00e9la\"},\"order\":\"b\",\"price\":2}\n\
                     {\"id\":3,\n\
                     not JSON\n\
                     {\"id\":4,\"User\":null,\"order\":\"d\",\"price\":2.5,\"tags\":[\"x\",\"y\"],\"vip\":true}";

/// A stack file with its documents beside it.
pub struct Own {
    folder: TempDir,
    pub demo: Demo,
}

impl Own {
    pub fn new(deliver: &str, workload: &str, records: u64) -> Self {
        let own = Self { folder: TempDir::new().expect("a folder"), demo: Demo::new() };
        own.write("lines.jsonl", LINES);
        own.write(
            "own.yaml",
            &format!(
                "name: own\nstream: {{shards: 2}}\n{deliver}load:\n  workload: {workload}\n  rate: 500/s\n  \
                 records: {records}\nthresholds: {{lost: 0}}\n"
            ),
        );
        own
    }

    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).expect("written");
    }

    pub fn file(&self) -> String {
        self.folder.path().join("own.yaml").display().to_string()
    }

    pub fn run(&self, args: &[&str]) -> Value {
        self.demo.json(&[&["run", &self.file(), "--json"], args].concat())
    }

    /// What a command says that finds a mistake before it touches anything.
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.demo.output(&[args, &[&self.file()]].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(self.demo.files(""), [""; 0].map(Path::new), "nothing was touched");
        said
    }
}

fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}"))
}

/// All documents are found in each place, once.
pub fn all_landed(report: &Value, documents: u64, places: &[&str]) {
    for field in [&["offered", "acknowledged"], places].concat() {
        assert_eq!(number(report, field), documents, "{field} of {report}");
    }
    for field in ["failed", "lost", "duplicated"] {
        assert_eq!(number(report, field), 0, "{field} of {report}");
    }
    assert_eq!(report["problems"], serde_json::json!([]), "{report}");
}

#[test]
fn broken_lines_are_refused_before_anything_is_made() {
    let own = Own::new(TO_S3, "{json_lines: {file: lines.jsonl, broken: refuse}}", 10);
    for command in ["run", "up", "plan", "validate"] {
        let said = own.refused(&[command]);
        assert!(said.contains("2 of 7 lines of ") && said.contains("lines.jsonl are broken"), "{said}");
        assert!(said.contains("\n  line 5: EOF while parsing a value at column 8\n  line 6: expected"), "{said}");
    }
}

#[test]
fn a_file_is_sent_over_and_over_without_its_broken_lines() {
    let own = Own::new(TO_S3, "{json_lines: {file: lines.jsonl, broken: skip}}", 250);
    let output = own.demo.output(&["run", &own.file(), "--rm", "--json"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("2 broken lines of ") && said.contains("\n  line 5: EOF"), "{said}");
    assert!(said.contains("lines.jsonl: 4 documents, 6 columns, 1 blank line"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    all_landed(&report, 250, &["landed_s3", "landed_sql"]);
    assert_eq!(number(&report, "leftovers"), 0);
}

#[test]
fn every_run_of_own_documents_is_counted_by_its_key() {
    let own = Own::new(TO_S3, "{json_lines: {file: lines.jsonl, key: [User.name, order], broken: skip}}", 30);
    own.write("lines.jsonl", &LINES.replace("\"User\":null", "\"User\":{\"name\":\"Dora\",\"since\":2024}"));
    all_landed(&own.run(&[]), 30, &["landed_s3", "landed_sql"]);
    all_landed(&own.run(&["--set", "load.records=11"]), 11, &["landed_s3", "landed_sql"]);
    let both = own.demo.json(&["verify", "own", "--json"]);
    for field in ["acknowledged", "landed_s3", "landed_sql"] {
        assert_eq!(number(&both, field), 41, "{field} of {both}");
    }
    assert_eq!((number(&both, "lost"), number(&both, "duplicated")), (0, 0), "{both}");
    let rows = own.demo.json(&["query", "own", "SELECT id, \"user\".name AS name FROM events WHERE vip", "--json"]);
    assert_eq!(rows[0], serde_json::json!({"id": 4, "name": "Dora"}), "{rows}");

    own.write("lines.jsonl", "{\"User\":{\"name\":\"E\"},\"order\":\"e\"}\n");
    let changed = own.demo.output(&["verify", "own"]);
    let said = text(&changed.stderr);
    assert_eq!(changed.status.code(), Some(1), "{said}");
    assert!(said.contains("has changed since its lines were sent") && said.contains("restore the file"), "{said}");
    own.demo.expect(0, &["down", "own"]);
}

#[test]
fn a_key_decides_the_shard_and_is_found_in_the_stream() {
    let template = "{template: {seed: 3, key: [id], text: '{\"id\": \"{{ uuid }}\", \"n\": {{ sequence }}}'}}";
    let own = Own::new("", template, 200);
    let report = own.run(&["--rm", "--set", "load.partition_key=key"]);
    all_landed(&report, 200, &["landed_stream"]);
    assert_eq!(number(&report, "leftovers"), 0);
}

#[test]
fn documents_of_a_template_go_on_where_the_last_run_ended() {
    let own = Own::new(TO_S3, "{template: {file: own.template, key: [id]}}", 40);
    own.write("own.template", "{\n  \"id\": {{ sequence }},\n  \"who\": \"{{ name }}\"\n}\n");
    all_landed(&own.run(&[]), 40, &["landed_s3", "landed_sql"]);
    all_landed(&own.run(&[]), 40, &["landed_s3", "landed_sql"]);
    let rows =
        own.demo.json(&["query", "own", "SELECT count(DISTINCT id) AS n, max(id) AS last FROM events", "--json"]);
    assert_eq!(rows[0], serde_json::json!({"n": 80, "last": 80}), "{rows}");
    own.demo.expect(0, &["down", "own"]);
}

#[test]
fn mistakes_in_documents_are_told_before_anything_is_made() {
    let own = Own::new(TO_S3, "{template: {file: own.template}}", 10);
    own.write("own.template", "{\"id\": {{ sequence }},\n \"who\": \"{{ frist_name }}\"}");
    let said = own.refused(&["run"]);
    assert!(said.contains("there is no field `frist_name`") && said.contains("did you mean `first_name`?"), "{said}");
    own.write("own.template", "{\"id\": {{ sequence }}, \"order-no\": 1, \"order_no\": 1}");
    assert!(own.refused(&["up"]).contains("`order-no` and `order_no` would be one column"));
    own.write("own.template", "{\"Id\": {{ sequence }}, \"id\": 1}");
    assert!(own.refused(&["plan"]).contains("`Id` and `id` would be one column"));
    own.write("own.template", "{\"id\": {{ sequence }}, \"Year\": 2024}");
    let said = own.refused(&["run"]);
    assert!(said.contains("a field `Year`") && said.contains("has a partition key of the same name"), "{said}");

    let own = Own::new("deliver: {dynamodb: {key: [id]}}\n", "{template: {file: own.template, key: [id]}}", 10);
    own.write("own.template", "{\"id\": {{ sequence }}, \"processed\": true}");
    let said = own.refused(&["run"]);
    assert!(said.contains("field processed of the document has the name of an attribute that is added"), "{said}");

    let parquet = TO_S3.replace("compression: gzip", "format: parquet").replace("size: 1MiB", "size: 64MiB");
    let own = Own::new(&parquet, "{template: {text: '{\"id\": {{ sequence }}}'}}", 10);
    assert!(own.refused(&["run"]).contains("does not keep lines as they were sent"));

    let own = Own::new(TO_S3, "{json_lines: {file: lines.jsonl, key: [price], broken: refuse}}", 10);
    let said = own.refused(&["run"]);
    assert!(said.contains("line 7: the key field `price` is a number with decimals (2.5)"), "{said}");
    let own = Own::new(TO_S3, "{json_lines: {file: lines.jsonl, key: [nothing], broken: skip}}", 10);
    let said = own.refused(&["run"]);
    assert!(said.contains("has no document, and 6 broken lines") && said.contains("`nothing` is not there"), "{said}");
}

#[test]
fn documents_and_their_columns_can_be_looked_at() {
    let own = Own::new(TO_S3, "{json_lines: {file: lines.jsonl, broken: skip}}", 10);
    let ddl = own.demo.expect(0, &["schema", "documents", &own.file()]);
    for column in [
        "`id` bigint",
        "`user` struct<name:string>",
        "`order` string",
        "`price` double",
        "`tags` array<string>",
        "`vip` boolean",
    ] {
        assert!(ddl.contains(column), "{column} in {ddl}");
    }
    assert!(ddl.starts_with("CREATE EXTERNAL TABLE IF NOT EXISTS events ("), "{ddl}");
    let documents = own.demo.expect(0, &["sample", &own.file(), "-n", "5"]);
    assert_eq!(documents.lines().count(), 5);
    assert_eq!(documents.lines().next(), documents.lines().last(), "it begins again");
    let third = own.demo.expect(0, &["sample", &own.file(), "-n", "1", "--ticket", "4", "--pretty"]);
    assert!(third.contains("\n  \"id\": 4,\n"), "{third}");
    let fields = own.demo.expect(0, &["sample", "--fields"]);
    assert!(fields.lines().any(|line| line.starts_with("int(first, last) ")), "{fields}");
    let said = own.demo.output(&["schema", "documents"]);
    assert!(said.status.code() == Some(2) && text(&said.stderr).contains("no stack file given"));
}

#[test]
fn a_replay_sends_each_line_at_its_own_time() {
    let own = Own::new("", "{json_lines: {file: times.jsonl, key: [id]}}", 1);
    let line = |(id, at): (u32, &str)| format!("{{\"id\":{id},\"at\":{{\"time\":\"2026-11-24T09:00:{at}Z\"}}}}\n");
    let times = [(1, "00.000"), (2, "00.400"), (3, "00.100"), (4, "06.000")];
    own.write("times.jsonl", &times.map(line).concat());
    let replay = "load={rate: null, records: null, replay: {field: at.time, speedup: 4}}";
    let report = own.run(&["--rm", "--set", replay]);
    assert_eq!((&report["offered"], &report["landed_stream"], &report["lost"]), (&4.into(), &4.into(), &0.into()));
    let seconds = report["seconds"]["load"].as_f64().expect("a load");
    assert!((1.5..1.5 + 20.0).contains(&seconds), "six seconds at four times their speed: {report}");

    own.write("times.jsonl", "{\"id\":1,\"at\":{\"time\":\"soon\"}}\n{\"id\":2}\n");
    let refused = own.demo.output(&["validate", &own.file(), "--set", replay]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("line 1 has \"soon\" as `at.time`") && said.contains("line 2 has no `at.time`"), "{said}");
}

#[test]
fn a_partition_key_in_a_field_must_be_one() {
    let own = Own::new("", "{json_lines: {file: lines.jsonl, broken: skip}}", 10);
    let by = |field: &str| {
        own.demo.output(&["validate", &own.file(), "--set", &format!("load.partition_key={{field: {field}}}")])
    };
    assert_eq!(by("User.name").status.code(), Some(0), "the document without it goes by what it is");
    let said = text(&by("nothing").stderr);
    assert!(said.contains("partition key: no document has the field `nothing`"), "{said}");
    let said = text(&by("price").stderr);
    assert!(said.contains("`price` is a number with decimals (2.5); ") && said.contains(", in line 7"), "{said}");
}
