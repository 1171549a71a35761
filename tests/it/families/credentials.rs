//! Credentials that expire midway, that nobody knows, and a clock that is wrong.

use std::sync::Arc;

use kinesis_demo::engine::{Cause, ProviderError};

use super::{EVERYTHING, calls, down, ends_clean, ground, staged, up, up_fails};
use crate::{inside::Fault, matrix::ground::Ground};

fn expired(call: &str) -> Fault {
    let short = call.starts_with("s3 ") || call.starts_with("iam ") || call.starts_with("sts ");
    let code = if short { "ExpiredToken" } else { "ExpiredTokenException" };
    Fault::Answer { status: 400, code, message: "The security token included in the request is expired".to_owned() }
}

/// From the first call of that name on, nothing is answered any more.
async fn expires_at(ground: &Ground, staged: &Arc<super::Staged>, call: &str, calls: &[String]) {
    let (wire, calls) = (Arc::downgrade(&ground.wire), calls.to_vec());
    let mut begun = false;
    staged.on(call, move |_| {
        let wire = wire.upgrade().filter(|_| !begun)?;
        begun = true;
        calls.iter().for_each(|call| wire.faults(call, usize::MAX, expired(call)));
        None
    });
}

fn all_say_so(errors: &[ProviderError]) {
    assert!(!errors.is_empty());
    for error in errors {
        assert_eq!(error.cause, Cause::Permission, "{error}");
        let advised = ["nothing is lost", "log in again", "run the command again"];
        assert!(advised.iter().all(|words| error.advice.contains(words)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_midway_through_down_lose_nothing() {
    let calls = calls(EVERYTHING).await;
    for at in ["lambda DeleteEventSourceMapping", "firehose DeleteDeliveryStream", "s3 DeleteObjects", "iam DeleteRole"]
    {
        let (ground, staged) = staged(EVERYTHING).await;
        up(&ground).await;
        ground.land().await;
        expires_at(&ground, &staged, at, &calls).await;
        let first = down(&ground).await;
        assert!(!first.is_clean(), "{at}");
        all_say_so(&first.failed.iter().map(|(_, error)| error.clone()).collect::<Vec<_>>());
        ground.wire.heal();
        let second = down(&ground).await;
        assert!(second.is_clean() && !second.removed.is_empty(), "{at}: {second:#?}");
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_midway_through_up_lose_nothing() {
    let calls = calls(EVERYTHING).await;
    for at in ["kinesis CreateStream", "iam CreateRole", "firehose CreateDeliveryStream"] {
        let (ground, staged) = staged(EVERYTHING).await;
        expires_at(&ground, &staged, at, &calls).await;
        all_say_so(&up_fails(&ground).await);
        ground.wire.heal();
        up(&ground).await;
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_nobody_knows_any_more_are_told_alike() {
    let ground = ground("stream-only").await;
    up(&ground).await;
    let text = "The security token included in the request is invalid.";
    ground.wire.faults("kinesis DeleteStream", usize::MAX, Fault::refused("UnrecognizedClientException", text));
    let failed = down(&ground).await.failed;
    all_say_so(&failed.into_iter().map(|(_, error)| error).collect::<Vec<_>>());
    ends_clean(&ground).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_told_with_how_wrong_it_is() {
    let ground = ground("stream-only").await;
    let text = "Signature expired: 20260101T100000Z is now earlier than 20260101T101500Z (20260101T102000Z - 5 min.)";
    ground.wire.faults("kinesis CreateStream", usize::MAX, Fault::refused("InvalidSignatureException", text));
    let failed = up_fails(&ground).await;
    assert_eq!(failed[0].cause, Cause::Permission, "{failed:#?}");
    assert!(failed[0].advice.contains("clock is 20 min behind"), "{failed:#?}");
    ends_clean(&ground).await;
}
