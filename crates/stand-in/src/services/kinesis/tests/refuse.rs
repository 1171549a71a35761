use super::*;

const SHARD: &str = "shardId-000000000000";

fn put(records: impl Into<Value>) -> Value {
    json!({"StreamName": "s", "Records": records.into()})
}

fn record(data: &str, key: &str) -> Value {
    json!({"Data": data, "PartitionKey": key})
}

#[tokio::test]
async fn what_aws_refuses_is_refused_with_its_code_and_text() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let mebibyte = STANDARD.encode_to_string(vec![0; 1 << 20]);
    let more = STANDARD.encode_to_string(vec![0; (1 << 20) + 1]);
    let mut keyed = record("", "k");
    keyed["ExplicitHashKey"] = "340282366920938463463374607431768211456".into();
    let mut odd_key = record("", "k");
    odd_key["ExplicitHashKey"] = "012".into();
    let iterator = |extra: Value| {
        let mut body = json!({"StreamName": "s", "ShardId": SHARD});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let at_most = |field: &str, most: usize| {
        format!("at '{field}' failed to satisfy constraint: Member must have length less than or equal to {most}")
    };
    let cases = [
        ("PutRecords", put(vec![record("", "k"); 501]), "ValidationException", at_most("records", 500)),
        ("PutRecords", put(json!([])), "ValidationException", "greater than or equal to 1".into()),
        (
            "PutRecords",
            put(vec![record("", "k"), record(&more, "k")]),
            "ValidationException",
            at_most("records.2.member.data", 1 << 20),
        ),
        ("PutRecords", put(vec![record(&mebibyte, "k")]), "InvalidArgumentException", "1048577 bytes together".into()),
        (
            "PutRecords",
            put(vec![record(&mebibyte[..1_398_000], "k"); 11]),
            "InvalidArgumentException",
            "Records size exceeds 10 MB limit".into(),
        ),
        (
            "PutRecords",
            put(vec![record("", &"k".repeat(257))]),
            "ValidationException",
            at_most("records.1.member.partitionKey", 256),
        ),
        ("PutRecords", put(vec![record("", "")]), "ValidationException", "partitionKey".into()),
        (
            "PutRecords",
            put(vec![json!({"Data": ""})]),
            "ValidationException",
            "Value null at 'records.1.member.partitionKey'".into(),
        ),
        (
            "PutRecords",
            put(vec![json!({"PartitionKey": "k"})]),
            "ValidationException",
            "Value null at 'records.1.member.data'".into(),
        ),
        ("PutRecords", put(vec![record("a", "k")]), "SerializationException", "can not be converted to a Blob".into()),
        (
            "PutRecords",
            put(vec![keyed.clone()]),
            "InvalidArgumentException",
            "must be in the range: [0, 2^128-1]".into(),
        ),
        ("PutRecords", put(vec![odd_key]), "ValidationException", r"0|([1-9]\d{0,38})".into()),
        ("PutRecords", json!({"StreamName": "s"}), "ValidationException", "Value null at 'records'".into()),
        (
            "PutRecords",
            json!({"StreamName": "none", "Records": [record("", "k")]}),
            "ResourceNotFoundException",
            "Stream none under account 000000000000 not found.".into(),
        ),
        ("PutRecords", json!({"StreamName": 5}), "SerializationException", "invalid type".into()),
        ("PutRecords", json!({"Records": [record("", "k")]}), "InvalidArgumentException", "StreamARN".into()),
        (
            "PutRecord",
            json!({"StreamName": "s", "PartitionKey": "k"}),
            "ValidationException",
            "Value null at 'data'".into(),
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "Data": "", "PartitionKey": "k", "SequenceNumberForOrdering": "1"}),
            "InvalidArgumentException",
            "is invalid".into(),
        ),
        (
            "PutRecord",
            json!({"StreamName": "s", "StreamARN": arn("t"), "Data": "", "PartitionKey": "k"}),
            "InvalidArgumentException",
            "different streams".into(),
        ),
        (
            "CreateStream",
            json!({"StreamName": "s", "ShardCount": 1}),
            "ResourceInUseException",
            "already exists".into(),
        ),
        (
            "CreateStream",
            json!({"StreamName": "a b", "ShardCount": 1}),
            "ValidationException",
            "[a-zA-Z0-9_.-]+".into(),
        ),
        (
            "CreateStream",
            json!({"StreamName": "x".repeat(129), "ShardCount": 1}),
            "ValidationException",
            at_most("streamName", 128),
        ),
        (
            "CreateStream",
            json!({"StreamName": "t", "ShardCount": 0}),
            "ValidationException",
            "greater than or equal to 1".into(),
        ),
        ("CreateStream", json!({"ShardCount": 1}), "ValidationException", "Value null at 'streamName'".into()),
        ("CreateStream", json!({"StreamName": "t"}), "InvalidArgumentException", "ShardCount".into()),
        (
            "DescribeStream",
            json!({"StreamARN": "arn:aws:kinesis:eu-west-1:000000000000:stream/s"}),
            "ResourceNotFoundException",
            "not found".into(),
        ),
        ("DescribeStream", json!({"StreamARN": "nonsense"}), "ValidationException", "streamARN".into()),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": "shardId-000000000009", "ShardIteratorType": "LATEST"}),
            "ResourceNotFoundException",
            "Could not find shard shardId-000000000009 in stream s under account 000000000000.".into(),
        ),
        (
            "GetShardIterator",
            iterator(json!({"ShardIteratorType": "SOMEWHERE"})),
            "ValidationException",
            "enum value set".into(),
        ),
        (
            "GetShardIterator",
            iterator(json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER"})),
            "InvalidArgumentException",
            "and no StartingSequenceNumber".into(),
        ),
        (
            "GetShardIterator",
            iterator(json!({"ShardIteratorType": "LATEST", "StartingSequenceNumber": "1"})),
            "InvalidArgumentException",
            "and also a StartingSequenceNumber".into(),
        ),
        (
            "GetShardIterator",
            iterator(json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "1"})),
            "InvalidArgumentException",
            "is invalid.".into(),
        ),
        (
            "GetShardIterator",
            iterator(json!({"ShardIteratorType": "AT_TIMESTAMP"})),
            "InvalidArgumentException",
            "timestampInMillis".into(),
        ),
        (
            "GetShardIterator",
            iterator(json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1e12})),
            "InvalidArgumentException",
            "cannot be greater".into(),
        ),
        ("GetRecords", json!({"ShardIterator": "AAAA"}), "InvalidArgumentException", "Invalid ShardIterator.".into()),
        (
            "GetRecords",
            json!({"ShardIterator": "AAAA", "Limit": 10_001}),
            "ValidationException",
            "less than or equal to 10000".into(),
        ),
        (
            "SplitShard",
            json!({"StreamName": "s", "ShardToSplit": SHARD, "NewStartingHashKey": "1"}),
            "InvalidArgumentException",
            "is not both greater than one plus the shard's StartingHashKey 0".into(),
        ),
        (
            "UpdateShardCount",
            json!({"StreamName": "s", "TargetShardCount": 2}),
            "ValidationException",
            "Value null at 'scalingType'".into(),
        ),
        ("DeleteStream", json!({"StreamName": "none"}), "ResourceNotFoundException", "not found".into()),
        ("SubscribeToShard", json!({}), "UnknownOperationException", "SubscribeToShard".into()),
    ];
    for (operation, body, code, message) in cases {
        let shown = body.to_string().chars().take(200).collect::<String>();
        let refused = bench.refused(operation, body).await;
        assert_eq!(refused.0, code, "{operation} {shown}: {}", refused.1);
        assert!(refused.1.contains(&message), "{operation} {shown}: {} has no {message}", refused.1);
    }
    assert_eq!(bench.kinesis.end(&arn("s"), SHARD), Ok(0), "a refused request stores nothing");
}

#[tokio::test]
async fn one_bad_record_keeps_the_good_ones_of_its_request_out() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    bench.refused("PutRecords", put(vec![record("YWJj", "k"), record("a=b=", "k")])).await;
    assert_eq!(bench.kinesis.end(&arn("s"), SHARD), Ok(0));
}

#[tokio::test]
async fn no_stream_name_leads_out_of_the_folder() {
    let bench = Bench::new();
    bench.stream("..", 1).await;
    bench.put("..", 0, "x").await;
    bench.call("DeleteStream", json!({"StreamName": ".."})).await;
    assert!(bench.folder.path().join("ledger.json").exists());
}

#[test]
fn readers_inside_are_told_what_is_missing() {
    let bench = Bench::new();
    let code = |error: crate::service_error::ServiceError| error.code;
    assert_eq!(bench.kinesis.shards(&arn("none")).map_err(code), Err("ResourceNotFoundException"));
    assert_eq!(bench.kinesis.end(&arn("none"), SHARD).map_err(code), Err("ResourceNotFoundException"));
    assert!(bench.kinesis.read(&arn("none"), SHARD, 0, 1).is_err());
}
