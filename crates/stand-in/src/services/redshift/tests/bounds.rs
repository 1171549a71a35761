//! Statements that would take the machine, or the whole process: each ends by itself, and the next one runs.

use super::*;

#[tokio::test]
async fn what_is_nested_too_deeply_fails_by_itself() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)"]).await;
    let terms = |count: usize, link: &str| vec!["1"; count].join(link);
    for sql in [format!("SELECT {}", terms(500, "+")), format!("SELECT 1{}", "::int".repeat(490))] {
        assert_eq!(rig.run(&[&sql]).await.len(), 1);
    }
    for sql in [
        format!("SELECT {}", terms(20_000, "+")),
        format!("SELECT 1{}", "::int".repeat(15_000)),
        format!("SELECT {}", terms(5_000, " UNION ALL SELECT ")),
        format!("DELETE FROM t WHERE {}", vec!["a=1"; 12_000].join(" OR ")),
        format!("INSERT INTO t SELECT {}", terms(20_000, "+")),
        format!("CREATE TABLE u (a INTEGER DEFAULT {})", terms(20_000, "+")),
    ] {
        let failure = rig.failure(&[&sql]).await;
        assert!(failure.contains("ERROR: statement is too large (levels of nesting"), "{}: {failure}", &sql[..40]);
    }
    assert_eq!(rig.run(&["SELECT a FROM t"]).await, expected(&[&["1"]]));
}

#[tokio::test]
async fn what_explodes_fails_by_itself() {
    let rig = Rig::new();
    let doubled: String = (1..40).map(|n| format!(", t{n} AS (SELECT a.x FROM t{0} a, t{0} b)", n - 1)).collect();
    let doubled = format!("WITH t0 AS (SELECT 1 AS x){doubled} SELECT COUNT(*) FROM t39");
    for (sql, words) in [
        (doubled.as_str(), "statement is too large (tables, read out"),
        ("SELECT array_repeat(1, 1000000000)", "array_repeat would make"),
        ("SELECT LEN(REPEAT('x', 1000000000))", "repeat would make"),
        ("SELECT LEN(LPAD('x', 1000000000))", "lpad would make"),
    ] {
        let failure = rig.failure(&[sql]).await;
        assert!(failure.contains(words), "{failure}");
    }
    assert_eq!(rig.run(&["SELECT LPAD('x', 3, 'y')"]).await, expected(&[&["yyx"]]));
}

#[tokio::test]
async fn a_statement_without_an_end_can_be_stopped() {
    let rig = Rig::new();
    let endless = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT COUNT(*) FROM t";
    let sent = json!({"WorkgroupName": "demo", "Database": "dev", "Sql": endless});
    let sent = rig.data("ExecuteStatement", sent).await.expect("taken");
    sleep(Duration::from_millis(300)).await;
    rig.data("CancelStatement", json!({"Id": sent["Id"]})).await.expect("stopped");
    assert_eq!(rig.ended(&sent).await["Status"], "ABORTED");
    assert_eq!(rig.run(&["SELECT 7"]).await, expected(&[&["7"]]));
}
