//! What will be a request: Kinesis records from the queues, in the order in which they may leave.

use std::collections::{HashSet, VecDeque};

use tokio::time::Instant;

use super::{
    batch::{Batch, OpenBatch, RecordMeta},
    body::{Body, Entry, Format},
    multi_buffer,
    queued_record::{EncodedRecord, QueuedAggregate, QueuedRecord},
};

/// The bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchLimits {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

/// A request that is being put together.
pub(super) struct QueuedBatch {
    limits: BatchLimits,
    queued_records: Vec<QueuedRecord>,
    bytes: usize,
    /// In ordered mode: what has its turn in this request.
    turns: HashSet<u128>,
    /// When it leaves at the latest.
    due: Option<Instant>,
}

impl QueuedBatch {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Self { limits, queued_records: Vec::new(), bytes: 0, turns: HashSet::new(), due: None }
    }

    /// Whether there is room for a record. An empty batch takes any one.
    pub(super) fn takes(&self, queued_record: &QueuedRecord) -> bool {
        let fits = self.bytes + queued_record.size() <= self.limits.bytes;
        self.queued_records.len() < self.limits.items && (fits || self.queued_records.is_empty())
    }

    pub(super) fn push(&mut self, queued_record: QueuedRecord) {
        self.bytes += queued_record.size();
        self.queued_records.push(queued_record);
    }

    pub(super) fn has_turn(&self, turn: u128) -> bool {
        self.turns.contains(&turn)
    }

    pub(super) fn take_turn(&mut self, turn: u128) {
        self.turns.insert(turn);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queued_records.is_empty()
    }

    /// A batch with records waits for more until `due`, unless it waits already.
    pub(super) fn wait_until(&mut self, due: Instant) {
        if !self.is_empty() && self.due.is_none() {
            self.due = Some(due);
        }
    }

    /// It waits for nothing any more.
    pub(super) fn flush_requested(&mut self, now: Instant) {
        self.due = Some(now);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn metas(&self) -> Vec<RecordMeta> {
        self.queued_records.iter().map(meta).collect()
    }

    pub(super) fn into_records(self) -> Vec<QueuedRecord> {
        self.queued_records
    }
}

/// A queued batch that leaves, and what its request is made with.
pub(super) struct Departing {
    queued_batch: QueuedBatch,
    /// For the request's body.
    buffer: Vec<u8>,
    /// Of the shard map by which it was assembled.
    generation: u64,
    due: Instant,
}

impl Departing {
    pub(super) fn new(queued_batch: QueuedBatch, buffer: Vec<u8>, generation: u64, now: Instant) -> Self {
        let due = queued_batch.due.unwrap_or(now);
        Self { queued_batch, buffer, generation, due }
    }

    /// What of it needs a digest.
    fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.queued_batch.queued_records.iter().filter_map(message)
    }

    pub(super) fn bytes(&self) -> usize {
        self.queued_batch.bytes
    }

    /// The request. `digests` begin with those of its own aggregates.
    pub(super) fn depart(
        self,
        (format, stream): (Format, &str),
        digests: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Batch {
        let mut batch = OpenBatch::new(Body::new(format, stream, self.buffer), self.generation, self.due);
        for queued_record in self.queued_batch.queued_records {
            match queued_record {
                QueuedRecord::Encoded(written) => load(&mut batch, written),
                QueuedRecord::Aggregate(packed) => {
                    let digest = digests.next().expect("one for each that is packed");
                    seal(&mut batch, packed, digest);
                }
            }
        }
        batch.close()
    }

    pub(super) fn into_records(self) -> Vec<QueuedRecord> {
        self.queued_batch.queued_records
    }
}

/// The digest of each aggregate in them, several hashed at a time.
pub(super) async fn digests(departing: &VecDeque<Departing>) -> Vec<[u8; 16]> {
    let packed: Vec<_> = departing.iter().flat_map(Departing::messages).collect();
    multi_buffer::md5_all(&packed).await
}

fn load(batch: &mut OpenBatch, written: EncodedRecord) {
    let EncodedRecord { fragment, format, size, meta, completions, .. } = written;
    if format == batch.body.format() {
        batch.body.push_fragment(&fragment);
    } else {
        batch.body.push(format.read(&fragment).entry());
    }
    batch.add(size, meta, completions);
}

fn seal(batch: &mut OpenBatch, packed: QueuedAggregate, digest: [u8; 16]) {
    let (size, meta) = (packed.size(), meta_of(&packed));
    let partition_key = packed.aggregate.partition_key().to_owned();
    let (data, with) = packed.aggregate.finish(digest);
    // The key of its first record may be another shard's after a split; the hash key is what was meant.
    batch.body.push(Entry { data: &data, partition_key: &partition_key, explicit_hash_key: Some(packed.hash) });
    batch.add(size, meta, with.into_iter().map(|(_, completion)| completion));
}

fn message(queued_record: &QueuedRecord) -> Option<&[u8]> {
    match queued_record {
        QueuedRecord::Aggregate(packed) => Some(packed.aggregate.message()),
        QueuedRecord::Encoded(_) => None,
    }
}

fn meta(queued_record: &QueuedRecord) -> RecordMeta {
    match queued_record {
        QueuedRecord::Encoded(written) => written.meta,
        QueuedRecord::Aggregate(packed) => meta_of(packed),
    }
}

fn meta_of(packed: &QueuedAggregate) -> RecordMeta {
    RecordMeta { shard: packed.shard, records: packed.aggregate.len() as u32, is_aggregate: true }
}
