//! Documents that destinations take or refuse, through the whole demo.

use crate::{
    command::text,
    own_json::{Own, all_landed},
};

const EVERYWHERE: &str = "deliver:
  s3:
    prefix: own/year=!{timestamp:yyyy}/month=!{timestamp:MM}/
    error_prefix: own_error/!{firehose:error-output-type}/
    buffer: {size: 1MiB, interval: 1s}
    catalog: {database: own, table: orders, partitions: registered}
  redshift: {workgroup: demo, table: shop.orders, every: 1s, structs: varchar, buffer: {size: 1MiB, interval: 1s}}
  dynamodb: {table: own, mapping: {window: 1s}}
";

fn lines(key: &str) -> String {
    format!("{{json_lines: {{file: lines.jsonl, key: [{key}]}}}}")
}

/// What is said of each document, without the lines before and after.
fn said_of(deliver: &str, key: &str, documents: &str) -> Vec<String> {
    let own = Own::new(deliver, &lines(key), 10);
    own.write("lines.jsonl", documents);
    let said = own.refused(&["run"]);
    let (_, reasons) = said.split_once("nothing was created\n").unwrap_or_else(|| panic!("{said}"));
    reasons.lines().filter(|line| !line.starts_with("  ")).map(str::to_owned).collect()
}

#[test]
fn everything_that_destinations_refuse_is_told_at_once() {
    let long = "x".repeat(65_536);
    let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
    let documents = [
        r#"{"id":1,"text":"a","list":[],"n":1}"#.to_owned(),
        format!(r#"{{"id":2,"text":"{long}","list":[]}}"#),
        format!(r#"{{"id":"3","list":["{long}"]}}"#),
        format!(r#"{{"id":4,"list":{deep}}}"#),
        r#"{"id":5,"text":"a\u0000b","n":1,"n":2}"#.to_owned(),
        format!(r#"{{"id":6,"n":{}}}"#, "1".repeat(39)),
        format!(r#"{{"id":7,"n":{}}}"#, "2".repeat(39)),
        r#"{"id":"","xmin":1}"#.to_owned(),
    ];
    let said = said_of(EVERYWHERE, "id", &documents.join("\n"));
    let expected = [
        "DynamoDB: nested more than 32 levels deep in line 4",
        "DynamoDB: number n has more than 38 digits in line 6 and 1 more line",
        "DynamoDB: key id is empty in line 8",
        "S3: `n` is twice in one object in line 5, and Athena reads no such row",
        "Redshift: `xmin` (first in line 8) cannot be a column: each table has one of its own",
        "Redshift: `text` has 65536 bytes in line 2, and a text in Redshift has at most 65535",
        "Redshift: `list` has 65540 bytes in line 3, and a text in Redshift has at most 65535",
        "DynamoDB: key `id` is a number in line 1 and a text in line 3, but a table's key has one type",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_column_of_redshift_is_refused_by_name_number_and_size() {
    let redshift = "deliver: {redshift: {workgroup: demo, table: own.t, structs: super}}\n";
    let wide: Vec<String> = (0..1_601).map(|n| format!("\"c{n}\":{n}")).collect();
    let said = said_of(redshift, "c0", &format!("{{{}}}", wide.join(",")));
    assert_eq!(said, ["Redshift: the documents have 1601 keys, and a table in Redshift has at most 1600 columns"]);
    let long = "x".repeat(65_536);
    let documents = format!("{{\"id\":1,\"Id\":2,\"it's\":3,\"s\":{{\"t\":\"{long}\"}},\"nul\":\"\\u0000\"}}");
    let said = said_of(redshift, "id", &documents);
    let expected = [
        "Redshift: `id` and `Id` (first in line 1) would be one column: Redshift's names have no case",
        "Redshift: `it's` (first in line 1) cannot be a column: COPY could not be told where it is",
        "Redshift: `s.t` has 65536 bytes in line 1, and a text in Redshift has at most 65535",
        "Redshift: `nul` has the character U+0000 in line 1, at which COPY fails",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_partition_is_made_by_one_value_of_the_documents() {
    let documents =
        "{\"id\":0,\"o\":{\"a\":1}}\n{\"id\":1,\"items\":[{\"sku\":\"a\"}],\"customer\":\"c\",\"o\":{\"a\":1}}\n";
    for (path, why) in [
        ("items.sku", "`items` is a list, which has no field `sku`, in line 2"),
        ("customer.name", "`customer` is a text, which has no field `name`, in line 2"),
        ("o", "`o` is not one value but a struct in line 1 and 1 more line"),
        ("custmer", "no document has a field `custmer`"),
    ] {
        let deliver = format!(
            "deliver:\n  s3:\n    prefix: e/k=!{{partitionKeyFromQuery:k}}/\n    error_prefix: f/!{{firehose:error-output-type}}/\n    \
             partition_by: {{k: {path}}}\n"
        );
        let said = said_of(&deliver, "id", documents);
        assert!(said.iter().any(|said| said.ends_with(why)), "{path}: {said:?}");
    }
}

#[test]
fn keys_of_any_name_and_case_land_everywhere() {
    let document = |n: u64| {
        format!(
            r#"{{"orderId":{},"user-agent":"x","table":{{"Id":"i{n}"}},"orders":{{"id":{n}}},"count":{n},"größe":[{{"a.b":1}}],"-0":-0,"long":"{}"}}"#,
            u64::MAX - n,
            "y".repeat(6_000)
        )
    };
    let documents: Vec<String> = (0..20).map(document).collect();
    let places = ["landed_s3", "landed_sql", "landed_redshift", "landed_dynamodb"];
    let own = Own::new(EVERYWHERE, &lines("orderId, user-agent"), 20);
    own.write("lines.jsonl", &documents.join("\n"));
    all_landed(&own.run(&["--rm"]), 20, &places);
    let without = "--set=deliver.dynamodb=null";
    for key in ["[table.Id, user-agent]", "[orders.id]", "[count, table.Id]"] {
        let key = format!("--set=load.workload.json_lines.key={key}");
        all_landed(&own.run(&["--rm", without, &key]), 20, &places[..3]);
        all_landed(&own.run(&["--rm", without, &key, "--set=deliver.redshift.structs=super"]), 20, &places[..3]);
    }
    let parquet =
        ["format=parquet", "compression=snappy", "buffer.size=64MiB"].map(|set| format!("--set=deliver.s3.{set}"));
    let named = ["--set=deliver.s3.catalog.table=table".to_owned()];
    let sets = [&parquet[..], &named[..]].concat();
    let args: Vec<&str> =
        ["--rm", without, "--set=deliver.redshift=null"].into_iter().chain(sets.iter().map(String::as_str)).collect();
    all_landed(&own.run(&args), 20, &places[..2]);
}

#[test]
fn a_long_nested_value_has_room_in_redshift() {
    let redshift =
        "deliver: {redshift: {workgroup: demo, table: own.t, every: 1s, buffer: {size: 1MiB, interval: 1s}}}\n";
    let own = Own::new(redshift, &lines("id"), 20);
    own.write(
        "lines.jsonl",
        &format!("{{\"id\":1,\"o\":{{\"t\":\"{}\"}}}}\n{{\"id\":2,\"o\":null}}\n", "x".repeat(6_040)),
    );
    all_landed(&own.run(&["--rm"]), 20, &["landed_redshift"]);
}

#[test]
fn shards_are_sized_by_documents_that_were_read() {
    let own = Own::new("", &lines("id"), 20);
    own.write("lines.jsonl", &format!("{{\"id\":1,\"t\":\"{}\"}}\n", "x".repeat(10_000)));
    let output = own.demo.output(&["plan", &own.file(), "--set=stream.shards=auto"]);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("6 shards"), "500/s of 10,019 bytes: {said}");
}
