//! The parts by themselves.

use datafusion::arrow::datatypes::DataType;

use super::super::{hive, json as scan, results, store::Location};

#[test]
fn hive_types_are_read() {
    let DataType::Struct(fields) =
        hive::arrow_type("struct<a:bigint, B:array<struct<c:decimal(5,2)>>>").expect("a type")
    else {
        panic!("no struct");
    };
    assert_eq!(fields[0].data_type(), &DataType::Int64);
    assert_eq!(fields[1].name(), "b");
    for wrong in ["map<string,string>", "struct<a>", "array<int", "int>", "", "decimal(50,2)"] {
        assert!(hive::arrow_type(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_scan_takes_what_is_json_and_nothing_else() {
    let end = |text: &str| scan::fields(text.as_bytes(), 0, |_, _, _| ());
    for text in ["{}", " {\"a\" : [1, {\"b\":null}, -2.5e3], \"c\\\"\":\"\\\\\"}", "{\"a\":true,\"b\":false}"] {
        assert_eq!(end(text), Ok(text.len()), "{text}");
    }
    assert_eq!(end("{\"a\":1}{\"a\":2}"), Ok(7));
    for text in [
        "",
        "[]",
        "1",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":[1}",
        "{\"a\":tru}",
    ] {
        assert!(end(text).is_err(), "{text}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(end(&deep).is_err(), "too deep to be followed");
    assert_eq!(scan::unescape(br"caf\u00e9 \n"), "café \n");
}

#[test]
fn what_is_written_is_read_again() {
    let rows = [
        vec![Some("a\"b".to_owned()), None, Some(String::new())],
        vec![Some("x,\ny".to_owned()), Some("é".to_owned()), None],
        vec![None, None, None],
    ];
    let mut csv = Vec::new();
    for row in &rows {
        results::write_row(&mut csv, row.iter().map(Option::as_deref));
    }
    assert_eq!(results::read_rows(&csv, 0, 10), (rows.to_vec(), None));
    let (first, next) = results::read_rows(&csv, 0, 1);
    assert_eq!(first, rows[..1]);
    let (rest, end) = results::read_rows(&csv, next.expect("there are more"), 10);
    assert_eq!((rest.as_slice(), end), (&rows[1..], None));
}

#[test]
fn locations_end_with_a_slash() {
    let at = |text| Location::parse(text).map(|location| (location.bucket, location.prefix));
    assert_eq!(at("s3://b/p/q"), Some(("b".to_owned(), "p/q/".to_owned())));
    assert_eq!(at("s3://b"), Some(("b".to_owned(), String::new())));
    assert_eq!(at("http://b/p"), None);
    assert_eq!(at("s3:///p"), None);
}
