//! The files in `sql/` are what the schema says.

use std::{fs, path::Path};

use demo_formats::schema;

#[test]
fn files_in_sql_follow_from_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in schema::files() {
        if std::env::var_os("WRITE_SQL").is_some() {
            fs::write(root.join(path), &text).unwrap_or_else(|error| panic!("{path} is writable: {error}"));
        }
        let kept = fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(
            kept, text,
            "{path} differs from the schema: `WRITE_SQL=1 cargo test --release schema` writes it anew"
        );
    }
}

#[test]
fn jsonpaths_are_the_columns_in_order() {
    let paths: serde_json::Value = serde_json::from_str(&schema::store_sales().jsonpaths()).expect("valid JSON");
    let paths: Vec<_> =
        paths["jsonpaths"].as_array().expect("a list").iter().filter_map(|path| path.as_str()).collect();
    let expected: Vec<_> = schema::store_sales().names().map(|name| format!("$.{name}")).collect();
    assert_eq!(paths, expected);
}

#[test]
fn athena_reads_every_leaf_with_its_type() {
    let ddl = schema::store_sales().athena_ddl("store_sales", "s3://bucket/path/");
    assert!(ddl.contains("LOCATION 's3://bucket/path/'"));
    assert!(ddl.contains("org.openx.data.jsonserde.JsonSerDe"));
    assert_eq!(ddl.matches("struct<").count(), 21);
    let leaves = ["bigint", "double", "string"].map(|kind| ddl.matches(kind).count()).iter().sum::<usize>();
    let partitions = 3;
    assert_eq!(leaves - partitions, 377);
}
