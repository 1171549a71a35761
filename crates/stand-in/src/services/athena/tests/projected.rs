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
        "projection.kind.type": "enum", "projection.kind.values": "a, b",
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
