//! Delivery streams made, changed, listed and refused.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configurations_are_refused_as_aws_would() {
    let rig = Rig::new().await;
    let with = |field: &str, value: Value| {
        let mut changed = destination(60);
        changed[field] = value;
        from_stream("d", &changed)
    };
    let hints = |mib: u32, seconds: u32| json!({"SizeInMBs": mib, "IntervalInSeconds": seconds});
    let argument = "InvalidArgumentException";
    let cases = [
        (with("RoleARN", json!("arn:aws:iam::000000000000:role/none")), argument, "unable to assume role"),
        (with("BucketARN", json!("arn:aws:s3:::nowhere")), argument, "does not exist"),
        (with("Prefix", json!("x/!{timestmp:yyyy}/")), argument, "position 2"),
        (with("ErrorOutputPrefix", Value::Null), argument, "ErrorOutputPrefix must be specified"),
        (with("ErrorOutputPrefix", json!("e/!{timestamp:yyyy}/")), argument, "error-output-type"),
        (with("BufferingHints", hints(0, 60)), "ValidationException", "greater than or equal to 1"),
        (with("BufferingHints", hints(129, 60)), "ValidationException", "less than or equal to 128"),
        (with("BufferingHints", hints(1, 901)), "ValidationException", "less than or equal to 900"),
        (with("BufferingHints", json!({"SizeInMBs": 1})), argument, "both"),
        (with("CompressionFormat", json!("BZ")), "ValidationException", "enum value set"),
        (with("S3BackupMode", json!("Enabled")), argument, "S3BackupMode"),
    ];
    for (request, code, part) in cases {
        let error = rig.refused("CreateDeliveryStream", request).await;
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(part), "{error} does not say {part}");
    }
    let mut no_stream = from_stream("d", &destination(60));
    no_stream["KinesisStreamSourceConfiguration"]["KinesisStreamARN"] = json!(stream_arn().replace("sales", "none"));
    let error = rig.refused("CreateDeliveryStream", no_stream).await;
    assert!(error.code == argument && error.message.contains("Stream none"), "{error}");
    assert_eq!(rig.call("ListDeliveryStreams", json!({})).await["DeliveryStreamNames"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_use_is_refused() {
    let rig = Rig::new().await;
    let named = json!({"DeliveryStreamName": "d"});
    rig.call("CreateDeliveryStream", from_stream("d", &destination(60))).await;
    assert_eq!(rig.refused("DeleteDeliveryStream", named.clone()).await.code, "ResourceInUseException");
    let again = rig.refused("CreateDeliveryStream", from_stream("d", &destination(60))).await;
    assert_eq!(again.code, "ResourceInUseException");
    until("ACTIVE", async || rig.describe(&named).await["DeliveryStreamStatus"] == "ACTIVE").await;
    let put = json!({"DeliveryStreamName": "d", "Record": {"Data": "eA=="}});
    assert_eq!(rig.refused("PutRecord", put).await.code, "InvalidArgumentException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_changes_what_it_names_and_needs_the_version() {
    let rig = Rig::new().await;
    rig.create(from_stream("d", &destination(60))).await;
    let named = json!({"DeliveryStreamName": "d"});
    let update = |version: &str| {
        json!({
            "DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": version,
            "DestinationId": "destinationId-000000000001",
            "ExtendedS3DestinationUpdate": {"CompressionFormat": "GZIP"},
        })
    };
    let stale = rig.refused("UpdateDestination", update("7")).await;
    assert_eq!(stale.code, "ConcurrentModificationException");
    rig.call("UpdateDestination", update("1")).await;
    let description = rig.describe(&named).await;
    assert_eq!(text(&description["VersionId"]), "2");
    assert_eq!(text(&description["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"]), stream_arn());
    let shown = &description["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(text(&shown["CompressionFormat"]), "GZIP");
    assert_eq!(text(&shown["Prefix"]), PREFIX);
    assert_eq!(shown["BufferingHints"]["IntervalInSeconds"], 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_go_page_by_page() {
    let mut rig = Rig::new().await;
    for name in ["a", "b", "c"] {
        rig.create(from_puts(name, &destination(60))).await;
    }
    rig.crash();
    rig.open();
    let first = rig.call("ListDeliveryStreams", json!({"Limit": 2})).await;
    assert_eq!(first, json!({"DeliveryStreamNames": ["a", "b"], "HasMoreDeliveryStreams": true}));
    let second = rig.call("ListDeliveryStreams", json!({"ExclusiveStartDeliveryStreamName": "b"})).await;
    assert_eq!(second, json!({"DeliveryStreamNames": ["c"], "HasMoreDeliveryStreams": false}));
    let of_streams = json!({"DeliveryStreamType": "KinesisStreamAsSource"});
    assert_eq!(rig.call("ListDeliveryStreams", of_streams).await["DeliveryStreamNames"], json!([]));

    let tags = json!({"DeliveryStreamName": "a", "Tags": [{"Key": "x", "Value": "1"}, {"Key": "y"}]});
    rig.call("TagDeliveryStream", tags).await;
    rig.call("UntagDeliveryStream", json!({"DeliveryStreamName": "a", "TagKeys": ["x"]})).await;
    let tags = rig.call("ListTagsForDeliveryStream", json!({"DeliveryStreamName": "a"})).await;
    assert_eq!(tags, json!({"Tags": [{"Key": "y", "Value": ""}], "HasMoreTags": false}));
}
