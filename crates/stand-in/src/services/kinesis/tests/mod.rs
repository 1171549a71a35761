mod attached;
mod cbor;
mod crash;
mod read;
mod refuse;
mod shards;
mod streams;
mod write;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64_simd::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Clock, Kinesis, Limits};
use crate::service::ask;

const START: u64 = 1_800_000_000_000;

/// The service over a temporary folder, with a clock that stands still until it is moved.
struct Bench {
    folder: TempDir,
    limits: Limits,
    time: Arc<AtomicU64>,
    kinesis: Arc<Kinesis>,
}

impl Bench {
    /// Readers may have everything, since time stands still.
    fn new() -> Self {
        Self::with(Limits { shard_read: None, ..Limits::default() })
    }

    fn unlimited() -> Self {
        Self::with(Limits { shard_write: None, shard_read: None, ..Limits::default() })
    }

    fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let time = Arc::new(AtomicU64::new(START));
        let kinesis = open(folder.path(), &limits, &time);
        Self { folder, limits, time, kinesis }
    }

    /// As after SIGKILL: nothing is told to end, the folder is all that is left.
    fn reopen(&mut self) {
        self.kinesis = open(self.folder.path(), &self.limits, &self.time);
    }

    fn pass(&self, time: Duration) {
        self.time.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }

    /// Until all states have settled.
    fn settle(&self) {
        self.pass(self.limits.transition);
    }

    async fn try_call(&self, operation: &str, body: Value) -> Result<Value, (String, String)> {
        let answer = ask(&self.kinesis, operation, body.to_string()).await;
        let answer = answer.map_err(|error| (error.code.to_owned(), error.message))?;
        Ok(serde_json::from_slice(&answer).expect("an answer is JSON"))
    }

    async fn call(&self, operation: &str, body: Value) -> Value {
        self.try_call(operation, body).await.unwrap_or_else(|refused| panic!("{operation}: {refused:?}"))
    }

    /// The code and text of a refusal.
    async fn refused(&self, operation: &str, body: Value) -> (String, String) {
        match self.try_call(operation, body.clone()).await {
            Err(refused) => refused,
            Ok(answer) => panic!("{operation} {body} was not refused but answered {answer}"),
        }
    }

    async fn stream(&self, name: &str, shards: usize) {
        self.call("CreateStream", json!({"StreamName": name, "ShardCount": shards})).await;
        self.settle();
    }

    /// Puts a record on the shard of a hash key; says its sequence number.
    async fn put(&self, stream: &str, hash_key: u128, data: &str) -> String {
        let record = entry(data.as_bytes(), Some(hash_key));
        let answer = self.call("PutRecords", json!({"StreamName": stream, "Records": [record]})).await;
        assert_eq!(answer["FailedRecordCount"], 0, "{answer}");
        text(&answer["Records"][0]["SequenceNumber"])
    }

    async fn iterator(&self, mut body: Value, stream: &str, shard: &str, kind: &str) -> String {
        body["StreamName"] = stream.into();
        body["ShardId"] = shard.into();
        body["ShardIteratorType"] = kind.into();
        text(&self.call("GetShardIterator", body).await["ShardIterator"])
    }

    async fn records(&self, iterator: &str) -> Value {
        self.call("GetRecords", json!({"ShardIterator": iterator})).await
    }

    /// The data of all records of a shard that one answer holds.
    async fn data(&self, stream: &str, shard: &str) -> Vec<String> {
        let iterator = self.iterator(json!({}), stream, shard, "TRIM_HORIZON").await;
        data(&self.records(&iterator).await)
    }

    async fn status(&self, stream: &str) -> String {
        let answer = self.call("DescribeStreamSummary", json!({"StreamName": stream})).await;
        text(&answer["StreamDescriptionSummary"]["StreamStatus"])
    }

    /// Every shard that ListShards shows.
    async fn shards(&self, stream: &str) -> Vec<Value> {
        let answer = self.call("ListShards", json!({"StreamName": stream})).await;
        answer["Shards"].as_array().expect("a list").clone()
    }
}

fn open(folder: &Path, limits: &Limits, time: &Arc<AtomicU64>) -> Arc<Kinesis> {
    let time = Arc::clone(time);
    let clock: Clock = Arc::new(move || time.load(Ordering::SeqCst));
    Kinesis::open_at(folder, limits.clone(), clock).expect("the folder opens")
}

fn arn(stream: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}")
}

fn entry(data: &[u8], hash_key: Option<u128>) -> Value {
    let mut entry = json!({"Data": STANDARD.encode_to_string(data), "PartitionKey": "key"});
    if let Some(hash_key) = hash_key {
        entry["ExplicitHashKey"] = hash_key.to_string().into();
    }
    entry
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}

fn data(answer: &Value) -> Vec<String> {
    let records = answer["Records"].as_array().expect("a list");
    let decode = |record: &Value| STANDARD.decode_to_vec(text(&record["Data"])).expect("base64");
    records.iter().map(|record| String::from_utf8(decode(record)).expect("text")).collect()
}
