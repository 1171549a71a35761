use super::*;

const SHARD: &str = "shardId-000000000000";

#[tokio::test]
async fn each_kind_of_iterator_begins_where_it_says() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let mut numbers = Vec::new();
    for data in ["a", "b", "c"] {
        numbers.push(bench.put("s", 0, data).await);
        bench.pass(Duration::from_secs(10));
    }
    let at = |number: &str| json!({"StartingSequenceNumber": number});
    let time = |ms: u64| json!({"Timestamp": (START + ms) as f64 / 1000.0});
    for (body, kind, expected) in [
        (json!({}), "TRIM_HORIZON", vec!["a", "b", "c"]),
        (json!({}), "LATEST", vec![]),
        (at(&numbers[1]), "AT_SEQUENCE_NUMBER", vec!["b", "c"]),
        (at(&numbers[1]), "AFTER_SEQUENCE_NUMBER", vec!["c"]),
        (at(&numbers[2]), "AFTER_SEQUENCE_NUMBER", vec![]),
        (time(0), "AT_TIMESTAMP", vec!["a", "b", "c"]),
        (time(10_100), "AT_TIMESTAMP", vec!["b", "c"]),
        (time(10_101), "AT_TIMESTAMP", vec!["c"]),
        (time(30_000), "AT_TIMESTAMP", vec![]),
    ] {
        let iterator = bench.iterator(body.clone(), "s", SHARD, kind).await;
        assert_eq!(data(&bench.records(&iterator).await), expected, "{kind} {body}");
    }
}

#[tokio::test]
async fn latest_sees_what_comes_after_it() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    bench.put("s", 0, "old").await;
    let iterator = bench.iterator(json!({}), "s", SHARD, "LATEST").await;
    bench.put("s", 0, "new").await;
    assert_eq!(data(&bench.records(&iterator).await), ["new"]);
}

#[tokio::test]
async fn pages_follow_one_another_and_say_how_far_behind_they_are() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    for data in ["a", "b", "c"] {
        bench.put("s", 0, data).await;
        bench.pass(Duration::from_secs(1));
    }
    let mut iterator = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    for (expected, behind) in [(vec!["a", "b"], 2000), (vec!["c"], 0), (vec![], 0)] {
        let answer = bench.call("GetRecords", json!({"ShardIterator": iterator, "Limit": 2})).await;
        assert_eq!(data(&answer), expected);
        assert_eq!(answer["MillisBehindLatest"], behind);
        iterator = text(&answer["NextShardIterator"]);
    }
}

#[tokio::test]
async fn an_answer_holds_ten_mebibytes() {
    let bench = Bench::unlimited();
    bench.stream("s", 1).await;
    for _ in 0..3 {
        let records: Vec<Value> = (0..5).map(|_| entry(&[7; 1_000_000], Some(0))).collect();
        bench.call("PutRecords", json!({"StreamName": "s", "Records": records})).await;
    }
    let iterator = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    let answer = bench.records(&iterator).await;
    assert_eq!(answer["Records"].as_array().unwrap().len(), 10);
    let answer = bench.records(&text(&answer["NextShardIterator"])).await;
    assert_eq!(answer["Records"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_shard_answers_five_calls_a_second() {
    let bench = Bench::with(Limits::default());
    bench.stream("s", 2).await;
    let first = json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST"});
    let mut iterator = Value::Null;
    for _ in 0..5 {
        iterator = bench.call("GetShardIterator", first.clone()).await["ShardIterator"].clone();
    }
    let (code, message) = bench.refused("GetShardIterator", first).await;
    assert_eq!(code, "ProvisionedThroughputExceededException");
    assert_eq!(message, format!("Rate exceeded for shard {SHARD} in stream s under account 000000000000."));
    let read = json!({"ShardIterator": iterator});
    for _ in 0..5 {
        bench.call("GetRecords", read.clone()).await;
    }
    assert_eq!(bench.refused("GetRecords", read.clone()).await.0, "ProvisionedThroughputExceededException");
    let other = bench.iterator(json!({}), "s", "shardId-000000000001", "LATEST").await;
    bench.records(&other).await;
    bench.pass(Duration::from_millis(200));
    bench.call("GetRecords", read.clone()).await;
    assert_eq!(bench.refused("GetRecords", read).await.0, "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn a_shard_gives_two_mebibytes_a_second() {
    let bench = Bench::with(Limits { shard_write: None, ..Limits::default() });
    bench.stream("s", 1).await;
    let mebibyte = entry(&[7; (1 << 20) - "key".len()], Some(0));
    for _ in 0..15 {
        bench.call("PutRecords", json!({"StreamName": "s", "Records": [mebibyte]})).await;
    }
    let start = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    let whole = bench.records(&start).await;
    assert_eq!(whole["Records"].as_array().unwrap().len(), 10);
    let one = json!({"ShardIterator": whole["NextShardIterator"], "Limit": 1});
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.refused("GetRecords", one.clone()).await.0, "ProvisionedThroughputExceededException");
    bench.pass(Duration::from_millis(1));
    bench.call("GetRecords", one.clone()).await;
    bench.pass(Duration::from_secs(2));
    for _ in 0..3 {
        bench.call("GetRecords", one.clone()).await;
    }
    assert_eq!(bench.refused("GetRecords", one).await.0, "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_does_nothing() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let iterator = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    for (operation, body) in [
        ("PutRecord", json!({"StreamName": "s", "Data": "", "PartitionKey": "k"})),
        ("PutRecords", json!({"StreamName": "s", "Records": [entry(b"x", None)]})),
        ("GetRecords", json!({"ShardIterator": iterator})),
        ("GetShardIterator", json!({"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST"})),
    ] {
        let mut dry = body.clone();
        dry["DryRun"] = true.into();
        assert_eq!(bench.refused(operation, dry.clone()).await.0, "DryRunOperationException", "{operation}");
        dry["DryRun"] = false.into();
        bench.call(operation, dry).await;
    }
    assert_eq!(bench.kinesis.end(&arn("s"), SHARD), Ok(2), "only what was no dry run is there");
}

#[tokio::test]
async fn an_iterator_expires_after_five_minutes() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let iterator = bench.iterator(json!({}), "s", SHARD, "LATEST").await;
    bench.pass(Duration::from_secs(300));
    bench.records(&iterator).await;
    bench.pass(Duration::from_millis(1));
    let (code, message) = bench.refused("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(code, "ExpiredIteratorException");
    assert!(message.contains("tolerated delay of 300000 milliseconds"), "{message}");
}

#[tokio::test]
async fn readers_inside_page_by_bytes_across_segments() {
    let bench = Bench::with(Limits { shard_write: None, shard_read: None, segment_bytes: 4_000, ..Limits::default() });
    bench.stream("s", 1).await;
    for i in 0..100 {
        let records = (0..3).map(|j| entry(format!("{:0500}", i * 3 + j).as_bytes(), Some(0))).collect::<Vec<_>>();
        bench.call("PutRecords", json!({"StreamName": "s", "Records": records})).await;
    }
    let arn = arn("s");
    assert_eq!(bench.kinesis.end(&arn, SHARD), Ok(300));
    let mut position = 0;
    let mut pages = 0;
    loop {
        let page = bench.kinesis.read(&arn, SHARD, position, 2_600).unwrap();
        let Some(last) = page.last() else { break };
        for (expected, record) in (position..).zip(&page) {
            assert_eq!(record.position, expected);
            assert_eq!(record.data, format!("{expected:0500}"));
            assert_eq!(record.partition_key, "key");
        }
        assert!(page.len() <= 5);
        (position, pages) = (last.position + 1, pages + 1);
    }
    assert_eq!((position, pages), (300, 60));
    let one = bench.kinesis.read(&arn, SHARD, 150, 1).unwrap();
    assert_eq!(one.len(), 1, "at least one record");
    assert_eq!(one[0].position, 150);
}

#[tokio::test]
async fn retention_removes_whole_segments_and_readers_go_on_behind_them() {
    let mut bench =
        Bench::with(Limits { shard_write: None, shard_read: None, segment_bytes: 1_000, ..Limits::default() });
    bench.stream("s", 1).await;
    let files = |bench: &Bench| {
        let folder = bench.folder.path().join("streams/000001-s").join(SHARD);
        std::fs::read_dir(folder).unwrap().count()
    };
    for i in 0..10 {
        bench.put("s", 0, &format!("{i:0900}")).await;
        bench.pass(Duration::from_secs(3600));
    }
    let full = files(&bench);
    bench.pass(Duration::from_secs(19 * 3600));
    assert_eq!(
        bench.data("s", SHARD).await.len(),
        6,
        "the first four are 25 hours old and more, and two share a segment"
    );
    assert!(files(&bench) < full);
    let old = bench.kinesis.read(&arn("s"), SHARD, 0, usize::MAX).unwrap();
    assert_eq!(old[0].position, 4);
    bench.pass(Duration::from_secs(48 * 3600));
    assert_eq!(bench.data("s", SHARD).await, Vec::<String>::new());
    assert_eq!(files(&bench), 1);
    bench.reopen();
    assert_eq!(bench.kinesis.end(&arn("s"), SHARD), Ok(10), "positions go on after all was trimmed");
    bench.put("s", 0, "new").await;
    assert_eq!(bench.data("s", SHARD).await, ["new"]);
}

#[tokio::test]
async fn a_longer_retention_keeps_records_longer() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    bench.call("IncreaseStreamRetentionPeriod", json!({"StreamName": "s", "RetentionPeriodHours": 48})).await;
    bench.put("s", 0, "kept").await;
    bench.pass(Duration::from_secs(47 * 3600));
    assert_eq!(bench.data("s", SHARD).await, ["kept"]);
    bench.pass(Duration::from_secs(2 * 3600));
    assert_eq!(bench.data("s", SHARD).await, Vec::<String>::new());
}
