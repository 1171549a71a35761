//! A bucket that is not empty when it should be: a late object, keys that are not deleted at once, old versions, open uploads.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Response;
use kinesis_demo::{aws::Names, engine::Cause};

use super::{
    down, ends_clean, staged,
    staged::{Play, ok},
    up,
};
use crate::{
    inside::Fault,
    matrix::{ground::Ground, point::nothing_is_left},
};

const STACK: &str = "store-sales-s3";

fn bucket(ground: &Ground) -> String {
    Names::of(&ground.stack, &ground.id).bucket.expect("the stack has a bucket")
}

/// Firehose may still have been writing.
#[tokio::test(start_paused = true)]
async fn an_object_that_lands_after_emptying_goes_too() {
    let (ground, staged) = staged(STACK).await;
    up(&ground).await;
    ground.land().await;
    // Where writes cannot be denied, the lists are all there is.
    let denied = Fault::Answer { status: 403, code: "AccessDenied", message: "Access Denied".to_owned() };
    ground.wire.faults("s3 PutBucketPolicy", usize::MAX, denied);
    let (stand_in, name, key) = (ground.stand_in.clone(), bucket(&ground), ground.landed("late.gz"));
    let mut late = 3;
    staged.on("s3 DeleteBucket", move |_| {
        late = i32::checked_sub(late, 1).filter(|left| *left >= 0)?;
        let landed = futures::executor::block_on(stand_in.s3.put(&name, &key, "{}".into()));
        landed.expect("put");
        None
    });
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    let tries = ground.wire.calls().iter().filter(|call| *call == "s3 DeleteBucket").count();
    assert_eq!(tries, 4, "each late object has held it up once");
    nothing_is_left(&ground).await.expect("nothing is left");
}

fn partly(key: &str, code: &str) -> Play {
    let error = format!("<Error><Key>{key}</Key><Code>{code}</Code><Message>no</Message></Error>");
    Play::Instead(ok("application/xml", format!("<DeleteResult>{error}</DeleteResult>")))
}

/// 200, and in it that one key was not deleted.
#[tokio::test(start_paused = true)]
async fn keys_that_could_not_be_deleted_are_tried_again() {
    for code in ["InternalError", "SlowDown"] {
        let (ground, staged) = staged(STACK).await;
        up(&ground).await;
        ground.land().await;
        let (mut failing, key) = (3, ground.landed("a.gz"));
        staged.on("s3 DeleteObjects", move |_| {
            failing = i32::checked_sub(failing, 1).filter(|left| *left >= 0)?;
            Some(partly(&key, code))
        });
        let down = down(&ground).await;
        assert!(down.is_clean(), "{code}: {down:#?}");
        nothing_is_left(&ground).await.expect("nothing is left");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_be_deleted_is_named() {
    let (ground, staged) = staged(STACK).await;
    up(&ground).await;
    ground.land().await;
    let locked = Arc::new(AtomicBool::new(true));
    let (lock, key) = (locked.clone(), ground.landed("a.gz"));
    staged.on("s3 DeleteObjects", move |_| lock.load(Ordering::Relaxed).then(|| partly(&key, "AccessDenied")));
    let failed = down(&ground).await.failed;
    let (_, error) = failed.first().expect("it failed");
    assert!(error.message.contains("AccessDenied") && error.message.contains(&ground.landed("a.gz")), "{error}");
    assert_eq!(error.cause, Cause::Permission, "{error}");
    locked.store(false, Ordering::Relaxed);
    ends_clean(&ground).await;
}

/// Somebody has turned versioning on: an old version and a delete marker, which a list of objects does not have.
#[tokio::test(start_paused = true)]
async fn versions_and_delete_markers_go_too() {
    let (ground, staged) = staged(STACK).await;
    up(&ground).await;
    ground.land().await;
    let old = Arc::new(Mutex::new(BTreeSet::from(["v1", "m1"])));
    let (listed, key) = (old.clone(), ground.landed("old"));
    let asked_for = format!("<Key>{key}<");
    staged.on("s3 ListObjectVersions", move |_| {
        let left = listed.lock().expect("no panic while it is held").clone();
        let entry = |id: &str, kind: &str| {
            let element = format!("<{kind}><Key>{key}</Key><VersionId>{id}</VersionId></{kind}>");
            if left.contains(id) { element } else { String::new() }
        };
        let entries = entry("v1", "Version") + &entry("m1", "DeleteMarker");
        Some(Play::Edits(Box::new(move |answer| {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            answer.replace("</ListVersionsResult>", &format!("{entries}</ListVersionsResult>")).into()
        })))
    });
    let deleted = old.clone();
    staged.on("s3 DeleteObjects", move |request| {
        let asked = String::from_utf8_lossy(request.body()).into_owned();
        deleted.lock().expect("no panic while it is held").retain(|id| !asked.contains(&format!("<VersionId>{id}<")));
        // The stand-in never heard of those two; the rest of the batch is found again.
        asked.contains(&asked_for).then(|| Play::Instead(ok("application/xml", "<DeleteResult/>")))
    });
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    assert!(old.lock().expect("no panic while it was held").is_empty(), "both were deleted by their ids");
    nothing_is_left(&ground).await.expect("nothing is left");
}

/// An upload that nobody ended holds no object, and a bucket all the same.
#[tokio::test(start_paused = true)]
async fn open_uploads_are_ended() {
    let (ground, _) = staged(STACK).await;
    up(&ground).await;
    for key in ["half-a", "half-b"].map(|name| ground.landed(name)) {
        ground.aside.s3.create_multipart_upload().bucket(bucket(&ground)).key(key).send().await.expect("begun");
    }
    let down = down(&ground).await;
    assert!(down.is_clean(), "{down:#?}");
    let ended = ground.wire.calls().iter().filter(|call| *call == "s3 AbortMultipartUpload").count();
    assert_eq!(ended, 2);
    nothing_is_left(&ground).await.expect("nothing is left");
}

/// As a partition of AWS answers whose S3 does not know them yet.
#[tokio::test(start_paused = true)]
async fn a_bucket_is_tagged_afterwards_where_its_creation_takes_no_tags() {
    let (ground, staged) = staged(STACK).await;
    staged.on("s3 CreateBucket", |request| {
        let tagged = String::from_utf8_lossy(request.body()).contains("<Tag>");
        let error = "<Error><Code>MalformedXML</Code><Message>The XML you provided was not well-formed or did not \
                     validate against our published schema</Message></Error>";
        let answer = Response::builder().status(400).header("content-type", "application/xml");
        tagged.then(|| Play::Instead(answer.body(error.into()).expect("a response")))
    });
    up(&ground).await;
    let calls = ground.wire.calls();
    let count = |name: &str| calls.iter().filter(|call| *call == name).count();
    assert_eq!((count("s3 CreateBucket"), count("s3 PutBucketTagging")), (2, 1), "{calls:?}");
    ends_clean(&ground).await;
}
