//! Channels and queues on the stack's stream, with which AWS does not delete it.

use std::time::Duration;

use aws_sdk_kinesis::types::{
    ChannelStreamConfiguration, RecordConfiguration, RecordFormatType, S3CompressionType, S3DestinationConfiguration,
    S3StorageConfiguration, StreamFilter,
};
use kinesis_demo::{
    aws::{Clients, Names},
    engine::{Cancel, Cause, ForeignContents},
    pipeline::lifecycle,
    spec::StreamMode,
};
use serde_json::json;

use super::{down, ends_clean, ground, up};
use crate::matrix::{ground::Ground, point::nothing_is_left};

/// A stack on demand, which is up.
async fn on_demand() -> Ground {
    let mut ground = ground("stream-only").await;
    ground.stack.stream.mode = StreamMode::OnDemand;
    up(&ground).await;
    ground
}

fn stream(ground: &Ground) -> String {
    Names::of(&ground.stack, &ground.id).stream
}

async fn stream_arn(aws: &Clients, stream: &str) -> String {
    let found = aws.kinesis.describe_stream_summary().stream_name(stream).send().await.expect("described");
    found.stream_description_summary.expect("a summary").stream_arn
}

/// Attaches a channel, as the tags say of this stack.
pub async fn attach_channel(aws: &Clients, stream: &str, name: &str, stack: Option<&str>) {
    let record = RecordConfiguration::builder().record_format_type(RecordFormatType::Json).build().expect("a format");
    let source =
        ChannelStreamConfiguration::builder().stream_arn(stream_arn(aws, stream).await).record_configuration(record);
    let storage = S3StorageConfiguration::builder().bucket_arn("arn:aws:s3:::theirs");
    let storage = storage.expected_bucket_owner("000000000000").compression_type(S3CompressionType::Gzip);
    let to = S3DestinationConfiguration::builder().storage_configuration(storage.build().expect("a place"));
    let call = aws.kinesis.create_channel().channel_name(name);
    let call = call.service_execution_role_arn("arn:aws:iam::000000000000:role/theirs");
    let call = call.stream_configuration_list(source.build().expect("a stream"));
    let call = call.s3_destination_configuration(to.build());
    let call = match stack {
        Some(stack) => call.tags("demo:stack", stack),
        None => call,
    };
    call.send().await.expect("attached");
}

/// The SDK has no such operation; another one with the same protocol carries it.
async fn queue_call(ground: &Ground, operation: &'static str, body: serde_json::Value) {
    let body = body.to_string();
    let call = ground.aside.kinesis.list_channels().customize().mutate_request(move |request| {
        let headers = request.headers_mut();
        headers.insert("x-amz-target", format!("Kinesis_20131202.{operation}"));
        headers.insert("content-length", body.len().to_string());
        *request.body_mut() = body.clone().into();
    });
    call.send().await.unwrap_or_else(|error| panic!("{operation}: {error:?}"));
}

async fn channels(ground: &Ground) -> usize {
    let filter =
        StreamFilter::builder().stream_arn(stream_arn(&ground.aside, &stream(ground)).await).build().expect("a filter");
    let listed = ground.aside.kinesis.list_channels().stream_filter(filter).send().await.expect("listed");
    listed.channel_summaries.len()
}

#[tokio::test(start_paused = true)]
async fn a_channel_with_the_stacks_tags_goes_with_its_stream() {
    let ground = on_demand().await;
    attach_channel(&ground.aside, &stream(&ground), "ours", Some(ground.id.as_str())).await;
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    let deleted = ground.wire.calls().iter().filter(|call| *call == "kinesis DeleteChannel").count();
    assert_eq!(deleted, 1);
    nothing_is_left(&ground).await.expect("nothing is left");
}

#[tokio::test(start_paused = true)]
async fn a_channel_of_others_keeps_the_stream_and_is_named() {
    let ground = on_demand().await;
    attach_channel(&ground.aside, &stream(&ground), "theirs", Some("other-00000009")).await;
    let kept = down(&ground).await;
    let [(key, error)] = &kept.failed[..] else { panic!("{kept:#?}") };
    assert_eq!((key.kind.as_str(), error.cause), ("stream", Cause::Foreign), "{error}");
    let said = error.to_string();
    for part in ["channel theirs", "kinesis delete-channel --channel-arn arn:aws:kinesis:", "demo down --with-foreign"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(kept.leftovers.len(), 1, "{kept:#?}");
    assert_eq!(channels(&ground).await, 1);
    assert!(!ground.wire.calls().iter().any(|call| call == "kinesis DeleteStream"), "AWS would refuse it");

    let clients = ground.wire.clients().await;
    let state = ground.home.find(ground.id.as_str()).expect("known");
    let journal = lifecycle::open_known(&ground.home, &state, &clients).await.expect("opened");
    let down = lifecycle::down_with(&journal, &clients, ForeignContents::Delete, &(), &Cancel::new()).await;
    assert!(down.as_ref().is_ok_and(kinesis_demo::engine::Down::is_clean), "{down:#?}");
    drop(journal);
    nothing_is_left(&ground).await.expect("nothing is left");
}

#[tokio::test(start_paused = true)]
async fn a_queue_keeps_the_stream_until_somebody_deletes_it() {
    let ground = on_demand().await;
    let arn = stream_arn(&ground.aside, &stream(&ground)).await;
    let queue = json!({"QueueName": "theirs", "StreamConfigurationList": [{"StreamARN": arn}]});
    queue_call(&ground, "CreateQueue", queue).await;
    let clients = ground.wire.clients().await;
    for foreign in [ForeignContents::Keep, ForeignContents::Delete] {
        let state = ground.home.find(ground.id.as_str()).expect("known");
        let journal = lifecycle::open_known(&ground.home, &state, &clients).await.expect("opened");
        let down = lifecycle::down_with(&journal, &clients, foreign, &(), &Cancel::new()).await.expect("down");
        let [(_, error)] = &down.failed[..] else { panic!("{foreign:?}: {down:#?}") };
        let said = error.to_string();
        assert!(error.cause == Cause::Foreign && down.leftovers.len() == 1, "{foreign:?}: {down:#?}");
        assert!(said.contains("1 queue") && said.contains("kinesis delete-queue --queue-arn $queue"), "{said}");
        assert!(said.contains(&format!("list-queues --stream-filter StreamARN={arn}")), "{said}");
        assert!(!said.contains("--with-foreign"), "no option deletes it: {said}");
    }
    let id = format!("a{:016x}", 1);
    queue_call(
        &ground,
        "DeleteQueue",
        json!({"QueueARN": format!("arn:aws:kinesis:us-east-1:000000000000:queue/{id}")}),
    )
    .await;
    // A queue is gone some time after the call.
    tokio::time::sleep(Duration::from_secs(60)).await;
    ends_clean(&ground).await;
}
