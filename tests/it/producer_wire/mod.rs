//! The producer's own transport over real sockets: against servers that misbehave by script, against the stand-in, and
//! against a Kinesis by others.

pub mod cbor;
mod peers;
mod refusals;
pub mod server;
mod signature;
mod tls;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::{
    Client,
    config::{Credentials, SharedCredentialsProvider},
    types::ShardIteratorType,
};
use kinesis_producer::{
    Answer, Body, Format, Position, Record, Request, RequestError, Severity, Transport, Wants, Wire,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use self::{
    cbor::cbor_of,
    server::{CBOR, JSON, Reply, Seen, Server, Written},
    signature::assert_is_signed,
};
use crate::stand_in::Running;

const PATIENCE: Duration = Duration::from_secs(30);
const STREAM: &str = "orders";
const SECRET: &str = "the-secret-key";
const TOKEN: &str = "the-session-token";

pub fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("the-id", SECRET, Some(TOKEN.to_owned()), None, "test");
    config_with(url, SharedCredentialsProvider::new(credentials))
}

fn config_with(url: &str, credentials: SharedCredentialsProvider) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(credentials)
        .build()
}

fn wire(server: &Server, format: Format) -> Wire {
    Wire::new(&config(&server.url), STREAM, format).expect("a transport")
}

fn records() -> Vec<Record> {
    let last = Record::new(vec![0xFF; 300], "😀\"\\\u{1}").with_explicit_hash_key(u128::MAX);
    vec![Record::new("a\n", "k0"), Record::new("", "k1").with_explicit_hash_key(0), last]
}

fn request(format: Format) -> Request {
    Request::new(Body::from_records(format, STREAM, &records()))
}

async fn put(wire: &Wire, format: Format) -> Result<Answer, RequestError> {
    timeout(PATIENCE, wire.put_records(request(format))).await.expect("an end")
}

/// What PutRecords answers to so many records, in the encoding that was asked in.
fn written(seen: &Seen, count: usize) -> Written {
    let entry = |index: usize| match index {
        1 => json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}),
        _ => json!({"ShardId": "shardId-000000000001", "SequenceNumber": index.to_string()}),
    };
    encoded(seen, 200, &json!({"FailedRecordCount": 1, "Records": (0..count).map(entry).collect::<Vec<_>>()}))
}

pub fn encoded(seen: &Seen, status: u16, answer: &Value) -> Written {
    match seen.is_cbor() {
        true => Written::new(status, CBOR, cbor_of(answer)),
        false => Written::new(status, JSON, answer.to_string()),
    }
}

#[tokio::test]
async fn requests_are_signed_and_say_what_they_are() {
    for format in [Format::Json, Format::Cbor] {
        let server = Server::start(|_, seen| Reply::Http(written(seen, 3))).await;
        let wire = wire(&server, format);
        assert_eq!(wire.wants(), Wants::new(format).with_hash());
        let plain = request(format);
        let hashed = plain.clone().with_sha256(Sha256::digest(plain.body.bytes()).into());
        for request in [plain, hashed] {
            wire.put_records(request).await.expect("an answer");
        }
        let expected = if format == Format::Cbor { CBOR } else { JSON };
        for seen in server.seen() {
            assert_eq!((seen.line.as_str(), seen.header("content-type")), ("POST / HTTP/1.1", expected));
            assert_eq!(seen.header("x-amz-target"), "Kinesis_20131202.PutRecords");
            assert_eq!(format!("http://{}", seen.header("host")), server.url);
            assert_eq!(seen.header("x-amz-security-token"), TOKEN);
            assert!(seen.header("authorization").contains("/eu-west-1/kinesis/aws4_request"), "{seen:?}");
            assert_eq!(seen.body, request(format).body.bytes());
            assert_is_signed(&seen, SECRET);
        }
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn answers_come_by_position() {
    for format in [Format::Json, Format::Cbor] {
        let server = Server::start(|_, seen| Reply::Http(written(seen, 3))).await;
        let answer = put(&wire(&server, format), format).await.expect("an answer");
        let text = |span| answer.text(span);
        let Position::Written { shard_id, sequence_number } = answer.positions()[2] else { panic!("{answer:?}") };
        assert_eq!((text(shard_id), text(sequence_number)), ("shardId-000000000001", "2"));
        let Position::Refused { code, message } = answer.positions()[1] else { panic!("{answer:?}") };
        assert_eq!((text(code), text(message)), ("ProvisionedThroughputExceededException", "Rate exceeded"));
    }
}

#[tokio::test]
async fn an_answer_of_fewer_positions_is_given_as_it_is() {
    let server = Server::start(|_, seen| Reply::Http(written(seen, 1))).await;
    assert_eq!(put(&wire(&server, Format::Json), Format::Json).await.expect("an answer").len(), 1);
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    let server = Server::start(|_, seen| Reply::Slow(Duration::from_millis(200), written(seen, 3))).await;
    assert_eq!(put(&wire(&server, Format::Json), Format::Json).await.expect("an answer").len(), 3);
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Server::start(|_, seen| Reply::Http(written(seen, 3))).await;
    let wire = wire(&server, Format::Cbor);
    for _ in 0..10 {
        put(&wire, Format::Cbor).await.expect("an answer");
    }
    assert!(server.seen().iter().all(|seen| seen.connection == 0));
    let together = futures::future::join_all((0..4).map(|_| put(&wire, Format::Cbor))).await;
    assert!(together.iter().all(Result::is_ok));
    assert!(server.seen().iter().all(|seen| seen.connection < 5), "{:?}", server.seen().last());
}

#[tokio::test]
async fn a_connection_that_was_closed_or_given_up_is_replaced() {
    let server = Server::start(|request, seen| match request {
        0 => Reply::Http(written(seen, 3).with("connection", "close")),
        1 => Reply::Silence,
        _ => Reply::Http(written(seen, 3)),
    })
    .await;
    let wire = wire(&server, Format::Json);
    put(&wire, Format::Json).await.expect("an answer");
    let silent = wire.put_records(request(Format::Json));
    timeout(Duration::from_millis(200), silent).await.expect_err("never answers");
    put(&wire, Format::Json).await.expect("an answer");
    assert_eq!(server.seen().iter().map(|seen| seen.connection).collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn the_stand_in_takes_both_encodings() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let client = Client::new(&running.config());
    client.create_stream().stream_name(STREAM).shard_count(1).send().await.expect("created");
    until_active(&client).await;
    for format in [Format::Json, Format::Cbor] {
        let wire = Wire::new(&running.config(), STREAM, format).expect("a transport");
        let answer = put(&wire, format).await.expect("an answer");
        assert_all_written(&answer);
        assert_eq!(wire.wants().format, format, "the encoding was taken");
    }
    assert_eq!(read_back(&client).await, [records(), records()].concat().iter().map(bare).collect::<Vec<_>>());
    let wire = Wire::new(&running.config(), "no-such-stream", Format::Cbor).expect("a transport");
    let error = put_to(&wire, "no-such-stream").await.expect_err("no stream");
    assert_eq!(error.severity(), Severity::Fatal);
    assert!(
        error.message().contains("ResourceNotFoundException") && error.message().contains("no-such-stream"),
        "{error}"
    );
    assert_eq!(wire.wants().format, Format::Cbor, "a refusal in CBOR is none of CBOR");
    running.stop().await;
}

async fn put_to(wire: &Wire, stream: &str) -> Result<Answer, RequestError> {
    let body = Body::from_records(Format::Cbor, stream, &records());
    timeout(PATIENCE, wire.put_records(Request::new(body))).await.expect("an end")
}

fn assert_all_written(answer: &Answer) {
    assert_eq!(answer.len(), records().len());
    assert!(answer.positions().iter().all(|position| matches!(position, Position::Written { .. })), "{answer:?}");
}

/// What comes back of a record: its hash key does not.
fn bare(record: &Record) -> Record {
    Record::new(record.data.clone(), record.partition_key.clone())
}

async fn until_active(client: &Client) {
    let is_active = async || {
        let summary = client.describe_stream_summary().stream_name(STREAM).send().await.ok()?;
        let description = summary.stream_description_summary?;
        (description.stream_status.as_str() == "ACTIVE").then_some(())
    };
    timeout(PATIENCE, async {
        while is_active().await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the stream is active");
}

async fn read_back(client: &Client) -> Vec<Record> {
    let shards = client.list_shards().stream_name(STREAM).send().await.expect("shards");
    let shard = shards.shards()[0].shard_id().to_owned();
    let start = client.get_shard_iterator().stream_name(STREAM).shard_id(shard);
    let start = start.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("an iterator");
    let read = client.get_records().set_shard_iterator(start.shard_iterator).send().await.expect("records");
    let record = |record: &aws_sdk_kinesis::types::Record| {
        Record::new(record.data().as_ref().to_vec(), record.partition_key().expect("a key"))
    };
    read.records().iter().map(record).collect()
}
