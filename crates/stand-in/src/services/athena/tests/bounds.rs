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
        format!("select {}", chain(129, " + ")),
        format!("select {}", vec!["'a'"; 129].join(" || ")),
        format!("select {}", vec!["1 = 2"; 490].join(" or ")),
        format!("select a{} from unnest(sequence(1, 9)) t(a)", " is null".repeat(490)),
        "select a from unnest(sequence(1, 9)) t(a) where a in (1)".to_owned(),
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
        format!("select a{}", "[1]".repeat(40_000)),
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
async fn a_parameter_that_is_nested_too_deeply_fails_by_itself() {
    let lake = Lake::new().await;
    for (times, words) in
        [(3, ""), (100, "SYNTAX_ERROR: "), (100_000, "STACK_OVERFLOW: statement is too large (levels of nesting")]
    {
        let mut start = request("CREATE TABLE made WITH (format = ?) AS SELECT 1 a");
        start["ExecutionParameters"] = json!([format!("{}'JSON'{}", "(".repeat(times), ")".repeat(times))]);
        let id = lake.ok("StartQueryExecution", start).await["QueryExecutionId"].as_str().expect("an id").to_owned();
        let execution = lake.until(&id, &["SUCCEEDED", "FAILED"]).await;
        let reason = execution["Status"]["StateChangeReason"].as_str().unwrap_or_default();
        assert!(reason.starts_with(words) && reason.is_empty() == words.is_empty(), "{times}: {reason}");
    }
    let mut start = request("SELECT ?");
    start["ExecutionParameters"] = json!([format!("'{}'", "x".repeat(262_144 - 8 - 2))]);
    lake.ok("StartQueryExecution", start.clone()).await;
    start["QueryString"] = json!("SELECT  ?");
    let refused = lake.refused("StartQueryExecution", start).await;
    assert_eq!(refused.message, "QueryString and ExecutionParameters together must have at most 262144 bytes");
}

#[tokio::test]
async fn a_plan_that_explodes_fails_by_itself() {
    let lake = Lake::new().await;
    let doubled: String = (1..40).map(|n| format!(", t{n} as (select a.x from t{0} a, t{0} b)", n - 1)).collect();
    let reason = lake.reason(&format!("with t0 as (select 1 x){doubled} select count(*) from t39"), "FAILED").await;
    assert!(reason.starts_with("STACK_OVERFLOW: statement is too large (tables, read out"), "{reason}");
    let term = chain(120, " + ");
    let layers: String = (1..11).map(|n| format!(", t{n} as (select x + {term} as x from t{})", n - 1)).collect();
    let reason = lake.reason(&format!("with t0 as (select 1 x){layers} select x from t10"), "FAILED").await;
    assert!(reason.starts_with("STACK_OVERFLOW: statement is too large (levels of nesting"), "{reason}");
}

#[tokio::test]
async fn a_query_that_takes_too_much_memory_fails_by_itself() {
    let lake = Lake::new().await;
    for sql in [
        "select lpad('x', 1000000, 'y')",
        "select repeat(repeat(rpad('x', 1000, 'y'), 1000), 10000)",
        "with b as (select y from unnest(sequence(1, 1000)) t(y)), a as (select rpad('x', 1000, 'y') s from b b1, b b2) \
         select sum(length(a1.s || a2.s)) from a a1, a a2",
        "select map_agg(a * 10000 + b, b) from unnest(sequence(1, 10000)) t(a), unnest(sequence(1, 10000)) u(b)",
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with("EXCEEDED_LOCAL_MEMORY_LIMIT: "), "{sql}: {reason}");
    }
    for (sql, limit) in [
        ("select cardinality(sequence(1, 1000000000))", "must not have more than 10000 entries"),
        ("select repeat('x', 1000000000)", "must be between 0 and 10000"),
        ("select lpad('x', 1000000000, 'y')", "Target length must be in the range"),
        ("select combinations(sequence(1, 1000), 5)", "combinations exceed max size"),
    ] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(reason.starts_with("INVALID_FUNCTION_ARGUMENT: ") && reason.contains(limit), "{sql}: {reason}");
    }
    assert_eq!(lake.value("select cardinality(repeat(1, 1000))").await, "1000");
    assert_eq!(lake.value("select sum(n) from unnest(sequence(1, 10000)) with ordinality t(a, n)").await, "50005000");
    let pairs = "select count(*) from unnest(sequence(1, 10000)) t(a), unnest(sequence(1, 1000)) u(b)";
    assert_eq!(lake.value(pairs).await, "10000000");
    assert_eq!(lake.value("select reduce(sequence(1, 10000), 0, (s, n) -> s + 1, s -> s)").await, "10000");
}

#[tokio::test]
async fn a_query_without_an_end_can_be_stopped() {
    let lake = Lake::new().await;
    for sql in [
        "with recursive t as (select 1 n union all select n + 1 from t) select count(*) from t",
        "with a as (select x from unnest(sequence(1, 3000)) t(x)) \
         select count(*) from a a1, a a2, a a3 where a1.x + a2.x + a3.x < 0",
        "select count(reduce(sequence(1, a), 0, (s, n) -> s + 1, s -> s)) \
         from unnest(sequence(1, 10000)) t(a), unnest(sequence(1, 10000)) u(b)",
    ] {
        let id = lake.start(sql).await;
        lake.until(&id, &["RUNNING"]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        lake.ok("StopQueryExecution", json!({"QueryExecutionId": id})).await;
        lake.until(&id, &["CANCELLED"]).await;
        assert_eq!(lake.value("select 7").await, "7");
    }
}
