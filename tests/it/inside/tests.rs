//! What the wire promises to the tests that use it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_stand_in::internals::StandIn;
use kinesis_demo::aws::Clients;
use tempfile::TempDir;

use super::{Count, Fault, Kill, Wire};

async fn wired() -> (TempDir, std::sync::Arc<Wire>, Clients) {
    let folder = tempfile::tempdir().expect("a folder");
    let wire = Wire::to(StandIn::open(folder.path()).expect("opened"));
    let clients = wire.clients().await;
    (folder, wire, clients)
}

async fn create(clients: &Clients, name: &str) -> Result<(), String> {
    let made = clients.kinesis.create_stream().stream_name(name).shard_count(1).send().await;
    made.map(drop).map_err(|error| error.code().unwrap_or("no answer").to_owned())
}

async fn streams(clients: &Clients) -> Vec<String> {
    clients.kinesis.list_streams().send().await.expect("listed").stream_names
}

#[tokio::test(start_paused = true)]
async fn calls_of_every_protocol_are_answered_and_named() {
    let (_folder, wire, clients) = wired().await;
    create(&clients, "s").await.expect("made");
    clients.s3.create_bucket().bucket("landed").send().await.expect("made");
    clients.s3.put_object().bucket("landed").key("a/b").body(b"x".to_vec().into()).send().await.expect("put");
    clients.s3.head_bucket().bucket("absent").send().await.expect_err("absent");
    clients.s3.list_object_versions().bucket("landed").send().await.expect("listed");
    clients.iam.get_role().role_name("r").send().await.expect_err("absent");
    clients.lambda.get_function().function_name("f").send().await.expect_err("absent");
    clients.lambda.list_event_source_mappings().send().await.expect("listed");
    clients.dynamodb.list_tables().send().await.expect("listed");
    clients.sts.get_caller_identity().send().await.expect("answered");
    let named = [
        "kinesis CreateStream",
        "s3 CreateBucket",
        "s3 PutObject",
        "s3 HeadBucket",
        "s3 ListObjectVersions",
        "iam GetRole",
        "lambda GetFunction",
        "lambda ListEventSourceMappings",
        "dynamodb ListTables",
        "sts GetCallerIdentity",
    ];
    assert_eq!(wire.calls(), named);
    assert_eq!(wire.changes(), &named[..3]);
    wire.forget();
    assert!(wire.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_as_its_service_writes_it() {
    let (_folder, wire, clients) = wired().await;
    let (code, text) = ("AccessDenied", "User: x is not authorized to perform: y <z> & more");
    for call in ["kinesis ListStreams", "dynamodb ListTables", "iam GetRole", "lambda ListFunctions", "s3 ListBuckets"]
    {
        wire.fault(call, Fault::Answer { status: 403, code, message: text.to_owned() });
    }
    wire.fault("firehose ListDeliveryStreams", Fault::denied(text));
    wire.fault("glue GetDatabase", Fault::refused("EntityNotFoundException", text));
    let said = |error: &dyn ProvideErrorMetadata| {
        (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
    };
    let expected = (code.to_owned(), text.to_owned());
    assert_eq!(said(&clients.kinesis.list_streams().send().await.expect_err("refused")), expected);
    assert_eq!(said(&clients.dynamodb.list_tables().send().await.expect_err("refused")), expected);
    assert_eq!(said(&clients.iam.get_role().role_name("r").send().await.expect_err("refused")), expected);
    assert_eq!(said(&clients.lambda.list_functions().send().await.expect_err("refused")), expected);
    assert_eq!(said(&clients.s3.list_buckets().send().await.expect_err("refused")), expected);
    let denied = clients.firehose.list_delivery_streams().send().await.expect_err("refused");
    assert_eq!(said(&denied), ("AccessDeniedException".to_owned(), text.to_owned()));
    let absent = clients.glue.get_database().name("d").send().await.expect_err("refused").into_service_error();
    assert!(absent.is_entity_not_found_exception() && absent.message() == Some(text), "{absent:?}");
    clients.kinesis.list_streams().send().await.expect("one fault is one fault");
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_lost_late_or_untrue() {
    let (_folder, wire, clients) = wired().await;
    wire.fault("kinesis CreateStream", Fault::LoseAnswer);
    assert_eq!(create(&clients, "lost").await, Err("ResourceInUseException".to_owned()), "the second try");
    wire.fault("kinesis CreateStream", Fault::Unreachable);
    create(&clients, "later").await.expect("the second try");
    wire.fault("kinesis CreateStream", Fault::Delay(Duration::from_secs(600)));
    assert_eq!(create(&clients, "late").await, Err("ResourceInUseException".to_owned()), "the second try");
    let message = "it has failed".to_owned();
    wire.fault("kinesis CreateStream", Fault::AnswerAfter { status: 400, code: "ValidationException", message });
    assert_eq!(create(&clients, "untrue").await, Err("ValidationException".to_owned()));
    assert_eq!(streams(&clients).await, ["late", "later", "lost", "untrue"]);
    wire.faults("kinesis ListStreams", usize::MAX, Fault::Unreachable);
    clients.kinesis.list_streams().send().await.expect_err("for ever");
    wire.heal();
    clients.kinesis.list_streams().send().await.expect("healed");
}

#[tokio::test(start_paused = true)]
async fn clients_do_not_spend_the_retries_of_others() {
    let (_folder, wire, unlucky) = wired().await;
    wire.faults("kinesis ListStreams", usize::MAX, Fault::Unreachable);
    for _ in 0..60 {
        unlucky.kinesis.list_streams().send().await.expect_err("unreachable");
    }
    wire.heal();
    wire.fault("kinesis ListStreams", Fault::Unreachable);
    unlucky.kinesis.list_streams().send().await.expect_err("no second try is left to them");
    wire.fault("kinesis ListStreams", Fault::Unreachable);
    wire.clients().await.kinesis.list_streams().send().await.expect("the second try of others");
}

#[tokio::test(start_paused = true)]
async fn the_caller_dies_before_the_call_after_it_and_after_its_answer() {
    let (_folder, wire, clients) = wired().await;
    for (when, name, made) in
        [(Kill::Before, "before", false), (Kill::AfterUnseen, "unseen", true), (Kill::AfterAnswer, "seen", true)]
    {
        wire.forget();
        wire.kill_at(2, when);
        let (mut seen, mut went_on) = (false, false);
        let life = async {
            streams(&clients).await;
            create(&clients, name).await.expect("made");
            seen = true;
            streams(&clients).await;
            went_on = true;
        };
        assert_eq!(wire.live(life).await, None, "{name}");
        assert_eq!((seen, went_on), (when == Kill::AfterAnswer, false), "{name}");
        assert_eq!(wire.calls(), ["kinesis ListStreams", "kinesis CreateStream"], "{name}");
        wire.revive().await;
        assert_eq!(streams(&clients).await.iter().any(|found| found == name), made, "{name}");
    }
    wire.kill_at(2, Kill::Before);
    assert!(wire.live(streams(&clients)).await.is_some(), "it has outlived what was planned for it");
    wire.revive().await;
    streams(&clients).await;
    assert!(wire.live(streams(&clients)).await.is_some(), "which is forgotten then");
}

/// Of a caller that writes so many bytes between two calls.
fn telling(bytes: u64) -> Count {
    let written = AtomicU64::new(0);
    Count::Telling(Box::new(move || written.fetch_add(bytes, Ordering::Relaxed)))
}

#[tokio::test(start_paused = true)]
async fn a_kill_that_leaves_what_another_leaves_is_not_counted() {
    let (_folder, wire, clients) = wired().await;
    let counted: [(_, _, &[usize]); 4] = [
        (Kill::Before, 0, &[1, 3, 4]),
        (Kill::Before, 1, &[1, 2, 3, 4, 5]),
        (Kill::AfterUnseen, 1, &[3]),
        (Kill::AfterAnswer, 1, &[3]),
    ];
    for (case, (when, bytes, counted)) in counted.into_iter().enumerate() {
        let calls = counted.iter().copied().map(Some).chain([None]);
        for (number, died_at) in (1..).zip(calls) {
            wire.forget();
            wire.kill_at_counted(number, when, telling(bytes));
            let life = async {
                streams(&clients).await;
                streams(&clients).await;
                let bucket = clients.s3.create_bucket().bucket(format!("bucket-{case}-{number}"));
                bucket.send().await.expect("made");
                streams(&clients).await;
                streams(&clients).await;
            };
            let outlived = wire.live(life).await;
            assert_eq!(outlived.is_some(), died_at.is_none(), "{when:?} {number}");
            assert_eq!(wire.calls().len(), died_at.unwrap_or(5), "{when:?} {number}");
            wire.revive().await;
        }
    }
}
