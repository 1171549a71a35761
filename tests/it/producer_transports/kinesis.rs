//! A Kinesis behind a socket that does as it is told and remembers what was written.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_config::SdkConfig;
use base64_simd::STANDARD;
use kinesis_producer::{Receipt, Record};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::producer_wire::{
    cbor::value_of,
    config, encoded,
    server::{Reply, Seen, Server, Written},
};

const SHARDS: u128 = 4;

/// What becomes of a PutRecords request.
pub enum Step {
    /// All but the positions that the function picks are written; the answer comes after so long.
    Refuse(fn(request: usize, position: usize) -> bool, Duration),
    /// All are written, and only so many positions are answered.
    Short(usize),
    /// All are written, and the answer is of something else.
    Unreadable,
    /// All are written, and the answer ends in its middle.
    Half,
    /// All are written, and the connection is reset.
    Reset,
    /// All are written, and nothing is answered.
    Silence,
    /// Nothing is written, and the request as a whole is refused.
    Fail(u16, &'static str),
}

/// How the stream is described.
#[derive(Clone, Copy)]
pub enum Described {
    ByKey,
    Auto,
    /// Not to this caller.
    Denied,
}

/// One user record as it lies in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    pub record: Record,
    pub shard_id: String,
    pub sequence_number: String,
    pub sub_sequence_number: Option<u32>,
}

pub struct Kinesis {
    server: Server,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Default)]
struct Ledger {
    requests: usize,
    kinesis_records: usize,
    /// By the first eight bytes of its data.
    landed: HashMap<String, Vec<Landed>>,
}

impl Kinesis {
    pub async fn start(described: Described, script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Self {
        let ledger = Arc::<Mutex<Ledger>>::default();
        let own = ledger.clone();
        let server = Server::start(move |_, seen| match seen.header("x-amz-target").rsplit('.').next() {
            Some("PutRecords") => put_records(&mut lock(&own), seen, &script),
            Some("ListShards") => Reply::Http(encoded(seen, 200, &shards())),
            _ => Reply::Http(describe(described, seen)),
        })
        .await;
        Self { server, ledger }
    }

    pub fn config(&self) -> SdkConfig {
        config(&self.server.url)
    }

    /// The operations that were called.
    pub fn calls(&self) -> Vec<String> {
        let operation = |seen: &Seen| seen.header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
        self.server.seen().iter().map(operation).collect()
    }

    /// Of PutRecords.
    pub fn requests(&self) -> usize {
        lock(&self.ledger).requests
    }

    /// Different user records.
    pub fn written(&self) -> usize {
        lock(&self.ledger).landed.len()
    }

    pub fn extra_copies(&self) -> usize {
        lock(&self.ledger).landed.values().map(|copies| copies.len() - 1).sum()
    }

    /// As the service counts them.
    pub fn kinesis_records(&self) -> usize {
        lock(&self.ledger).kinesis_records
    }

    /// Whether the record lies anywhere.
    pub fn knows(&self, record: &Record) -> bool {
        lock(&self.ledger).landed.contains_key(&name(record))
    }

    /// Whether the record lies where its receipt says.
    pub fn has(&self, record: &Record, receipt: &Receipt) -> bool {
        let landed = Landed {
            record: record.clone(),
            shard_id: receipt.shard_id().to_owned(),
            sequence_number: receipt.sequence_number().to_owned(),
            sub_sequence_number: receipt.sub_sequence_number(),
        };
        lock(&self.ledger).landed.get(&name(record)).is_some_and(|copies| copies.contains(&landed))
    }
}

impl Ledger {
    /// Writes all but those that are picked; the entries of the answer.
    fn write(&mut self, records: &[Record], refuse: impl Fn(usize) -> bool) -> Vec<Value> {
        let refused = json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"});
        let entry = |(position, record): (usize, &Record)| match refuse(position) {
            true => refused.clone(),
            false => self.land(record),
        };
        records.iter().enumerate().map(entry).collect()
    }

    fn land(&mut self, record: &Record) -> Value {
        self.kinesis_records += 1;
        let (shard_id, sequence_number) = (shard_of(record), self.kinesis_records.to_string());
        for (sub, record) in user_records(record) {
            let copies = self.landed.entry(name(&record)).or_default();
            let (shard_id, sequence_number) = (shard_id.clone(), sequence_number.clone());
            copies.push(Landed { record, shard_id, sequence_number, sub_sequence_number: sub });
        }
        json!({"ShardId": shard_id, "SequenceNumber": sequence_number})
    }
}

fn put_records(ledger: &mut Ledger, seen: &Seen, script: &impl Fn(usize) -> Step) -> Reply {
    let (request, records) = (ledger.requests, records_of(seen));
    ledger.requests += 1;
    let answer = |entries: Vec<Value>| encoded(seen, 200, &json!({"FailedRecordCount": 0, "Records": entries}));
    match script(request) {
        Step::Refuse(picks, time) => {
            Reply::Slow(time, answer(ledger.write(&records, |position| picks(request, position))))
        }
        Step::Short(positions) => {
            Reply::Http(answer(ledger.write(&records, |_| false).into_iter().take(positions).collect()))
        }
        Step::Unreadable => {
            ledger.write(&records, |_| false);
            Reply::Http(Written::new(200, "text/html", "<html>Welcome</html>"))
        }
        Step::Half => Reply::Half(answer(ledger.write(&records, |_| false))),
        Step::Reset => {
            ledger.write(&records, |_| false);
            Reply::Reset
        }
        Step::Silence => {
            ledger.write(&records, |_| false);
            Reply::Silence
        }
        Step::Fail(status, code) => Reply::Http(encoded(seen, status, &json!({"__type": code, "message": "no"}))),
    }
}

fn records_of(seen: &Seen) -> Vec<Record> {
    let body: Value = match seen.is_cbor() {
        true => value_of(&seen.body),
        false => serde_json::from_slice(&seen.body).expect("JSON"),
    };
    let record = |entry: &Value| {
        let data = entry["Data"].as_str().or(entry["Data"]["bytes"].as_str()).expect("data");
        let record = Record::new(
            STANDARD.decode_to_vec(data).expect("base64"),
            entry["PartitionKey"].as_str().expect("a partition key"),
        );
        match entry["ExplicitHashKey"].as_str() {
            Some(key) => record.with_explicit_hash_key(key.parse().expect("a number")),
            None => record,
        }
    };
    body["Records"].as_array().expect("records").iter().map(record).collect()
}

/// What is packed in a record, each with its position; or the record itself.
pub fn user_records(record: &Record) -> Vec<(Option<u32>, Record)> {
    let Some(packed) = kinesis_aggregation::decode(&record.data).expect("well packed") else {
        return vec![(None, record.clone())];
    };
    let user_record = |(sub, packed): (usize, kinesis_aggregation::UserRecord)| {
        let record = Record::new(packed.data, packed.partition_key.as_str());
        let record = match packed.explicit_hash_key {
            Some(key) => record.with_explicit_hash_key(key.parse().expect("a number")),
            None => record,
        };
        (Some(sub as u32), record)
    };
    packed.into_iter().enumerate().map(user_record).collect()
}

pub fn hash(record: &Record) -> u128 {
    record.explicit_hash_key.unwrap_or_else(|| u128::from_be_bytes(Md5::digest(&*record.partition_key).into()))
}

pub fn name(record: &Record) -> String {
    String::from_utf8_lossy(&record.data[..8]).into_owned()
}

fn shard_of(record: &Record) -> String {
    let index = (hash(record) / (u128::MAX / SHARDS)).min(SHARDS - 1);
    format!("shardId-{index:012}")
}

fn shards() -> Value {
    let width = u128::MAX / SHARDS;
    let end = |index| if index + 1 == SHARDS { u128::MAX } else { (index + 1) * width - 1 };
    let shard = |index: u128| {
        let range = json!({"StartingHashKey": (index * width).to_string(), "EndingHashKey": end(index).to_string()});
        let numbers = json!({"StartingSequenceNumber": "0"});
        json!({"ShardId": format!("shardId-{index:012}"), "HashKeyRange": range, "SequenceNumberRange": numbers})
    };
    json!({"Shards": (0..SHARDS).map(shard).collect::<Vec<_>>()})
}

fn describe(described: Described, seen: &Seen) -> Written {
    let strategy = match described {
        Described::ByKey => "USER_PARTITION_KEY",
        Described::Auto => "AUTO",
        Described::Denied => {
            return encoded(seen, 400, &json!({"__type": "AccessDeniedException", "message": "not authorized"}));
        }
    };
    let summary = json!({
        "StreamName": "orders", "StreamARN": "arn:aws:kinesis:eu-west-1:000000000000:stream/orders",
        "StreamStatus": "ACTIVE", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}, "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": 1_700_000_000, "EnhancedMonitoring": [], "OpenShardCount": 4,
        "RecordDistributionStrategy": strategy,
    });
    encoded(seen, 200, &json!({"StreamDescriptionSummary": summary}))
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().expect("a test that failed")
}
