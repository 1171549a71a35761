use datafusion::arrow::{
    array::{Array, AsArray},
    datatypes::DataType,
};

use super::{json as scan, *};

#[test]
fn hive_types_are_read() {
    let DataType::Struct(fields) = arrow_type("struct<a:bigint, B:array<struct<c:decimal(5,2)>>>").expect("a type")
    else {
        panic!("no struct");
    };
    assert_eq!(fields[0].data_type(), &DataType::Int64);
    assert_eq!(fields[1].name(), "b");
    for wrong in ["map<string,string>", "struct<a>", "array<int", "int>", "", "decimal(50,2)"] {
        assert!(arrow_type(wrong).is_err(), "{wrong}");
    }
    let deep = |levels: usize| format!("{}int{}", "array<struct<a:".repeat(levels), ">>".repeat(levels));
    assert!(arrow_type(&deep(64)).is_ok());
    for levels in [65, 100_000] {
        assert_eq!(arrow_type(&deep(levels)), Err("a type is nested more than 128 levels deep".to_owned()));
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
fn a_value_that_does_not_fit_is_a_null_and_every_column_stays_as_long() {
    let data_type = arrow_type("struct<a:bigint,b:struct<c:array<int>,d:double>>").expect("a type");
    let mut column = Column::new(&data_type, &KeyMappings::default());
    for good in ["{\"a\":1,\"b\":{\"c\":[1,2],\"d\":0.5}}", "null", "{\"A\":2,\"b\":null}"] {
        assert_eq!(column.append(Some(good.as_bytes())), Ok(()), "{good}");
    }
    for bad in ["{\"a\":\"x\"}", "7", "{\"b\":{\"c\":[1,\"x\"],\"d\":1}}", "{\"b\":{\"c\":{}}}", "{\"b\":[]}"] {
        assert!(column.append(Some(bad.as_bytes())).is_err(), "{bad}");
    }
    assert_eq!(column.append(Some(b"{\"a\":3}")), Ok(()));
    let whole = column.finish();
    assert_eq!((whole.len(), whole.null_count()), (9, 2));
}

#[test]
fn a_field_is_found_under_the_key_that_it_is_mapped_to() {
    let parameters = [("mapping.user_agent", "user-agent"), ("serialization.format", "1")];
    let parameters: std::collections::BTreeMap<_, _> =
        parameters.map(|(name, key)| (name.to_owned(), key.to_owned())).into();
    let keys = KeyMappings::of_serde(&parameters);
    assert_eq!((keys.key("user_agent"), keys.key("format")), ("user-agent", "format"));
    let data_type = arrow_type("struct<user_agent:string,id:int>").expect("a type");
    let mut column = Column::new(&data_type, &keys);
    column.append(Some(b"{\"User-Agent\":\"x\",\"id\":1,\"user_agent\":\"y\"}")).expect("a struct");
    let values = column.finish();
    let texts = values.as_struct().column(0).as_string::<i32>();
    assert_eq!(texts.value(0), "x");
}

#[test]
fn a_key_that_is_twice_is_no_object() {
    let mut names = Names::new(["id", "time"].into_iter());
    assert_eq!(names.find(b"{\"id\":1,\"id\":2}"), Err(NoObject::Doubled("id".to_owned())));
    assert_eq!(names.find(b"{\"Time\":1,\"time\":2}"), Err(NoObject::Doubled("time".to_owned())));
    assert!(names.find(b"{\"id\":1,\"time\":2}").is_ok());
}
