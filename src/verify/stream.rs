//! The stream as the destination of a stack that delivers nowhere.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_kinesis::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{Record, ShardIteratorType},
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{
    destination::{Destination, DestinationReader, Keeps, Patience, VerifyError},
    expected::{Expected, Place},
    keys::{KeyBag, Tally},
};
use crate::{
    aws::{Clients, told::told},
    spec::{End, Flaw},
};

/// The stream itself, of a stack that delivers nowhere.
pub const DESTINATION: Destination =
    Destination { name: "the stream", label: "stream", field: "landed_stream", sql_field: None, keeps: Keeps::All };

/// Where documents with a flaw are that the stream takes: it keeps every record as it is.
pub fn end_of(flaw: Flaw) -> End {
    match flaw {
        Flaw::Malformed | Flaw::Empty => End::Line,
        Flaw::Duplicates
        | Flaw::Late
        | Flaw::OutOfOrder
        | Flaw::WrongType
        | Flaw::Missing
        | Flaw::Unknown
        | Flaw::Oversize => End::Kept,
    }
}

/// Shards that are read side by side: all, since a shard rests for most of the time.
const READERS: usize = 500;

/// Answers that are fetched and unpacked side by side. Each may hold 10 MiB, so this bounds the memory of any number of readers.
const ANSWERS: usize = 8;

/// A shard admits five GetRecords a second (Kinesis API reference, GetRecords).
const BETWEEN_READS: Duration = Duration::from_millis(210);

/// What an iterator says that was not used for five minutes (Kinesis API reference, GetShardIterator), and how long a shard
/// may have no other.
const EXPIRED: &str = "ExpiredIteratorException";
const EXPIRED_FOR: Duration = Duration::from_secs(45);

/// A shard gives 2 MiB a second, and nothing after an answer of more until that is made up for (the same page).
const BYTES_PER_SECOND: f64 = (2 << 20) as f64;

/// Why the stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A call failed.
    #[error("Kinesis {call} on stream {stream}: {why}")]
    Call {
        /// For example `GetRecords`.
        call: &'static str,
        /// The stream.
        stream: String,
        /// The service's own words.
        why: String,
    },
    /// A record is not a document.
    #[error("stream {stream}, {shard}, sequence number {sequence_number}: {why}")]
    Content {
        /// The stream.
        stream: String,
        /// The shard.
        shard: String,
        /// The record.
        sequence_number: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The stream as a destination.
pub struct Stream {
    client: Client,
    name: String,
    expected: Arc<Expected>,
    found: Found,
}

/// The ids of the expected documents.
#[derive(Default)]
struct Found {
    keys: KeyBag,
    /// Of the lines of those that lie apart.
    apart: KeyBag,
}

impl Stream {
    /// The expected documents.
    pub fn new(name: &str, clients: &Clients, expected: &Arc<Expected>) -> Self {
        let (client, expected) = (clients.kinesis.clone(), expected.clone());
        Self { client, name: name.to_owned(), expected, found: Found::default() }
    }
}

impl From<StreamError> for VerifyError {
    fn from(error: StreamError) -> Self {
        Self::Read(Box::new(error))
    }
}

#[async_trait]
impl DestinationReader for Stream {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    /// What was acknowledged is in the stream already: one read is enough.
    fn patience(&self) -> Patience {
        Patience { every: Duration::ZERO, standstill: Duration::ZERO }
    }

    async fn read(&mut self) -> Result<u64, VerifyError> {
        self.found = find(&self.client, &self.name, &self.expected).await?;
        Ok(self.found.keys.len())
    }

    async fn tally(&mut self, acknowledged: &KeyBag) -> Result<Tally, VerifyError> {
        Ok(self.found.keys.tally(acknowledged))
    }

    fn apart(&mut self) -> &mut KeyBag {
        &mut self.found.apart
    }
}

/// The expected documents that the stream still holds.
async fn find(client: &Client, stream: &str, expected: &Expected) -> Result<Found, StreamError> {
    let shards = shards(client, stream).await?;
    let answers = &Semaphore::new(ANSWERS);
    let found: Vec<Found> = stream::iter(shards)
        .map(|shard| async move { read(client, stream, &shard, expected, answers).await })
        .buffer_unordered(READERS)
        .try_collect()
        .await?;
    Ok(found.into_iter().fold(Found::default(), |mut all, Found { keys, apart }| {
        all.keys.append(keys);
        all.apart.append(apart);
        all
    }))
}

async fn shards(client: &Client, stream: &str) -> Result<Vec<String>, StreamError> {
    let (mut shards, mut token) = (Vec::new(), None);
    loop {
        let request = client.list_shards();
        let request = match token {
            Some(token) => request.next_token(token),
            None => request.stream_name(stream),
        };
        let page = request.send().await.map_err(|e| failed("ListShards", stream, e))?;
        shards.extend(page.shards.unwrap_or_default().into_iter().map(|shard| shard.shard_id));
        token = page.next_token;
        if token.is_none() {
            return Ok(shards);
        }
    }
}

async fn read(
    client: &Client,
    stream: &str,
    shard: &str,
    expected: &Expected,
    answers: &Semaphore,
) -> Result<Found, StreamError> {
    let (mut iterator, mut keys, mut apart) =
        (begin(client, stream, shard, None, answers).await?, Vec::new(), Vec::new());
    let (mut rest, mut last, mut since) = (Duration::ZERO, None, Instant::now());
    while let Some(from) = iterator.take() {
        sleep(rest).await;
        let answer = answers.acquire().await.expect("it is never closed");
        let page = match client.get_records().shard_iterator(from).send().await {
            Err(error) if error.code() == Some(EXPIRED) && since.elapsed() < EXPIRED_FOR => {
                drop(answer);
                iterator = begin(client, stream, shard, last.as_deref(), answers).await?;
                rest = BETWEEN_READS;
                continue;
            }
            page => page.map_err(|e| failed("GetRecords", stream, e))?,
        };
        since = Instant::now();
        last = page.records.last().map(|record| record.sequence_number.clone()).or(last);
        rest = rest_after(&page.records);
        for record in &page.records {
            let places = places(record, expected).map_err(|why| StreamError::Content {
                stream: stream.to_owned(),
                shard: shard.to_owned(),
                sequence_number: record.sequence_number.clone(),
                why,
            })?;
            for place in places {
                match place {
                    Place::Among(id) => keys.push(id),
                    Place::Apart(id) => apart.push(id),
                    Place::Elsewhere => {}
                }
            }
        }
        // Also where the page has records: while a run is under way, there always are more.
        let caught_up = page.millis_behind_latest == Some(0);
        iterator = page.next_shard_iterator.filter(|_| !caught_up);
    }
    Ok(Found { keys: keys.into_iter().collect(), apart: apart.into_iter().collect() })
}

/// An iterator from behind a record, or from the oldest one that the shard holds.
async fn begin(
    client: &Client,
    stream: &str,
    shard: &str,
    after: Option<&str>,
    answers: &Semaphore,
) -> Result<Option<String>, StreamError> {
    let _answer = answers.acquire().await.expect("it is never closed");
    let start = client.get_shard_iterator().stream_name(stream).shard_id(shard);
    let start = match after {
        Some(number) => {
            start.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(number)
        }
        None => start.shard_iterator_type(ShardIteratorType::TrimHorizon),
    };
    let started = start.send().await.map_err(|e| failed("GetShardIterator", stream, e))?;
    Ok(started.shard_iterator)
}

/// How long a shard gives nothing after an answer.
fn rest_after(answer: &[Record]) -> Duration {
    let bytes: usize = answer.iter().map(|record| record.data.as_ref().len()).sum();
    BETWEEN_READS.max(Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND))
}

/// Where a record's documents belong: it may be an aggregated one. Otherwise what is wrong with it.
fn places(record: &Record, expected: &Expected) -> Result<Vec<Place>, String> {
    let documents = kinesis_aggregation::contents(record.data.as_ref()).map_err(|e| e.to_string())?;
    documents.iter().map(|document| expected.place(document)).collect::<Result<_, _>>().map_err(|e| e.to_string())
}

fn failed<E>(call: &'static str, stream: &str, error: SdkError<E>) -> StreamError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    StreamError::Call { call, stream: stream.to_owned(), why: told(&error) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::primitives::Blob;

    use super::*;

    #[test]
    fn a_reader_rests_as_long_as_its_shard_does() {
        let records = |count| {
            let record = Record::builder().sequence_number("1").partition_key("k").data(Blob::new(vec![0; 1 << 20]));
            vec![record.build().expect("a record"); count]
        };
        assert_eq!(rest_after(&[]), BETWEEN_READS);
        assert_eq!(rest_after(&records(1)), Duration::from_millis(500));
        assert_eq!(rest_after(&records(10)), Duration::from_secs(5));
    }
}
