//! How objects become rows.

use super::*;

#[tokio::test]
async fn counts_and_sums_over_plain_and_zipped_objects() {
    let lake = Lake::with_table(&[("a", "bigint"), ("b", "double"), ("c", "string")], &[]).await;
    lake.object("t/1.json", "{\"a\":1,\"b\":0.5,\"c\":\"x\"}\n{\"a\":2,\"b\":1e8}\n");
    let mut members = gzip("{\"a\":3}\n{\"a\":");
    members.extend(gzip("4}\n"));
    lake.object("t/2.gz", members);
    lake.object("t/3-no-suffix", gzip("{\"a\":5}"));
    lake.object("t/_hidden", "nothing to read");
    lake.object("other/1.json", "{\"a\":100}");
    assert_eq!(lake.value("select count(*), sum(a), sum(b) from t").await, "5|15|1.000000005E8");
    assert_eq!(lake.value("select count(*) from t where a > 3").await, "2");
    assert_eq!(lake.value("select c from t where c is not null").await, "x");
    assert_eq!(lake.rows("select a from t order by a limit 2").await, [["a"], ["1"], ["2"]]);
}

#[tokio::test]
async fn an_empty_table_has_no_rows() {
    let lake = Lake::with_table(&[("a", "bigint")], &[("year", "string")]).await;
    assert_eq!(lake.value("select count(*) from t").await, "0");
    assert_eq!(lake.rows("select a, year from t").await, [["a", "year"]]);
}

#[tokio::test]
async fn dots_reach_into_structs_and_arrays_are_read() {
    let columns =
        [("ss_item", "struct<i_category:string,i_brand_id:bigint,deep:struct<x:double>>"), ("tags", "array<string>")];
    let lake = Lake::with_table(&columns, &[]).await;
    let line = r#"{"ss_item":{"i_brand_id":7,"i_category":"Books","deep":{"x":1.25}},"tags":["p","q"]}"#;
    lake.object("t/1.json", format!("{line}\n{{\"ss_item\":null}}\n"));
    let sql = "select ss_item.i_category, ss_item.deep.x, ss_item, tags from t where ss_item.i_brand_id = 7";
    let rows = lake.rows(sql).await;
    assert_eq!(rows[0], ["i_category", "x", "ss_item", "tags"]);
    assert_eq!(rows[1], ["Books", "1.25", "{i_category=Books, i_brand_id=7, deep={x=1.25}}", "[p, q]"]);
    assert_eq!(lake.value("select count(*) from t where ss_item is null").await, "1");
    assert_eq!(lake.value("select t.ss_item.i_category from tpcds.t where t.ss_item is not null").await, "Books");
}

#[tokio::test]
async fn maps_keys_with_dots_and_single_values_for_lists_are_read() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    let columns = [("id", "int"), ("m", "map<string,int>"), ("l", "array<int>"), ("a_b", "int"), ("ts", "timestamp")];
    lake.table("odd", &columns, &[], json!({}), json!({"dots.in.keys": "true"})).await;
    let lines = [
        r#"{"id":1,"m":{"X":7,"y":null},"l":5,"a.b":3,"ts":1518033528}"#,
        r#"{"id":2,"m":{},"l":[6,7]}"#,
        r#"{"id":3}"#,
    ];
    lake.object("odd/1.json", lines.join("\n"));
    let rows = lake.rows("select id, m, element_at(m, 'x') x, l, cardinality(l) n, a_b, ts from odd order by id").await;
    assert_eq!(rows[1], ["1", "{x=7, y=null}", "7", "[5]", "1", "3", "2018-02-07 19:58:48.000"]);
    assert_eq!(lake.value("select m['x'] from odd where id = 1").await, "7");
    assert_eq!(lake.value("select m, element_at(m, 'x'), cardinality(l) from odd where id = 2").await, "{}|null|2");
    let reason = lake.reason("select m['x'] from odd where id = 2", "FAILED").await;
    assert_eq!(reason, "INVALID_FUNCTION_ARGUMENT: Key not present in map: x");
    assert_eq!(lake.value("select m, l from odd where id = 3").await, "null|null");
    assert_eq!(lake.value("select map_keys(m) from odd where id = 1").await, "[x, y]");
}

#[tokio::test]
async fn keys_match_in_any_case_and_empty_lines_are_no_rows() {
    let lake = Lake::with_table(&[("Camel", "bigint"), ("s", "struct<inner:string>")], &[]).await;
    lake.object("t/1.json", "\n{\"CAMEL\":1,\"S\":{\"Inner\":\"x\"}}\r\n\n  \n{\"c\\u0061mel\":2}\n\n");
    assert_eq!(lake.value("select count(*), sum(camel), max(s.inner) from t").await, "2|3|x");
}

#[tokio::test]
async fn a_second_object_glued_to_a_line_is_not_seen() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}{\"a\":10}\n{\"a\":2}{\"a\":20}{\"a\":200}");
    assert_eq!(lake.value("select count(*) from t").await, "2");
    assert_eq!(lake.value("select count(a), sum(a) from t").await, "2|3");
}

#[tokio::test]
async fn a_malformed_line_fails_the_query_or_is_a_row_of_nulls() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.table("lenient", &[("a", "bigint")], &[], json!({}), json!({"ignore.malformed.json": "true"})).await;
    for folder in ["t", "lenient"] {
        lake.object(&format!("{folder}/1.json"), "{\"a\":1}\n{\"a\":2,\"b\":\n{\"a\":3}\nnot json\n");
    }
    for sql in ["select count(*) from t", "select sum(a) from t"] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with("HIVE_BAD_DATA: s3://lake/t/1.json, line 2: Row is not a valid JSON"), "{reason}");
    }
    assert_eq!(lake.value("select count(*), count(a), sum(a) from lenient").await, "4|2|4");
}

#[tokio::test]
async fn a_value_of_another_type_fails_the_query_that_reads_it() {
    let lake = Lake::with_table(&[("a", "int"), ("b", "string")], &[]).await;
    lake.object("t/1.json", "{\"a\":\"12\",\"b\":{\"c\":[1, 2]}}\n{\"a\":3000000000,\"b\":7}\n");
    let reason = lake.reason("select sum(a) from t", "FAILED").await;
    assert!(reason.contains("HIVE_BAD_DATA") && reason.contains("3000000000"), "{reason}");
    assert_eq!(lake.rows("select b from t order by b").await, [["b"], ["7"], ["{\"c\":[1, 2]}"]]);
}

#[tokio::test]
async fn only_the_partitions_asked_for_are_read() {
    let lake = Lake::with_table(&[("a", "bigint")], &[("year", "int"), ("month", "string")]).await;
    for (year, month) in [("2025", "12"), ("2026", "01"), ("2026", "02")] {
        let folder = format!("t/year={year}/month={month}/");
        lake.partition(&[year, month], &folder).await;
        lake.object(&format!("{folder}1.json"), "{\"a\":1}\n");
    }
    let size = lake.object("t/year=2026/month=02/1.json", "{\"a\":1}\n{\"a\":22}\n");
    lake.object("t/year=2027/month=01/1.json", "{\"a\":1}\n");
    let sql = "select year, month, sum(a) s from t where year = 2026 and month >= '02' group by year, month";
    let execution = lake.ended(sql).await;
    assert_eq!(execution["Statistics"]["DataScannedInBytes"], size);
    assert_eq!(lake.read(), ["t/year=2026/month=02/1.json"]);
    assert_eq!(lake.rows(sql).await[1], ["2026", "02", "23"]);
    assert_eq!(lake.value("select count(*) from t").await, "4", "a folder that is not registered is not read");
    let mixed = "select count(*) from t where (year = 2025 or a = 22)";
    assert_eq!(lake.value(mixed).await, "2");
}

#[tokio::test]
async fn many_objects_are_read_by_all_cores() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    for index in 0..50 {
        let lines: String = (0..400).map(|row| format!("{{\"a\":{row},\"pad\":\"{}\"}}\n", "x".repeat(50))).collect();
        lake.object(&format!("t/{index}.gz"), gzip(&lines));
    }
    assert_eq!(lake.value("select count(*), sum(a), count(distinct a) from t").await, "20000|3990000|400");
}

#[tokio::test]
async fn usual_functions_and_types_come_out_as_athena_writes_them() {
    let columns = [
        ("a", "bigint"),
        ("b", "double"),
        ("d", "date"),
        ("ts", "timestamp"),
        ("m", "decimal(10,2)"),
        ("f", "boolean"),
    ];
    let lake = Lake::with_table(&columns, &[]).await;
    let line = r#"{"a":7,"b":1234567.891,"d":"2026-01-31","ts":"2026-01-31 10:00:00.5","m":"12.5","f":true}"#;
    lake.object("t/1.json", line);
    let rows = lake.rows("select a, b, d, ts, m, f from t").await;
    assert_eq!(rows[1], ["7", "1234567.891", "2026-01-31", "2026-01-31 10:00:00.500", "12.50", "true"]);
    let sql = "select round(b, 1), cast(a as varchar), try_cast('x' as bigint), concat('a', cast(a as varchar)), \
               substr('hello', 2, 3), approx_distinct(a), abs(-2), 'it''s' || '!' from t group by a, b";
    assert_eq!(lake.value(sql).await, "1234567.9|7|null|a7|ell|1|2|it's!");
    assert_eq!(lake.value("select date_trunc('month', ts) from t").await, "2026-01-01 00:00:00.000");
    let id = lake.start("select count(*), a, b, d, ts, m, f, 'x' as x from t group by 2,3,4,5,6,7").await;
    lake.until(&id, &["SUCCEEDED"]).await;
    let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": id})).await;
    let info = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"].as_array().expect("columns").clone();
    let types: Vec<_> = info.iter().map(|column| column["Type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["bigint", "bigint", "double", "date", "timestamp", "decimal", "boolean", "varchar"]);
    assert_eq!((&info[0]["Name"], &info[7]["Name"]), (&json!("_col0"), &json!("x")));
}
