//! The stand-in in CBOR from end to end, as the SDK for Java calls it, and values in CBOR for the tests beside.

use base64_simd::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Type},
};
use serde_json::{Map, Value, json};

use super::{PATIENCE, STREAM, server::CBOR};
use crate::stand_in::{Running, sign_again};

/// How the tests write what JSON has no type for: the key of an object with one field.
const BYTES: &str = "bytes";
const TIME: &str = "time";

/// With maps of no told length, as the SDK for Java writes them.
pub fn cbor_of(value: &Value) -> Vec<u8> {
    let mut cbor = Encoder::new(Vec::new());
    write(&mut cbor, value);
    cbor.into_writer()
}

fn write(cbor: &mut Encoder<Vec<u8>>, value: &Value) {
    match value {
        Value::Object(fields) if fields.contains_key(BYTES) => {
            let bytes = STANDARD.decode_to_vec(fields[BYTES].as_str().expect("a text")).expect("base64");
            cbor.bytes(&bytes).expect("written");
        }
        Value::Object(fields) => {
            cbor.begin_map().expect("written");
            for (name, value) in fields {
                cbor.str(name).expect("written");
                write(cbor, value);
            }
            cbor.end().expect("written");
        }
        Value::Array(items) => {
            cbor.array(items.len() as u64).expect("written");
            items.iter().for_each(|item| write(cbor, item));
        }
        Value::String(text) => drop(cbor.str(text).expect("written")),
        Value::Number(number) => drop(cbor.i64(number.as_i64().expect("an integer")).expect("written")),
        other => panic!("{other} is in no call of the tests"),
    }
}

/// What [`cbor_of`] wrote, or a producer.
pub fn value_of(cbor: &[u8]) -> Value {
    read(&mut Decoder::new(cbor))
}

fn read(decoder: &mut Decoder<'_>) -> Value {
    match decoder.datatype().expect("a value") {
        Type::Map => {
            let fields = decoder.map().expect("a map").expect("of a told length");
            Value::Object(
                (0..fields).map(|_| (decoder.str().expect("a name").to_owned(), read(decoder))).collect::<Map<_, _>>(),
            )
        }
        Type::Array => {
            let items = decoder.array().expect("an array").expect("of a told length");
            (0..items).map(|_| read(decoder)).collect()
        }
        Type::Bytes => json!({BYTES: STANDARD.encode_to_string(decoder.bytes().expect("bytes"))}),
        Type::Tag => {
            assert_eq!(decoder.tag().expect("a tag"), IanaTag::Timestamp.tag());
            json!({TIME: decoder.i64().expect("milliseconds")})
        }
        Type::String => decoder.str().expect("a text").into(),
        Type::Null => decoder.null().map(|()| Value::Null).expect("a null"),
        Type::Bool => decoder.bool().expect("a truth").into(),
        _ => decoder.i64().expect("an integer").into(),
    }
}

async fn call(running: &Running, operation: &str, input: &Value) -> (StatusCode, Value) {
    let mut request = Request::post(&running.url)
        .header(header::CONTENT_TYPE, CBOR)
        .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
        .body(Bytes::from(cbor_of(input)))
        .expect("a request");
    sign_again(&mut request, running.stand_in.key(), "kinesis");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request.map(Full::new)).await.expect("an answer");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], CBOR);
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, value_of(&body))
}

async fn answer(running: &Running, operation: &str, input: Value) -> Value {
    let (status, answer) = call(running, operation, &input).await;
    assert_eq!(status, StatusCode::OK, "{operation}: {answer}");
    answer
}

#[tokio::test]
async fn the_stand_in_is_written_and_read_in_cbor() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    answer(&running, "CreateStream", json!({"StreamName": STREAM, "ShardCount": 1})).await;
    let summary = async || {
        let summary = answer(&running, "DescribeStreamSummary", json!({"StreamName": STREAM})).await;
        summary["StreamDescriptionSummary"].clone()
    };
    tokio::time::timeout(PATIENCE, async {
        while summary().await["StreamStatus"] != "ACTIVE" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the stream is active");
    let data = json!({BYTES: STANDARD.encode_to_string([0, 0xFF, b'"'])});
    let entry = json!({"Data": data, "PartitionKey": "k", "ExplicitHashKey": "0"});
    let put = answer(&running, "PutRecords", json!({"StreamName": STREAM, "Records": [entry]})).await;
    assert_eq!((&put["FailedRecordCount"], &put["Records"][0]["ShardId"]), (&json!(0), &json!("shardId-000000000000")));
    let start = json!({"StreamName": STREAM, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"});
    let start = answer(&running, "GetShardIterator", start).await;
    let read = answer(&running, "GetRecords", json!({"ShardIterator": start["ShardIterator"], "Limit": 10})).await;
    let record = &read["Records"][0];
    assert_eq!((&record["Data"], &record["PartitionKey"]), (&data, &json!("k")));
    let created = summary().await["StreamCreationTimestamp"][TIME].as_i64().expect("milliseconds");
    let arrived = record["ApproximateArrivalTimestamp"][TIME].as_i64().expect("milliseconds");
    assert!((created..created + PATIENCE.as_millis() as i64).contains(&arrived), "{created} {arrived}");
    running.stop().await;
}

#[tokio::test]
async fn the_stand_in_refuses_in_cbor_what_was_asked_in_cbor() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let (status, fault) = call(&running, "DescribeStreamSummary", &json!({"StreamName": "none"})).await;
    assert_eq!((status, &fault["__type"]), (StatusCode::BAD_REQUEST, &json!("ResourceNotFoundException")));
    assert!(fault["message"].as_str().is_some_and(|message| message.contains("none")), "{fault}");
    running.stop().await;
}
