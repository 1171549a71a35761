//! One poller of a shard: its records in order, batch by batch, each worked off before the next.
//!
//! A shard has as many pollers as the mapping's parallelization factor, and a partition key belongs to one of them, so that
//! the records of one key stay in order.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use md5::{Digest, Md5};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    Durable, Kinesis, S3, ServiceError,
    batch::{Piece, Pieces, Step},
    event::{Origin, ROOM, Record, Verdict, event, verdict},
    failure::{Condition, Failure, key},
    functions::Functions,
    invoke::LARGEST_PAYLOAD,
    last_result::LastResult,
    mapping::Mapping,
    now,
    process::Outcome,
    progress::Progress,
};
use crate::services::kinesis::StoredRecord;

/// Between two reads of a shard that had no records.
const POLL: Duration = Duration::from_millis(100);
/// Bytes of data that are read at once.
const READ: usize = 1 << 20;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// What a poller works with.
pub(super) struct Work {
    pub(super) mapping_id: String,
    pub(super) mapping: Arc<Mapping>,
    pub(super) shard: String,
    pub(super) poller: usize,
    pub(super) kinesis: Arc<Kinesis>,
    pub(super) s3: Arc<S3>,
    pub(super) functions: Arc<Functions>,
    pub(super) progress: Arc<Durable<Progress>>,
    pub(super) last_result: LastResult,
}

pub(super) struct ShardPoller {
    work: Work,
    /// Records of this poller that were read and are in no batch yet.
    ahead: VecDeque<StoredRecord>,
    /// Where to read on.
    read_to: u64,
    backoff: Duration,
    /// The last error that was logged.
    trouble: Option<String>,
}

/// Records that go to the function together, and where the poller goes on after them.
struct Batch {
    records: Vec<Record>,
    end: u64,
}

/// How the last invocation of a batch went.
#[derive(Default)]
struct Last {
    request: Option<String>,
    with_error: bool,
}

impl ShardPoller {
    pub(super) fn new(work: Work) -> Self {
        let read_to = work.progress.read().position(&work.shard, work.poller, work.mapping.settings.pollers());
        Self { work, ahead: VecDeque::new(), read_to, backoff: FIRST_BACKOFF, trouble: None }
    }

    /// Works until the shard is closed and read to its end.
    pub(super) async fn run(mut self) {
        loop {
            match self.turn().await {
                Ok(true) => return,
                Ok(false) => self.recover(),
                Err(error) => {
                    self.rewind();
                    self.suffer(&error).await;
                }
            }
        }
    }

    /// Goes back to the checkpoint, since a batch broke off in the middle.
    fn rewind(&mut self) {
        let Work { progress, shard, poller, mapping, .. } = &self.work;
        self.ahead.clear();
        self.read_to = progress.read().position(shard, *poller, mapping.settings.pollers());
    }

    /// One batch, or a rest where there is none. Says whether the shard is over.
    async fn turn(&mut self) -> Result<bool, ServiceError> {
        // Asked before the shard is read: what it holds at its end was there when it closed.
        let closed = self.is_closed()?;
        match self.gather().await? {
            Some(batch) => self.work_off(&batch).await?,
            None if closed => {
                // Not where reading came to: its last records may have expired unread, and its children wait.
                let end = self.work.kinesis.end(&self.work.mapping.stream_arn, &self.work.shard)?;
                self.checkpoint(end).await?;
                return Ok(true);
            }
            None => sleep(POLL).await,
        }
        Ok(false)
    }

    fn is_closed(&self) -> Result<bool, ServiceError> {
        let shards = self.work.kinesis.shards(&self.work.mapping.stream_arn)?;
        Ok(shards.iter().find(|shard| shard.id == self.work.shard).is_none_or(|shard| shard.closed))
    }

    /// The next batch: full, or as large as it became within the mapping's window; `None` where there is nothing.
    async fn gather(&mut self) -> Result<Option<Batch>, ServiceError> {
        let settings = &self.work.mapping.settings;
        let (most, window, begun) = (settings.records(), settings.window(), Instant::now());
        let (mut records, mut size): (Vec<Record>, usize) = (Vec::new(), 0);
        let origin = self.origin();
        loop {
            while let Some(stored) = self.ahead.front() {
                let record = origin.render(stored, self.sequence_number(stored.position)?);
                let fits = records.is_empty() || size + record.size() <= ROOM;
                if !fits {
                    return Ok(Some(self.batch(records)));
                }
                size += record.size();
                records.push(record);
                self.ahead.pop_front();
                if records.len() == most {
                    return Ok(Some(self.batch(records)));
                }
            }
            match self.read_on().await? {
                true => {}
                false if records.is_empty() => return Ok(None),
                false if begun.elapsed() >= window => return Ok(Some(self.batch(records))),
                false => sleep(POLL.min(window.saturating_sub(begun.elapsed()))).await,
            }
        }
    }

    fn batch(&self, records: Vec<Record>) -> Batch {
        let end = self.ahead.front().map_or(self.read_to, |next| next.position);
        Batch { records, end }
    }

    /// Reads a stretch of the shard; `false` at its end.
    async fn read_on(&mut self) -> Result<bool, ServiceError> {
        let (kinesis, arn) = (self.work.kinesis.clone(), self.work.mapping.stream_arn.clone());
        let (shard, from) = (self.work.shard.clone(), self.read_to);
        let read = spawn_blocking(move || kinesis.read(&arn, &shard, from, READ));
        let read = read.await.map_err(ServiceError::internal)??;
        let Some(last) = read.last() else { return Ok(false) };
        self.read_to = last.position + 1;
        let (poller, pollers) = (self.work.poller, self.work.mapping.settings.pollers());
        let mine = read.into_iter().filter(|record| poller_of(&record.partition_key, pollers) == poller);
        // A record keeps the whole piece that it was read with; where most of a piece is not ours, it is let go.
        self.ahead.extend(mine.map(|record| match pollers {
            1 => record,
            _ => StoredRecord { data: Bytes::copy_from_slice(&record.data), ..record },
        }));
        Ok(true)
    }

    fn sequence_number(&self, position: u64) -> Result<String, ServiceError> {
        self.work.kinesis.sequence_number(&self.work.mapping.stream_arn, &self.work.shard, position)
    }

    async fn work_off(&mut self, batch: &Batch) -> Result<(), ServiceError> {
        let settings = &self.work.mapping.settings;
        let (age, reports) = (settings.age_ms(), settings.reports());
        let (mut pieces, mut last) = (Pieces::new(batch.records.len(), settings.rules()), Last::default());
        while pieces.next().is_some() {
            let oldest = age.map(|age| now() - age);
            let expired = pieces.expire(|i| oldest.is_some_and(|oldest| batch.records[i].arrived < oldest));
            if let Some(expired) = expired {
                self.give_up(batch, &expired, Condition::RecordAgeExceeded, &last).await;
                self.checkpoint(position(batch, &pieces)).await?;
                continue;
            }
            let Some(piece) = pieces.next() else { break };
            let records = &batch.records[piece.records.clone()];
            let Some(verdict) = self.invoke(records, reports, &mut last).await else { continue };
            let step = pieces.settle(verdict);
            if let Step::GiveUp(piece) = &step {
                self.give_up(batch, piece, Condition::RetryAttemptsExhausted, &last).await;
            }
            self.checkpoint(position(batch, &pieces)).await?;
            if let Step::Rest(rest) = step {
                sleep(rest).await;
            }
        }
        Ok(())
    }

    /// What the function makes of these records; `None`, after a rest, where it could not be invoked.
    async fn invoke(&mut self, records: &[Record], reports: bool, last: &mut Last) -> Option<Verdict> {
        let event = event(records);
        if event.len() > LARGEST_PAYLOAD {
            self.work.last_result.set("PROBLEM: Function call failed");
            return Some(Verdict::Failed);
        }
        match self.work.functions.invoke(&self.work.mapping.function, event).await {
            Ok(invocation) => {
                self.recover();
                let verdict = verdict(&invocation.outcome, reports, records);
                let with_error = matches!(invocation.outcome, Outcome::Failed(_));
                *last = Last { request: Some(invocation.id), with_error };
                let result = if verdict == Verdict::Done { "OK" } else { "PROBLEM: Function call failed" };
                self.work.last_result.set(result);
                Some(verdict)
            }
            Err(error) => {
                self.suffer(&error).await;
                None
            }
        }
    }

    /// Puts what was given up into the failure destination, where there is one.
    async fn give_up(&self, batch: &Batch, piece: &Piece, condition: Condition, last: &Last) {
        let (mapping, shard, count) = (&self.work.mapping_id, &self.work.shard, piece.records.len());
        let (at, origin) = (chrono::Utc::now(), self.origin());
        let Some(bucket) = self.work.mapping.settings.bucket() else {
            tracing::warn!(mapping, shard, count, ?condition, "records are given up, and no destination keeps them");
            return;
        };
        let failure = Failure {
            function: &self.work.mapping.function,
            origin: &origin,
            records: &batch.records[piece.records.clone()],
            condition,
            invocations: piece.invocations,
            last_request: last.request.as_deref(),
            with_error: last.with_error,
        };
        let key = key(mapping, shard, at);
        // Lambda goes on as well when its destination does not take what it sends.
        if let Err(error) = self.work.s3.put(bucket, &key, failure.document(at)).await {
            tracing::warn!(mapping, shard, bucket, count, %error, "records that were given up are not kept");
        }
    }

    async fn checkpoint(&self, position: u64) -> Result<(), ServiceError> {
        let (progress, shard) = (self.work.progress.clone(), self.work.shard.clone());
        let (poller, pollers) = (self.work.poller, self.work.mapping.settings.pollers());
        if progress.read().position(&shard, poller, pollers) == position {
            return Ok(());
        }
        let kept = spawn_blocking(move || {
            progress.change(|progress| {
                progress.advance(&shard, poller, pollers, position);
                Ok::<_, ServiceError>(())
            })
        });
        kept.await.map_err(ServiceError::internal)?
    }

    fn origin(&self) -> Origin {
        Origin {
            stream_arn: self.work.mapping.stream_arn.clone(),
            shard: self.work.shard.clone(),
            role_arn: self.work.functions.role(&self.work.mapping.function),
        }
    }

    /// Tells of a trouble once, however often it comes back, and waits longer each time.
    async fn suffer(&mut self, error: &ServiceError) {
        let text = error.to_string();
        if self.trouble.as_ref() != Some(&text) {
            let (mapping, shard) = (&self.work.mapping_id, &self.work.shard);
            tracing::warn!(mapping, shard, error = text, "the mapping waits and tries again");
            self.work.last_result.set(&format!("PROBLEM: {}", error.message));
            self.trouble = Some(text);
        }
        sleep(self.backoff).await;
        self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
    }

    fn recover(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!(mapping = self.work.mapping_id, shard = self.work.shard, "the mapping goes on");
        }
        self.backoff = FIRST_BACKOFF;
    }
}

/// Where the poller would go on if it ended now.
fn position(batch: &Batch, pieces: &Pieces) -> u64 {
    pieces.next().map_or(batch.end, |piece| batch.records[piece.records.start].position)
}

/// Which of so many pollers takes a partition key; the same one for ever, since positions on disk go by it.
fn poller_of(partition_key: &str, pollers: usize) -> usize {
    let hash = u128::from_be_bytes(Md5::digest(partition_key).into());
    (hash % pollers as u128) as usize
}
