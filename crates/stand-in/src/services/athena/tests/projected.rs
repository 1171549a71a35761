//! Partitions that follow from the table's parameters.

use super::*;

fn dates() -> Value {
    json!({
        "projection.enabled": "true",
        "projection.year.type": "integer", "projection.year.range": "2021,2030", "projection.year.digits": "4",
        "projection.month.type": "integer", "projection.month.range": "1,12", "projection.month.digits": "2",
        "projection.day.type": "integer", "projection.day.range": "1,31", "projection.day.digits": "2",
        "storage.location.template": "s3://lake/stream/year=${year}/month=${month}/day=${day}/",
    })
}

#[tokio::test]
async fn a_key_tells_its_partition_by_the_template() {
    let lake = Lake::new().await;
    let keys = [("year", "string"), ("month", "string"), ("day", "string")];
    lake.table("p", &[("a", "bigint")], &keys, dates(), json!({})).await;
    lake.object("stream/year=2026/month=01/day=31/x.json", "{\"a\":1}\n");
    lake.object("stream/year=2026/month=02/day=01/deep/y.json", "{\"a\":2}\n");
    lake.object("stream/year=2020/month=01/day=01/out-of-range.json", "{\"a\":4}\n");
    lake.object("stream/year=2026/month=1/day=01/too-few-digits.json", "{\"a\":8}\n");
    lake.object("stream/elsewhere.json", "{\"a\":16}\n");
    assert_eq!(lake.value("select count(*), sum(a) from p").await, "2|3");
    lake.read();
    assert_eq!(lake.value("select month, day, a from p where year = '2026' and month = '02'").await, "02|01|2");
    assert_eq!(lake.read(), ["stream/year=2026/month=02/day=01/deep/y.json"]);
}

#[tokio::test]
async fn dates_and_enums_are_projected() {
    let lake = Lake::new().await;
    let parameters = json!({
        "projection.enabled": "TRUE",
        "projection.dt.type": "date", "projection.dt.format": "yyyy/MM/dd", "projection.dt.range": "2021/01/01,NOW",
        "projection.kind.type": "enum", "projection.kind.values": "a,b, c",
        "storage.location.template": "s3://lake/d/${kind}/${dt}",
    });
    lake.table("p", &[("a", "bigint")], &[("dt", "string"), ("kind", "string")], parameters, json!({})).await;
    lake.object("d/a/2022/02/03/x.json", "{\"a\":1}\n");
    lake.object("d/b/2023/12/31/x.json", "{\"a\":2}\n");
    lake.object("d/c/2022/02/03/x.json", "{\"a\":4}\n");
    lake.object("d/a/2999/01/01/x.json", "{\"a\":8}\n");
    lake.object("d/a/2022/02/30/x.json", "{\"a\":16}\n");
    assert_eq!(lake.value("select sum(a) from p").await, "3");
    assert_eq!(lake.value("select kind, a from p where dt > '2023/01/01'").await, "b|2");
}

#[tokio::test]
async fn a_projection_that_is_incomplete_fails_the_query() {
    let lake = Lake::new().await;
    let mut parameters = dates();
    parameters["projection.month.range"] = "1".into();
    lake.table("p", &[("a", "bigint")], &[("year", "int"), ("month", "int"), ("day", "int")], parameters, json!({}))
        .await;
    let reason = lake.reason("select count(*) from p", "FAILED").await;
    assert!(reason.starts_with("INVALID_TABLE_PROPERTY: ") && reason.contains("range \"1\""), "{reason}");
    lake.table("q", &[("a", "bigint")], &[("year", "int")], json!({"projection.enabled": "true"}), json!({})).await;
    let reason = lake.reason("select count(*) from q", "FAILED").await;
    assert!(reason.contains("projection.year.type"), "{reason}");
}

#[tokio::test]
async fn what_is_finer_than_a_day_is_projected_and_each_placeholder_has_one_value() {
    let lake = Lake::new().await;
    let parameters = json!({
        "projection.enabled": "true",
        "projection.ts.type": "date", "projection.ts.format": "yyyyMMddHH", "projection.ts.range": "2026010100,2026010123",
        "projection.ts.interval": "2", "projection.ts.interval.unit": "HOURS",
        "projection.n.type": "integer", "projection.n.range": "1,9", "projection.n.interval": "4",
        "storage.location.template": "s3://lake/d/${n}/raw/ts=${ts}/${n}/",
    });
    lake.table("p", &[("a", "bigint")], &[("ts", "string"), ("n", "int")], parameters, json!({})).await;
    lake.object("d/1/raw/ts=2026010102/1/x.json", "{\"a\":1}\n");
    lake.object("d/5/raw/ts=2026010122/5/x.json", "{\"a\":2}\n");
    lake.object("d/5/raw/ts=2026010122/1/another-value.json", "{\"a\":4}\n");
    lake.object("d/2/raw/ts=2026010102/2/between-two.json", "{\"a\":8}\n");
    lake.object("d/1/raw/ts=2026010103/1/between-two.json", "{\"a\":16}\n");
    lake.object("d/1/raw/ts=2026010200/1/the-day-after.json", "{\"a\":32}\n");
    assert_eq!(lake.value("select sum(a) from p").await, "3");
    assert_eq!(lake.value("select a from p where n = 5").await, "2");
}

#[tokio::test]
async fn an_injected_key_needs_its_value_in_the_query() {
    let lake = Lake::new().await;
    let parameters = json!({
        "projection.enabled": "true", "projection.device.type": "injected",
        "storage.location.template": "s3://lake/d/${device}/",
    });
    lake.table("p", &[("a", "bigint")], &[("device", "string")], parameters, json!({})).await;
    lake.object("d/x/1.json", "{\"a\":1}\n");
    lake.object("d/y/1.json", "{\"a\":2}\n");
    for sql in ["select sum(a) from p", "select sum(a) from p where device > 'w'"] {
        let reason = lake.reason(sql, "FAILED").await;
        assert!(
            reason.starts_with("CONSTRAINT_VIOLATION: For the injected projected partition column device,"),
            "{reason}"
        );
    }
    assert_eq!(lake.value("select sum(a) from p where device = 'y' and a > 0").await, "2");
    assert_eq!(lake.value("select sum(a) from p where device in ('x', 'y')").await, "3");
}

#[tokio::test]
async fn an_empty_folder_is_left_out_of_a_location() {
    let lake = Lake::new().await;
    let mut parameters = dates();
    parameters["storage.location.template"] = "s3://lake//in//year=${year}/month=${month}/day=${day}/".into();
    lake.table("p", &[("a", "bigint")], &[("year", "int"), ("month", "int"), ("day", "int")], parameters, json!({}))
        .await;
    lake.object("/in//year=2026/month=01/day=31/x.json", "{\"a\":1}\n");
    lake.object("in/year=2026/month=01/day=31/x.json", "{\"a\":2}\n");
    assert_eq!(lake.value("select sum(a) from p").await, "2");
}

#[tokio::test]
async fn rows_that_would_not_be_found_are_refused() {
    let lake = Lake::new().await;
    let parameters = json!({
        "projection.enabled": "true", "projection.kind.type": "enum", "projection.kind.values": "a,b/c",
        "projection.device.type": "injected", "storage.location.template": "s3://lake/d/${kind}/${device}/",
    });
    lake.table("p", &[("a", "bigint")], &[("kind", "string"), ("device", "string")], parameters, json!({})).await;
    lake.done("INSERT INTO p VALUES (1, 'a', 'x')").await;
    for values in ["(2, 'b/c', 'x')", "(2, 'd', 'x')", "(2, 'a', NULL)", "(2, 'a', '')", "(2, 'a', 'x/y')"] {
        let reason = lake.reason(&format!("INSERT INTO p VALUES {values}"), "FAILED").await;
        assert!(
            reason.starts_with("INVALID_TABLE_PROPERTY: ") && reason.ends_with("its rows would not be found"),
            "{values}: {reason}"
        );
    }
    assert_eq!(lake.keys("d/").await.len(), 1);
    assert_eq!(lake.value("SELECT a, kind FROM p WHERE device = 'x'").await, "1|a");
}
