//! The records of one request, with what goes with each of them.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    body::{Body, Entry},
    completion::CompletionHandle,
    limits::RECORDS_PER_REQUEST,
    queued_record::EncodedRecord,
};

/// A shard that is not known.
pub(super) const NO_SHARD: u32 = u32::MAX;

/// A request that is being filled.
pub(super) struct OpenBatch {
    pub(super) body: Body,
    pub(super) contents: BatchContents,
    /// When it leaves at the latest.
    pub(super) due: Instant,
}

/// A request that waits to be sent.
pub(super) struct Batch {
    pub(super) body: Arc<Body>,
    pub(super) contents: BatchContents,
    /// When it leaves at the latest.
    pub(super) due: Instant,
    pub(super) sha256: Option<[u8; 32]>,
}

/// What is not sent of a batch.
pub(super) struct BatchContents {
    /// One for each Kinesis record.
    pub(super) metas: Vec<RecordMeta>,
    /// One for each user record, in the order of the Kinesis records that carry them.
    pub(super) completions: Vec<CompletionHandle>,
    /// As the service counts them.
    pub(super) bytes: usize,
    /// The generation of the shard map that the shards' numbers are of.
    pub(super) generation: u64,
}

/// What is known of one Kinesis record.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordMeta {
    /// Its number in the shard map.
    pub(super) shard: u32,
    /// User records in it; they are packed together where `is_aggregate`.
    pub(super) records: u32,
    pub(super) is_aggregate: bool,
}

impl RecordMeta {
    pub(super) fn one(shard: u32) -> Self {
        Self { shard, records: 1, is_aggregate: false }
    }
}

impl OpenBatch {
    pub(super) fn new(body: Body, generation: u64, due: Instant) -> Self {
        let contents = BatchContents {
            metas: Vec::with_capacity(RECORDS_PER_REQUEST),
            completions: Vec::with_capacity(RECORDS_PER_REQUEST),
            bytes: 0,
            generation,
        };
        Self { body, contents, due }
    }

    /// Adds a record that travels by itself.
    pub(super) fn push(&mut self, entry: Entry<'_>, shard: u32, completion: CompletionHandle) {
        self.body.push(entry);
        self.contents.bytes += completion.size as usize;
        self.contents.metas.push(RecordMeta::one(shard));
        self.contents.completions.push(completion);
    }

    /// What goes with the Kinesis record that was just added to the body.
    pub(super) fn add(
        &mut self,
        size: usize,
        meta: RecordMeta,
        completions: impl IntoIterator<Item = CompletionHandle>,
    ) {
        self.contents.bytes += size;
        self.contents.metas.push(meta);
        self.contents.completions.extend(completions);
    }

    pub(super) fn len(&self) -> usize {
        self.contents.metas.len()
    }

    pub(super) fn close(mut self) -> Batch {
        self.body.close();
        Batch { body: Arc::new(self.body), contents: self.contents, due: self.due, sha256: None }
    }
}

impl BatchContents {
    /// Every Kinesis record for itself, as it is written in the body.
    pub(super) fn into_records(self, body: &Body) -> Vec<EncodedRecord> {
        let mut completions = self.completions.into_iter();
        let queued_record = |(index, meta): (usize, RecordMeta)| {
            EncodedRecord::of(body, index, meta, completions.by_ref().take(meta.records as usize).collect())
        };
        self.metas.into_iter().enumerate().map(queued_record).collect()
    }
}
