//! Takes a request, and answers it.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use minicbor::Decoder;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Sink,
    aggregated::{self, MAGIC},
    answers::{self, CBOR, JSON, Outcome},
    entries::{self, Data, Entry},
    faults::Faults,
    ids::Ids,
    shards::Shards,
};

/// So many that no limit of a shard is met.
const SHARDS: u64 = 4096;

/// What the Kinesis Producer Library asks STS for before it sends.
const CALLER: &[u8] = b"Action=GetCallerIdentity";

/// What one run of a client has brought.
pub struct Run {
    shards: Shards,
    faults: Faults,
    ids: Ids,
    requests: u64,
    entries: u64,
    refused: u64,
    bytes: u64,
    stalled_until: Option<Instant>,
    buffer: Vec<u8>,
}

impl Default for Run {
    fn default() -> Self {
        Self::from_query(&HashMap::new())
    }
}

impl Run {
    pub fn from_query(query: &HashMap<String, String>) -> Self {
        Self {
            shards: Shards(query.get("shards").and_then(|text| text.parse().ok()).unwrap_or(SHARDS)),
            faults: Faults::from_query(query),
            ids: Ids::default(),
            requests: 0,
            entries: 0,
            refused: 0,
            bytes: 0,
            stalled_until: None,
            buffer: Vec::new(),
        }
    }

    /// For the bench: user records by their numbers, then what was sent.
    pub fn counts(&self, expected: u64) -> String {
        let Self { requests, entries, refused, bytes, .. } = self;
        format!("{} requests={requests} entries={entries} refused={refused} bytes={bytes}", self.ids.counts(expected))
    }

    fn take(&mut self, entries: &[Entry<'_>]) -> Vec<Outcome> {
        self.entries += entries.len() as u64;
        let first = self.entries;
        let mut sampled = false;
        let outcome = |(at, entry): (usize, &Entry<'_>)| {
            if self.faults.refuses() {
                self.refused += 1;
                return Outcome::Refused;
            }
            self.note(&entry.data, &mut sampled);
            Outcome::Written { shard: self.shards.of(entry), number: first + at as u64 }
        };
        entries.iter().enumerate().map(outcome).collect()
    }

    /// Of a request's aggregated records, the first is checked in full.
    fn note(&mut self, data: &Data<'_>, sampled: &mut bool) {
        let Self { ids, buffer, .. } = self;
        data.head(buffer);
        if !buffer.starts_with(&MAGIC) {
            return ids.note(buffer);
        }
        data.whole(buffer);
        let right = *sampled || aggregated::is_right(buffer);
        *sampled = true;
        if !right || aggregated::user_records(buffer, |record| ids.note(record)).is_none() {
            ids.note(b"not aggregated as it should be");
        }
    }

    /// Whether this request gets no answer.
    fn resets(&self) -> bool {
        self.faults.reset_every.is_some_and(|every| self.requests.is_multiple_of(every))
    }

    /// How long this answer waits.
    fn wait(&mut self) -> Duration {
        if self.faults.stall_after == Some(self.requests) {
            self.stalled_until = Some(Instant::now() + self.faults.stall);
        }
        let stall = self.stalled_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        stall.max(self.faults.delay)
    }
}

/// An error closes the connection.
type Answered = Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>>;

pub async fn answer(request: Request<Incoming>, sink: &Arc<Sink>) -> Answered {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let (target, is_cbor) = (header("x-amz-target"), header(CONTENT_TYPE.as_str()).starts_with(CBOR));
    let body = request.into_body().collect().await?.to_bytes();
    match target.rsplit_once('.').map_or("", |(_, operation)| operation) {
        "PutRecords" => put_records(&body, is_cbor, sink).await,
        "" if body.windows(CALLER.len()).any(|part| part == CALLER) => Ok(caller()),
        operation => Ok(control_plane(operation, &body, is_cbor, sink)),
    }
}

async fn put_records(body: &[u8], is_cbor: bool, sink: &Sink) -> Answered {
    let Some(entries) = (if is_cbor { entries::cbor(body) } else { entries::json(body) }) else {
        return Ok(refusal("SerializationException", "the sink cannot read this body", is_cbor));
    };
    let (answer, wait, resets) = {
        let mut run = sink.run();
        run.requests += 1;
        run.bytes += body.len() as u64;
        let outcomes = run.take(&entries);
        (answers::put_records(&outcomes, &run.faults.error, is_cbor), run.wait(), run.resets())
    };
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    if resets { Err("reset on purpose".into()) } else { Ok(response(200, answer, is_cbor)) }
}

fn control_plane(operation: &str, body: &[u8], is_cbor: bool, sink: &Sink) -> Response<Full<Bytes>> {
    let request = if is_cbor { texts(body) } else { serde_json::from_slice(body).unwrap_or_default() };
    match answers::control_plane(operation, &request, sink.run().shards) {
        Some(answer) => response(200, in_format(&answer, is_cbor), is_cbor),
        None => {
            eprintln!("sink: asked for `{operation}`, which it does not know");
            refusal("UnknownOperationException", operation, is_cbor)
        }
    }
}

fn caller() -> Response<Full<Bytes>> {
    let response = Response::builder().header(CONTENT_TYPE, "text/xml");
    response.body(Full::from(answers::CALLER_IDENTITY)).expect("the headers are right")
}

/// The texts and numbers of a flat map.
fn texts(body: &[u8]) -> Value {
    let mut decoder = Decoder::new(body);
    let mut members = serde_json::Map::new();
    let count = decoder.map().ok().flatten().unwrap_or(u64::MAX);
    for _ in 0..count {
        let Ok(name) = decoder.str() else { break };
        match decoder.datatype() {
            Ok(minicbor::data::Type::String) => {
                members.insert(name.to_owned(), decoder.str().unwrap_or_default().into())
            }
            _ => members.insert(name.to_owned(), decoder.u64().unwrap_or_default().into()),
        };
    }
    Value::Object(members)
}

fn refusal(kind: &str, message: &str, is_cbor: bool) -> Response<Full<Bytes>> {
    response(400, in_format(&json!({"__type": kind, "message": message}), is_cbor), is_cbor)
}

fn in_format(value: &Value, is_cbor: bool) -> Bytes {
    if is_cbor { answers::to_cbor(value) } else { value.to_string().into() }
}

fn response(status: u16, body: Bytes, is_cbor: bool) -> Response<Full<Bytes>> {
    let kind = if is_cbor { CBOR } else { JSON };
    let response = Response::builder().status(status).header(CONTENT_TYPE, kind).header("x-amzn-RequestId", "bench");
    response.body(Full::from(body)).expect("the headers are right")
}

/// What follows the question mark.
pub fn query(uri: &Uri) -> HashMap<String, String> {
    let pairs = uri.query().unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
