//! Channels and queues: attached, listed, tagged, and in the way of their stream's deletion.

use serde_json::{Value, json};

use super::{Bench, arn, text};

async fn on_demand(bench: &Bench, name: &str) {
    bench.call("CreateStream", json!({"StreamName": name, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}})).await;
    bench.settle();
}

fn channel(name: &str, stream: &str) -> Value {
    json!({
        "ChannelName": name,
        "ServiceExecutionRoleARN": "arn:aws:iam::000000000000:role/r",
        "StreamConfigurationList": [{"StreamARN": arn(stream), "RecordConfiguration": {"RecordFormatType": "JSON"}}],
        "S3DestinationConfiguration": {"StorageConfiguration": {
            "BucketARN": "arn:aws:s3:::b", "ExpectedBucketOwner": "000000000000", "CompressionType": "GZIP",
        }},
        "Tags": {"team": "x"},
    })
}

fn queue(name: &str, stream: &str) -> Value {
    json!({"QueueName": name, "StreamConfigurationList": [{"StreamARN": arn(stream)}]})
}

async fn summary(bench: &Bench, stream: &str) -> Value {
    bench.call("DescribeStreamSummary", json!({"StreamName": stream})).await["StreamDescriptionSummary"].clone()
}

#[tokio::test]
async fn a_channel_is_described_listed_tagged_and_deleted() {
    let mut bench = Bench::new();
    on_demand(&bench, "s").await;
    let made = bench.call("CreateChannel", channel("c", "s")).await["ChannelDescription"].clone();
    assert_eq!((&made["ChannelStatus"], &made["ChannelName"]), (&json!("CREATING"), &json!("c")));
    assert_eq!(made["S3DestinationConfiguration"]["DataFreshnessInSeconds"], 300);
    let id = text(&made["ChannelId"]);
    let errors = &made["S3DestinationConfiguration"]["DeadLetterQueueS3Configuration"]["ErrorOutputPrefix"];
    assert_eq!(*errors, format!("kinesis-channel/errors/c/{id}/"));
    assert_eq!(made["StreamConfigurationList"][0]["StreamARN"], arn("s"));
    bench.settle();
    bench.reopen();
    let channel_arn = text(&made["ChannelARN"]);
    let described = bench.call("DescribeChannel", json!({"ChannelARN": channel_arn})).await;
    assert_eq!(described["ChannelDescription"]["ChannelStatus"], "ACTIVE");
    let tags = bench.call("ListTagsForResource", json!({"ResourceARN": channel_arn})).await;
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "x"}]));
    let listed = |filter: &str| bench.call("ListChannels", json!({"StreamFilter": [{"StreamARN": arn(filter)}]}));
    let summaries = listed("s").await["ChannelSummaries"].clone();
    assert_eq!((summaries.as_array().map(Vec::len), &summaries[0]["ChannelDestinationType"]), (Some(1), &json!("S3")));
    assert_eq!(listed("other").await["ChannelSummaries"], json!([]));
    assert_eq!(summary(&bench, "s").await["ChannelCount"], 1);
    bench.call("DeleteChannel", json!({"ChannelARN": channel_arn})).await;
    assert_eq!(summary(&bench, "s").await["ChannelCount"], 1, "DELETING");
    bench.settle();
    assert_eq!(summary(&bench, "s").await["ChannelCount"], 0);
    let (code, _) = bench.refused("DescribeChannel", json!({"ChannelARN": channel_arn})).await;
    assert_eq!(code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_queue_is_described_listed_and_deleted() {
    let bench = Bench::new();
    on_demand(&bench, "s").await;
    let made = bench.call("CreateQueue", queue("q", "s")).await["QueueDescription"].clone();
    let attributes = json!({
        "VisibilityTimeoutSeconds": 30, "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 6},
    });
    assert_eq!(made["QueueAttributes"], attributes);
    assert_eq!(made["StreamConfigurationList"][0]["StartingPosition"], json!({"Type": "LATEST"}));
    bench.settle();
    let queue_arn = text(&made["QueueARN"]);
    let described = bench.call("DescribeQueue", json!({"QueueARN": queue_arn})).await;
    assert_eq!(described["QueueDescription"]["QueueStatus"], "ACTIVE");
    for name in ["p", "r"] {
        bench.call("CreateQueue", queue(name, "s")).await;
    }
    let page = bench.call("ListQueues", json!({"MaxResults": 2})).await;
    let next = json!({"MaxResults": 2, "NextToken": page["NextToken"]});
    let rest = bench.call("ListQueues", next).await;
    let names = |page: &Value| -> Vec<String> {
        page["QueueSummaries"].as_array().expect("a list").iter().map(|queue| text(&queue["QueueName"])).collect()
    };
    assert_eq!(
        (names(&page), names(&rest), rest.get("NextToken")),
        (vec!["p".into(), "q".into()], vec!["r".into()], None)
    );
    let counts = summary(&bench, "s").await;
    assert_eq!((&counts["QueueCount"], &counts["ConsumerCount"]), (&json!(3), &json!(0)));
    bench.call("DeleteQueue", json!({"QueueARN": queue_arn})).await;
    bench.settle();
    assert_eq!(summary(&bench, "s").await["QueueCount"], 2);
}

#[tokio::test]
async fn a_stream_that_has_any_is_not_deleted() {
    let bench = Bench::new();
    on_demand(&bench, "s").await;
    let channel = bench.call("CreateChannel", channel("c", "s")).await["ChannelDescription"]["ChannelARN"].clone();
    let queue = bench.call("CreateQueue", queue("q", "s")).await["QueueDescription"]["QueueARN"].clone();
    let delete = json!({"StreamName": "s", "EnforceConsumerDeletion": true});
    let (code, why) = bench.refused("DeleteStream", delete.clone()).await;
    assert!(code == "ResourceInUseException" && why.contains("1 channel"), "{code}: {why}");
    bench.call("DeleteChannel", json!({"ChannelARN": channel})).await;
    bench.settle();
    let (code, why) = bench.refused("DeleteStream", delete.clone()).await;
    assert!(code == "ResourceInUseException" && why.contains("1 queue"), "{code}: {why}");
    let provisioned = json!({"StreamARN": arn("s"), "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    assert_eq!(bench.refused("UpdateStreamMode", provisioned).await.0, "ResourceInUseException");
    bench.call("DeleteQueue", json!({"QueueARN": queue})).await;
    bench.settle();
    bench.call("DeleteStream", delete).await;
    bench.settle();
    assert_eq!(bench.refused("DescribeStreamSummary", json!({"StreamName": "s"})).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn what_aws_does_not_take_is_refused() {
    let bench = Bench::new();
    bench.stream("fixed", 1).await;
    on_demand(&bench, "s").await;
    on_demand(&bench, "t").await;
    let code = async |operation: &str, body: Value| bench.refused(operation, body).await.0;
    assert_eq!(code("CreateChannel", channel("c", "fixed")).await, "InvalidArgumentException");
    assert_eq!(code("CreateQueue", queue("q", "fixed")).await, "InvalidArgumentException");
    assert_eq!(code("CreateChannel", channel("c", "nowhere")).await, "ResourceNotFoundException");
    bench.call("CreateChannel", channel("c", "s")).await;
    assert_eq!(code("CreateChannel", channel("c", "t")).await, "ResourceInUseException");
    assert_eq!(code("CreateChannel", channel("d", "s")).await, "LimitExceededException");
    let mut both = channel("e", "t");
    both["S3TablesDestinationConfiguration"] = json!({});
    assert_eq!(code("CreateChannel", both).await, "InvalidArgumentException");
    let mut slow = channel("e", "t");
    slow["S3DestinationConfiguration"]["DataFreshnessInSeconds"] = json!(901);
    assert_eq!(code("CreateChannel", slow).await, "InvalidArgumentException");
    let mut nowhere = channel("e", "t");
    nowhere["S3DestinationConfiguration"] = json!({"StorageConfiguration": {"CompressionType": "GZIP"}});
    assert_eq!(code("CreateChannel", nowhere).await, "ValidationException");
    let mut text = channel("e", "t");
    text["S3DestinationConfiguration"] = json!("s3://b/");
    assert_eq!(code("CreateChannel", text).await, "SerializationException");
    for number in 0..20 {
        bench.call("CreateQueue", queue(&format!("q{number}"), "s")).await;
    }
    assert_eq!(code("CreateQueue", queue("more", "s")).await, "LimitExceededException");
    let consumer = json!({"StreamARN": arn("s"), "ConsumerName": "c"});
    assert_eq!(code("RegisterStreamConsumer", consumer).await, "LimitExceededException");
}
