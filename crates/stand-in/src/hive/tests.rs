use datafusion::arrow::{
    array::{Array, AsArray},
    datatypes::DataType,
    util::display::array_value_to_string,
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
    for wrong in ["map<int,string>", "map<string>", "struct<a>", "array<int", "int>", "", "decimal(50,2)"] {
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
    for bad in ["{\"a\":\"x\"}", "7", "{\"b\":{\"c\":[1,\"x\"],\"d\":1}}", "{\"b\":{\"c\":{}}}", "{\"b\":true}"] {
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
    let mut names = Names::new(["id", "time"].into_iter(), &KeyMappings::default());
    assert_eq!(names.find(b"{\"id\":1,\"id\":2}"), Err(NoObject::Doubled("id".to_owned())));
    assert_eq!(names.find(b"{\"Time\":1,\"time\":2}"), Err(NoObject::Doubled("time".to_owned())));
    assert!(names.find(b"{\"id\":1,\"time\":2}").is_ok());
}

/// What a column of a type shows of these values, one a line.
fn shown(hive: &str, keys: &KeyMappings, values: &[&str]) -> Vec<String> {
    let mut column = Column::new(&arrow_type(hive).expect("a type"), keys);
    for value in values {
        column.append(Some(value.as_bytes())).unwrap_or_else(|unreadable| panic!("{value}: {unreadable:?}"));
    }
    let column = column.finish();
    (0..column.len()).map(|row| array_value_to_string(&column, row).expect("a value")).collect()
}

#[test]
fn a_value_that_is_no_list_is_a_list_of_one() {
    let keys = KeyMappings::default();
    assert_eq!(
        shown("array<int>", &keys, &["5", "[6,7]", "[]", "\"8\"", "\"\"", "null"]),
        ["[5]", "[6, 7]", "[]", "[8]", "", ""]
    );
    assert_eq!(shown("array<struct<a:int>>", &keys, &["{\"a\":1}"]), ["[{a: 1}]"]);
    assert_eq!(shown("array<array<string>>", &keys, &["\"x\"", "[\"y\"]"]), ["[[x]]", "[[y]]"]);
}

#[test]
fn a_map_has_every_key_in_lower_case() {
    let keys = KeyMappings::default();
    let values = ["{\"x\":1,\"Y y\":null}", "{}", "null", "\" \""];
    assert_eq!(shown("map<string,int>", &keys, &values), ["{x: 1, y y: }", "{}", "", ""]);
    assert_eq!(shown("map<string,array<string>>", &keys, &["{\"a\":[\"b\"]}"]), ["{a: [b]}"]);
    let mut column = Column::new(&arrow_type("map<string,int>").expect("a type"), &keys);
    for bad in ["{\"a\":1,\"A\":2}", "7", "[]", "{\"a\":\"x\"}"] {
        assert!(column.append(Some(bad.as_bytes())).is_err(), "{bad}");
    }
    assert_eq!(column.finish().len(), 4);
}

#[test]
fn an_array_is_a_struct_in_the_order_of_its_fields() {
    let values = ["[1,\"b\",true]", "[1]", "[]", "\"\""];
    let shown = shown("struct<a:int,b:string>", &KeyMappings::default(), &values);
    assert_eq!(shown, ["{a: 1, b: b}", "{a: 1, b: }", "{a: , b: }", ""]);
}

#[test]
fn a_key_with_dots_is_found_with_underscores_where_that_is_asked_for() {
    let asked = KeyMappings::default().with_dots_in_keys(true);
    let kind = "struct<a_b:int,c:struct<d_e_f:int>>";
    let dotted = "{\"A.b\":7,\"c\":{\"d.e_f\":8}}";
    assert_eq!(shown(kind, &asked, &[dotted]), ["{a_b: 7, c: {d_e_f: 8}}"]);
    assert_eq!(shown(kind, &KeyMappings::default(), &[dotted]), ["{a_b: , c: {d_e_f: }}"]);
    for both in ["{\"a.b\":1,\"a_b\":2}", "{\"a_b\":2,\"a.b\":1}"] {
        assert_eq!(shown(kind, &asked, &[both]), ["{a_b: 2, c: }"], "the field's own key goes first");
    }
    let parameters = [("dots.in.keys".to_owned(), "TRUE".to_owned()), ("mapping.b".to_owned(), "a.b".to_owned())];
    let mapped = KeyMappings::of_serde(&parameters.into());
    assert_eq!(shown("struct<b:int,a_c:int>", &mapped, &["{\"a.b\":1,\"a.c\":2}"]), ["{b: 1, a_c: 2}"]);
}

#[test]
fn numbers_are_times_by_their_digits() {
    let values = [
        "1518033528",
        "1518033528123",
        "\"1518033528.123\"",
        "\"2018-02-07 19:58:48.123\"",
        "\"2018-02-07T19:58:48Z\"",
    ];
    let shown = shown("timestamp", &KeyMappings::default(), &values);
    let time = "2018-02-07T19:58:48";
    assert_eq!(
        shown,
        [time.to_owned(), format!("{time}.123"), format!("{time}.123"), format!("{time}.123"), time.to_owned()]
    );
}

#[test]
fn integers_may_be_hexadecimal_text() {
    assert_eq!(shown("int", &KeyMappings::default(), &["\"0x1F\"", "\"0Xa\"", "1e2"]), ["31", "10", "100"]);
}
