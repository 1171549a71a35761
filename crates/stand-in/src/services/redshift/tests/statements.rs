//! The Data API: states, tokens, pages, and transactions.

use super::*;

#[tokio::test]
async fn a_batch_is_one_transaction() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (a INT)"]).await;
    let ended = rig.end_of(&["INSERT INTO t VALUES (1)", "SELECT * FROM nowhere", "INSERT INTO t VALUES (2)"]).await;
    assert_eq!(ended["Status"], "FAILED");
    assert!(text(&ended["Error"]).starts_with("Query #2 failed with ERROR: relation \"nowhere\""), "{ended}");
    let states: Vec<&str> =
        ended["SubStatements"].as_array().expect("statements").iter().map(|part| text(&part["Status"])).collect();
    assert_eq!(states, ["FINISHED", "FAILED", "ABORTED"]);
    assert_eq!(rig.run(&["SELECT count(*) FROM t"]).await, expected(&[&["0"]]));
}

#[tokio::test]
async fn batches_that_write_take_turns() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE done (batch BIGINT)"]).await;
    let guarded = [
        "LOCK TABLE done",
        "SELECT 1 / (1 - count(*)) AS fresh FROM done WHERE batch = 7",
        "INSERT INTO done VALUES (7)",
    ];
    let ends = futures::future::join_all((0..8).map(|_| rig.end_of(&guarded))).await;
    let finished = ends.iter().filter(|ended| ended["Status"] == "FINISHED").count();
    assert_eq!(finished, 1, "one batch alone has found the row absent");
    assert_eq!(rig.run(&["SELECT count(*) FROM done"]).await, expected(&[&["1"]]));
}

#[tokio::test]
async fn results_are_typed_and_come_in_pages() {
    let rig = Rig::new();
    let values: Vec<String> = (0..2500).map(|number| format!("({number}, 'v{number}')")).collect();
    let insert = format!("INSERT INTO t VALUES {}", values.join(", "));
    rig.run(&["CREATE TABLE t (a BIGINT NOT NULL, b VARCHAR(9))", &insert]).await;
    let sql = "SELECT a, b, a / 2.0::float8 AS half, a > 1 AS big, count(*) OVER () FROM t ORDER BY a";
    let sent = json!({"ClusterIdentifier": "none", "Database": "dev", "Sql": sql});
    let refused = rig.data("ExecuteStatement", sent).await.expect_err("no such cluster");
    assert!(refused.code == "ValidationException" && refused.message.contains("endpoint doesn't exist"), "{refused}");
    let sent = json!({"WorkgroupName": "demo", "Database": "dev", "Sql": sql, "StatementName": "halves"});
    let sent = rig.data("ExecuteStatement", sent).await.expect("taken");
    let ended = rig.ended(&sent).await;
    assert_eq!((&ended["ResultRows"], &ended["HasResultSet"]), (&json!(2500), &json!(true)), "{ended}");
    let (mut token, mut sizes) = (Value::Null, Vec::new());
    loop {
        let page = json!({"Id": sent["Id"], "NextToken": token});
        let page = rig.data("GetStatementResult", page).await.expect("a page");
        if sizes.is_empty() {
            let first = json!([{"longValue": 0}, {"stringValue": "v0"}, {"doubleValue": 0.0}, {"booleanValue": false}, {"longValue": 2500}]);
            assert_eq!(page["Records"][0], first);
            let column = |at: usize, field: &str| page["ColumnMetadata"][at][field].clone();
            assert_eq!(
                [column(0, "typeName"), column(0, "name"), column(0, "nullable")],
                [json!("int8"), json!("a"), json!(0)]
            );
            assert_eq!(
                [column(1, "typeName"), column(1, "length"), column(1, "tableName")],
                [json!("varchar"), json!(9), json!("t")]
            );
            assert_eq!([column(2, "name"), column(4, "name")], [json!("half"), json!("count")]);
        }
        sizes.push(page["Records"].as_array().expect("records").len());
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 500]);
    let listed =
        rig.data("ListStatements", json!({"StatementName": "hal", "Status": "FINISHED"})).await.expect("a list");
    assert_eq!(listed["Statements"][0]["Id"], sent["Id"]);
}

#[tokio::test]
async fn a_token_is_used_once_and_statements_survive_a_restart() {
    let mut rig = Rig::new();
    rig.run(&["CREATE TABLE t (a INT)"]).await;
    let sent = |value: u8| {
        json!({"WorkgroupName": "demo", "Database": "dev", "ClientToken": "once",
            "Sqls": [format!("INSERT INTO t VALUES ({value})")]})
    };
    let first = rig.data("BatchExecuteStatement", sent(1)).await.expect("taken");
    rig.ended(&first).await;
    rig.reopen();
    let second = rig.data("BatchExecuteStatement", sent(1)).await.expect("taken");
    assert_eq!(first["Id"], second["Id"]);
    assert_eq!(rig.data("BatchExecuteStatement", sent(2)).await.expect_err("other").code, "ValidationException");
    assert_eq!(rig.run(&["SELECT count(*) FROM t"]).await, expected(&[&["1"]]));
}

#[tokio::test]
async fn what_a_kill_interrupts_is_finished_only_where_its_effect_is_there() {
    let mut rig = Rig::new();
    let done = rig.end_of(&["CREATE TABLE t (a INT)"]).await;
    let failed = rig.end_of(&["INSERT INTO nowhere VALUES (1)"]).await;
    for ended in [&done, &failed] {
        // As a process leaves it that was killed before it noted the end.
        let path = rig.folder.path().join(format!("redshift/statements/{}.json", text(&ended["Id"])));
        let mut kept: Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        kept["state"] = json!("STARTED");
        fs::write(&path, kept.to_string()).expect("written");
    }
    let segments =
        rig.folder.path().join("redshift/warehouses/namespace-00000000-0000-4000-8000-000000000001/segments");
    fs::write(segments.join("torn.parquet"), "half a segment").expect("written");
    rig.reopen();
    assert_eq!(rig.ended(&done).await["Status"], "FINISHED");
    let failed = rig.ended(&failed).await;
    assert_eq!(fs::read_dir(segments).expect("a folder").count(), 0, "what no catalogue names is swept away");
    assert!(failed["Status"] == "FAILED" && text(&failed["Error"]).contains("restarted"), "{failed}");
}

#[tokio::test]
async fn parameters_are_values() {
    let rig = Rig::new();
    let sent = json!({
        "WorkgroupName": "demo", "Database": "dev", "Sql": "SELECT :a AS a, CAST(:n AS INT) + 1 WHERE 'x''y' = :a",
        "Parameters": [{"name": "a", "value": "x'y"}, {"name": "n", "value": "41"}],
    });
    let sent = rig.data("ExecuteStatement", sent).await.expect("taken");
    rig.ended(&sent).await;
    let result = rig.data("GetStatementResult", json!({"Id": sent["Id"]})).await.expect("a result");
    assert_eq!(rows(&result), expected(&[&["x'y", "42"]]));
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_the_services_way() {
    let rig = Rig::new();
    let with = |field: &str, value: Value| {
        let mut sent = json!({"WorkgroupName": "demo", "Database": "dev", "Sql": "SELECT 1"});
        sent[field] = value;
        sent
    };
    for (sent, part) in [
        (with("WorkgroupName", json!("none")), "endpoint doesn't exist"),
        (with("ClusterIdentifier", json!("demo")), "cannot be given together"),
        (with("WorkgroupName", Value::Null), "must be specified"),
        (with("Database", Value::Null), "Database"),
        (with("SecretArn", json!("none")), "can't find the specified secret"),
        (with("Sql", json!("  ")), "bytes"),
        (with("WithEvent", json!(true)), "not supported"),
    ] {
        let refused = rig.data("ExecuteStatement", sent).await.expect_err("refused");
        assert!(refused.code == "ValidationException" && refused.message.contains(part), "{refused}");
    }
    rig.data("ExecuteStatement", with("SecretArn", json!("demo/redshift"))).await.expect("the preloaded secret");
    let sent = rig.data("ExecuteStatement", with("Database", json!("none"))).await.expect("taken");
    assert_eq!(rig.ended(&sent).await["Error"], "FATAL: database \"none\" does not exist");
    let none = rig.data("GetStatementResult", json!({"Id": sent["Id"]})).await.expect_err("no result");
    assert_eq!(none.code, "ResourceNotFoundException");
    assert!(rig.failure(&["VACUUM t"]).await.contains("ERROR: "));
    assert!(rig.failure(&["SELECT 1; SELECT 2"]).await.contains("only one statement"));
    assert!(rig.failure(&["SELEC 1"]).await.contains("syntax error"));
}

#[tokio::test]
async fn catalogues_are_browsed() {
    let rig = Rig::new();
    rig.run(&["CREATE SCHEMA x", "CREATE TABLE x.sales (a BIGINT NOT NULL, b VARCHAR(9))"]).await;
    let target = |more: Value| {
        let mut body = json!({"WorkgroupName": "demo", "Database": "dev"});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    assert_eq!(rig.data("ListDatabases", target(json!({}))).await.expect("a list")["Databases"], json!(["dev"]));
    let schemas = rig.data("ListSchemas", target(json!({"SchemaPattern": "x%"}))).await.expect("a list");
    assert_eq!(schemas["Schemas"], json!(["x"]));
    let tables = rig.data("ListTables", target(json!({"TablePattern": "sa%"}))).await.expect("a list");
    assert_eq!(tables["Tables"], json!([{"name": "sales", "schema": "x", "type": "TABLE"}]));
    let table = rig.data("DescribeTable", target(json!({"Schema": "x", "Table": "sales"}))).await.expect("described");
    let column = |at: usize| (&table["ColumnList"][at]["name"], &table["ColumnList"][at]["typeName"]);
    assert_eq!([column(0), column(1)], [(&json!("a"), &json!("int8")), (&json!("b"), &json!("varchar"))]);
}
