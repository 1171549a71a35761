//! A Kinesis behind a socket that does as it is told, and writes into a stream in memory.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_config::SdkConfig;
use base64_simd::STANDARD;
use kinesis_producer::{OpenShard, Receipt, Record};
use serde_json::{Value, json};

use crate::{
    producer_wire::{
        cbor::value_of,
        config, encoded,
        server::{Reply, Seen, Server, Written},
    },
    stream_model::Stream,
};

const SHARDS: usize = 4;

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

pub struct Kinesis {
    server: Server,
    behind: Arc<Mutex<Behind>>,
}

/// What lies behind the socket.
struct Behind {
    stream: Stream,
    /// Of PutRecords.
    requests: usize,
}

impl Kinesis {
    pub async fn start(described: Described, script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Self {
        let behind = Arc::new(Mutex::new(Behind { stream: Stream::new(SHARDS), requests: 0 }));
        let own = behind.clone();
        let server = Server::start(move |_, seen| match seen.header("x-amz-target").rsplit('.').next() {
            Some("PutRecords") => put_records(&mut lock(&own), seen, &script),
            Some("ListShards") => Reply::Http(encoded(seen, 200, &shards(&lock(&own).stream))),
            _ => Reply::Http(describe(described, seen)),
        })
        .await;
        Self { server, behind }
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
        lock(&self.behind).requests
    }

    /// Different user records.
    pub fn written(&self) -> usize {
        lock(&self.behind).stream.written()
    }

    pub fn extra_copies(&self) -> usize {
        lock(&self.behind).stream.extra_copies()
    }

    /// As the service counts them.
    pub fn kinesis_records(&self) -> u64 {
        lock(&self.behind).stream.kinesis_records()
    }

    /// Whether the record lies anywhere.
    pub fn has(&self, record: &Record) -> bool {
        lock(&self.behind).stream.has(record)
    }

    /// Whether the record lies where its receipt says.
    pub fn has_at(&self, record: &Record, receipt: &Receipt) -> bool {
        lock(&self.behind).stream.has_at(record, receipt)
    }
}

impl Behind {
    /// Writes all but those that are picked; the entries of the answer.
    fn write(&mut self, records: &[Record], refuse: impl Fn(usize) -> bool) -> Vec<Value> {
        let refused = json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"});
        let entry = |(position, record): (usize, &Record)| match refuse(position) {
            true => refused.clone(),
            false => {
                let place = self.stream.write(record);
                json!({"ShardId": place.shard_id, "SequenceNumber": place.sequence_number.to_string()})
            }
        };
        records.iter().enumerate().map(entry).collect()
    }
}

fn put_records(behind: &mut Behind, seen: &Seen, script: &impl Fn(usize) -> Step) -> Reply {
    let (request, records) = (behind.requests, records_of(seen));
    behind.requests += 1;
    let answer = |entries: Vec<Value>| encoded(seen, 200, &json!({"FailedRecordCount": 0, "Records": entries}));
    match script(request) {
        Step::Refuse(picks, time) => {
            Reply::Slow(time, answer(behind.write(&records, |position| picks(request, position))))
        }
        Step::Short(positions) => {
            Reply::Http(answer(behind.write(&records, |_| false).into_iter().take(positions).collect()))
        }
        Step::Unreadable => {
            behind.write(&records, |_| false);
            Reply::Http(Written::new(200, "text/html", "<html>Welcome</html>"))
        }
        Step::Half => Reply::Half(answer(behind.write(&records, |_| false))),
        Step::Reset => {
            behind.write(&records, |_| false);
            Reply::Reset
        }
        Step::Silence => {
            behind.write(&records, |_| false);
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

fn shards(stream: &Stream) -> Value {
    let shard = |shard: &OpenShard| {
        let (start, end) = (shard.range.start().to_string(), shard.range.end().to_string());
        let range = json!({"StartingHashKey": start, "EndingHashKey": end});
        json!({"ShardId": *shard.id, "HashKeyRange": range, "SequenceNumberRange": {"StartingSequenceNumber": "0"}})
    };
    json!({"Shards": stream.shard_map().shards().iter().map(shard).collect::<Vec<_>>()})
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

fn lock(behind: &Mutex<Behind>) -> MutexGuard<'_, Behind> {
    behind.lock().expect("a test that failed")
}
