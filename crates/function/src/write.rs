//! Writes items with BatchWriteItem until each is in the table, cannot be, or time is up.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::{
    Client,
    error::{DisplayErrorContext, SdkError},
    operation::batch_write_item::{BatchWriteItemError, BatchWriteItemOutput},
    types::{AttributeValue, PutRequest, WriteRequest},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    TableKey,
    item::{Item, Key, PROCESSED},
};

/// BatchWriteItem takes 25 items and 16 MB (DynamoDB API reference, BatchWriteItem).
const CHUNK_ITEMS: usize = 25;
/// An item's bytes as DynamoDB counts them are an eighth, at worst, of those on the wire: `{"BOOL":false},` for 2.
const CHUNK_BYTES: usize = 2 << 20;
const CHUNKS_AT_ONCE: usize = 4;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
/// Kept for the answer, before Lambda ends the function: at most this, and at most a tenth of the time there is.
const RESERVE: Duration = Duration::from_secs(2);
/// Pass by themselves (DynamoDB developer guide, "Error handling").
const PASSING: [&str; 6] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
];
const UNPROCESSED: &str = "DynamoDB left it unprocessed: the table takes no more at present";
const OUT_OF_TIME: &str = "DynamoDB did not answer in time";

/// Writes to one table.
#[derive(Clone, Debug)]
pub struct Writer {
    client: Client,
    table: String,
    key: TableKey,
}

/// What came of one call.
enum Sent {
    /// These are still to be written, and why.
    Left(Vec<usize>, String),
    /// One of the items is wrong, and nothing was written.
    Refused(String),
    /// Nothing can be written.
    Failed(String),
}

impl Writer {
    /// To a table with this key. The client need not try again by itself.
    pub fn new(client: Client, table: impl Into<String>, key: TableKey) -> Self {
        Self { client, table: table.into(), key }
    }

    pub(super) fn key(&self) -> &TableKey {
        &self.key
    }

    /// Writes items, no two of one key. Says which could not be written, by position, and why.
    pub(super) async fn write(&self, items: &[Item], deadline: SystemTime) -> Vec<(usize, String)> {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
        let until = Instant::now() + left - RESERVE.min(left / 10);
        let chunks = stream::iter(chunks(items)).map(|chunk| self.write_chunk(items, chunk, until));
        chunks.buffer_unordered(CHUNKS_AT_ONCE).concat().await
    }

    async fn write_chunk(&self, items: &[Item], mut chunk: Vec<usize>, until: Instant) -> Vec<(usize, String)> {
        let all = |chunk: Vec<usize>, why: String| chunk.into_iter().map(|at| (at, why.clone())).collect();
        let mut backoff = FIRST_BACKOFF;
        loop {
            let why = match self.send(items, &chunk, until).await {
                Sent::Left(left, _) if left.is_empty() => return Vec::new(),
                Sent::Left(left, why) => {
                    chunk = left;
                    why
                }
                Sent::Refused(_) if chunk.len() > 1 => return self.write_halves(items, chunk, until).await,
                Sent::Refused(why) | Sent::Failed(why) => return all(chunk, why),
            };
            let pause = backoff.mul_f64(rand::random());
            if Instant::now() + pause >= until {
                return all(chunk, why);
            }
            sleep(pause).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }

    /// Finds the wrong items among those that were refused together.
    async fn write_halves(&self, items: &[Item], mut chunk: Vec<usize>, until: Instant) -> Vec<(usize, String)> {
        let second = chunk.split_off(chunk.len() / 2);
        let mut failed = Box::pin(self.write_chunk(items, chunk, until)).await;
        failed.extend(Box::pin(self.write_chunk(items, second, until)).await);
        failed
    }

    async fn send(&self, items: &[Item], chunk: &[usize], until: Instant) -> Sent {
        let now = AttributeValue::N(now().to_string());
        let requests = chunk.iter().map(|at| put(&items[*at], &now)).collect();
        let call = self.client.batch_write_item().request_items(&self.table, requests);
        match timeout_at(until, call.send()).await {
            Ok(Ok(answer)) => Sent::Left(self.unprocessed(answer, items, chunk), UNPROCESSED.to_owned()),
            Ok(Err(error)) => judge(&error, chunk),
            Err(_) => Sent::Left(chunk.to_vec(), OUT_OF_TIME.to_owned()),
        }
    }

    fn unprocessed(&self, answer: BatchWriteItemOutput, items: &[Item], chunk: &[usize]) -> Vec<usize> {
        let requests = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, requests)| requests);
        let requests: Vec<WriteRequest> = requests.collect();
        let puts = requests.iter().filter_map(|request| request.put_request.as_ref());
        let names = self.key.attributes();
        let keys: Vec<Key> = puts.filter_map(|put| Key::of(put.item(), &names).ok()).collect();
        let left: Vec<usize> = chunk.iter().copied().filter(|at| keys.contains(&items[*at].key)).collect();
        // A key that came back in other digits is not recognized; to write them all once more loses nothing.
        if left.len() == requests.len() { left } else { chunk.to_vec() }
    }
}

/// Positions of items that go together.
fn chunks(items: &[Item]) -> Vec<Vec<usize>> {
    let (mut chunks, mut bytes): (Vec<Vec<usize>>, usize) = (Vec::new(), 0);
    for (at, item) in items.iter().enumerate() {
        match chunks.last_mut() {
            Some(last) if last.len() < CHUNK_ITEMS && bytes + item.bytes <= CHUNK_BYTES => last.push(at),
            _ => {
                chunks.push(vec![at]);
                bytes = 0;
            }
        }
        bytes += item.bytes;
    }
    chunks
}

fn put(item: &Item, now: &AttributeValue) -> WriteRequest {
    let mut attributes: HashMap<_, _> = item.attributes.clone();
    attributes.insert(PROCESSED.to_owned(), now.clone());
    let put = PutRequest::builder().set_item(Some(attributes)).build().expect("an item was set");
    WriteRequest::builder().put_request(put).build()
}

/// What an error means for the items of a call.
fn judge(error: &SdkError<BatchWriteItemError>, chunk: &[usize]) -> Sent {
    let why = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    };
    match error {
        SdkError::ServiceError(_) if error.code() == Some("ValidationException") => Sent::Refused(why),
        SdkError::ServiceError(service) => {
            let passing = error.code().is_some_and(|code| PASSING.contains(&code));
            if passing || service.raw().status().is_server_error() {
                Sent::Left(chunk.to_vec(), why)
            } else {
                Sent::Failed(why)
            }
        }
        SdkError::ConstructionFailure(_) => Sent::Failed(why),
        _ => Sent::Left(chunk.to_vec(), why),
    }
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
