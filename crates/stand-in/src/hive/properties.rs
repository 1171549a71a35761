//! The scan, the names and the columns over any JSON and over what only looks like it.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{json as scan, *};
use crate::arbitrary::{damaged, json, object, text};

/// One of every type that columns have.
const EVERY_TYPE: &str = "struct<a:bigint,b:struct<c:array<int>,d:double>,e:decimal(9,2),f:date,g:timestamp,h:boolean,\
                          i:tinyint,j:float,k:array<array<string>>,l:smallint,m:string,n:map<string,array<int>>>";

/// The fields that the scan finds, and where the object ends.
fn scanned(text: &[u8]) -> Result<(Map<String, Value>, usize), scan::Malformed> {
    let mut found = Map::new();
    let end = scan::fields(text, 0, |key, from, to| {
        let value = serde_json::from_slice(&text[from..to]).unwrap_or(Value::Null);
        found.insert(scan::unescape(key).into_owned(), value);
    })?;
    Ok((found, end))
}

/// A document whose fields are those of [`EVERY_TYPE`], with values that some of the types can hold.
fn document() -> impl Strategy<Value = Value> {
    let written =
        prop::sample::select(vec!["1", "-7", "1e3", "2.50", "2024-02-29", "2024-02-30", "true", "1700000000000"]);
    let value = prop_oneof![json(), written.prop_map(Value::from), any::<i8>().prop_map(Value::from)];
    let inner = prop::collection::hash_map("[cd]", value.clone(), 0..3);
    let inner = inner.prop_map(|fields| Value::Object(fields.into_iter().collect()));
    let fields = prop::collection::hash_map("[a-n]", prop_oneof![value, inner], 0..8);
    fields.prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

proptest! {
    #[test]
    fn the_scan_finds_what_serde_finds(object in object(), pretty: bool, space in "[ \t\n]{0,3}", after in text()) {
        let written = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        let written = space + &written.expect("JSON");
        let line = format!("{written}{after}");
        let (found, end) = scanned(line.as_bytes()).expect("an object");
        prop_assert_eq!(end, written.len());
        prop_assert_eq!(Value::Object(found), object);
    }

    #[test]
    fn whatever_serde_takes_the_scan_takes(
        line in object().prop_flat_map(|object| damaged(object.to_string().into_bytes()))
    ) {
        let found = scanned(&line);
        if serde_json::from_slice::<IgnoredAny>(&line).is_ok() && line.starts_with(b"{") {
            let (_, end) = found.expect("serde reads it");
            prop_assert!(line[end..].iter().all(u8::is_ascii_whitespace), "{} of {}", end, line.len());
        }
    }

    #[test]
    fn no_line_breaks_a_column(lines in prop::collection::vec(
        prop_oneof![document(), object()].prop_flat_map(|object| damaged(object.to_string().into_bytes())), 1..8
    )) {
        let DataType::Struct(fields) = arrow_type(EVERY_TYPE).expect("a type") else { panic!("no struct") };
        let mut names = Names::new(fields.iter().map(|field| field.name().as_str()), &KeyMappings::default());
        let mut columns: Vec<Column> = fields.iter().map(|field| Column::new(field.data_type(), &KeyMappings::default())).collect();
        let mut rows = 0;
        for line in &lines {
            if names.find(line).is_err() {
                continue;
            }
            rows += 1;
            for (column, place) in columns.iter_mut().zip(names.places()) {
                // Whether the value fits is told; in either case there is a row more.
                let _fits = column.append(place.map(|(from, to)| &line[from..to]));
            }
        }
        for column in &mut columns {
            prop_assert_eq!(column.finish().len(), rows);
        }
    }

    #[test]
    fn numbers_and_text_come_through(number: i64, text in text()) {
        let line = serde_json::json!({"N": number, "t": text}).to_string();
        let mut names = Names::new(["n", "t"].into_iter(), &KeyMappings::default());
        names.find(line.as_bytes()).expect("an object");
        let mut columns = [DataType::Int64, DataType::Utf8].map(|kind| Column::new(&kind, &KeyMappings::default()));
        for (column, place) in columns.iter_mut().zip(names.places()) {
            column.append(place.map(|(from, to)| &line.as_bytes()[from..to])).expect("it fits");
        }
        let [numbers, texts] = columns.each_mut().map(Column::finish);
        prop_assert_eq!(numbers.as_primitive::<Int64Type>().value(0), number);
        prop_assert_eq!(texts.as_string::<i32>().value(0), text);
    }

    #[test]
    fn no_type_breaks_the_parser(hive in "[a-z<>:,() 0-9]{0,40}") {
        let _known = arrow_type(&hive);
    }
}
