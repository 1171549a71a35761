//! Firehose's states that only AWS gets into: CREATING_FAILED, CREATING while it is to go, DELETING_FAILED.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{EVERYTHING, down, ends_clean, staged, up, up_fails};
use crate::matrix::point::nothing_is_left;

const DESCRIBE: &str = "firehose DescribeDeliveryStream";
const DELETE: &str = "firehose DeleteDeliveryStream";

fn becomes(status: &'static str) -> impl Fn(&mut Value) + Clone + Send + Sync + 'static {
    move |answer: &mut Value| {
        if answer["DeliveryStreamDescription"].is_object() {
            answer["DeliveryStreamDescription"]["DeliveryStreamStatus"] = json!(status);
            answer["DeliveryStreamDescription"]["FailureDescription"] =
                json!({"Type": "UNKNOWN_ERROR", "Details": "no network interface"});
        }
    }
}

/// It is final: what has failed so is deleted, and the reason told.
#[tokio::test(start_paused = true)]
async fn one_that_failed_to_be_created_is_deleted_and_made_again() {
    let (ground, staged) = staged("store-sales-s3").await;
    // One read by the survey, and the first while it is waited for.
    staged.edit(DESCRIBE, 2, becomes("CREATING_FAILED"));
    let failed = up_fails(&ground).await;
    let said = failed.iter().find(|error| error.message.contains("CREATING_FAILED")).expect("it says so");
    assert!(said.message.contains("UNKNOWN_ERROR: no network interface"), "{said}");
    assert!(ground.wire.calls().iter().any(|call| call == DELETE), "it was deleted");
    up(&ground).await;
    ends_clean(&ground).await;
}

/// What is CREATING cannot be deleted: it is waited for.
#[tokio::test(start_paused = true)]
async fn one_that_is_being_created_is_deleted_once_it_is_there() {
    let (ground, staged) = staged(EVERYTHING).await;
    up(&ground).await;
    ground.wire.forget();
    staged.edit(DESCRIBE, 20, becomes("CREATING"));
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    let calls = ground.wire.calls();
    let looks = calls.iter().take_while(|call| *call != DELETE).filter(|call| *call == DESCRIBE).count();
    assert!(looks > 15, "{looks} looks before the first deletion");
    nothing_is_left(&ground).await.expect("nothing is left");
}

#[tokio::test(start_paused = true)]
async fn one_that_failed_to_be_deleted_is_forced() {
    let (ground, staged) = staged("store-sales-s3").await;
    up(&ground).await;
    staged.edit(DESCRIBE, 2, becomes("DELETING_FAILED"));
    let asked = Arc::new(Mutex::new(Vec::<Value>::new()));
    let noted = asked.clone();
    staged.on(DELETE, move |request| {
        let body = serde_json::from_slice(request.body()).expect("JSON");
        noted.lock().expect("no panic while it is held").push(body);
        None
    });
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    assert_eq!(asked.lock().expect("no panic while it was held")[0]["AllowForceDelete"], json!(true));
    nothing_is_left(&ground).await.expect("nothing is left");
}
