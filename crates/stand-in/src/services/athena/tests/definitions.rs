//! The statements that change the catalog alone.

use super::*;

#[tokio::test]
async fn databases_are_created_and_dropped() {
    let lake = Lake::new().await;
    let execution = lake
        .done(
            "CREATE DATABASE IF NOT EXISTS Shop COMMENT 'it''s' LOCATION 's3://lake/shop/' WITH DBPROPERTIES ('a'='b')",
        )
        .await;
    assert_eq!(
        (&execution["StatementType"], &execution["SubstatementType"]),
        (&json!("DDL"), &json!("CREATE_DATABASE"))
    );
    let id = &execution["QueryExecutionId"];
    assert!(
        execution["ResultConfiguration"]["OutputLocation"].as_str().is_some_and(|location| location.ends_with(".txt"))
    );
    let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": id})).await;
    assert_eq!((&answer["UpdateCount"], &answer["ResultSet"]["Rows"]), (&Value::Null, &json!([])));
    let database = ask(&lake.glue, "GetDatabase", json!({"Name": "shop"}).to_string()).await.expect("there");
    let database: Value = serde_json::from_slice(&database).expect("JSON");
    assert_eq!(
        (&database["Database"]["Description"], &database["Database"]["LocationUri"]),
        (&json!("it's"), &json!("s3://lake/shop/"))
    );
    lake.done("CREATE SCHEMA IF NOT EXISTS shop").await;
    let reason = lake.reason("CREATE DATABASE shop", "FAILED").await;
    assert_eq!(
        reason,
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. Database shop already exists"
    );
    lake.done("CREATE TABLE shop.made AS SELECT 1 a").await;
    let reason = lake.reason("DROP DATABASE shop", "FAILED").await;
    assert!(
        reason.ends_with("InvalidOperationException(message:Database shop is not empty. One or more tables exist.)"),
        "{reason}"
    );
    lake.done("DROP DATABASE shop CASCADE").await;
    lake.done("DROP SCHEMA IF EXISTS shop").await;
    let reason = lake.reason("DROP DATABASE shop", "FAILED").await;
    assert_eq!(reason, "FAILED: SemanticException [Error 10072]: Database does not exist: shop");
    assert_eq!(lake.rows("SHOW DATABASES").await, [["tpcds"]]);
}

#[tokio::test]
async fn a_table_of_hives_ddl_reads_what_lies_there() {
    let lake = Lake::new().await;
    lake.object("json/1.json", "{\"A\":1,\"r\":{\"x\":[2]}}\n");
    lake.done(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `tpcds`.`j` (`a` bigint COMMENT 'the first', r struct<x:array<int>>)\n\
         COMMENT 'documents' ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\n\
         WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true') LOCATION 's3://lake/json/' TBLPROPERTIES ('Has_Case'='Yes');",
    )
    .await;
    assert_eq!(lake.value("SELECT a, r.x FROM j").await, "1|[2]");
    let table = lake.described("j").await;
    assert_eq!(table["Parameters"], json!({"EXTERNAL": "TRUE", "comment": "documents", "Has_Case": "Yes"}));
    assert_eq!(
        table["StorageDescriptor"]["Columns"][0],
        json!({"Name": "a", "Type": "bigint", "Comment": "the first"})
    );
    lake.object("csv/1.csv", "id,name\n1,Ada\n2,\\N\n3\n");
    lake.done(
        "CREATE EXTERNAL TABLE c (id int, name string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n' \
         STORED AS TEXTFILE LOCATION 's3://lake/csv/' TBLPROPERTIES ('skip.header.line.count'='1')",
    )
    .await;
    assert_eq!(
        lake.rows("SELECT id, name FROM c ORDER BY id").await[1..],
        [["1", "Ada"], ["2", "null"], ["3", "null"]]
    );
    assert_eq!(lake.rows("SELECT name FROM c WHERE id = 1").await, [["name"], ["Ada"]], "a column alone");
    lake.done("CREATE EXTERNAL TABLE p (a int, s string) STORED AS PARQUET LOCATION 's3://lake/p/' TBLPROPERTIES ('parquet.compression'='SNAPPY')").await;
    lake.done("INSERT INTO p VALUES (1, 'x')").await;
    assert_eq!(lake.value("SELECT * FROM p").await, "1|x");
    for (sql, words) in [
        (
            "CREATE EXTERNAL TABLE j (a int) LOCATION 's3://lake/x/'",
            "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. AlreadyExistsException(message:Table j already exists)",
        ),
        ("CREATE EXTERNAL TABLE k (a int)", "No location was specified for table. An S3 location must be specified"),
        (
            "CREATE TABLE k (a int) LOCATION 's3://lake/x/'",
            "FAILED: SemanticException only external table creation is supported",
        ),
        (
            "CREATE EXTERNAL TABLE k (a int) STORED AS ORC LOCATION 's3://lake/x/'",
            "NOT_SUPPORTED: the stand-in has no `STORED AS ORC`; Athena has it",
        ),
        (
            "CREATE TABLE k (a int) LOCATION 's3://lake/x/' TBLPROPERTIES ('table_type'='ICEBERG')",
            "NOT_SUPPORTED: the stand-in has no `TBLPROPERTIES ('table_type' = 'ICEBERG')`",
        ),
        (
            "CREATE EXTERNAL TABLE k (a int) CLUSTERED BY (a) INTO 4 BUCKETS LOCATION 's3://lake/x/'",
            "NOT_SUPPORTED: the stand-in has no `CREATE TABLE … CLUSTERED`",
        ),
        ("CREATE EXTERNAL TABLE k (a int, A string) LOCATION 's3://lake/x/'", "FAILED: Execution Error"),
        ("CREATE EXTERNAL TABLE k (a int LOCATION 's3://lake/x/'", "SYNTAX_ERROR"),
        ("DROP TABLE nope", "FAILED: SemanticException [Error 10001]: Table not found tpcds.nope"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with(words), "{sql}: {reason}");
    }
    lake.done("DROP TABLE IF EXISTS nope").await;
}

#[tokio::test]
async fn a_map_in_delimited_text_is_refused_when_it_is_read() {
    let lake = Lake::new().await;
    lake.object("m/1.txt", "1,x\n");
    for kind in ["map<string,int>", "array<struct<x:map<string,int>>>"] {
        lake.done(&format!(
            "CREATE EXTERNAL TABLE m (a int, m {kind}) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE \
             LOCATION 's3://lake/m/'"
        ))
        .await;
        let reason = lake.reason("SELECT a FROM m", "FAILED").await;
        assert_eq!(reason, "NOT_SUPPORTED: the stand-in reads no map in a delimited table; Athena does", "{kind}");
        lake.done("DROP TABLE m").await;
    }
}

#[tokio::test]
async fn partitions_are_added_dropped_and_found() {
    let lake = Lake::with_table(&[("a", "bigint")], &[("year", "int"), ("kind", "string")]).await;
    lake.object("t/year=2026/kind=a%2Fb/1.json", "{\"a\":1}\n");
    lake.object("t/year=2026/kind=c/1.json", "{\"a\":2}\n");
    lake.object("t/loose.json", "{\"a\":3}\n");
    lake.object("old/1.json", "{\"a\":4}\n");
    lake.done("ALTER TABLE t ADD IF NOT EXISTS PARTITION (year = 2025, kind = 'x') LOCATION 's3://lake/old/' PARTITION (kind='c', year='2026')").await;
    assert_eq!(lake.rows("SELECT a FROM t ORDER BY a").await, [["a"], ["2"], ["4"]]);
    let execution = lake.done("MSCK REPAIR TABLE `t`;").await;
    assert_eq!(execution["SubstatementType"], "MSCK_REPAIR");
    assert_eq!(lake.rows("SELECT a, kind FROM t ORDER BY a").await[1..], [["1", "a/b"], ["2", "c"], ["4", "x"]]);
    let reason = lake.reason("ALTER TABLE t ADD PARTITION (year = 2025, kind = 'x')", "FAILED").await;
    assert!(reason.ends_with("AlreadyExistsException(message:Partition already exists.)"), "{reason}");
    lake.done("ALTER TABLE t DROP PARTITION (year = 2026)").await;
    assert_eq!(lake.rows("SHOW PARTITIONS t").await, [["year=2025/kind=x"]]);
    assert_eq!(lake.keys("t/year=2026/").await.len(), 2, "the objects stay");
    lake.done("ALTER TABLE t DROP IF EXISTS PARTITION (year = 1999, kind = 'x'), PARTITION (year = 2025, kind = 'x')")
        .await;
    assert_eq!(lake.rows("SHOW PARTITIONS t").await, Vec::<Vec<String>>::new());
    lake.table("flat", &[("a", "bigint")], &[], json!({}), json!({})).await;
    for (sql, words) in [
        (
            "ALTER TABLE t DROP PARTITION (year = 1999)",
            "FAILED: SemanticException [Error 10006]: Partition not found {year=1999}",
        ),
        (
            "ALTER TABLE t ADD PARTITION (year = 1999)",
            "FAILED: SemanticException partition spec {year=1999} doesn't contain all (2) partition columns",
        ),
        ("ALTER TABLE t ADD PARTITION (month = 1)", "FAILED: SemanticException [Error 10098]"),
        (
            "ALTER TABLE t ADD COLUMNS (b int)",
            "NOT_SUPPORTED: the stand-in has no `ALTER TABLE … ADD COLUMNS`; Athena has it",
        ),
        (
            "ALTER TABLE t SET LOCATION 's3://lake/x/'",
            "NOT_SUPPORTED: the stand-in has no `ALTER TABLE … SET LOCATION`",
        ),
        ("MSCK REPAIR TABLE flat", "FAILED: SemanticException Table tpcds.flat is not a partitioned table"),
        ("MSCK REPAIR TABLE nope", "FAILED: SemanticException [Error 10001]: Table not found tpcds.nope"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with(words), "{sql}: {reason}");
    }
}
