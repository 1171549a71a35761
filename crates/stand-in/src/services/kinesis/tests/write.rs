use super::*;
use crate::services::kinesis::{hash_key, limits::WriteRate, sequence::SequenceNumber};

#[tokio::test]
async fn a_batch_lands_on_the_shards_of_its_keys_in_order() {
    let bench = Bench::new();
    bench.stream("s", 2).await;
    let half = 1_u128 << 127;
    let records = json!([
        entry(b"a", Some(0)),
        entry(b"b", Some(half)),
        entry(b"c", Some(half - 1)),
        entry(b"d", Some(u128::MAX))
    ]);
    let answer = bench.call("PutRecords", json!({"StreamARN": arn("s"), "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 0);
    let shards: Vec<&Value> = answer["Records"].as_array().unwrap().iter().map(|r| &r["ShardId"]).collect();
    let (first, second) = ("shardId-000000000000", "shardId-000000000001");
    assert_eq!(shards, [first, second, first, second]);
    assert_eq!(bench.data("s", first).await, ["a", "c"]);
    assert_eq!(bench.data("s", second).await, ["b", "d"]);
}

#[tokio::test]
async fn one_record_comes_back_as_it_was_put() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let put = json!({"StreamName": "s", "Data": "aGVsbG8=", "PartitionKey": "a \"key\" ü"});
    let put = bench.call("PutRecord", put).await;
    let iterator = bench.iterator(json!({}), "s", "shardId-000000000000", "TRIM_HORIZON").await;
    let answer = bench.records(&iterator).await;
    let record = &answer["Records"][0];
    assert_eq!(record["PartitionKey"], "a \"key\" ü");
    assert_eq!(record["Data"], "aGVsbG8=");
    assert_eq!(record["SequenceNumber"], put["SequenceNumber"]);
    assert_eq!(record["ApproximateArrivalTimestamp"], (START + 100) as f64 / 1000.0);
    assert_eq!(put["ShardId"], "shardId-000000000000");
    let ordered = json!({"StreamName": "s", "Data": "", "PartitionKey": "k",
        "SequenceNumberForOrdering": put["SequenceNumber"]});
    bench.call("PutRecord", ordered).await;
}

#[tokio::test]
async fn an_escaped_slash_in_base64_is_read() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let body = r#"{"StreamName":"s","Records":[{"Data":"\/\/\/\/","PartitionKey":"k"}]}"#;
    ask(&bench.kinesis, "PutRecords", body).await.expect("it is taken");
    let read = bench.kinesis.read(&arn("s"), "shardId-000000000000", 0, 1).expect("it is read");
    assert_eq!(&read[0].data[..], [0xff, 0xff, 0xff]);
}

#[tokio::test]
async fn sequence_numbers_look_and_grow_as_those_of_aws() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let mut last = String::new();
    for _ in 0..50 {
        let number = bench.put("s", 0, "x").await;
        assert_eq!((number.len(), &number[..2]), (56, "49"));
        assert!(number > last, "{number} follows {last}");
        last = number;
    }
    let parsed = SequenceNumber::parse(&last).expect("it is ours");
    assert_eq!((parsed.position(), parsed.next_position(), parsed.shard), (49, 50, 0));
    assert_eq!(parsed.to_string(), last);
    assert_eq!(SequenceNumber::parse("12"), None);
    assert_eq!(SequenceNumber::parse(&"9".repeat(56)), None);
}

#[test]
fn a_sequence_number_keeps_all_its_parts() {
    let numbering = crate::services::kinesis::sequence::Numbering {
        made: 0xff_1234_5678,
        stream: 0xfff_ffff_fff1,
        shard: u32::MAX,
    };
    for position in [0, 1, 0xffff_ffff_ffff, i64::MAX as u64 - 1] {
        let number = numbering.record(position);
        assert_eq!(SequenceNumber::parse(&number.to_string()), Some(number));
        assert_eq!(number.position(), position);
    }
}

#[test]
fn the_hash_key_is_the_md5_of_the_partition_key() {
    assert_eq!(hash_key::of_partition_key("hello world"), 0x5eb6_3bbb_e01e_eed0_93cb_22bb_8f5a_cdc3);
}

#[tokio::test]
async fn a_shard_takes_its_records_per_second_and_refuses_the_rest_by_position() {
    let bench = Bench::with(Limits {
        shard_write: Some(WriteRate { bytes: 1 << 20, records: 3 }),
        shard_read: None,
        ..Limits::default()
    });
    bench.stream("s", 2).await;
    let far = u128::MAX;
    let records = [0, 0, far, 0, 0, far].map(|key| entry(b"x", Some(key)));
    let answer = bench.call("PutRecords", json!({"StreamName": "s", "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 1);
    for (i, record) in answer["Records"].as_array().unwrap().iter().enumerate() {
        assert_eq!(record["ErrorCode"].is_string(), i == 4, "{i}: {record}");
    }
    assert_eq!(answer["Records"][4]["ErrorCode"], "ProvisionedThroughputExceededException");
    assert_eq!(
        answer["Records"][4]["ErrorMessage"],
        "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000."
    );
    assert_eq!(bench.data("s", "shardId-000000000000").await.len(), 3);
    let one = json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"});
    assert_eq!(bench.refused("PutRecord", one.clone()).await.0, "ProvisionedThroughputExceededException");
    bench.pass(Duration::from_millis(334));
    bench.call("PutRecord", one.clone()).await;
    assert_eq!(bench.refused("PutRecord", one).await.0, "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn a_shard_takes_a_mebibyte_per_second() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let records: Vec<Value> = (0..5).map(|_| entry(&[0; 250_000], Some(0))).collect();
    let answer = bench.call("PutRecords", json!({"StreamName": "s", "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 1);
    assert!(answer["Records"][4]["ErrorCode"].is_string());
}

#[tokio::test]
async fn an_on_demand_stream_begins_with_four_shards_of_a_mebibyte_each() {
    let bench = Bench::new();
    let create = json!({"StreamName": "s", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    bench.call("CreateStream", create).await;
    bench.settle();
    assert_eq!(bench.shards("s").await.len(), 4);
    let quarter = 1_u128 << 126;
    let records: Vec<Value> = (0..12).map(|i| entry(&[0; 500_000], Some(quarter * (i % 4)))).collect();
    let answer = bench.call("PutRecords", json!({"StreamName": "s", "Records": records})).await;
    assert_eq!(answer["FailedRecordCount"], 4, "two of three fit each shard");
}

#[tokio::test]
async fn a_larger_record_passes_once_the_stream_allows_it() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let put = || json!({"StreamName": "s", "Records": [entry(&[1; 3 << 20], Some(0))]});
    assert_eq!(bench.refused("PutRecords", put()).await.0, "ValidationException");
    bench.call("UpdateMaxRecordSize", json!({"StreamARN": arn("s"), "MaxRecordSizeInKiB": 4096})).await;
    assert_eq!(bench.call("PutRecords", put()).await["FailedRecordCount"], 0);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.call("PutRecords", put()).await["FailedRecordCount"], 1, "the debt is not paid yet");
    bench.pass(Duration::from_millis(1_001));
    assert_eq!(bench.call("PutRecords", put()).await["FailedRecordCount"], 0);
    assert_eq!(bench.data("s", "shardId-000000000000").await.len(), 2);
}

/// Prints records and bytes a second on one core: `cargo test --release --lib kinesis -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn throughput() {
    for (size, batch, calls) in [(200, 500, 400), (8_500, 500, 60)] {
        let bench = Bench::unlimited();
        bench.stream("s", 20).await;
        let records: Vec<Value> = (0..batch).map(|i| entry(&vec![7; size], Some(u128::MAX / batch * i))).collect();
        let body = Bytes::from(json!({"StreamName": "s", "Records": records}).to_string());
        let begin = std::time::Instant::now();
        for _ in 0..calls {
            ask(&bench.kinesis, "PutRecords", body.clone()).await.expect("it is taken");
        }
        let rate = (calls * batch) as f64 / begin.elapsed().as_secs_f64();
        println!("{size} bytes: {rate:.0} records/s, {:.1} MB/s", rate * size as f64 / 1e6);
        let begin = std::time::Instant::now();
        let mut position = 0;
        while let Some(last) = bench.kinesis.read(&arn("s"), "shardId-000000000000", position, 1 << 20).unwrap().last()
        {
            position = last.position + 1;
        }
        println!("  read {:.1} MB/s", position as f64 * size as f64 / 1e6 / begin.elapsed().as_secs_f64());
    }
}
