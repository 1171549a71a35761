//! Too much at a time, which passes, and too much at all, which does not.

use kinesis_demo::engine::Cause;
use serde_json::json;

use super::{
    EVERYTHING, down, ends_clean, ground, make, staged,
    staged::{Play, ok},
    up, up_fails,
};
use crate::{inside::Fault, matrix::point::nothing_is_left};

/// More than the SDK tries by itself.
const BURST: usize = 25;

fn throttled(call: &str) -> Fault {
    let (status, code, message) = match call.split(' ').next() {
        Some("s3") => (503, "SlowDown", "Please reduce your request rate."),
        Some("iam") => (400, "Throttling", "Rate exceeded"),
        Some("lambda") => (429, "TooManyRequestsException", "Rate Exceeded."),
        Some("kinesis") => (400, "LimitExceededException", "Rate exceeded for stream s under account 000000000000."),
        _ => (400, "ThrottlingException", "Rate exceeded"),
    };
    Fault::Answer { status, code, message: message.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn bursts_of_throttling_on_every_call_are_sat_out() {
    let mut calls = super::calls(EVERYTHING).await;
    // Those are not the stack's: who is calling, and whether Redshift can be reached.
    calls.retain(|call| !["sts ", "redshift-data ", "redshift-serverless "].iter().any(|of| call.starts_with(of)));
    assert!(calls.len() > 40, "{calls:?}");
    for call in calls {
        let mut ground = super::ground(EVERYTHING).await;
        ground.begin().await;
        ground.wire.faults(&call, BURST, throttled(&call));
        make(&ground).await.unwrap_or_else(|error| panic!("{call}: {error}"));
        ground.land().await;
        ground.wire.heal();
        ground.wire.faults(&call, BURST, throttled(&call));
        let down = down(&ground).await;
        assert!(down.is_clean(), "{call}: {down:#?}");
        ground.wire.heal();
        nothing_is_left(&ground).await.unwrap_or_else(|why| panic!("{call}: {why}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_passes_is_waited_for() {
    for text in [
        "You can only have up to 5 streams that can simultaneously be in CREATING or DELETING states.",
        "Rate exceeded for stream s under account 000000000000.",
    ] {
        let ground = ground(EVERYTHING).await;
        ground.wire.faults("kinesis CreateStream", 40, Fault::refused("LimitExceededException", text));
        up(&ground).await;
        ground.wire.faults("kinesis DeleteStream", 40, Fault::refused("LimitExceededException", text));
        let down = down(&ground).await;
        assert!(down.is_clean(), "{down:#?}");
        ends_clean(&ground).await;
    }
}

/// Call, code, the service's text, and what the error must say beside it.
const QUOTAS: [(&str, &str, &str, &str); 7] = [
    (
        "kinesis CreateStream",
        "LimitExceededException",
        "This request would exceed the shard limit for the account 000000000000 in us-east-1. Limit: 500.",
        "kinesis --quota-code L-0918CF54",
    ),
    (
        "firehose CreateDeliveryStream",
        "LimitExceededException",
        "You have already consumed your firehose quota of 50 firehoses.",
        "firehose --quota-code L-14BB0BE7",
    ),
    ("iam CreateRole", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", "iam --quota-code L-FE177D64"),
    (
        "s3 CreateBucket",
        "TooManyBuckets",
        "You have attempted to create more buckets than 10000",
        "s3 --quota-code L-DC2B2D3D",
    ),
    (
        "dynamodb CreateTable",
        "LimitExceededException",
        "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber",
        "dynamodb --quota-code L-F98FE922",
    ),
    (
        "lambda CreateFunction",
        "CodeStorageExceededException",
        "Code storage limit of 80530636800 bytes exceeded.",
        "lambda --quota-code L-2ACBD22F",
    ),
    (
        "glue CreateDatabase",
        "ResourceNumberLimitExceededException",
        "Number of databases exceeds 10000",
        "glue --quota-code L-F953935E",
    ),
];

#[tokio::test(start_paused = true)]
async fn a_quota_is_an_error_at_the_first_attempt() {
    for (call, code, text, how) in QUOTAS {
        let ground = ground(EVERYTHING).await;
        ground.wire.faults(call, usize::MAX, Fault::refused(code, text));
        let failed = up_fails(&ground).await;
        let error = failed.iter().find(|error| error.call == call).unwrap_or_else(|| panic!("{call}: {failed:#?}"));
        assert_eq!(error.cause, Cause::Quota, "{error}");
        assert!(error.message.contains(text), "{error}");
        assert!(error.advice.contains("request-service-quota-increase --service-code"), "{error}");
        assert!(error.advice.contains(how), "{error}");
        let tries = ground.wire.calls().iter().filter(|made| *made == call).count();
        assert!(tries <= 4, "{call} was tried {tries} times: once for each that the stack has");
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_quotas_value_is_asked_where_the_text_has_none() {
    let (ground, staged) = staged(EVERYTHING).await;
    staged.on("servicequotas GetServiceQuota", |_| {
        let quota = json!({"Quota": {"ServiceCode": "kinesis", "QuotaCode": "L-0918CF54", "Value": 500.0}});
        Some(Play::Instead(ok("application/x-amz-json-1.1", quota.to_string())))
    });
    ground.wire.faults(
        "kinesis CreateStream",
        usize::MAX,
        Fault::refused("LimitExceededException", "Too many shards."),
    );
    let failed = up_fails(&ground).await;
    assert!(failed[0].message.contains("the quota 'Shards per Region' is 500"), "{failed:#?}");
    ends_clean(&ground).await;
}

/// The SDK's own retries, counted on the wire.
#[tokio::test(start_paused = true)]
async fn the_sdk_tries_a_quota_once_and_a_limit_that_passes_again() {
    let ground = ground("stream-only").await;
    let clients = ground.wire.clients().await;
    let create = async |code, text| {
        ground.wire.forget();
        ground.wire.faults("kinesis CreateStream", usize::MAX, Fault::refused(code, text));
        let call = clients.kinesis.create_stream().stream_name("s").shard_count(1);
        call.send().await.expect_err("refused");
        ground.wire.heal();
        ground.wire.calls().len()
    };
    assert_eq!(create("LimitExceededException", "The shard limit is 500").await, 1);
    assert_eq!(create("LimitExceededException", "Rate exceeded for stream s").await, 5);
    assert_eq!(create("ThrottlingException", "Rate exceeded").await, 5);
    ends_clean(&ground).await;
}
