use super::*;

#[test]
fn the_document_has_the_size_it_is_known_by() {
    let schema = store_sales();
    assert_eq!((schema.columns.len(), schema.leaves(), schema.structs()), (31, 377, 21));
}

#[test]
fn names_are_in_alphabetical_order_at_every_depth() {
    fn check(fields: &[Field]) {
        assert!(fields.is_sorted_by(|a, b| a.name < b.name), "{fields:?}");
        fields.iter().for_each(|field| check(field.kind.fields()));
    }
    check(&store_sales().columns);
}

#[test]
fn any_nested_schema_renders() {
    let inner = Type::Struct(vec![Field::new("b", Type::Double), Field::new("c", Type::String)]);
    let schema = Schema { columns: vec![Field::new("a", Type::BigInt), Field::new("s", inner)] };
    assert_eq!(schema.glue_columns()[1], ("s".to_owned(), "struct<b:double,c:string>".to_owned()));
    assert_eq!(
        schema.redshift_ddl("t", Structs::Varchar),
        "CREATE TABLE IF NOT EXISTS t (\n  a BIGINT,\n  s VARCHAR(4096)\n);\n"
    );
    assert_eq!(schema.redshift_columns(Structs::Super)[1], ("s".to_owned(), "SUPER".to_owned()));
    assert_eq!(schema.jsonpaths(), "{\n  \"jsonpaths\": [\n    \"$.a\",\n    \"$.s\"\n  ]\n}\n");
    assert_eq!(schema.column_list(), "a,s");
}

#[test]
fn a_customer_needs_more_room_in_redshift_than_other_structs() {
    let ddl = store_sales().redshift_ddl("t", Structs::Varchar);
    let wide: Vec<_> = ddl.lines().filter(|line| line.contains("VARCHAR(8192)")).collect();
    assert_eq!(wide, ["  ss_customer VARCHAR(8192),"]);
}

#[test]
fn names_that_are_no_plain_words_are_quoted_for_redshift() {
    let names = ["ss_item", "user", "Order", "2nd", "a \"b\"", ""].map(redshift_name);
    assert_eq!(names, ["ss_item", "\"user\"", "\"Order\"", "\"2nd\"", "\"a \"\"b\"\"\"", "\"\""]);
    let schema = Schema { columns: vec![Field::new("user", Type::String), Field::new("it's", Type::BigInt)] };
    assert_eq!(schema.column_list(), "\"user\",\"it's\"");
    assert_eq!(schema.jsonpaths(), "{\n  \"jsonpaths\": [\n    \"$.user\",\n    \"$['it\\\\'s']\"\n  ]\n}\n");
}

#[test]
fn a_table_in_athena_is_as_its_objects_are() {
    let schema = Schema { columns: vec![Field::new("Id", Type::BigInt)] };
    assert_eq!(
        schema.athena_ddl_of("t", "s3://b/p/", Stored::Parquet, &[]),
        "CREATE EXTERNAL TABLE IF NOT EXISTS t (\n  `id` bigint\n)\nSTORED AS PARQUET\nLOCATION 's3://b/p/';\n"
    );
    let by_field = schema.athena_ddl_of("t", "s3://b/p/", Stored::JsonLines, &["category".to_owned()]);
    assert!(by_field.contains(")\nPARTITIONED BY (\n  `category` string\n)\nROW FORMAT SERDE "), "{by_field}");
    assert!(schema.athena_ddl("t", "s3://b/p/").contains("  `year` string,\n  `month` string,\n  `day` string\n"));
}

#[test]
fn a_nested_value_has_twice_the_room_of_the_longest_that_was_read() {
    let column = |longest| Field { longest, ..Field::new("Tags", Type::Array(Box::new(Type::String))) };
    let kind = |longest| Schema { columns: vec![column(longest)] }.redshift_columns(Structs::Varchar).remove(0);
    assert_eq!(kind(0), ("tags".to_owned(), "VARCHAR(4096)".to_owned()));
    assert_eq!([kind(2_048).1, kind(2_049).1, kind(6_040).1], ["VARCHAR(4096)", "VARCHAR(8192)", "VARCHAR(16384)"]);
    assert_eq!(kind(40_000).1, "VARCHAR(65535)");
}

#[test]
fn whole_numbers_beyond_64_bits_keep_their_digits() {
    let schema = Schema { columns: vec![Field::new("id", Type::Decimal)] };
    assert_eq!(schema.redshift_columns(Structs::Super)[0].1, "DECIMAL(38,0)");
    assert_eq!(schema.glue_columns()[0].1, "string");
}

#[test]
fn keys_that_are_no_names_are_mapped_at_every_depth() {
    let inner =
        Type::Array(Box::new(Type::Struct(vec![Field::new("x.y", Type::BigInt), Field::new("Id", Type::BigInt)])));
    let schema = Schema { columns: vec![Field::new("User-Agent", Type::String), Field::new("größe", inner)] };
    let mapped: Vec<_> = schema.key_mappings().expect("columns").into_iter().collect();
    let expected = [("gr__e", "größe"), ("user_agent", "user-agent"), ("x_y", "x.y")];
    assert_eq!(mapped, expected.map(|(name, key)| (name.to_owned(), key.to_owned())));
    assert_eq!(schema.glue_columns()[1], ("gr__e".to_owned(), "array<struct<x_y:bigint,id:bigint>>".to_owned()));
    let ddl = schema.athena_ddl("t", "s3://b/p/");
    assert!(ddl.contains("JsonSerDe'\nWITH SERDEPROPERTIES (\n  'mapping.gr__e' = 'größe',\n"), "{ddl}");
}

#[test]
fn what_athena_cannot_tell_apart_or_name_is_refused() {
    let refused = |columns: Vec<Field>| Schema { columns }.key_mappings().expect_err("no table").to_string();
    let number = |name: &str| Field::new(name, Type::BigInt);
    let said = refused(vec![number("Id"), number("id")]);
    assert!(said.starts_with("`Id` and `id` would be one column"), "{said}");
    let said = refused(vec![number("a-b"), Field::new("c", Type::Struct(vec![number("a_b")]))]);
    assert!(said.starts_with("`a-b` and `c.a_b` would be one column"), "{said}");
    assert!(refused(vec![number("")]).starts_with("`` cannot be a column"));
    assert!(refused(vec![number(&"x".repeat(256))]).contains("1 to 255 characters"));
    let many = (0..1_000).map(|n| number(&format!("{}{n}", "x".repeat(200)))).collect();
    assert!(refused(vec![Field::new("a", Type::Struct(many))]).starts_with("the type of column `a` is longer"));
}
