use proptest::{collection, prelude::*};

use super::*;
use crate::{
    arbitrary::{damaged, text as any_text},
    cbor::{of_json, to_json},
    protocol::Encoding,
    service::{Call, Service},
    service_error::ServiceError,
};

const SHARD: &str = "shardId-000000000000";

/// What is put on a stream `s`: key and data of each record.
fn put() -> impl Strategy<Value = Value> {
    let record = (any_text(), any::<Vec<u8>>(), any::<Option<u128>>());
    collection::vec(record, 0..5).prop_map(|records| {
        let entries = records.into_iter().map(|(key, data, hash_key)| {
            let mut entry = entry(&data, hash_key);
            entry["PartitionKey"] = key.into();
            entry
        });
        json!({"StreamName": "s", "Records": entries.collect::<Vec<_>>()})
    })
}

async fn stream() -> Bench {
    let bench = Bench::unlimited();
    bench.stream("s", 1).await;
    bench
}

/// A call in CBOR, and its answer in JSON.
async fn in_cbor(bench: &Bench, operation: &str, body: Vec<u8>) -> Result<Value, (String, String)> {
    let call = Call { encoding: Encoding::Cbor, ..Call::of(operation, body) };
    let answer = bench.kinesis.clone().call(call).await;
    let answer = answer.map_err(|error| (error.code.to_owned(), error.message))?;
    Ok(serde_json::from_slice(&to_json(&answer.body).expect("CBOR")).expect("JSON"))
}

/// The same call by way of JSON.
async fn by_json(bench: &Bench, operation: &str, body: &[u8]) -> Result<Value, (String, String)> {
    let told = |error: ServiceError| (error.code.to_owned(), error.message);
    let answer = ask(&bench.kinesis, operation, to_json(body).map_err(told)?).await.map_err(told)?;
    Ok(serde_json::from_slice(&answer).expect("JSON"))
}

fn cbor(value: &Value) -> Vec<u8> {
    of_json(value.to_string().as_bytes()).expect("CBOR")
}

async fn all_records(bench: &Bench) -> Value {
    let iterator = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    bench.records(&iterator).await["Records"].take()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[tokio::test]
async fn bytes_in_pieces_and_base64_in_a_text_are_taken_too() {
    let bench = stream().await;
    let whole = b"\xa2\x6aStreamName\x61s\x67Records\x81\xa2\x6cPartitionKey\x61k\x64Data".to_vec();
    for data in [&b"\x42ab"[..], b"\x5f\x41a\x41b\xff", b"\x64YWI="] {
        in_cbor(&bench, "PutRecords", [&whole, data].concat()).await.expect("it is taken");
    }
    assert_eq!(bench.data("s", SHARD).await, ["ab", "ab", "ab"]);
    let one = b"\xa3\x6aStreamName\x61s\x6cPartitionKey\x61k\x64Data\x42cd".to_vec();
    let answer = in_cbor(&bench, "PutRecord", one).await.expect("it is taken");
    assert_eq!(answer["ShardId"], SHARD);
    assert_eq!(bench.data("s", SHARD).await[3], "cd");
}

#[tokio::test]
async fn a_throttled_record_and_encryption_are_told_in_both() {
    let limits = Limits { shard_read: None, ..Limits::default() };
    let (one, other) = (Bench::with(limits.clone()), Bench::with(limits));
    for bench in [&one, &other] {
        bench.stream("s", 1).await;
        bench.call("StartStreamEncryption", json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "k"})).await;
        bench.settle();
    }
    let records: Vec<Value> = (0..5).map(|_| entry(&[0; 250_000], Some(0))).collect();
    let put = json!({"StreamName": "s", "Records": records});
    let answer = in_cbor(&one, "PutRecords", cbor(&put)).await.expect("it is answered");
    assert_eq!((&answer["FailedRecordCount"], &answer["EncryptionType"]), (&json!(1), &json!("KMS")));
    assert_eq!(answer, other.call("PutRecords", put).await);
    let iterator = one.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    let get = cbor(&json!({"ShardIterator": iterator}));
    let records = in_cbor(&one, "GetRecords", get).await.expect("it is answered");
    assert_eq!(records["Records"][3]["EncryptionType"], "KMS");
    assert_eq!(records["Records"], one.records(&iterator).await["Records"]);
}

#[tokio::test]
async fn the_end_of_a_closed_shard_has_its_children_in_both() {
    let bench = stream().await;
    bench.call("SplitShard", json!({"StreamName": "s", "ShardToSplit": SHARD, "NewStartingHashKey": "10"})).await;
    bench.settle();
    let iterator = bench.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
    let get = cbor(&json!({"ShardIterator": iterator}));
    let answer = in_cbor(&bench, "GetRecords", get).await.expect("it is answered");
    assert_eq!(answer["ChildShards"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer, bench.records(&iterator).await);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_request_in_cbor_does_what_the_same_one_does_in_json(put in put()) {
        block_on(async {
            let (one, other) = (stream().await, stream().await);
            let answer = in_cbor(&one, "PutRecords", cbor(&put)).await;
            prop_assert_eq!(answer, other.try_call("PutRecords", put).await);
            prop_assert_eq!(all_records(&one).await, all_records(&other).await);
            let iterator = one.iterator(json!({}), "s", SHARD, "TRIM_HORIZON").await;
            let records = in_cbor(&one, "GetRecords", cbor(&json!({"ShardIterator": iterator}))).await;
            prop_assert_eq!(records.map(|mut answer| answer["Records"].take()), Ok(all_records(&one).await));
            Ok(())
        })?;
    }

    #[test]
    fn a_damaged_request_in_cbor_does_what_it_does_by_way_of_json(body in put().prop_flat_map(|put| damaged(cbor(&put)))) {
        block_on(async {
            let (one, other) = (stream().await, stream().await);
            let answer = in_cbor(&one, "PutRecords", body.clone()).await;
            prop_assert_eq!(answer, by_json(&other, "PutRecords", &body).await);
            prop_assert_eq!(all_records(&one).await, all_records(&other).await);
            Ok(())
        })?;
    }
}
