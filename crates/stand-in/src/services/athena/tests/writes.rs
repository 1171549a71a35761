//! CREATE TABLE AS, INSERT INTO and UNLOAD: what they write, and that they write nothing where they fail.

use super::*;

/// What a manifest lists, as keys.
async fn manifest(lake: &Lake, execution: &Value) -> Vec<String> {
    let location = execution["Statistics"]["DataManifestLocation"].as_str().expect("a manifest");
    let key = location.strip_prefix("s3://lake/").expect("in the lake");
    let text = String::from_utf8(lake.data(key).await.to_vec()).expect("a text");
    text.lines().map(|line| line.strip_prefix("s3://lake/").expect("in the lake").to_owned()).collect()
}

const EVERY_TYPE: &str = "SELECT true AS b, CAST(1 AS tinyint) AS i1, CAST(2 AS smallint) AS i2, 3 AS i4, 4000000000 AS i8, \
    CAST(1.5 AS real) AS f4, 2.5e0 AS f8, 1.25 AS d, DATE '2026-02-03' AS day, TIMESTAMP '2026-02-03 04:05:06.789' AS ts, \
    'a \"quote\", a comma' AS s, ARRAY[1, NULL, 3] AS a, CAST(ROW('x', ARRAY[ROW(7)]) AS ROW(n varchar, l array(row(q integer)))) AS r, \
    CAST(NULL AS varchar) AS z";

#[tokio::test]
async fn a_table_of_a_query_has_its_rows_in_every_format() {
    let lake = Lake::new().await;
    let expected = lake.rows(EVERY_TYPE).await;
    for (format, serde) in [
        ("", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
        (
            "WITH (format = 'PARQUET', parquet_compression = 'SNAPPY')",
            "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        ),
        ("WITH (format = 'JSON')", "org.apache.hive.hcatalog.data.JsonSerDe"),
        ("WITH (format = 'JSON', write_compression = 'NONE')", "org.apache.hive.hcatalog.data.JsonSerDe"),
        ("WITH (format = 'TEXTFILE', field_delimiter = '|')", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
    ] {
        let execution = lake.done(&format!("CREATE TABLE made {format} AS {EVERY_TYPE} ;")).await;
        assert_eq!(lake.rows("SELECT * FROM made").await, expected, "{format}");
        let id = execution["QueryExecutionId"].as_str().expect("an id");
        assert_eq!(
            (&execution["StatementType"], &execution["SubstatementType"]),
            (&json!("DDL"), &json!("CREATE_TABLE_AS_SELECT"))
        );
        assert_eq!(execution["ResultConfiguration"]["OutputLocation"], format!("s3://lake/results/tables/{id}"));
        let table = lake.described("made").await;
        let storage = &table["StorageDescriptor"];
        assert_eq!(storage["Location"], format!("s3://lake/results/tables/{id}/"));
        assert_eq!(
            (&storage["SerdeInfo"]["SerializationLibrary"], &table["TableType"]),
            (&json!(serde), &json!("EXTERNAL_TABLE"))
        );
        let listed = manifest(&lake, &execution).await;
        assert_eq!(listed, lake.keys(&format!("results/tables/{id}/")).await);
        assert_eq!(listed[0].ends_with(".gz"), format.contains("JSON')") || format.contains("TEXTFILE"), "{listed:?}");
        let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": id})).await;
        assert_eq!((&answer["UpdateCount"], &answer["ResultSet"]["Rows"]), (&json!(1), &json!([])));
        assert_eq!(answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]["Name"], "rows");
        lake.done("DROP TABLE made").await;
        assert_eq!(lake.keys(&format!("results/tables/{id}/")).await, listed, "the data stays");
    }
}

#[tokio::test]
async fn types_come_back_as_they_were_and_those_of_no_table_are_refused() {
    let lake = Lake::new().await;
    lake.done(&format!("CREATE TABLE made AS {EVERY_TYPE}")).await;
    let described = lake.rows("DESCRIBE made").await;
    let types: Vec<String> =
        described.iter().map(|row| row[0].split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "float",
        "double",
        "decimal(3,2)",
        "date",
        "timestamp",
        "string",
        "array<int>",
        "struct<n:string,l:array<struct<q:int>>>",
        "string",
    ];
    assert_eq!(types, expected);
    lake.done("CREATE TABLE mapped AS SELECT MAP(ARRAY['k'], ARRAY[1]) AS m").await;
    assert_eq!(lake.value("SELECT m['k'] FROM mapped").await, "1");
    for (query, words) in [
        ("SELECT json_parse('1') AS j", "NOT_SUPPORTED: Unsupported Hive type: json"),
        ("SELECT current_timestamp AS t", "NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone"),
        ("SELECT ROW(1, 2) AS r", "NOT_SUPPORTED: Anonymous row type is not supported in Hive"),
        ("SELECT NULL AS n", "COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown at position 1"),
        ("SELECT 1", "MISSING_COLUMN_NAME: line 1:1: Column name not specified at position 1"),
        ("SELECT 1 AS a, 2 AS A", "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'a' specified more than once"),
        ("SELECT MAP(ARRAY[1], ARRAY[2]) AS m", "NOT_SUPPORTED: column m: a map's keys are strings"),
    ] {
        let reason = lake.reason(&format!("CREATE TABLE other AS {query}"), "FAILED").await;
        assert!(reason.starts_with(words), "{query}: {reason}");
    }
}

#[tokio::test]
async fn a_location_that_is_not_empty_and_a_table_that_exists_are_refused() {
    let lake = Lake::new().await;
    lake.object("there/1.json", "x");
    let reason =
        lake.reason("CREATE TABLE made WITH (external_location = 's3://lake/there') AS SELECT 1 a", "FAILED").await;
    let begin = "HIVE_PATH_ALREADY_EXISTS: Target directory for table 'tpcds.made' already exists: s3://lake/there/. You may need to manually clean";
    assert!(reason.starts_with(begin), "{reason}");
    lake.done("CREATE TABLE made WITH (external_location = 's3://lake/free/', format = 'JSON') AS SELECT 1 a").await;
    assert_eq!(lake.keys("free/").await.len(), 1);
    let reason = lake.reason("CREATE TABLE MADE AS SELECT 2 a", "FAILED").await;
    assert_eq!(reason, "TABLE_ALREADY_EXISTS: line 1:1: Destination table 'awsdatacatalog.tpcds.made' already exists");
    lake.done("CREATE TABLE IF NOT EXISTS made AS SELECT 2 a").await;
    assert_eq!(lake.value("SELECT a FROM made").await, "1");
    for (sql, words) in [
        ("CREATE TABLE nowhere.made AS SELECT 1 a", "SCHEMA_NOT_FOUND: Schema 'nowhere' does not exist"),
        (
            "CREATE TABLE u WITH (external_location = 's3://absent/') AS SELECT 1 a",
            "HIVE_FILESYSTEM_ERROR: s3://absent: the bucket does not exist",
        ),
        ("CREATE TABLE u WITH (format = 'ORC') AS SELECT 1 a", "NOT_SUPPORTED: the stand-in has no `format = 'ORC'`"),
        ("CREATE TABLE u AS SELECT", "SYNTAX_ERROR: "),
        ("CREATE TABLE u AS DROP TABLE made", "SYNTAX_ERROR: a query is expected"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with(words), "{sql}: {reason}");
    }
}

#[tokio::test]
async fn a_workgroup_that_enforces_its_location_takes_no_other() {
    let lake = Lake::new().await;
    let configuration = json!({"ResultConfiguration": {"OutputLocation": "s3://lake/enforced/"}});
    lake.ok("CreateWorkGroup", json!({"Name": "w", "Configuration": configuration})).await;
    for (with, state) in [("WITH (external_location = 's3://lake/mine/')", "FAILED"), ("", "SUCCEEDED")] {
        let mut start = request(&format!("CREATE TABLE made {with} AS SELECT 1 a"));
        start["WorkGroup"] = json!("w");
        let id = lake.ok("StartQueryExecution", start).await["QueryExecutionId"].as_str().expect("an id").to_owned();
        let execution = lake.until(&id, &["SUCCEEDED", "FAILED"]).await;
        assert_eq!(execution["Status"]["State"], state, "{execution}");
        let reason = execution["Status"]["StateChangeReason"].as_str().unwrap_or_default();
        assert_eq!(reason.contains("enforces a centralized output location"), state == "FAILED", "{reason}");
    }
    assert_eq!(lake.keys("enforced/tables/").await.len(), 2, "the data and the manifest");
}

#[tokio::test]
async fn a_table_without_data_has_columns_and_no_objects() {
    let lake = Lake::new().await;
    let execution = lake.done("CREATE TABLE made AS SELECT 1 a, 'x' b WITH NO DATA").await;
    assert_eq!(execution["Statistics"]["DataManifestLocation"], Value::Null);
    assert_eq!(lake.rows("SELECT * FROM made").await, [["a", "b"]]);
    assert_eq!(lake.keys("results/tables/").await, Vec::<String>::new());
    lake.done("INSERT INTO made VALUES (7, 'y')").await;
    assert_eq!(lake.rows("SELECT * FROM made").await, [["a", "b"], ["7", "y"]]);
}

#[tokio::test]
async fn partitions_of_a_query_are_folders_and_entries_of_the_catalog() {
    let lake = Lake::new().await;
    let rows = "(VALUES (1, DATE '2026-01-01', 'a/b'), (2, DATE '2026-01-02', 'c'), (3, DATE '2026-01-01', NULL)) AS t(n, day, kind)";
    let sql = format!(
        "CREATE TABLE made WITH (partitioned_by = ARRAY['day', 'kind'], external_location = 's3://lake/made/') AS SELECT * FROM {rows}"
    );
    let execution = lake.done(&sql).await;
    let folders: Vec<String> = manifest(&lake, &execution)
        .await
        .iter()
        .map(|key| key.rsplit_once('/').expect("a folder").0.to_owned())
        .collect();
    assert_eq!(
        folders,
        [
            "made/day=2026-01-01/kind=__HIVE_DEFAULT_PARTITION__",
            "made/day=2026-01-01/kind=a%2Fb",
            "made/day=2026-01-02/kind=c"
        ]
    );
    let expected =
        [["n", "day", "kind"], ["1", "2026-01-01", "a/b"], ["2", "2026-01-02", "c"], ["3", "2026-01-01", "null"]];
    assert_eq!(lake.rows("SELECT * FROM made ORDER BY n").await, expected);
    lake.read();
    assert_eq!(lake.value("SELECT n FROM made WHERE day = DATE '2026-01-02'").await, "2");
    assert_eq!(lake.read().len(), 1, "one partition is read");
    for (query, words) in [
        (
            "SELECT 1 AS day, 2 AS n",
            "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same order as the table properties: [day]",
        ),
        ("SELECT 1 AS n", "INVALID_TABLE_PROPERTY: Partition columns [day] not present in schema"),
        ("SELECT 1 AS day", "INVALID_TABLE_PROPERTY: Table contains only partition columns"),
        (
            "SELECT n, n AS day FROM UNNEST(sequence(1, 101)) AS t(n)",
            "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100",
        ),
    ] {
        let sql = format!(
            "CREATE TABLE other WITH (partitioned_by = ARRAY['day'], external_location = 's3://lake/other/') AS {query}"
        );
        let reason = lake.reason(&sql, "FAILED").await;
        assert!(reason.starts_with(words), "{query}: {reason}");
    }
    assert_eq!(lake.keys("other/").await, Vec::<String>::new(), "what failed has written nothing");
}

#[tokio::test]
async fn a_query_that_fails_on_its_way_leaves_nothing() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n");
    let failing = "SELECT 10 / (n - 9000) AS a FROM UNNEST(sequence(1, 10000)) AS t(n)";
    for sql in [
        format!("CREATE TABLE made AS {failing}"),
        format!("INSERT INTO t {failing}"),
        format!("UNLOAD ({failing}) TO 's3://lake/out/' WITH (format = 'JSON')"),
    ] {
        let reason = lake.reason(&sql, "FAILED").await;
        assert_eq!(reason, "DIVISION_BY_ZERO: Division by zero", "{sql}");
    }
    assert_eq!(lake.rows("SELECT a FROM t").await, [["a"], ["1"]]);
    assert_eq!(lake.keys("out/").await.len() + lake.keys("results/tables/").await.len(), 0);
    assert!(lake.reason("SELECT * FROM made", "FAILED").await.starts_with("TABLE_NOT_FOUND"));
}

#[tokio::test]
async fn a_column_has_the_type_of_all_branches() {
    let lake = Lake::new().await;
    lake.done("CREATE TABLE made AS SELECT 1 AS a UNION ALL SELECT 2.5").await;
    let described = lake.rows("DESCRIBE made").await;
    assert_eq!(described[0][0].split_whitespace().collect::<Vec<_>>(), ["a", "decimal(11,1)"]);
    assert_eq!(lake.rows("SELECT a FROM made ORDER BY a").await, [["a"], ["1.0"], ["2.5"]]);
}

#[tokio::test]
async fn a_map_is_not_written_into_a_text() {
    let lake = Lake::new().await;
    let sql = "CREATE TABLE mapped WITH (format = 'TEXTFILE') AS SELECT MAP(ARRAY['k'], ARRAY[1]) AS m";
    let reason = lake.reason(sql, "FAILED").await;
    assert!(reason.starts_with("NOT_SUPPORTED: the stand-in writes no map into a TEXTFILE; Athena does"), "{reason}");
    assert!(lake.reason("SELECT * FROM mapped", "FAILED").await.starts_with("TABLE_NOT_FOUND"));
}

#[tokio::test]
async fn rows_are_added_to_a_table_of_json_under_its_keys() {
    let lake = Lake::new().await;
    let columns = [("id", "bigint"), ("r", "struct<x:int,ts:string>"), ("ts", "string"), ("price", "double")];
    lake.table("mapped", &columns, &[], json!({"write.compression": "NONE"}), json!({"mapping.ts": "timestamp"})).await;
    lake.object("mapped/1.json", "{\"id\":1,\"timestamp\":\"old\"}\n");
    let execution = lake
        .done("INSERT INTO mapped (ts, id, r) SELECT 'new', 2, CAST(ROW(7, 'in') AS ROW(a integer, b varchar))")
        .await;
    assert_eq!((&execution["StatementType"], &execution["SubstatementType"]), (&json!("DML"), &json!("INSERT")));
    let id = execution["QueryExecutionId"].as_str().expect("an id");
    assert_eq!(execution["ResultConfiguration"]["OutputLocation"], format!("s3://lake/results/{id}"));
    assert_eq!(execution["Statistics"]["DataManifestLocation"], format!("s3://lake/results/{id}-manifest.csv"));
    let written = lake.data(&manifest(&lake, &execution).await[0]).await;
    assert_eq!(written, "{\"id\":2,\"r\":{\"x\":7,\"timestamp\":\"in\"},\"timestamp\":\"new\",\"price\":null}\n");
    let rows = lake.rows("SELECT id, r, ts, price FROM mapped ORDER BY id").await;
    assert_eq!(rows[1..], [["1", "null", "old", "null"], ["2", "{x=7, ts=in}", "new", "null"]]);
    lake.done("INSERT INTO mapped VALUES (3, NULL, 'x', 1.5), (4, NULL, 'y', 2)").await;
    assert_eq!(lake.value("SELECT count(*), sum(price) FROM mapped").await, "4|3.5");
}

#[tokio::test]
async fn no_rows_are_added_where_the_first_lines_are_headers() {
    let lake = Lake::new().await;
    for (name, count) in [("headed", 1), ("plain", 0)] {
        lake.done(&format!(
            "CREATE EXTERNAL TABLE {name} (a int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE \
             LOCATION 's3://lake/{name}/' TBLPROPERTIES ('skip.header.line.count'='{count}')"
        ))
        .await;
    }
    let reason = lake.reason("INSERT INTO headed VALUES (1)", "FAILED").await;
    assert_eq!(
        reason,
        "NOT_SUPPORTED: the stand-in inserts no rows into a table with skip.header.line.count; Athena does"
    );
    assert_eq!(lake.keys("headed/").await, Vec::<String>::new());
    lake.done("INSERT INTO plain VALUES (1)").await;
    assert_eq!(lake.value("SELECT a FROM plain").await, "1");
}

#[tokio::test]
async fn columns_of_parquet_keep_their_names() {
    let lake = Lake::new().await;
    let serde = json!({
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"mapping.ts": "timestamp"},
    });
    lake.table_of("kept", &[("id", "bigint"), ("ts", "string")], &[], json!({}), serde).await;
    lake.done("INSERT INTO kept VALUES (1, 'new')").await;
    assert_eq!(lake.value("SELECT id, ts FROM kept").await, "1|new");
}

#[tokio::test]
async fn a_partition_is_named_in_printable_ascii() {
    let lake = Lake::new().await;
    let with = "WITH (table_type = 'hive', is_external = true, partitioned_by = ARRAY['k'])";
    for (value, bytes) in [("'ü'", "C3 BC"), ("chr(9) || '~'", "09 7E")] {
        let reason = lake.reason(&format!("CREATE TABLE made {with} AS SELECT 1 a, {value} k"), "FAILED").await;
        assert_eq!(
            reason,
            format!(
                "HIVE_INVALID_PARTITION_VALUE: Hive partition keys can only contain printable ASCII characters \
                 (0x20 - 0x7E). Invalid value: {bytes}"
            )
        );
    }
    lake.done(&format!("CREATE TABLE made {with} AS SELECT 1 a, ' ~' k")).await;
    assert_eq!(lake.value("SELECT a FROM made WHERE k = ' ~'").await, "1");
}

#[tokio::test]
async fn what_does_not_fit_a_table_is_not_added() {
    let lake = Lake::with_table(&[("a", "int"), ("b", "string")], &[("day", "date")]).await;
    lake.done("CREATE VIEW v AS SELECT 1 a").await;
    for (sql, words) in [
        (
            "INSERT INTO t VALUES (1, 'x')",
            "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [integer, varchar, date], Query: [integer, varchar]",
        ),
        ("INSERT INTO t VALUES (1, 'x', '2026-01-01')", "TYPE_MISMATCH"),
        ("INSERT INTO t (a) SELECT 3000000000", "TYPE_MISMATCH"),
        (
            "INSERT INTO t (a, nope) VALUES (1, 2)",
            "COLUMN_NOT_FOUND: line 1:1: Insert column name does not exist in target table: nope",
        ),
        ("INSERT INTO t (a, A) VALUES (1, 2)", "DUPLICATE_COLUMN_NAME"),
        ("INSERT INTO nope VALUES (1)", "TABLE_NOT_FOUND: Table 'awsdatacatalog.tpcds.nope' does not exist"),
        ("INSERT INTO v VALUES (1)", "NOT_SUPPORTED: Inserting into views is not supported"),
        ("INSERT OVERWRITE t VALUES (1)", "SYNTAX_ERROR: line 1:8: mismatched input 'OVERWRITE'. Expecting: 'INTO'"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with(words), "{sql}: {reason}");
    }
    assert_eq!(lake.keys("t/").await, Vec::<String>::new());
    let execution = lake.done("INSERT INTO t SELECT 1, 'x', DATE '2026-01-01' WHERE false").await;
    assert_eq!(execution["Statistics"]["DataManifestLocation"], Value::Null, "nothing was written");
}

#[tokio::test]
async fn rows_go_to_the_partitions_that_are_registered_and_to_new_ones() {
    let lake = Lake::with_table(&[("a", "bigint")], &[("year", "int"), ("month", "string")]).await;
    lake.partition(&["2026", "01"], "elsewhere/").await;
    lake.done("INSERT INTO t VALUES (1, 2026, '01'), (2, 2026, '02'), (3, 2026, '01')").await;
    assert_eq!((lake.keys("elsewhere/").await.len(), lake.keys("t/year=2026/month=02/").await.len()), (1, 1));
    assert_eq!(lake.rows("SHOW PARTITIONS t").await, [["year=2026/month=01"], ["year=2026/month=02"]]);
    assert_eq!(lake.value("SELECT sum(a) FROM t WHERE month = '01'").await, "4");
    assert_eq!(lake.value("SELECT sum(a) FROM t WHERE month = '02' AND year = 2026").await, "2");
}

#[tokio::test]
async fn rows_go_where_a_projection_looks_for_them() {
    let lake = Lake::new().await;
    let parameters = json!({
        "projection.enabled": "true", "projection.day.type": "date", "projection.day.format": "yyyy/MM/dd",
        "projection.day.range": "2026/01/01,2026/12/31", "projection.hour.type": "integer", "projection.hour.range": "0,23",
        "projection.hour.digits": "2", "storage.location.template": "s3://lake/projected/${day}/h-${hour}/",
    });
    lake.table("projected", &[("a", "bigint")], &[("day", "string"), ("hour", "int")], parameters, json!({})).await;
    lake.done("INSERT INTO projected VALUES (1, '2026/03/04', 5), (2, '2026/03/04', 17)").await;
    let keys = lake.keys("projected/").await;
    assert!(
        keys[0].starts_with("projected/2026/03/04/h-05/") && keys[1].starts_with("projected/2026/03/04/h-17/"),
        "{keys:?}"
    );
    assert_eq!(
        lake.rows("SELECT * FROM projected WHERE day = '2026/03/04' ORDER BY a").await[1..],
        [["1", "2026/03/04", "5"], ["2", "2026/03/04", "17"]]
    );
    let partitions =
        ask(&lake.glue, "GetPartitions", json!({"DatabaseName": "tpcds", "TableName": "projected"}).to_string());
    assert_eq!(
        serde_json::from_slice::<Value>(&partitions.await.expect("asked")).expect("JSON")["Partitions"],
        json!([])
    );
    for values in ["(3, '2025/03/04', 5)", "(3, '2026/03/04', 24)", "(3, NULL, 5)"] {
        let reason = lake.reason(&format!("INSERT INTO projected VALUES {values}"), "FAILED").await;
        assert!(reason.contains("its rows would not be found"), "{values}: {reason}");
    }
}

#[tokio::test]
async fn many_rows_are_written_and_read_again() {
    let lake = Lake::new().await;
    let rows = "SELECT a * 10000 + b AS n, rpad('x', 40, 'y') AS s FROM UNNEST(sequence(0, 29)) AS t(a), UNNEST(sequence(0, 9999)) AS u(b)";
    for format in ["PARQUET", "JSON", "TEXTFILE"] {
        let execution = lake.done(&format!("CREATE TABLE many WITH (format = '{format}') AS {rows}")).await;
        let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": execution["QueryExecutionId"]})).await;
        assert_eq!(answer["UpdateCount"], 300_000);
        assert_eq!(lake.value("SELECT count(*), sum(n), min(length(s)) FROM many").await, "300000|44999850000|40");
        lake.done("DROP TABLE many").await;
    }
}

#[tokio::test]
async fn rows_are_unloaded_without_a_table() {
    let lake = Lake::with_table(&[("a", "bigint"), ("b", "string")], &[]).await;
    lake.object("t/1.json", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n");
    let unload = "UNLOAD (SELECT a, b FROM t ORDER BY a) TO 's3://lake/out/' WITH (format = 'TEXTFILE', field_delimiter = ',', compression = 'NONE')";
    let execution = lake.done(unload).await;
    assert_eq!((&execution["StatementType"], &execution["SubstatementType"]), (&json!("DML"), &json!("UNLOAD")));
    let keys = manifest(&lake, &execution).await;
    assert_eq!(keys, lake.keys("out/").await);
    assert_eq!(lake.data(&keys[0]).await, "1,x\n2,y\n");
    let reason = lake.reason(unload, "FAILED").await;
    assert!(
        reason.starts_with("HIVE_PATH_ALREADY_EXISTS: Target directory for UNLOAD already exists: s3://lake/out/"),
        "{reason}"
    );
    let by_b = "UNLOAD (SELECT a, b FROM t) TO 's3://lake/by/' WITH (format = 'JSON', partitioned_by = ARRAY['b'])";
    lake.done(by_b).await;
    lake.done(by_b).await;
    assert_eq!((lake.keys("by/b=x/").await.len(), lake.keys("by/b=y/").await.len()), (2, 2));
    for (with, words) in [
        ("", "INVALID_TABLE_PROPERTY: UNLOAD needs the property format"),
        ("WITH (format = 'AVRO')", "NOT_SUPPORTED: the stand-in has no `format = 'AVRO'`"),
        (
            "WITH (format = 'PARQUET', external_location = 's3://lake/')",
            "INVALID_TABLE_PROPERTY: Catalog 'awsdatacatalog' table property 'external_location' does not exist",
        ),
    ] {
        let reason = lake.reason(&format!("UNLOAD (SELECT a FROM t) TO 's3://lake/n/' {with}"), "FAILED").await;
        assert!(reason.starts_with(words), "{with}: {reason}");
    }
}

#[tokio::test]
async fn a_statement_that_writes_can_be_prepared() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.done("PREPARE unloading FROM UNLOAD (SELECT a FROM t WHERE a > ?) TO 's3://lake/out/' WITH (format = 'JSON')")
        .await;
    lake.object("t/1.json", "{\"a\":1}\n{\"a\":2}\n");
    let execution = lake.done("EXECUTE unloading USING 1").await;
    assert_eq!(execution["SubstatementType"], "UNLOAD");
    assert_eq!(manifest(&lake, &execution).await, lake.keys("out/").await);
    let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": execution["QueryExecutionId"]})).await;
    assert_eq!(answer["UpdateCount"], 1);
}

#[tokio::test]
async fn a_table_that_comes_meanwhile_stays_and_what_was_written_is_taken_back() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n");
    let gate = lake.store.gate.lock().await;
    let id = lake.start("CREATE TABLE made AS SELECT a FROM t").await;
    lake.until(&id, &["RUNNING"]).await;
    lake.table("made", &[("b", "string")], &[], json!({}), json!({})).await;
    drop(gate);
    let execution = lake.until(&id, &["FAILED", "SUCCEEDED"]).await;
    let reason = execution["Status"]["StateChangeReason"].as_str().unwrap_or_default();
    assert!(reason.contains("already exists"), "{execution}");
    assert_eq!(lake.keys("results/tables/").await, Vec::<String>::new());
    assert_eq!(lake.described("made").await["StorageDescriptor"]["Columns"][0]["Name"], "b");
}

#[tokio::test]
async fn a_statement_that_is_stopped_or_denied_has_written_nothing() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n");
    let gate = lake.store.gate.lock().await;
    let id = lake.start("INSERT INTO t SELECT a + 1 FROM t").await;
    lake.until(&id, &["RUNNING"]).await;
    lake.ok("StopQueryExecution", json!({"QueryExecutionId": id})).await;
    drop(gate);
    lake.until(&id, &["CANCELLED"]).await;
    assert_eq!(lake.rows("SELECT a FROM t").await, [["a"], ["1"]]);
    let deny = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}}"#;
    lake.store.s3.create_bucket("lake", Some(deny));
    let reason = lake.reason("CREATE TABLE made AS SELECT 1 a", "FAILED").await;
    assert!(reason.contains("AccessDenied"), "{reason}");
    assert_eq!(lake.keys("results/tables/").await, Vec::<String>::new());
    assert!(lake.glue.table("tpcds", "made").is_none());
}
