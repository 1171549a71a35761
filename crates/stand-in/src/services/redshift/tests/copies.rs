//! COPY: what it loads, and what it rejects.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

const TABLE: &str = "CREATE TABLE t (id BIGINT NOT NULL, price FLOAT8, item VARCHAR(24), tags SUPER)";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A manifest of these keys.
fn manifest(keys: &[(&str, bool)]) -> String {
    let entry =
        |(key, mandatory): &(&str, bool)| json!({"url": format!("s3://{BUCKET}/{key}"), "mandatory": mandatory});
    json!({"entries": keys.iter().map(entry).collect::<Vec<_>>()}).to_string()
}

#[tokio::test]
async fn a_manifest_of_gzip_objects_is_loaded_by_jsonpaths() {
    let mut rig = Rig::new();
    rig.run(&[TABLE]).await;
    rig.put("in/1.gz", gzip("{\"id\": 1, \"price\": 1.5, \"item\": {\"name\": \"a\", \"k\": [1]}}\n")).await;
    // Two documents of one line, a key that no path asks for, and nulls.
    rig.put("in/2.gz", gzip("{\"x\": 0, \"id\": 2}{\"id\": 3, \"item\": null, \"price\": null}")).await;
    rig.put("m", manifest(&[("in/1.gz", true), ("in/2.gz", true), ("in/none.gz", false)])).await;
    rig.put("paths", r#"{"jsonpaths": ["$.id", "$['price']", "$.item", "$.item.k"]}"#).await;
    let copy = "COPY t (id, price, item, tags) FROM 's3://lake/m' IAM_ROLE default MANIFEST
        FORMAT JSON 's3://lake/paths' GZIP COMPUPDATE OFF STATUPDATE OFF";
    let ended = rig.end_of(&[copy]).await;
    assert_eq!(ended["SubStatements"][0]["ResultRows"], 3, "{ended}");
    rig.reopen();
    let all = rig.run(&["SELECT * FROM t ORDER BY id"]).await;
    let nulls: [&[&str]; 2] = [&["2", "null", "null", "null"], &["3", "null", "null", "null"]];
    assert_eq!(all, expected(&[&["1", "1.5", "{\"name\": \"a\", \"k\": [1]}", "[1]"], nulls[0], nulls[1]]));
    let history = "SELECT status, table_name, loaded_rows, source_file_count, data_source FROM sys_load_history";
    assert_eq!(rig.run(&[history]).await, expected(&[&["completed", "t", "3", "2", "s3://lake/m"]]));
}

#[tokio::test]
async fn a_prefix_is_loaded_by_the_columns_names() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (id INT, name VARCHAR(9))"]).await;
    rig.put("in/a", "{\"id\": 1, \"Name\": \"one\"}\n{\"ID\": 2, \"name\": \"two\"}").await;
    rig.run(&["COPY t FROM 's3://lake/in/' IAM_ROLE default JSON 'auto'"]).await;
    assert_eq!(rig.run(&["SELECT * FROM t ORDER BY 1"]).await, expected(&[&["1", "null"], &["null", "two"]]));
    rig.run(&["TRUNCATE t", "COPY t FROM 's3://lake/in/' IAM_ROLE default JSON 'auto ignorecase'"]).await;
    assert_eq!(rig.run(&["SELECT * FROM t ORDER BY 1"]).await, expected(&[&["1", "one"], &["2", "two"]]));
}

#[tokio::test]
async fn a_bad_document_rejects_the_load_and_is_remembered() {
    let rig = Rig::new();
    rig.run(&[TABLE]).await;
    for (bad, column, code, message) in [
        ("{\"id\": 1.0}", "id", "1207", "Invalid digit, Value '.', Pos 1, Type: Long"),
        ("{\"id\": 9999999999999999999}", "id", "1222", "Overflow, Value '9999999999999999999', Type: Long"),
        ("{\"id\": 1, \"item\": \"ääääääääääääx\"}", "item", "1204", "String length exceeds DDL length"),
        ("{\"price\": 1}", "id", "1213", "Missing data for not-null field"),
        ("{\"id\": 1, \"price\": \"dear\"}", "price", "1207", "Invalid digit, Value 'd', Pos 0, Type: Double"),
        ("{\"id\": 1", "", "1216", "Invalid value."),
        ("[1]", "", "1216", "Invalid JSONPath format: Member is not an object."),
    ] {
        rig.put("bad", format!("{{\"id\": 7}}\n{bad}\n")).await;
        let error = rig.failure(&["COPY t FROM 's3://lake/bad' IAM_ROLE default JSON 'auto'"]).await;
        let told = "Load into table 't' failed.  Check 'sys_load_error_detail' system table for details.";
        assert!(error.contains(told), "{error}");
        let detail = "SELECT file_name, line_number, column_name, error_code, error_message FROM sys_load_error_detail
            WHERE file_name LIKE 's3://lake/%' ORDER BY start_time DESC LIMIT 1";
        assert_eq!(rig.run(&[detail]).await, expected(&[&["s3://lake/bad", "2", column, code, message]]));
    }
    let ended = rig.end_of(&["COPY t FROM 's3://lake/bad' IAM_ROLE default JSON 'auto'"]).await;
    let of_query = format!(
        "SELECT error_code FROM sys_load_error_detail WHERE query_id = {}",
        ended["SubStatements"][0]["RedshiftQueryId"]
    );
    assert_eq!(rig.run(&[&of_query]).await, expected(&[&["1216"]]));
    let raw = "SELECT filename, colname, trim(raw_line), raw_field_value FROM stl_load_errors WHERE err_code = 1213";
    let row = ["s3://lake/bad", "id", "{\"price\": 1}", ""];
    assert_eq!(rig.run(&[raw]).await, expected(&[&row]));
    assert_eq!(
        rig.run(&["SELECT count(*) FROM t"]).await,
        expected(&[&["0"]]),
        "nothing is loaded of what is rejected"
    );
}

#[tokio::test]
async fn so_many_errors_are_borne() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (id INT)"]).await;
    rig.put("some", "{\"id\": 1}\n{\"id\": \"x\"}\n{\"id\": 2}\n{broken\n{\"id\": 3}\n").await;
    let error = rig.failure(&["COPY t FROM 's3://lake/some' IAM_ROLE default JSON 'auto' MAXERROR 1"]).await;
    assert!(error.contains("Load into table"), "{error}");
    rig.run(&["COPY t FROM 's3://lake/some' IAM_ROLE default JSON 'auto' MAXERROR 2"]).await;
    assert_eq!(rig.run(&["SELECT sum(id) FROM t"]).await, expected(&[&["6"]]));
    assert_eq!(
        rig.run(&["SELECT status, error_count FROM sys_load_history ORDER BY start_time"]).await,
        expected(&[&["aborted", "2"], &["completed", "2"]])
    );
}

#[tokio::test]
async fn what_is_not_utf_8_is_rejected_rather_than_changed() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (id INT, name VARCHAR(9))"]).await;
    rig.put("some", b"{\"id\": 1, \"name\": \"\xff\"}\n{\"id\": 2, \"name\": \"\xc3\xbc\"}\n".to_vec()).await;
    rig.run(&["COPY t FROM 's3://lake/some' IAM_ROLE default JSON 'auto' MAXERROR 1"]).await;
    assert_eq!(rig.run(&["SELECT id, name FROM t"]).await, expected(&[&["2", "ü"]]));
    let told = "SELECT line_number, error_code FROM sys_load_error_detail";
    assert_eq!(rig.run(&[told]).await, expected(&[&["1", "1220"]]));
}

#[tokio::test]
async fn a_load_and_its_note_are_one() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (id INT)", "CREATE TABLE demo_loads (batch BIGINT)"]).await;
    rig.put("bad", "{\"id\": \"x\"}").await;
    rig.put("good", "{\"id\": 1}").await;
    let copy = |key: &str| format!("COPY t FROM 's3://lake/{key}' IAM_ROLE default JSON 'auto'");
    let note = "INSERT INTO demo_loads VALUES (1)";
    rig.failure(&[note, &copy("bad")]).await;
    rig.failure(&[&copy("good"), note, "SELECT 1 / 0"]).await;
    let counted = "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM demo_loads)";
    assert_eq!(rig.run(&[counted]).await, expected(&[&["0", "0"]]));
    rig.run(&[&copy("good"), note]).await;
    assert_eq!(rig.run(&[counted]).await, expected(&[&["1", "1"]]));
}

#[tokio::test]
async fn what_copy_cannot_reach_is_told() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (id INT, name VARCHAR(9))"]).await;
    rig.put("good", "{\"id\": 1}").await;
    rig.put("one-path", r#"{"jsonpaths": ["$.id"]}"#).await;
    rig.put("m", manifest(&[("gone", true)])).await;
    for (copy, part) in [
        ("COPY none FROM 's3://lake/good' IAM_ROLE default JSON 'auto'", "Cannot COPY into nonexistent table none"),
        ("COPY t (nope) FROM 's3://lake/good' IAM_ROLE default JSON 'auto'", "column \"nope\""),
        ("COPY t FROM 's3://lake/absent' IAM_ROLE default JSON 'auto'", "prefix 'absent' does not exist"),
        ("COPY t FROM 's3://nowhere/good' IAM_ROLE default JSON 'auto'", "NoSuchBucket"),
        ("COPY t FROM 's3://lake/m' IAM_ROLE default MANIFEST JSON 'auto'", "NoSuchKey"),
        ("COPY t FROM 's3://lake/good' IAM_ROLE default MANIFEST JSON 'auto'", "Problem reading manifest file"),
        ("COPY t FROM 's3://lake/good' IAM_ROLE default JSON 's3://lake/none'", "NoSuchKey"),
        (
            "COPY t FROM 's3://lake/good' IAM_ROLE default JSON 's3://lake/one-path'",
            "JSONPath size: 1, Number of columns in table or column list: 2",
        ),
        ("COPY t FROM 's3://lake/good' IAM_ROLE default JSON 'auto' GZIP", "no gzip file"),
        ("COPY t FROM 's3://lake/good' IAM_ROLE 'arn:aws:iam::000000000000:role/none' JSON 'auto'", "role/none"),
    ] {
        let error = rig.failure(&[copy]).await;
        assert!(error.contains(part), "{copy}: {error}");
    }
}
