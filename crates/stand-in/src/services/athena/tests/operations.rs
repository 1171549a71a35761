//! Workgroups, and what becomes of a query.

use super::*;

#[tokio::test]
async fn a_result_is_quoted_csv_in_s3() {
    let lake = Lake::with_table(&[("n", "bigint"), ("s", "string")], &[]).await;
    lake.object("t/1.json", "{\"n\":1,\"s\":\"say \\\"hi\\\",\\nthere\"}\n{\"n\":2,\"s\":\"\"}\n{\"n\":3}\n");
    let execution = lake.ended("select n, s from t order by n").await;
    let location = execution["ResultConfiguration"]["OutputLocation"].as_str().expect("a location");
    let id = execution["QueryExecutionId"].as_str().expect("an id");
    assert_eq!(location, format!("s3://lake/results/{id}.csv"));
    let csv = lake.data(&format!("results/{id}.csv")).await;
    assert_eq!(csv, "\"n\",\"s\"\n\"1\",\"say \"\"hi\"\",\nthere\"\n\"2\",\"\"\n\"3\",\n");
    let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": id})).await;
    assert_eq!(rows(&answer), [["n", "s"], ["1", "say \"hi\",\nthere"], ["2", ""], ["3", "null"]]);
    assert_eq!(answer["ResultSet"]["Rows"][3]["Data"][1], json!({}), "a null has no value");
}

#[tokio::test]
async fn results_come_in_pages_of_at_most_1000_rows() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", (0..2500).map(|a| format!("{{\"a\":{a}}}\n")).collect::<String>());
    let execution = lake.ended("select a from t order by a").await;
    let id = &execution["QueryExecutionId"];
    let mut all = Vec::new();
    let mut token = Value::Null;
    let mut sizes = Vec::new();
    loop {
        let mut request = json!({"QueryExecutionId": id});
        if token.is_string() {
            request["NextToken"] = token;
        }
        let page = lake.ok("GetQueryResults", request).await;
        sizes.push(rows(&page).len());
        all.extend(rows(&page));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 501]);
    assert_eq!((all[0][0].as_str(), all[1000][0].as_str(), all[2500][0].as_str()), ("a", "999", "2499"));
    let refused = lake.refused("GetQueryResults", json!({"QueryExecutionId": id, "MaxResults": 1001})).await;
    assert_eq!(refused.code, "InvalidRequestException");
}

#[tokio::test]
async fn what_is_wrong_fails_with_athenas_words() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    for (sql, words) in [
        ("selec 1", "SYNTAX_ERROR: "),
        ("select a from", "SYNTAX_ERROR: "),
        ("select * from nope", "TABLE_NOT_FOUND: Table 'awsdatacatalog.tpcds.nope' does not exist"),
        ("select * from other.t", "SCHEMA_NOT_FOUND: Schema 'other' does not exist"),
        ("select z from t", "COLUMN_NOT_FOUND: Column 'z' cannot be resolved"),
        ("select no_such_function(a) from t", "FUNCTION_NOT_FOUND: Function 'no_such_function' not registered"),
        (
            "select cosine_similarity(a, a) from t",
            "NOT_SUPPORTED: the stand-in has no `cosine_similarity`; Athena has it",
        ),
        ("select a from t where a = '1'", "TYPE_MISMATCH: Cannot apply operator: bigint = varchar"),
        ("select 1 where ? = 1", "INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 1 but found 0"),
        ("delete from t", "NOT_SUPPORTED: DELETE FROM"),
        ("alter table t rename to u", "NOT_SUPPORTED: the stand-in has no `ALTER TABLE … RENAME TO`; Athena has it"),
        ("create function f() returns bigint", "NOT_SUPPORTED: the stand-in has no `CREATE FUNCTION`"),
        ("show stats for t", "NOT_SUPPORTED: show stats for t"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with(words), "{sql}: {reason}");
    }
    let failed = lake.ended("selec 1").await;
    assert_eq!(failed["Status"]["AthenaError"]["ErrorCategory"], 2);
    let refused = lake.refused("GetQueryResults", json!({"QueryExecutionId": failed["QueryExecutionId"]})).await;
    assert_eq!(refused.message, "Query did not finish successfully. Final query state: FAILED");
}

#[tokio::test]
async fn the_catalog_answers_show_and_describe_without_a_header() {
    let lake = Lake::with_table(&[("a", "bigint")], &[("year", "int")]).await;
    lake.partition(&["2026"], "t/year=2026/").await;
    assert_eq!(lake.rows("SHOW DATABASES").await, [["tpcds"]]);
    assert_eq!(lake.rows("show tables in `tpcds`;").await, [["t"]]);
    assert_eq!(lake.rows("show partitions tpcds.t").await, [["year=2026"]]);
    let described = lake.rows("describe t").await;
    assert_eq!(described[1][0].split_whitespace().collect::<Vec<_>>(), ["year", "int"]);
    assert_eq!(lake.rows("show columns in t").await, [["a"], ["year"]]);
    assert_eq!(lake.rows("show columns from t in tpcds").await, [["a"], ["year"]]);
    let created = lake.rows("show create table t").await.concat().join("\n");
    let expected = "CREATE EXTERNAL TABLE `t`(\n  `a` bigint)\nPARTITIONED BY (\n  `year` int)\nROW FORMAT SERDE\n  \
                    'org.openx.data.jsonserde.JsonSerDe'\nLOCATION\n  's3://lake/t/'";
    assert_eq!(created, expected);
}

#[tokio::test]
async fn a_statement_is_prepared_once_and_run_with_other_values() {
    let lake = Lake::with_table(&[("a", "bigint"), ("b", "string")], &[]).await;
    lake.object("t/1.json", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n");
    lake.ended("PREPARE by_name FROM SELECT a FROM t WHERE b = ? AND a < ? + 5").await;
    assert_eq!(lake.value("EXECUTE by_name USING 'y', 1").await, "2");
    assert_eq!(lake.value("execute By_Name using 'x', 1 + 1").await, "1");
    let reason = lake.reason("EXECUTE by_name USING 'y'", "FAILED").await;
    assert_eq!(reason, "INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected 2 but found 1");
    lake.ended("DEALLOCATE PREPARE by_name").await;
    let reason = lake.reason("EXECUTE by_name USING 'y', 1", "FAILED").await;
    assert_eq!(reason, "NOT_FOUND: Prepared statement not found: by_name");
    let mut start = request("SELECT a FROM t WHERE b = ?");
    start["ExecutionParameters"] = json!(["'y'"]);
    let started = lake.ok("StartQueryExecution", start).await;
    let id = started["QueryExecutionId"].as_str().expect("an id");
    lake.until(id, &["SUCCEEDED"]).await;
    assert_eq!(rows(&lake.ok("GetQueryResults", json!({"QueryExecutionId": id})).await), [["a"], ["2"]]);
}

#[tokio::test]
async fn a_row_says_in_which_object_it_lies() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n");
    lake.object("t/2.json", "{\"a\":2}\n");
    let rows = lake.rows("SELECT \"$path\", * FROM t ORDER BY 1").await;
    assert_eq!(rows, [["$path", "a"], ["s3://lake/t/1.json", "1"], ["s3://lake/t/2.json", "2"]]);
    assert_eq!(lake.rows("SELECT * FROM t ORDER BY a LIMIT 1").await, [["a"], ["1"]]);
    assert_eq!(
        lake.value("SELECT a FROM \"AwsDataCatalog\".\"tpcds\".\"t\" x WHERE x.\"$path\" LIKE '%2.json'").await,
        "2"
    );
}

#[tokio::test]
async fn a_plan_is_explained_and_a_sample_is_a_part() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", (0..1_000).map(|a| format!("{{\"a\":{a}}}\n")).collect::<String>());
    assert!(lake.rows("EXPLAIN SELECT a FROM t WHERE a > 1").await.concat().join("\n").contains("TableScan"));
    let sampled: usize =
        lake.value("SELECT count(*) FROM t TABLESAMPLE BERNOULLI (50)").await.parse().expect("a number");
    assert!((300..700).contains(&sampled), "{sampled}");
}

#[tokio::test]
async fn a_token_starts_one_query_only() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    let mut start = request("select count(*) from t");
    start["ClientRequestToken"] = "0123456789abcdef0123456789abcdef".into();
    let first = lake.ok("StartQueryExecution", start.clone()).await;
    assert_eq!(lake.ok("StartQueryExecution", start.clone()).await, first);
    start["QueryString"] = "select 1".into();
    assert_eq!(lake.refused("StartQueryExecution", start).await.code, "InvalidRequestException");
    let listed = lake.ok("ListQueryExecutions", json!({})).await;
    assert_eq!(listed["QueryExecutionIds"], json!([first["QueryExecutionId"]]));
    let ids = json!({"QueryExecutionIds": [first["QueryExecutionId"], "nope"]});
    let both = lake.ok("BatchGetQueryExecution", ids).await;
    assert_eq!(both["QueryExecutions"][0]["QueryExecutionId"], first["QueryExecutionId"]);
    assert_eq!(both["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"], "nope");
}

#[tokio::test]
async fn a_workgroup_says_where_results_go_and_how_much_is_scanned() {
    let lake = Lake::with_table(&[("a", "string")], &[]).await;
    let configuration = json!({
        "ResultConfiguration": {"OutputLocation": "s3://lake/own"},
        "EnforceWorkGroupConfiguration": true, "BytesScannedCutoffPerQuery": 10_000_000,
    });
    let create = json!({"Name": "demo", "Configuration": configuration, "Tags": [{"Key": "stack", "Value": "a"}]});
    lake.ok("CreateWorkGroup", create.clone()).await;
    assert_eq!(lake.refused("CreateWorkGroup", create).await.code, "InvalidRequestException");
    let described = lake.ok("GetWorkGroup", json!({"WorkGroup": "demo"})).await;
    assert_eq!(described["WorkGroup"]["Configuration"]["BytesScannedCutoffPerQuery"], 10_000_000);
    let mut start = request("select count(*) from t");
    start["WorkGroup"] = "demo".into();
    let id = lake.ok("StartQueryExecution", start.clone()).await["QueryExecutionId"].clone();
    let id = id.as_str().expect("an id");
    let done = lake.until(id, &["SUCCEEDED"]).await;
    let location = done["ResultConfiguration"]["OutputLocation"].as_str().expect("a location");
    assert!(location.starts_with("s3://lake/own/"), "{location}");
    lake.object("t/large.json", format!("{{\"a\":\"{}\"}}", "x".repeat(10_000_000)));
    let id = lake.ok("StartQueryExecution", start.clone()).await["QueryExecutionId"].clone();
    let over = lake.until(id.as_str().expect("an id"), &["CANCELLED", "SUCCEEDED", "FAILED"]).await;
    assert_eq!(over["Status"]["State"], "CANCELLED");
    let reason = over["Status"]["StateChangeReason"].as_str().expect("a reason");
    assert!(reason.contains("Bytes scanned limit was exceeded"), "{reason}");
    let refused = lake.refused("DeleteWorkGroup", json!({"WorkGroup": "demo"})).await;
    assert!(refused.message.contains("not empty"), "{refused}");
    lake.ok("DeleteWorkGroup", json!({"WorkGroup": "demo", "RecursiveDeleteOption": true})).await;
    assert_eq!(lake.refused("StartQueryExecution", start).await.code, "InvalidRequestException");
    assert_eq!(lake.refused("DeleteWorkGroup", json!({"WorkGroup": "primary"})).await.code, "InvalidRequestException");
}

#[tokio::test]
async fn workgroups_are_checked_changed_and_tagged() {
    let lake = Lake::new().await;
    let small = json!({"Name": "w", "Configuration": {"BytesScannedCutoffPerQuery": 9_999_999}});
    assert_eq!(lake.refused("CreateWorkGroup", small).await.code, "InvalidRequestException");
    let tags = json!([{"Key": "a", "Value": "1"}]);
    lake.ok(
        "CreateWorkGroup",
        json!({"Name": "w", "Configuration": {"BytesScannedCutoffPerQuery": 20_000_000}, "Tags": tags}),
    )
    .await;
    let arn = "arn:aws:athena:us-east-1:000000000000:workgroup/w";
    lake.ok(
        "TagResource",
        json!({"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]}),
    )
    .await;
    lake.ok("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["b"]})).await;
    let tags = lake.ok("ListTagsForResource", json!({"ResourceARN": arn})).await;
    assert_eq!(tags["Tags"], json!([{"Key": "a", "Value": "2"}]));
    let updates = json!({"RemoveBytesScannedCutoffPerQuery": true, "ResultConfigurationUpdates": {"OutputLocation": "s3://lake/x/"}});
    lake.ok("UpdateWorkGroup", json!({"WorkGroup": "w", "ConfigurationUpdates": updates, "State": "DISABLED"})).await;
    let group = lake.ok("GetWorkGroup", json!({"WorkGroup": "w"})).await["WorkGroup"].clone();
    assert_eq!(group["Configuration"].get("BytesScannedCutoffPerQuery"), None);
    assert_eq!(group["Configuration"]["ResultConfiguration"]["OutputLocation"], "s3://lake/x/");
    let mut start = request("select 1");
    start["WorkGroup"] = "w".into();
    assert!(lake.refused("StartQueryExecution", start).await.message.contains("disabled"));
    let names = lake.ok("ListWorkGroups", json!({})).await;
    let names: Vec<_> = names["WorkGroups"].as_array().expect("a list").iter().map(|group| &group["Name"]).collect();
    assert_eq!(names, ["primary", "w"]);
    let nowhere = json!({"QueryString": "select 1"});
    assert!(lake.refused("StartQueryExecution", nowhere).await.message.starts_with("No output location provided"));
    let mut start = request("select 1");
    start["ResultConfiguration"]["OutputLocation"] = "s3://missing/".into();
    assert!(lake.refused("StartQueryExecution", start).await.message.contains("output bucket missing"));
}

#[tokio::test]
async fn a_stopped_query_is_cancelled_and_others_wait_their_turn() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n");
    let gate = lake.store.gate.lock().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = lake.start("select count(*) from t").await;
        lake.until(&id, &["RUNNING"]).await;
        ids.push(id);
    }
    let queued = lake.start("select count(*) from t").await;
    lake.until(&queued, &["QUEUED"]).await;
    lake.ok("StopQueryExecution", json!({"QueryExecutionId": ids[0]})).await;
    lake.until(&queued, &["RUNNING"]).await;
    drop(gate);
    for id in &ids[1..] {
        lake.until(id, &["SUCCEEDED"]).await;
    }
    lake.until(&queued, &["SUCCEEDED"]).await;
    let stopped = lake.until(&ids[0], &["CANCELLED"]).await;
    assert_eq!(stopped["Status"]["StateChangeReason"], "Query was cancelled by user");
    lake.ok("StopQueryExecution", json!({"QueryExecutionId": queued})).await;
    lake.until(&queued, &["SUCCEEDED"]).await;
}

#[tokio::test]
async fn executions_and_workgroups_survive_a_restart() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.object("t/1.json", "{\"a\":1}\n");
    lake.ok("CreateWorkGroup", json!({"Name": "kept"})).await;
    let done = lake.ended("select count(*) from t").await["QueryExecutionId"].clone();
    let gate = lake.store.gate.lock().await;
    let running = lake.start("select count(*) from t").await;
    lake.until(&running, &["RUNNING"]).await;
    let athena = Athena::open_over_store(&lake.folder.path().join("athena"), lake.glue.clone(), lake.store.clone())
        .expect("Athena");
    drop(gate);
    let lake = Lake { athena, ..lake };
    let failed = lake.until(&running, &["FAILED"]).await;
    assert!(failed["Status"]["StateChangeReason"].as_str().is_some_and(|reason| reason.contains("restarted")));
    let answer = lake.ok("GetQueryResults", json!({"QueryExecutionId": done})).await;
    assert_eq!(rows(&answer), [["_col0"], ["1"]]);
    lake.ok("GetWorkGroup", json!({"WorkGroup": "kept"})).await;
}

#[tokio::test]
async fn a_named_query_lies_in_its_workgroup_and_keeps_it() {
    let lake = Lake::with_table(&[("a", "bigint")], &[]).await;
    lake.ok("CreateWorkGroup", json!({"Name": "w"})).await;
    let query = json!({"Name": "mine", "Database": "tpcds", "QueryString": "select 1", "ClientRequestToken": "once"});
    let mut in_w = query.clone();
    in_w["WorkGroup"] = "w".into();
    let id = lake.ok("CreateNamedQuery", in_w.clone()).await["NamedQueryId"].clone();
    assert_eq!(lake.ok("CreateNamedQuery", in_w).await["NamedQueryId"], id, "the same request");
    let other = lake.ok("CreateNamedQuery", query).await["NamedQueryId"].clone();
    assert_ne!(other, id);
    let described = lake.ok("GetNamedQuery", json!({"NamedQueryId": id})).await["NamedQuery"].clone();
    assert_eq!((&described["Name"], &described["WorkGroup"]), (&json!("mine"), &json!("w")));
    assert_eq!(lake.ok("ListNamedQueries", json!({"WorkGroup": "w"})).await["NamedQueryIds"], json!([id]));
    assert_eq!(lake.ok("ListNamedQueries", json!({})).await["NamedQueryIds"], json!([other]));
    let kept = lake.refused("DeleteWorkGroup", json!({"WorkGroup": "w"})).await;
    assert!(kept.message.contains("is not empty"), "{kept:?}");
    lake.ok("DeleteNamedQuery", json!({"NamedQueryId": id})).await;
    let missing = lake.refused("GetNamedQuery", json!({"NamedQueryId": id})).await;
    assert_eq!(missing.code, "InvalidRequestException");
    lake.ok("DeleteWorkGroup", json!({"WorkGroup": "w"})).await;
}
