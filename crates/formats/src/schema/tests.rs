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
