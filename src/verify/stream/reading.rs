//! Reads a stream shard by shard; each read goes on where the one before ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_kinesis::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::ShardIteratorType,
};
use demo_workload::{Id, Identity};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::super::expected::line_id;
use crate::aws::{
    Clients,
    records::{Answer, EXPIRED, ReadError, Record, RecordReader},
    told::told,
};

/// Answers that are fetched and unpacked side by side. Each may hold 10 MiB, so this bounds the memory of any number of shards.
const ANSWERS: usize = 8;

/// A shard admits five GetRecords a second (Kinesis API reference, GetRecords).
const BETWEEN_READS: Duration = Duration::from_millis(210);

/// How long a shard may have no iterator that does not expire at once.
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
    /// The reading panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

/// Reads a stream, and remembers where it is.
pub struct StreamReading {
    source: Arc<Source>,
    /// Where it is in each shard, by their ids.
    shards: BTreeMap<String, Place>,
    /// Those that read now.
    readers: JoinSet<Result<(String, Place, Seen), StreamError>>,
    /// The documents so far.
    pub(super) seen: Seen,
}

/// The documents that a stream has.
#[derive(Default)]
pub(super) struct Seen {
    /// Their ids.
    pub(super) ids: Vec<Id>,
    /// Those that have none.
    pub(super) others: Vec<Nameless>,
}

/// A document without an id.
pub(super) struct Nameless {
    /// The id of its line.
    pub(super) line: Id,
    /// Where it is, and what is wrong with it.
    pub(super) error: StreamError,
}

/// Where the reading of a shard is.
#[derive(Clone, Default)]
struct Place {
    /// Where to go on, unless that has expired.
    iterator: Option<String>,
    /// The last record that was read.
    last: Option<String>,
    /// When its shard gives something again.
    rests_until: Option<Instant>,
    /// No more records will come.
    ended: bool,
}

/// What the readers of all shards share.
struct Source {
    client: Client,
    reader: RecordReader,
    stream: String,
    identity: Identity,
    /// One answer at a time, until nothing else goes on and it is closed.
    alone: Semaphore,
    answers: Semaphore,
    /// The memory of answers that were read.
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl StreamReading {
    /// From the oldest record on; in CBOR, if it shall be.
    pub fn new(stream: &str, clients: &Clients, identity: Identity, in_cbor: bool) -> Self {
        let client = clients.kinesis.clone();
        let source = Source {
            reader: RecordReader::new(client.clone(), in_cbor),
            client,
            stream: stream.to_owned(),
            identity,
            alone: Semaphore::new(1),
            answers: Semaphore::new(ANSWERS),
            buffers: Mutex::default(),
        };
        Self { source: Arc::new(source), shards: BTreeMap::new(), readers: JoinSet::new(), seen: Seen::default() }
    }

    /// Reads what each shard has by now, one after the other, so that a load that goes on has the processors. May be dropped at
    /// any point: the readers go on, and the next call takes what they find.
    ///
    /// # Errors
    /// A call fails. The next one begins in that shard where the one before did.
    pub async fn keep_up(&mut self) -> Result<(), StreamError> {
        self.read_on().await
    }

    /// Reads what each shard has by now, several at a time from now on.
    ///
    /// # Errors
    /// As those of [`Self::keep_up`].
    pub async fn catch_up(&mut self) -> Result<(), StreamError> {
        self.source.alone.close();
        self.read_on().await
    }

    async fn read_on(&mut self) -> Result<(), StreamError> {
        self.take_all().await?;
        for shard in self.source.shards().await? {
            let place = self.shards.entry(shard.clone()).or_default().clone();
            if !place.ended {
                self.readers.spawn(self.source.clone().read(shard, place));
            }
        }
        self.take_all().await
    }

    /// Takes what the readers find, until all have ended.
    async fn take_all(&mut self) -> Result<(), StreamError> {
        while let Some(read) = self.readers.join_next().await {
            let (shard, place, mut seen) = read??;
            self.shards.insert(shard, place);
            self.seen.ids.append(&mut seen.ids);
            self.seen.others.append(&mut seen.others);
        }
        Ok(())
    }
}

impl Source {
    async fn shards(&self) -> Result<Vec<String>, StreamError> {
        let (mut shards, mut token) = (Vec::new(), None);
        loop {
            let request = self.client.list_shards();
            let request = match token {
                Some(token) => request.next_token(token),
                None => request.stream_name(&self.stream),
            };
            let page = request.send().await.map_err(|e| self.failed("ListShards", &e))?;
            shards.extend(page.shards.unwrap_or_default().into_iter().map(|shard| shard.shard_id));
            token = page.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Reads a shard from a place on, until there is nothing newer.
    async fn read(self: Arc<Self>, shard: String, mut place: Place) -> Result<(String, Place, Seen), StreamError> {
        let (mut seen, mut since) = (Seen::default(), Instant::now());
        loop {
            sleep_until(place.rests_until.unwrap_or(since)).await;
            let turn = self.turn().await;
            let Some(from) = place.iterator.take() else {
                place.iterator = Some(self.begin(&shard, place.last.as_deref()).await?);
                continue;
            };
            let answer = match self.reader.read(&from, self.buffer()).await {
                Err(error) if error.code.as_deref() == Some(EXPIRED) && since.elapsed() < EXPIRED_FOR => {
                    place.rests_until = Some(Instant::now() + BETWEEN_READS);
                    continue;
                }
                answer => answer.map_err(|error| self.unread(error))?,
            };
            since = Instant::now();
            let caught_up = self.take(&answer, &shard, &mut place, &mut seen)?;
            self.give_back(answer);
            drop(turn);
            if caught_up || place.ended {
                return Ok((shard, place, seen));
            }
        }
    }

    /// Takes the documents of an answer. Returns whether there is nothing newer.
    fn take(&self, answer: &Answer, shard: &str, place: &mut Place, seen: &mut Seen) -> Result<bool, StreamError> {
        let page = answer.page().map_err(|error| self.unread(error))?;
        for record in &page.records {
            self.take_record(record, shard, seen)?;
        }
        let rest = rest_after(page.records.iter().map(|record| record.data.len()).sum());
        place.rests_until = Some(Instant::now() + rest);
        place.last = page.records.last().map(|record| record.sequence_number.to_owned()).or(place.last.take());
        place.iterator = page.next_shard_iterator.map(str::to_owned);
        place.ended = place.iterator.is_none();
        // Also where the page has records: while a run is under way, there always are more.
        Ok(page.millis_behind_latest == Some(0))
    }

    /// Takes the documents of a record: it may be an aggregated one.
    fn take_record(&self, record: &Record<'_>, shard: &str, seen: &mut Seen) -> Result<(), StreamError> {
        let wrong = |why: String| StreamError::Content {
            stream: self.stream.clone(),
            shard: shard.to_owned(),
            sequence_number: record.sequence_number.to_owned(),
            why,
        };
        for document in &kinesis_aggregation::contents(record.data).map_err(|e| wrong(e.to_string()))? {
            match self.identity.of_document(document) {
                Ok(id) => seen.ids.push(id),
                Err(e) => seen.others.push(Nameless { line: line_id(document), error: wrong(e.to_string()) }),
            }
        }
        Ok(())
    }

    /// An iterator from behind a record, or from the oldest one that the shard holds.
    async fn begin(&self, shard: &str, after: Option<&str>) -> Result<String, StreamError> {
        let start = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(shard);
        let start = match after {
            Some(number) => {
                start.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(number)
            }
            None => start.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        let started = start.send().await.map_err(|e| self.failed("GetShardIterator", &e))?;
        let why = "there is no iterator in the answer".to_owned();
        started.shard_iterator.ok_or_else(|| self.call_failed("GetShardIterator", why))
    }

    async fn turn(&self) -> (Option<SemaphorePermit<'_>>, SemaphorePermit<'_>) {
        let alone = self.alone.acquire().await.ok();
        (alone, self.answers.acquire().await.expect("it is never closed"))
    }

    fn buffer(&self) -> Vec<u8> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, answer: Answer) {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(answer.into_buffer());
    }

    fn unread(&self, error: ReadError) -> StreamError {
        self.call_failed("GetRecords", error.to_string())
    }

    fn failed<E>(&self, call: &'static str, error: &SdkError<E>) -> StreamError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.call_failed(call, told(error))
    }

    fn call_failed(&self, call: &'static str, why: String) -> StreamError {
        StreamError::Call { call, stream: self.stream.clone(), why }
    }
}

/// How long a shard gives nothing after an answer with so many bytes of data.
fn rest_after(bytes: usize) -> Duration {
    BETWEEN_READS.max(Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_rests_as_long_as_its_shard_does() {
        assert_eq!(rest_after(0), BETWEEN_READS);
        assert_eq!(rest_after(1 << 20), Duration::from_millis(500));
        assert_eq!(rest_after(10 << 20), Duration::from_secs(5));
    }
}
