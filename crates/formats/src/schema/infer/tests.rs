use super::{super::Type, shape::MOST_KEYS, *};

fn inferred(documents: &[&str]) -> Inferred {
    let mut inferred = Inferred::default();
    let placed = (1..).zip(documents);
    placed.for_each(|(at, document)| inferred.add(document.as_bytes(), at).expect("an object"));
    inferred
}

/// The type of the only column, as Hive writes it but for decimals.
fn column(documents: &[&str]) -> String {
    match &inferred(documents).schema().expect("columns").columns[0].kind {
        Type::Decimal => "decimal".to_owned(),
        kind => kind.hive(),
    }
}

#[test]
fn every_kind_of_value_has_its_type() {
    for (values, expected) in [
        (&["1", "-5", "null"][..], "bigint"),
        (&["9223372036854775807"], "bigint"),
        (&["-0", "9007199254740993"], "bigint"),
        (&["9223372036854775808"], "decimal"),
        (&["1", "-9223372036854775809"], "decimal"),
        (&["99999999999999999999999999999999999999", "1"], "decimal"),
        (&["100000000000000000000000000000000000000"], "string"),
        (&["1.5", "2.5e20"], "double"),
        (&["18446744073709551615", "0.5"], "double"),
        (&["1.0"], "double"),
        (&["1", "2.5"], "double"),
        (&["2.5", "1"], "double"),
        (&["1e3"], "double"),
        (&["\"a\""], "string"),
        (&["null", "null"], "string"),
        (&["true", "null", "false"], "boolean"),
        (&["true", "1"], "string"),
        (&["1", "\"a\""], "string"),
        (&["{}", "null"], "string"),
        (&["{\"a\":1}", "{\"B\":true,\"a\":2.5}"], "struct<a:double,b:boolean>"),
        (&["{\"a\":{\"b\":[{\"c\":null}]}}"], "struct<a:struct<b:array<struct<c:string>>>>"),
        (&["{\"a\":1}", "5"], "string"),
        (&["5", "{\"a\":[1,{}]}"], "string"),
        (&["[]"], "array<string>"),
        (&["[]", "[1,2]", "[1.5]"], "array<double>"),
        (&["[1,\"a\",{\"b\":1}]"], "array<string>"),
        (&["[1]", "1"], "string"),
        (&["1", "[[1]]"], "string"),
    ] {
        let documents: Vec<_> = values.iter().map(|value| format!("{{\"k\":{value}}}")).collect();
        let documents: Vec<_> = documents.iter().map(String::as_str).collect();
        assert_eq!(column(&documents), expected, "{values:?}");
    }
}

#[test]
fn columns_stand_in_the_order_of_their_first_appearance() {
    let schema = inferred(&[r#"{"b":1,"a":2}"#, r#"{"c":"x","a":null,"b":1}"#]).schema().expect("columns");
    assert_eq!(schema.names().collect::<Vec<_>>(), ["b", "a", "c"]);
}

#[test]
fn names_keep_their_case_for_json_and_lose_it_for_hive() {
    let schema = inferred(&[r#"{"OrderId":1,"Buyer":{"FirstName":"x"}}"#]).schema().expect("columns");
    assert_eq!(schema.glue_columns()[0].0, "orderid");
    assert_eq!(schema.glue_columns()[1].1, "struct<firstname:string>");
    assert!(schema.jsonpaths().contains("$.OrderId"));
}

#[test]
fn what_no_table_takes_is_said() {
    let any = inferred(&[r#"{"order-id":1,"a b":{"c":2},"l":[{}]}"#]).fields();
    assert_eq!(any.names().collect::<Vec<_>>(), ["order-id", "a b", "l"]);
    assert_eq!((&any.columns[0].kind, &any.columns[1].kind), (&Type::BigInt, &Type::Struct(Vec::new())));
    let refused = |documents: &[&str]| inferred(documents).schema().expect_err("no table");
    assert_eq!(refused(&[]), InferError::NoDocuments);
    assert_eq!(refused(&["{}"]), InferError::NoColumns);
    let keys: Vec<_> = (0..=MOST_KEYS).map(|n| format!("\"k{n}\":1")).collect();
    let said = refused(&[&format!("{{\"users\":{{{}}}}}", keys.join(","))]).to_string();
    assert!(said.starts_with("`users` has more than 2000 different keys"), "{said}");
}

#[test]
fn what_is_no_object_is_refused() {
    for text in ["[1]", "5", "{\"a\":}", "{\"a\":1} {}", ""] {
        assert!(Inferred::default().add(text.as_bytes(), 1).is_err(), "{text}");
    }
}

#[test]
fn what_a_field_has_shown_is_known_with_its_place() {
    let documents = [
        r#"{"id":1,"text":"a\u00e9\"","list":[{"t":"long"},{"t":5}]}"#,
        r#"{"id":"x","text":"\u0000b","id":2,"list":[]}"#,
        r#"{"text":"longer than","list":[ {"t":"a" }]}"#,
    ];
    let seen = inferred(&documents).seen();
    let of = |path: &str| seen.iter().find(|seen| seen.path.to_string() == path).expect("it was there");
    let id = of("id");
    assert_eq!((id.is_column, id.first, id.twice, id.number, id.text), (true, 1, Some(2), Some(1), Some(2)));
    let text = of("text");
    assert_eq!((text.longest, text.longest_text, text.nul), (longest(11, 3), longest(11, 3), Some(2)));
    assert_eq!(of("list").longest, longest(r#"[{"t":"long"},{"t":5}]"#.len(), 1), "as it is written");
    let inside = of("list.t");
    assert_eq!(
        (inside.is_column, inside.longest_text, inside.nul, inside.number),
        (false, longest(4, 1), None, Some(1))
    );
    let schema = inferred(&documents).schema().expect("columns");
    assert_eq!(schema.columns.iter().map(|column| column.longest).collect::<Vec<_>>(), [1, 11, 22]);
}

#[test]
fn a_key_is_twice_in_one_object_only() {
    let twice =
        |documents: &[&str]| inferred(documents).seen().into_iter().find_map(|seen| Some((seen.path, seen.twice?)));
    assert_eq!(twice(&[r#"{"a":[{"b":1},{"b":2}]}"#, r#"{"a":[]}"#]), None);
    let (path, at) = twice(&[r#"{"a":[]}"#, r#"{"a":[{"b":1},{"b":2,"b":3}]}"#]).expect("twice");
    assert_eq!((path.to_string().as_str(), at), ("a.b", 2));
}

#[test]
fn no_document_is_followed_without_end() {
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(Inferred::default().add(deep(120).as_bytes(), 1).is_ok());
    assert!(Inferred::default().add(deep(1_000).as_bytes(), 1).is_err());
}

fn longest(bytes: usize, at: u64) -> Longest {
    Longest { bytes, at }
}
