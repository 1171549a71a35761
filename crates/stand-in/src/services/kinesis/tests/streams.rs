use super::*;

#[tokio::test]
async fn a_stream_is_creating_then_active_then_deleting_then_gone() {
    let bench = Bench::new();
    bench.call("CreateStream", json!({"StreamName": "s", "ShardCount": 2, "Tags": {"stack": "x"}})).await;
    assert_eq!(bench.status("s").await, "CREATING");
    let put = json!({"StreamName": "s", "Data": "", "PartitionKey": "k"});
    assert_eq!(bench.refused("PutRecord", put.clone()).await.0, "ResourceNotFoundException");
    bench.settle();
    let answer = bench.call("DescribeStream", json!({"StreamName": "s"})).await;
    let described = &answer["StreamDescription"];
    assert_eq!(described["StreamStatus"], "ACTIVE");
    assert_eq!(described["StreamARN"], arn("s"));
    assert_eq!(described["StreamModeDetails"]["StreamMode"], "PROVISIONED");
    assert_eq!(described["RetentionPeriodHours"], 24);
    assert_eq!(described["Shards"].as_array().unwrap().len(), 2);
    assert_eq!(described["HasMoreShards"], false);
    assert_eq!(described["StreamCreationTimestamp"], START as f64 / 1000.0);
    let summary = bench.call("DescribeStreamSummary", json!({"StreamARN": arn("s")})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["OpenShardCount"], 2);
    bench.call("PutRecord", put.clone()).await;
    bench.call("DeleteStream", json!({"StreamName": "s"})).await;
    assert_eq!(bench.status("s").await, "DELETING");
    assert_eq!(bench.refused("PutRecord", put).await.0, "ResourceNotFoundException");
    let again = json!({"StreamName": "s", "ShardCount": 1});
    assert_eq!(bench.refused("CreateStream", again.clone()).await.0, "ResourceInUseException");
    bench.settle();
    let gone = bench.refused("DescribeStreamSummary", json!({"StreamName": "s"})).await;
    assert_eq!(gone.1, "Stream s under account 000000000000 not found.");
    assert_eq!(bench.call("ListStreams", json!({})).await["StreamNames"], json!([]));
    assert_eq!(std::fs::read_dir(bench.folder.path().join("streams")).unwrap().count(), 0);
    bench.call("CreateStream", again).await;
}

#[tokio::test]
async fn streams_and_shards_are_listed_by_page() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.stream(name, 3).await;
    }
    let page = bench.call("ListStreams", json!({"Limit": 2})).await;
    assert_eq!((&page["StreamNames"], &page["HasMoreStreams"]), (&json!(["a", "b"]), &json!(true)));
    assert_eq!(page["StreamSummaries"][0]["StreamARN"], arn("a"));
    let rest = bench.call("ListStreams", json!({"NextToken": page["NextToken"]})).await;
    assert_eq!((&rest["StreamNames"], &rest["HasMoreStreams"]), (&json!(["c"]), &json!(false)));
    let after = bench.call("ListStreams", json!({"ExclusiveStartStreamName": "b"})).await;
    assert_eq!(after["StreamNames"], json!(["c"]));
    let page = bench.call("DescribeStream", json!({"StreamName": "a", "Limit": 2})).await;
    assert_eq!(page["StreamDescription"]["HasMoreShards"], true);
    let after = json!({"StreamName": "a", "ExclusiveStartShardId": "shardId-000000000001"});
    let rest = bench.call("DescribeStream", after).await;
    assert_eq!(rest["StreamDescription"]["Shards"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn retention_goes_up_and_down_by_its_own_call() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let hours = |hours: i64| json!({"StreamName": "s", "RetentionPeriodHours": hours});
    assert!(bench.refused("IncreaseStreamRetentionPeriod", hours(23)).await.1.starts_with("Minimum allowed"));
    assert!(bench.refused("IncreaseStreamRetentionPeriod", hours(8761)).await.1.starts_with("Maximum allowed"));
    bench.call("IncreaseStreamRetentionPeriod", hours(8760)).await;
    assert_eq!(bench.refused("DecreaseStreamRetentionPeriod", hours(24)).await.0, "ResourceInUseException");
    bench.settle();
    let up = bench.refused("IncreaseStreamRetentionPeriod", hours(48)).await;
    assert!(up.1.ends_with("Use DecreaseRetentionPeriod API."), "{up:?}");
    bench.call("DecreaseStreamRetentionPeriod", hours(48)).await;
    bench.settle();
    let down = bench.refused("DecreaseStreamRetentionPeriod", hours(72)).await;
    assert!(down.1.ends_with("Use IncreaseRetentionPeriod API."), "{down:?}");
}

#[tokio::test]
async fn tags_are_kept_listed_and_removed() {
    let mut bench = Bench::new();
    bench.call("CreateStream", json!({"StreamName": "s", "ShardCount": 1, "Tags": {"stack": "x"}})).await;
    bench.settle();
    bench.call("AddTagsToStream", json!({"StreamName": "s", "Tags": {"a": "1", "b": "2"}})).await;
    bench.call("TagResource", json!({"ResourceARN": arn("s"), "Tags": {"c": "3"}})).await;
    bench.call("RemoveTagsFromStream", json!({"StreamName": "s", "TagKeys": ["a"]})).await;
    bench.reopen();
    let page = bench.call("ListTagsForStream", json!({"StreamName": "s", "Limit": 2})).await;
    assert_eq!(page["Tags"], json!([{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]));
    assert_eq!(page["HasMoreTags"], true);
    let rest = bench.call("ListTagsForStream", json!({"StreamName": "s", "ExclusiveStartTagKey": "c"})).await;
    assert_eq!(rest["Tags"], json!([{"Key": "stack", "Value": "x"}]));
    bench.call("UntagResource", json!({"ResourceARN": arn("s"), "TagKeys": ["b", "c"]})).await;
    let left = bench.call("ListTagsForResource", json!({"ResourceARN": arn("s")})).await;
    assert_eq!(left["Tags"], json!([{"Key": "stack", "Value": "x"}]));
    let many: Value = (0..50).map(|i| (i.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let refused = bench.refused("AddTagsToStream", json!({"StreamName": "s", "Tags": many})).await;
    assert_eq!(refused.0, "InvalidArgumentException");
    let odd = json!({"StreamName": "s", "Tags": {"a\u{0}": "x"}});
    assert_eq!(bench.refused("AddTagsToStream", odd).await.0, "InvalidArgumentException");
}

#[tokio::test]
async fn consumers_are_registered_and_hold_their_stream() {
    let bench = Bench::new();
    bench.stream("s", 1).await;
    let one = json!({"StreamARN": arn("s"), "ConsumerName": "c1"});
    let registered = bench.call("RegisterStreamConsumer", one.clone()).await;
    assert_eq!(registered["Consumer"]["ConsumerStatus"], "CREATING");
    assert_eq!(bench.refused("RegisterStreamConsumer", one.clone()).await.0, "ResourceInUseException");
    bench.call("RegisterStreamConsumer", json!({"StreamARN": arn("s"), "ConsumerName": "c2"})).await;
    bench.settle();
    let by_arn = json!({"ConsumerARN": registered["Consumer"]["ConsumerARN"]});
    let described = bench.call("DescribeStreamConsumer", by_arn.clone()).await;
    assert_eq!(described["ConsumerDescription"]["ConsumerStatus"], "ACTIVE");
    assert_eq!(described["ConsumerDescription"]["StreamARN"], arn("s"));
    let page = bench.call("ListStreamConsumers", json!({"StreamARN": arn("s"), "MaxResults": 1})).await;
    assert_eq!(page["Consumers"][0]["ConsumerName"], "c1");
    let rest = json!({"StreamARN": arn("s"), "NextToken": page["NextToken"]});
    assert_eq!(bench.call("ListStreamConsumers", rest).await["Consumers"][0]["ConsumerName"], "c2");
    let consumer = text(&registered["Consumer"]["ConsumerARN"]);
    bench.call("TagResource", json!({"ResourceARN": consumer, "Tags": {"a": "b"}})).await;
    let tags = bench.call("ListTagsForResource", json!({"ResourceARN": consumer})).await;
    assert_eq!(tags["Tags"], json!([{"Key": "a", "Value": "b"}]));
    bench.call("DeregisterStreamConsumer", by_arn.clone()).await;
    assert_eq!(bench.refused("DescribeStreamConsumer", by_arn).await.0, "ResourceNotFoundException");
    assert_eq!(bench.refused("DeleteStream", json!({"StreamName": "s"})).await.0, "ResourceInUseException");
    bench.call("DeleteStream", json!({"StreamName": "s", "EnforceConsumerDeletion": true})).await;
}

#[tokio::test]
async fn mode_encryption_and_limits_are_shown() {
    let bench = Bench::new();
    bench.stream("s", 3).await;
    let mode = |mode: &str| json!({"StreamARN": arn("s"), "StreamModeDetails": {"StreamMode": mode}});
    bench.call("UpdateStreamMode", mode("ON_DEMAND")).await;
    bench.settle();
    let limits = bench.call("DescribeLimits", json!({})).await;
    assert_eq!((&limits["OpenShardCount"], &limits["OnDemandStreamCount"]), (&json!(3), &json!(1)));
    let split = json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "9"});
    assert_eq!(bench.refused("SplitShard", split).await.0, "ValidationException");
    bench.call("UpdateStreamMode", mode("PROVISIONED")).await;
    bench.settle();
    assert_eq!(bench.refused("UpdateStreamMode", mode("ON_DEMAND")).await.0, "LimitExceededException");
    let key = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"});
    bench.call("StartStreamEncryption", key.clone()).await;
    bench.settle();
    let put = bench.call("PutRecord", json!({"StreamName": "s", "Data": "", "PartitionKey": "k"})).await;
    assert_eq!(put["EncryptionType"], "KMS");
    let summary = bench.call("DescribeStreamSummary", json!({"StreamName": "s"})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["KeyId"], "alias/aws/kinesis");
    bench.call("StopStreamEncryption", key).await;
    let summary = bench.call("DescribeStreamSummary", json!({"StreamName": "s"})).await;
    assert_eq!(summary["StreamDescriptionSummary"]["EncryptionType"], "NONE");
}

#[tokio::test]
async fn five_streams_may_be_creating_at_once() {
    let bench = Bench::new();
    let create = |i: usize| json!({"StreamName": format!("s{i}"), "ShardCount": 1});
    for i in 0..5 {
        bench.call("CreateStream", create(i)).await;
    }
    assert_eq!(bench.refused("CreateStream", create(5)).await.0, "LimitExceededException");
    bench.settle();
    bench.call("CreateStream", create(5)).await;
}

#[tokio::test]
async fn the_account_has_so_many_shards() {
    let bench = Bench::with(Limits { account_shards: 3, ..Limits::default() });
    bench.stream("s", 2).await;
    let refused = bench.refused("CreateStream", json!({"StreamName": "t", "ShardCount": 2})).await;
    assert_eq!(refused.0, "LimitExceededException");
    assert!(refused.1.contains("Current shard count for the account: 2. Limit: 3."), "{refused:?}");
    let on_demand = json!({"StreamName": "o", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    bench.call("CreateStream", on_demand).await;
    bench.call("CreateStream", json!({"StreamName": "t", "ShardCount": 1})).await;
    bench.kinesis.set_shard_quota(5);
    bench.call("CreateStream", json!({"StreamName": "u", "ShardCount": 2})).await;
}
