//! Queries that would take the machine, or the whole process: each ends by itself, and the next one runs.

use super::*;

/// `count` numbers with `link` between them.
fn chain(count: usize, link: &str) -> String {
    vec!["1"; count].join(link)
}

#[tokio::test]
async fn what_is_nested_as_deep_as_is_allowed_runs() {
    let lake = Lake::new().await;
    for sql in [
        format!("select {}", chain(500, " + ")),
        format!("select {}", vec!["'a'"; 500].join(" || ")),
        format!("select {}", vec!["1 = 2"; 490].join(" or ")),
        format!("select a{} from (select unnest(range(9)) a)", " is null".repeat(490)),
        format!("select a{} from (select unnest(range(9)) a)", "::bigint::int".repeat(245)),
        format!("select count(*) from (select {})", chain(250, " union all select ")),
        format!("select abs{}1{}", "(abs".repeat(11), ")".repeat(11)).replace("abs1", "abs(1)"),
    ] {
        let end = lake.ended(&sql).await;
        assert_eq!(end["Status"]["State"], "SUCCEEDED", "{}: {}", &sql[..60], end["Status"]);
    }
}

#[tokio::test]
async fn what_is_nested_too_deeply_fails_by_itself() {
    let lake = Lake::new().await;
    for sql in [
        format!("select {}", chain(1_100, "+")),
        format!("select {}", chain(100_000, "+")),
        format!("select {}", vec!["'a'"; 20_000].join("||")),
        format!("select {}", vec!["true"; 20_000].join(" or ")),
        format!("select 1{}", "::int".repeat(40_000)),
        format!("select {}", chain(10_000, " union all select ")),
        format!("select 1 from a {}", "join b on true ".repeat(5_000)),
    ] {
        let reason = lake.reason(&sql, "FAILED").await;
        assert!(reason.starts_with("STACK_OVERFLOW: statement is too large"), "{}: {reason}", &sql[..60]);
    }
    for sql in
        [format!("select {}1{}", "(".repeat(100_000), ")".repeat(100_000)), format!("select {} 1", "- ".repeat(90_000))]
    {
        let reason = lake.reason(&sql, "FAILED").await;
        assert!(reason.starts_with("STACK_OVERFLOW: ") || reason.starts_with("SYNTAX_ERROR: "), "{reason}");
    }
    // Found by the mutator: the parser took years for it.
    let reason = lake.reason(&format!("select {}1 {{", "cast((".repeat(60)), "FAILED").await;
    assert!(reason.starts_with("STACK_OVERFLOW: statement is too large (calls in each other"), "{reason}");
    assert_eq!(lake.value("select 1 + 1").await, "2");
}

#[tokio::test]
async fn a_plan_that_explodes_fails_by_itself() {
    let lake = Lake::new().await;
    let doubled: String = (1..40).map(|n| format!(", t{n} as (select a.x from t{0} a, t{0} b)", n - 1)).collect();
    let reason = lake.reason(&format!("with t0 as (select 1 x){doubled} select count(*) from t39"), "FAILED").await;
    assert!(reason.starts_with("STACK_OVERFLOW: statement is too large (tables, read out"), "{reason}");
    let term = chain(400, " + ");
    let layers: String = (1..10).map(|n| format!(", t{n} as (select x + {term} as x from t{})", n - 1)).collect();
    let reason = lake.reason(&format!("with t0 as (select 1 x){layers} select x from t9"), "FAILED").await;
    assert!(reason.starts_with("STACK_OVERFLOW: statement is too large (levels of nesting"), "{reason}");
}

#[tokio::test]
async fn a_query_that_takes_too_much_memory_fails_by_itself() {
    let lake = Lake::new().await;
    for sql in [
        "select array_repeat(1, 1000000000)",
        "select cardinality(range(0, 1000000000))",
        "select length(repeat('x', 1000000000))",
        "with b as (select unnest(range(1000)) y), a as (select repeat('x', 1000) s from b b1, b b2) \
         select sum(length(a1.s || a2.s)) from a a1, a a2",
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with("EXCEEDED_LOCAL_MEMORY_LIMIT: "), "{sql}: {reason}");
    }
    assert_eq!(lake.value("select cardinality(array_repeat(1, 1000))").await, "1000");
}

#[tokio::test]
async fn a_query_without_an_end_can_be_stopped() {
    let lake = Lake::new().await;
    for sql in [
        "with recursive t as (select 1 n union all select n + 1 from t) select count(*) from t",
        "with a as (select unnest(range(3000)) x) \
         select count(*) from a a1, a a2, a a3 where a1.x + a2.x + a3.x < 0",
    ] {
        let id = lake.start(sql).await;
        lake.until(&id, &["RUNNING"]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        lake.ok("StopQueryExecution", json!({"QueryExecutionId": id})).await;
        lake.until(&id, &["CANCELLED"]).await;
        assert_eq!(lake.value("select 7").await, "7");
    }
}
