//! Aggregates that came into another shard than they were made for, since shards were split or merged meanwhile. A consumer
//! of the Kinesis Client Library passes over the records in them that are not in the range of the shard it reads.

use std::ops::RangeInclusive;

use super::{
    completion::{Completer, CompletionHandle},
    queued_record::{EncodedRecord, QueuedRecord},
    receipt::Receipt,
    record::Record,
};

/// One of them.
pub(super) struct Misrouted {
    pub(super) queued_record: EncodedRecord,
    /// Where it is.
    pub(super) shard_id: String,
    /// Of any record in it.
    pub(super) receipt: Receipt,
}

impl Misrouted {
    /// Acknowledges the records that are where they belong; the others are given back.
    pub(super) fn sort(
        self,
        range: &RangeInclusive<u128>,
        completer: &mut Completer<'_>,
    ) -> Vec<(Record, CompletionHandle)> {
        let Self { queued_record, receipt, .. } = self;
        let mut misrouted = Vec::new();
        for (sub, (record, mut completion)) in QueuedRecord::Encoded(queued_record).unpack().into_iter().enumerate() {
            if range.contains(&record.hash()) {
                let sub_sequence_number = Some(sub as u32);
                let receipt = Receipt { attempts: completion.attempts, sub_sequence_number, ..receipt.clone() };
                completer.acknowledge(completion, receipt);
            } else {
                completion.may_be_written = true;
                misrouted.push((record, completion));
            }
        }
        misrouted
    }
}
