//! What an answer means for each record of its request.

use std::{collections::BTreeMap, sync::Arc};

use tokio::time::Instant;

use super::{
    answer::{Answer, Position, Span},
    batch::{BatchContents, NO_SHARD, RecordMeta},
    body::Body,
    completion::{Completer, CompletionHandle},
    hot_keys::HotKeys,
    misrouted::Misrouted,
    queued_record::EncodedRecord,
    queues::Queues,
    receipt::{Answered, Receipt},
    retry::{self, Backoff},
    shard_map::ShardMap,
    state::Shared,
    transport::{RequestError, Severity},
};

/// What is left to do after an answer; the acknowledged records are complete.
pub(super) struct Settled {
    /// What is sent again, by when.
    pub(super) again: BTreeMap<Instant, Vec<EncodedRecord>>,
    /// Aggregates in another shard than they were made for.
    pub(super) misrouted: Vec<Misrouted>,
    /// FlushBarriers of the groups that are over.
    pub(super) ended: Vec<u64>,
    /// What each shard did.
    tally: Tally,
    /// Whether a record is where the shard map would not have it.
    pub(super) moved: bool,
    /// Whether an aggregate is in a shard that the map knows and that does not take its hash key: the service distributes
    /// records as it likes.
    pub(super) keys_are_ignored: bool,
}

struct Tally {
    /// Shards with the user records that they took, Kinesis record by Kinesis record.
    acknowledged: Vec<(u32, u32)>,
    throttled: Vec<(u32, Arc<str>, u64)>,
}

/// Reads one answer.
pub(super) struct Settling<'a> {
    shared: &'a Shared,
    body: &'a Body,
    answer: &'a Answer,
    /// The shard map by which the request was made, if it is still that.
    map: Option<Arc<ShardMap>>,
    backoff: &'a Backoff,
    now: Instant,
    /// When records of so many attempts are sent again.
    due: BTreeMap<u32, Instant>,
    last: Option<(Span, Span, RequestError)>,
    answered: Arc<Answered>,
    completer: Completer<'a>,
    settled: Settled,
}

impl<'a> Settling<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        (body, answer): (&'a Body, &'a Answer),
        map: Option<Arc<ShardMap>>,
        backoff: &'a Backoff,
        (sent, now): (Instant, Instant),
    ) -> Self {
        let settled = Settled {
            again: BTreeMap::new(),
            misrouted: Vec::new(),
            ended: Vec::new(),
            tally: Tally { acknowledged: Vec::with_capacity(answer.len()), throttled: Vec::new() },
            moved: false,
            keys_are_ignored: false,
        };
        let completer = Completer::new(&shared.metrics, &shared.budget);
        let answered = Arc::new(Answered { text: answer.share(), sent, at: now });
        Self { shared, body, answer, map, backoff, now, due: BTreeMap::new(), last: None, answered, completer, settled }
    }

    pub(super) fn run(mut self, contents: BatchContents) -> Settled {
        let mut completions = contents.completions.into_iter();
        for (index, (meta, position)) in contents.metas.into_iter().zip(self.answer.positions()).enumerate() {
            let own = completions.by_ref().take(meta.records as usize);
            match *position {
                Position::Written { shard_id, sequence_number } => {
                    self.written(index, meta, own, (shard_id, sequence_number));
                }
                Position::Refused { code, message } => self.refused(index, meta, own.collect(), (code, message)),
            }
        }
        if let Some((.., cause)) = &self.last {
            self.shared.note_error(cause);
        }
        self.settled.ended = self.completer.finish();
        self.settled
    }

    fn written(
        &mut self,
        index: usize,
        meta: RecordMeta,
        completions: impl Iterator<Item = CompletionHandle>,
        at: (Span, Span),
    ) {
        let shard = self.shard_of(meta, self.answer.text(at.0));
        self.settled.moved |= self.map.is_some() && shard.is_none();
        // By an earlier map it may have been right and be wrong now, or the other way.
        if meta.is_aggregate && shard.is_none_or(|shard| shard != meta.shard) {
            let queued_record = EncodedRecord::of(self.body, index, meta, completions.collect());
            let shard_id = self.answer.text(at.0).to_owned();
            self.settled.keys_are_ignored |= self.map.as_ref().is_some_and(|map| map.index_of_id(&shard_id).is_some());
            self.settled.misrouted.push(Misrouted { queued_record, shard_id, receipt: self.receipt(at) });
            return;
        }
        if let Some(shard) = shard {
            self.settled.tally.acknowledged.push((shard, meta.records));
        }
        let receipt = self.receipt(at);
        for (sub, completion) in completions.enumerate() {
            let sub_sequence_number = meta.is_aggregate.then_some(sub as u32);
            let receipt = Receipt { attempts: completion.attempts, sub_sequence_number, ..receipt.clone() };
            self.completer.acknowledge(completion, receipt);
        }
    }

    /// The shard that has it, by the map; none where the map does not know it or another was expected.
    fn shard_of(&self, meta: RecordMeta, id: &str) -> Option<u32> {
        let map = self.map.as_ref()?;
        if meta.shard != NO_SHARD && *map.shard(meta.shard as usize).id == *id {
            return Some(meta.shard);
        }
        let known = map.index_of_id(id).map(|index| index as u32);
        known.filter(|_| meta.shard == NO_SHARD)
    }

    fn receipt(&self, (shard_id, sequence_number): (Span, Span)) -> Receipt {
        Receipt { attempts: 0, answered: self.answered.clone(), shard_id, sequence_number, sub_sequence_number: None }
    }

    fn refused(&mut self, index: usize, meta: RecordMeta, completions: Vec<CompletionHandle>, why: (Span, Span)) {
        let cause = self.cause(why);
        let queued_record = EncodedRecord::of(self.body, index, meta, completions);
        if cause.severity() == Severity::Throttled {
            self.throttled(&queued_record);
        }
        let attempts = queued_record.completions.iter().map(|completion| completion.attempts).max().unwrap_or_default();
        let due = *self.due.entry(attempts).or_insert_with(|| self.now + self.backoff.delay(attempts));
        let again = queued_record.again(&cause, due, &mut self.completer);
        self.shared.metrics.again(cause.severity(), again.iter().map(|written| written.completions.len()).sum());
        self.settled.again.entry(due).or_default().extend(again);
    }

    /// Positions mostly are refused for the same reason.
    fn cause(&mut self, (code, message): (Span, Span)) -> RequestError {
        let text = |span| self.answer.text(span);
        let (code_text, message_text) = (text(code), text(message));
        if let Some((last_code, last_message, cause)) = &self.last
            && (text(*last_code), text(*last_message)) == (code_text, message_text)
        {
            return cause.clone();
        }
        let cause = retry::refused(code_text, message_text);
        self.last = Some((code, message, cause.clone()));
        cause
    }

    fn throttled(&mut self, queued_record: &EncodedRecord) {
        let Some(map) = &self.map else { return };
        let record = queued_record.format.read(&queued_record.fragment);
        let shard = map.index_of(queued_record.hash) as u32;
        self.settled.tally.throttled.push((shard, record.partition_key, queued_record.size as u64));
    }
}

impl Settled {
    /// Passes on what the shards did.
    pub(super) fn report(&mut self, queues: &mut Queues, hot_keys: &mut HotKeys, now: Instant) {
        for (shard, records) in self.tally.acknowledged.drain(..) {
            queues.acknowledged(shard, u64::from(records));
        }
        for (shard, key, bytes) in self.tally.throttled.drain(..) {
            queues.throttled(shard, now);
            hot_keys.note(&key, bytes);
        }
    }

    pub(super) fn throttled(&self) -> bool {
        !self.tally.throttled.is_empty()
    }
}
