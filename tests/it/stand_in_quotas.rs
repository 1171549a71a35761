//! The stand-in's Service Quotas, and that what it says is held to, through the AWS SDK.

use aws_sdk_servicequotas::{Client, error::ProvideErrorMetadata};

use crate::stand_in::Running;

/// Status and code of a call that fails, and what it says.
macro_rules! refusal {
    ($call:expr) => {{
        let error = $call.send().await.expect_err("refused");
        let status = error.raw_response().map(|response| response.status().as_u16());
        let error = error.into_service_error();
        (status, error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
    }};
}

#[tokio::test]
async fn a_quota_is_what_the_service_holds_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let (quotas, kinesis) = (Client::new(&running.config()), aws_sdk_kinesis::Client::new(&running.config()));
    let shards = || quotas.get_service_quota().service_code("kinesis").quota_code("L-0918CF54");
    let quota = shards().send().await.expect("answered").quota.expect("a quota");
    assert_eq!((quota.value(), quota.quota_name()), (Some(20_000.0), Some("Shards per Region")));
    assert!(quota.adjustable() && !quota.global_quota());
    assert_eq!(quota.quota_arn(), Some("arn:aws:servicequotas:us-east-1:000000000000:kinesis/L-0918CF54"));

    running.stand_in.kinesis.set_shard_quota(5);
    assert_eq!(shards().send().await.expect("answered").quota.expect("a quota").value(), Some(5.0));
    let default = quotas.get_aws_default_service_quota().service_code("kinesis").quota_code("L-0918CF54");
    assert_eq!(default.send().await.expect("answered").quota.expect("a quota").value(), Some(20_000.0));

    kinesis.create_stream().stream_name("one").shard_count(3).send().await.expect("within the quota");
    let (status, code, message) = refusal!(kinesis.create_stream().stream_name("two").shard_count(3));
    assert_eq!((status, code.as_str()), (Some(400), "LimitExceededException"));
    assert!(message.contains("Current shard count for the account: 3. Limit: 5."), "{message}");
    let limits = kinesis.describe_limits().send().await.expect("answered");
    assert_eq!((limits.shard_limit(), limits.open_shard_count()), (5, 3));
    while kinesis.describe_stream_summary().stream_name("one").send().await.is_ok_and(|answer| {
        answer.stream_description_summary.is_some_and(|stream| stream.stream_status.as_str() != "ACTIVE")
    }) {
        tokio::task::yield_now().await;
    }
    let resize = kinesis.update_shard_count().stream_name("one").scaling_type("UNIFORM_SCALING".into());
    assert_eq!(refusal!(resize.clone().target_shard_count(6)).1, "LimitExceededException");
    resize.target_shard_count(5).send().await.expect("within the quota");
    running.stop().await;
}

#[tokio::test]
async fn quotas_are_listed_by_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let quotas = Client::new(&running.config());
    let services = quotas.list_services().send().await.expect("listed");
    assert!(services.services().iter().any(|service| service.service_code() == Some("kinesis")));
    for service in services.services() {
        let code = service.service_code().expect("a code");
        let listed = quotas.list_service_quotas().service_code(code).send().await.expect("listed");
        assert!(!listed.quotas().is_empty(), "{code}");
        for quota in listed.quotas() {
            let one = quotas.get_service_quota().service_code(code).set_quota_code(quota.quota_code.clone());
            assert_eq!(one.send().await.expect("answered").quota.as_ref(), Some(quota));
        }
    }
    let absent = quotas.get_service_quota().service_code("kinesis").quota_code("L-00000000");
    assert_eq!(refusal!(absent).1, "NoSuchResourceException");
    assert_eq!(refusal!(quotas.list_service_quotas().service_code("none")).1, "NoSuchResourceException");
    running.stop().await;
}

#[tokio::test]
async fn a_delivery_stream_beyond_the_quota_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    running.stand_in.firehose.set_stream_quota(0);
    let iam = aws_sdk_iam::Client::new(&running.config());
    let trust = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}}"#;
    iam.create_role().role_name("r").assume_role_policy_document(trust).send().await.expect("created");
    aws_sdk_s3::Client::new(&running.config()).create_bucket().bucket("landed").send().await.expect("created");
    let destination = aws_sdk_firehose::types::ExtendedS3DestinationConfiguration::builder()
        .bucket_arn("arn:aws:s3:::landed")
        .role_arn("arn:aws:iam::000000000000:role/r")
        .build()
        .expect("a destination");
    let firehose = aws_sdk_firehose::Client::new(&running.config());
    let create = firehose.create_delivery_stream().delivery_stream_name("d");
    assert_eq!(refusal!(create.extended_s3_destination_configuration(destination)).1, "LimitExceededException");
    running.stop().await;
}
