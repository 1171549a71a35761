//! A Kinesis record that waits to be sent: one that its shard has no room for yet, or that comes back.

use tokio::time::Instant;

use super::{
    aggregate::Aggregate,
    batch::RecordMeta,
    body::{Body, Format},
    completion::{Completer, CompletionHandle},
    record::Record,
    retry,
    transport::RequestError,
};

/// A Kinesis record and what goes with it.
pub(super) enum QueuedRecord {
    /// As it is written in a body.
    Encoded(EncodedRecord),
    /// Records packed together, without their digest yet.
    Aggregate(QueuedAggregate),
}

pub(super) struct EncodedRecord {
    pub(super) fragment: Vec<u8>,
    pub(super) format: Format,
    /// Where it is in the range of hash keys.
    pub(super) hash: u128,
    /// What the service counts of it, in bytes.
    pub(super) size: usize,
    pub(super) meta: RecordMeta,
    pub(super) completions: Vec<CompletionHandle>,
}

pub(super) struct QueuedAggregate {
    pub(super) aggregate: Aggregate<CompletionHandle>,
    /// Where its first record is in the range of hash keys.
    pub(super) hash: u128,
    pub(super) shard: u32,
    /// For a record that stays alone.
    pub(super) format: Format,
}

impl QueuedRecord {
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Encoded(written) => written.size,
            Self::Aggregate(packed) => packed.size(),
        }
    }

    pub(super) fn hash(&self) -> u128 {
        match self {
            Self::Encoded(written) => written.hash,
            Self::Aggregate(packed) => packed.hash,
        }
    }

    /// User records in it.
    pub(super) fn records(&self) -> usize {
        match self {
            Self::Encoded(written) => written.completions.len(),
            Self::Aggregate(packed) => packed.aggregate.len(),
        }
    }

    /// Every user record for itself.
    pub(super) fn unpack(self) -> Vec<(Record, CompletionHandle)> {
        match self {
            Self::Encoded(written) => written.unpack(),
            Self::Aggregate(packed) => {
                let (data, with) = packed.aggregate.finish([0; 16]);
                records(&data).zip(with.into_iter().map(|(_, completion)| completion)).collect()
            }
        }
    }
}

impl QueuedAggregate {
    /// No more comes to it: a record that stayed alone travels plain.
    pub(super) fn sealed(self) -> QueuedRecord {
        if self.aggregate.len() > 1 {
            return QueuedRecord::Aggregate(self);
        }
        let (format, shard) = (self.format, self.shard);
        let (record, completion) =
            QueuedRecord::Aggregate(self).unpack().pop().expect("an aggregate begins with a record");
        QueuedRecord::Encoded(EncodedRecord::single(format, &record, shard, completion))
    }

    pub(super) fn size(&self) -> usize {
        self.aggregate.size()
    }
}

impl EncodedRecord {
    /// The Kinesis record at a position of a body.
    pub(super) fn of(body: &Body, index: usize, meta: RecordMeta, completions: Vec<CompletionHandle>) -> Self {
        let (fragment, format) = (body.fragment(index).to_vec(), body.format());
        let record = format.read(&fragment);
        Self { fragment, format, hash: record.hash(), size: record.size(), meta, completions }
    }

    /// Where each of its user records is in the range of hash keys.
    pub(super) fn hashes(&self) -> Vec<u128> {
        let record = self.format.read(&self.fragment);
        match self.meta.is_aggregate {
            true => records(&record.data).map(|record| record.hash()).collect(),
            false => vec![self.hash],
        }
    }

    pub(super) fn single(format: Format, record: &Record, shard: u32, completion: CompletionHandle) -> Self {
        let mut fragment = Vec::with_capacity(format.written_len(record.data.len(), &record.partition_key));
        format.write(record.entry(), &mut fragment);
        let (hash, size) = (record.hash(), record.size());
        Self { fragment, format, hash, size, meta: RecordMeta::one(shard), completions: vec![completion] }
    }

    /// It is queued again and waits until `due`; records whose TTL ends before then fail.
    pub(super) fn again(mut self, error: &RequestError, due: Instant, completer: &mut Completer<'_>) -> Vec<Self> {
        self.completions.iter_mut().for_each(|completion| retry::note(error, completion));
        self.continuing(due, completer)
    }

    /// What does not end before `due`: all of it as it is, or what is left record by record.
    pub(super) fn continuing(self, due: Instant, completer: &mut Completer<'_>) -> Vec<Self> {
        if self.completions.iter().all(|completion| completion.ends(due).is_none()) {
            return vec![self];
        }
        let (format, shard) = (self.format, self.meta.shard);
        let mut left = Vec::new();
        for (record, completion) in self.unpack() {
            match completion.ends(due) {
                Some(reason) => completer.fail(completion, reason),
                None => left.push(Self::single(format, &record, shard, completion)),
            }
        }
        left
    }

    fn unpack(self) -> Vec<(Record, CompletionHandle)> {
        let record = self.format.read(&self.fragment);
        match self.meta.is_aggregate {
            true => records(&record.data).zip(self.completions).collect(),
            false => std::iter::once(record).zip(self.completions).collect(),
        }
    }
}

/// The user records of an aggregated one.
fn records(data: &[u8]) -> impl Iterator<Item = Record> + '_ {
    Aggregate::records(data).map(Record::from)
}
