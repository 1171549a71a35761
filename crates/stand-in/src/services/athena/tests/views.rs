//! Views.

use base64_simd::STANDARD;

use super::{
    super::{catalog::GlueCatalog, table_name::FullName},
    *,
};

#[tokio::test]
async fn a_view_is_a_table_of_the_catalog_as_athena_writes_it() {
    let lake = Lake::with_table(&[("a", "bigint"), ("b", "struct<c:int>")], &[]).await;
    lake.object("t/1.json", "{\"a\":1,\"b\":{\"c\":5}}\n{\"a\":2}\n");
    let execution = lake.done("CREATE VIEW v AS\nSELECT a + 1 AS n, b, 'ü' AS s\n FROM t ;").await;
    assert_eq!(execution["StatementType"], "DDL");
    let table = lake.described("v").await;
    assert_eq!(
        (&table["TableType"], &table["ViewExpandedText"]),
        (&json!("VIRTUAL_VIEW"), &json!("/* Presto View */"))
    );
    assert_eq!(table["Parameters"], json!({"presto_view": "true", "comment": "Presto View"}));
    let columns = json!([{"Name": "n", "Type": "bigint"}, {"Name": "b", "Type": "struct<c:int>"}, {"Name": "s", "Type": "string"}]);
    assert_eq!(table["StorageDescriptor"]["Columns"], columns);
    let text = table["ViewOriginalText"].as_str().expect("a text");
    let encoded =
        text.strip_prefix("/* Presto View: ").and_then(|text| text.strip_suffix(" */")).expect("Presto's form");
    let definition: Value = serde_json::from_slice(&STANDARD.decode_to_vec(encoded).expect("Base64")).expect("JSON");
    let expected = json!({
        "originalSql": "SELECT a + 1 AS n, b, 'ü' AS s\n FROM t", "catalog": "awsdatacatalog", "schema": "tpcds",
        "columns": [{"name": "n", "type": "bigint"}, {"name": "b", "type": "row(c integer)"}, {"name": "s", "type": "varchar"}],
    });
    assert_eq!(definition, expected);
    assert_eq!(lake.rows("SELECT n, b.c, s FROM v WHERE n = 2").await, [["n", "c", "s"], ["2", "5", "ü"]]);
    assert_eq!(lake.rows("SHOW VIEWS").await, [["v"]]);
    assert_eq!(lake.rows("SHOW VIEWS IN tpcds").await, [["v"]]);
    assert_eq!(lake.rows("SHOW TABLES").await, [["t"], ["v"]]);
    let created = lake.rows("SHOW CREATE VIEW v").await.concat();
    assert_eq!(created, ["CREATE VIEW tpcds.v AS", "SELECT a + 1 AS n, b, 'ü' AS s", " FROM t"]);
    let lines = [["n\tbigint"], ["b\trow(c integer)"], ["s\tvarchar"]];
    assert_eq!(lake.rows("DESCRIBE v").await, lines);
    assert_eq!(lake.rows("SHOW COLUMNS IN v").await, lines);
    lake.done("DROP VIEW v").await;
    lake.done("DROP VIEW IF EXISTS v").await;
    assert_eq!(lake.rows("SHOW VIEWS").await, Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn views_of_views_in_other_databases_are_read() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n{\"a\":2}\n");
    lake.done("CREATE DATABASE other").await;
    lake.done("CREATE VIEW one AS SELECT a FROM t WHERE a > 1").await;
    lake.done("CREATE VIEW other.two AS WITH x AS (SELECT a * 2 AS d FROM one) SELECT d, count(*) OVER () AS c FROM x")
        .await;
    assert_eq!(lake.value("SELECT two.d, c FROM other.two").await, "4|1");
    assert_eq!(lake.value("SELECT x.d + y.a FROM other.two AS x JOIN one AS y ON x.d = y.a * 2").await, "6");
    lake.done("CREATE TABLE copied AS SELECT * FROM other.two").await;
    assert_eq!(lake.value("SELECT d FROM copied").await, "4");
    lake.done("CREATE OR REPLACE VIEW one AS SELECT a FROM t").await;
    assert_eq!(lake.value("SELECT count(*) FROM other.two").await, "2");
}

#[tokio::test]
async fn a_view_of_itself_is_refused() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.done("CREATE VIEW one AS SELECT a FROM t").await;
    lake.done("CREATE VIEW two AS SELECT a FROM one").await;
    let reason = lake.reason("CREATE OR REPLACE VIEW one AS SELECT a FROM two", "FAILED").await;
    assert!(reason.contains("View is recursive"), "{reason}");
    let reason = lake.reason("CREATE OR REPLACE VIEW one AS SELECT a FROM one", "FAILED").await;
    assert!(reason.starts_with("VIEW_IS_RECURSIVE: "), "{reason}");
    // Whoever writes the catalog without Athena can make a ring.
    let mut ring = lake.described("two").await;
    for key in ["CreateTime", "UpdateTime", "DatabaseName", "CatalogId", "VersionId", "IsRegisteredWithLakeFormation"] {
        ring.as_object_mut().expect("an object").remove(key);
    }
    ring["Name"] = json!("one");
    lake.glue_ok("UpdateTable", json!({"DatabaseName": "tpcds", "TableInput": ring})).await;
    let reason = lake.reason("SELECT * FROM two", "FAILED").await;
    assert!(reason.starts_with("INVALID_VIEW: ") || reason.starts_with("VIEW_IS_RECURSIVE: "), "{reason}");
    assert!(reason.ends_with("View is recursive"), "{reason}");
}

#[tokio::test]
async fn views_that_double_with_each_are_bounded() {
    let lake = Lake::new().await;
    lake.done("CREATE VIEW v0 AS SELECT 1 AS a").await;
    let mut last = String::new();
    for n in 1..12 {
        let execution =
            lake.ended(&format!("CREATE VIEW v{n} AS SELECT x.a FROM v{0} x CROSS JOIN v{0} y", n - 1)).await;
        last = execution["Status"]["StateChangeReason"].as_str().unwrap_or_default().to_owned();
        if !last.is_empty() {
            break;
        }
    }
    assert!(last.starts_with("STACK_OVERFLOW: statement is too large"), "{last}");
}

#[tokio::test]
async fn each_view_beyond_the_most_is_refused() {
    let lake = Lake::new().await;
    let catalog = GlueCatalog::new(lake.glue.clone(), lake.store.clone(), Arc::default());
    let view = FullName { database: "tpcds".to_owned(), table: "v".to_owned() };
    for _ in 0..256 {
        catalog.within(&view).expect("one of those that are allowed");
    }
    for _ in 0..2 {
        let refused = catalog.within(&view).expect_err("one too many").message;
        assert!(refused.starts_with("STACK_OVERFLOW: statement is too large (views, read out"), "{refused}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_view_is_said() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.done("CREATE VIEW v AS SELECT a FROM t").await;
    for (sql, words) in [
        ("CREATE VIEW v AS SELECT a FROM t", "ALREADY_EXISTS: line 1:1: View already exists: 'tpcds.v'"),
        (
            "CREATE OR REPLACE VIEW t AS SELECT 1 AS a",
            "TABLE_ALREADY_EXISTS: line 1:1: Table already exists: 'tpcds.t'",
        ),
        ("CREATE VIEW w AS SELECT 1", "MISSING_COLUMN_NAME"),
        ("CREATE VIEW w AS SELECT nope FROM t", "COLUMN_NOT_FOUND"),
        ("CREATE VIEW nowhere.w AS SELECT 1 AS a", "SCHEMA_NOT_FOUND"),
        ("DROP VIEW w", "TABLE_NOT_FOUND"),
        ("DROP VIEW t", "GENERIC_USER_ERROR: line 1:1: View 'tpcds.t' does not exist, but a table"),
        ("DROP TABLE v", "FAILED: SemanticException Cannot drop a view with DROP TABLE"),
        ("SHOW CREATE VIEW t", "NOT_SUPPORTED: Relation 'tpcds.t' is a table"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with(words), "{sql}: {reason}");
    }
    lake.done("DROP TABLE t").await;
    let reason = lake.reason("SELECT * FROM v", "FAILED").await;
    assert_eq!(
        reason,
        "INVALID_VIEW: line 1:1: Failed analyzing stored view 'awsdatacatalog.tpcds.v': Table 'awsdatacatalog.tpcds.t' does not exist"
    );
    lake.table("t", &[("a", "int")], &[], json!({}), json!({})).await;
    lake.object("t/1.json", "{\"a\":3}\n");
    assert_eq!(lake.value("SELECT typeof(a) FROM v").await, "bigint", "as the view has it");
    lake.done("DROP TABLE t").await;
    lake.table("t", &[("a", "string")], &[], json!({}), json!({})).await;
    let reason = lake.reason("SELECT * FROM v", "FAILED").await;
    assert!(reason.starts_with("VIEW_IS_STALE: line 1:1: View 'awsdatacatalog.tpcds.v' is stale"), "{reason}");
}
