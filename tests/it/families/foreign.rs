//! Somebody else has the name: before `up` looks (the matrix has that for every kind), in another account, or just after it
//! has looked.

use aws_sdk_s3::types::{Tag, Tagging};
use http::Response;
use kinesis_demo::aws::Names;

use super::{EVERYTHING, down, ends_clean, ground, staged, staged::Play, up_fails};
use crate::{inside::Fault, matrix::ground::Ground};

fn bucket(ground: &Ground) -> String {
    Names::of(&ground.stack, &ground.id).bucket.expect("the stack has a bucket")
}

/// HeadBucket has no body; 403 is all it says of another account's.
#[tokio::test(start_paused = true)]
async fn a_bucket_of_another_account_is_refused_before_anything_is_made() {
    let ground = ground(EVERYTHING).await;
    let theirs = Fault::Answer { status: 403, code: "", message: String::new() };
    ground.wire.faults("s3 HeadBucket", usize::MAX, theirs);
    let failed = up_fails(&ground).await;
    assert!(failed[0].message.contains("another account"), "{failed:#?}");
    assert!(ground.wire.changes().is_empty(), "{:?}", ground.wire.changes());
    ends_clean(&ground).await;
}

/// In us-east-1 CreateBucket answers 200 where the caller's account has the bucket already, whoever made it.
#[tokio::test(start_paused = true)]
async fn a_bucket_that_was_there_all_the_time_is_not_taken_for_ours() {
    let (mut ground, staged) = staged(EVERYTHING).await;
    let name = bucket(&ground);
    let theirs = Tag::builder().key("team").value("x").build().expect("a tag");
    ground.aside.s3.create_bucket().bucket(&name).send().await.expect("made");
    let tagging = Tagging::builder().tag_set(theirs).build().expect("tags");
    ground.aside.s3.put_bucket_tagging().bucket(&name).tagging(tagging).send().await.expect("tagged");
    ground.stand_in.s3.put(&name, "theirs", "as it is".into()).await.expect("put");
    ground.others = ground.inventory();
    // `up` reads once, and may not see it yet.
    let mut unseen = 1;
    staged.on("s3 HeadBucket", move |_| {
        unseen = i32::checked_sub(unseen, 1).filter(|left| *left >= 0)?;
        Some(Play::Instead(Response::builder().status(404).body("".into()).expect("a response")))
    });
    let failed = up_fails(&ground).await;
    let error = failed.iter().find(|error| error.to_string().contains(&name)).expect("an error about the bucket");
    assert!(error.message.contains("does not belong to this stack"), "{error}");
    assert!(ground.wire.calls().iter().any(|call| call == "s3 CreateBucket"), "it was created all the same");
    assert!(ground.stand_in.s3.exists(&name));
    ends_clean(&ground).await;
}

/// A create that fails with "it is there" where the look after it finds somebody else's mark.
#[tokio::test(start_paused = true)]
async fn what_appears_under_the_name_meanwhile_stays() {
    let (mut ground, staged) = staged(EVERYTHING).await;
    let stream = Names::of(&ground.stack, &ground.id).stream;
    ground.aside.kinesis.create_stream().stream_name(&stream).shard_count(1).send().await.expect("made");
    ground.others = ground.inventory();
    let mut unseen = 1;
    staged.on("kinesis DescribeStreamSummary", move |_| {
        unseen = i32::checked_sub(unseen, 1).filter(|left| *left >= 0)?;
        let body = r#"{"__type": "ResourceNotFoundException", "message": "Stream not found."}"#;
        let answer = Response::builder().status(400).header("content-type", "application/x-amz-json-1.1");
        Some(Play::Instead(answer.body(body.into()).expect("a response")))
    });
    let failed = up_fails(&ground).await;
    assert!(failed.iter().any(|error| error.message.contains("does not belong to this stack")), "{failed:#?}");
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    ends_clean(&ground).await;
}
