//! What waits for its shard: one queue for each, with its limiter and the aggregate that is being packed for it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    aggregate::{Aggregate, AggregateSize},
    batch::RecordMeta,
    body::{Entry, Format},
    completion::CompletionHandle,
    limiter::Limiter,
    queued_batch::QueuedBatch,
    queued_record::{EncodedRecord, QueuedAggregate, QueuedRecord},
    record::Record,
    shard_map::{OpenShard, ShardMap},
};

/// How records are queued.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Whether a shard is given no more than it takes.
    pub(super) pace: bool,
    /// Whether a shard has one request at a time, with no key in it twice.
    pub(super) ordered: bool,
    /// The bounds of an aggregate, where records are packed.
    pub(super) pack: Option<Pack>,
    /// How long an aggregate waits for company.
    pub(super) linger: Duration,
}

/// The bounds of one aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pack {
    pub(super) records: usize,
    /// Of the whole Kinesis record, its partition key included.
    pub(super) bytes: usize,
}

/// An open shard as the producer sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ShardView {
    /// For example `shardId-000000000000`.
    pub shard_id: String,
    /// The hash keys that it takes, both ends included.
    pub hash_keys: RangeInclusive<u128>,
    /// User records that it acknowledged since the shard map was last read, of requests that were made by this map.
    pub acknowledged: u64,
    /// Times that it wanted a Kinesis record later, since then and of the same requests.
    pub throttled: u64,
    /// User records in its queue now, with those in the aggregate that is being packed; those that wait for a request to
    /// fill or for a backoff to end are mostly not there.
    pub queued: usize,
    /// How much of its limit is asked for at most: 0.99 is all, less after throttling. As it was when it was last used, so
    /// it stands still while records are few, and without [`pace`](super::Builder::pace) only falls.
    pub share: f64,
}

impl Rules {
    /// What may be in an ordered request once: a key, or where keys are packed together, a shard.
    fn turn(&self, shard: u32, queued_record: &QueuedRecord) -> u128 {
        if self.pack.is_some() { u128::from(shard) } else { queued_record.hash() }
    }
}

/// The queues of a stream's open shards; of one that takes all where they are not known.
pub(super) struct Queues {
    rules: Rules,
    map: Option<Arc<ShardMap>>,
    /// Of all shards that were ever in a map: what was written before a reshard is where it belongs.
    ranges: HashMap<Arc<str>, RangeInclusive<u128>>,
    /// Rises with each map.
    pub(super) generation: u64,
    queues: Vec<Queue>,
    /// When queues that are not empty may send.
    waiting: BTreeSet<(Instant, u32)>,
    /// When aggregates are due.
    open_aggregate: BTreeSet<(Instant, u32)>,
    /// Of the aggregate that was packed last.
    last_size: AggregateSize,
    /// In ordered mode: requests of earlier maps that have not ended; until then nothing leaves.
    earlier: usize,
}

struct Queue {
    queued_records: VecDeque<QueuedRecord>,
    limiter: Limiter,
    open_aggregate: Option<OpenAggregate>,
    /// Its time in `waiting`.
    listed: Option<Instant>,
    /// In ordered mode: a request or a backoff that is to end before the next may begin.
    busy: usize,
    resume_at: Option<Instant>,
    acknowledged: u64,
    throttled: u64,
}

struct OpenAggregate {
    packed: QueuedAggregate,
    due: Instant,
}

impl Queues {
    pub(super) fn new(rules: Rules, map: Option<ShardMap>, now: Instant) -> Self {
        let mut queues = Self {
            rules,
            map: None,
            ranges: HashMap::new(),
            generation: 0,
            queues: Vec::new(),
            waiting: BTreeSet::new(),
            open_aggregate: BTreeSet::new(),
            last_size: AggregateSize::default(),
            earlier: 0,
        };
        queues.open(map, now);
        queues
    }

    /// The hash keys that a shard takes, or took while it was open.
    pub(super) fn range_of(&self, id: &str) -> Option<&RangeInclusive<u128>> {
        self.ranges.get(id)
    }

    /// Records are not packed together any more; whether they were.
    pub(super) fn stop_packing(&mut self) -> bool {
        self.rules.pack.take().is_some()
    }

    /// The map of this generation, if it is the present one.
    pub(super) fn map_of(&self, generation: u64) -> Option<Arc<ShardMap>> {
        self.map.clone().filter(|_| generation == self.generation)
    }

    /// The number of the shard that takes this hash key.
    pub(super) fn shard_of(&self, hash: u128) -> u32 {
        self.map.as_ref().map_or(0, |map| map.index_of(hash) as u32)
    }

    /// Whether a record may go to this shard past its queue; then it is counted as gone.
    pub(super) fn let_through(&mut self, shard: u32, size: usize, now: Instant) -> bool {
        let queue = &mut self.queues[shard as usize];
        queue.queued_records.is_empty() && queue.limiter.try_take(size, now)
    }

    /// At the end of the queue of its shard. Most of those that are packed need not know the time.
    pub(super) fn push(
        &mut self,
        record: &Record,
        format: Format,
        completion: CompletionHandle,
        now: impl Fn() -> Instant,
    ) {
        let hash = record.hash();
        let shard = self.shard_of(hash);
        match self.rules.pack {
            Some(pack) => self.pack(record, hash, shard, completion, (pack, format), now),
            None => self.append(
                shard,
                QueuedRecord::Encoded(EncodedRecord::single(format, record, shard, completion)),
                now(),
            ),
        }
    }

    /// At the front of their queues, in their order; they are sent again. In ordered mode the queues rest until `resume_at`.
    pub(super) fn push_front(&mut self, queued_records: Vec<EncodedRecord>, resume_at: Option<Instant>, now: Instant) {
        let queued_records =
            queued_records.into_iter().flat_map(|queued_record| self.undivided(queued_record)).collect::<Vec<_>>();
        for mut queued_record in queued_records.into_iter().rev() {
            let shard = self.shard_of(queued_record.hash);
            queued_record.meta.shard = shard;
            let queue = &mut self.queues[shard as usize];
            queue.queued_records.push_front(QueuedRecord::Encoded(queued_record));
            queue.resume_at = queue.resume_at.max(resume_at);
            self.list(shard, now);
        }
    }

    /// A Kinesis record as it is, unless its user records belong to several shards by now.
    fn undivided(&self, queued_record: EncodedRecord) -> Vec<EncodedRecord> {
        let shard = self.shard_of(queued_record.hash);
        if !queued_record.meta.is_aggregate || queued_record.hashes().iter().all(|hash| self.shard_of(*hash) == shard) {
            return vec![queued_record];
        }
        let format = queued_record.format;
        let single = |(record, completion): (Record, CompletionHandle)| {
            EncodedRecord::single(format, &record, self.shard_of(record.hash()), completion)
        };
        QueuedRecord::Encoded(queued_record).unpack().into_iter().map(single).collect()
    }

    /// Puts what is due of the aggregates into the queues.
    pub(super) fn seal(&mut self, now: Instant) {
        while let Some((_, shard)) = self.open_aggregate.first().copied().filter(|(due, _)| *due <= now) {
            self.seal_of(shard, now);
        }
    }

    /// All of them.
    pub(super) fn seal_all(&mut self, now: Instant) {
        while let Some((_, shard)) = self.open_aggregate.first().copied() {
            self.seal_of(shard, now);
        }
    }

    /// Moves into the batch what may leave now; returns whether the batch is full.
    pub(super) fn pull(&mut self, queued_batch: &mut QueuedBatch, now: Instant) -> bool {
        if self.earlier > 0 {
            return false;
        }
        while let Some(&(at, shard)) = self.waiting.first().filter(|(at, _)| *at <= now) {
            self.waiting.remove(&(at, shard));
            self.queues[shard as usize].listed = None;
            if self.pull_of(shard, queued_batch, now) {
                return true;
            }
        }
        false
    }

    /// When there is something to do if nothing else happens.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let sending = self.waiting.first().filter(|_| self.earlier == 0);
        [sending, self.open_aggregate.first()].into_iter().flatten().map(|(due, _)| *due).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open_aggregate.is_empty() && self.queues.iter().all(|queue| queue.queued_records.is_empty())
    }

    /// A request has left with records of these shards.
    pub(super) fn leave(&mut self, metas: &[RecordMeta]) {
        if self.rules.ordered {
            for shard in shards(metas) {
                self.queues[shard as usize].busy += 1;
            }
        }
    }

    /// It has ended; `generation` is that of the map by which it left.
    pub(super) fn come_back(&mut self, metas: &[RecordMeta], generation: u64, now: Instant) {
        if !self.rules.ordered {
            return;
        }
        if generation != self.generation {
            self.earlier = self.earlier.saturating_sub(1);
            return;
        }
        for shard in shards(metas) {
            self.queues[shard as usize].busy -= 1;
            self.list(shard, now);
        }
    }

    pub(super) fn acknowledged(&mut self, shard: u32, records: u64) {
        self.queues[shard as usize].acknowledged += records;
    }

    pub(super) fn throttled(&mut self, shard: u32, now: Instant) {
        let queue = &mut self.queues[shard as usize];
        queue.throttled += 1;
        queue.limiter.throttled(now);
    }

    /// Moves everything to the queues of another map. `in_flight` is the number of requests that have not ended.
    pub(super) fn remap(&mut self, map: ShardMap, in_flight: usize, format: Format, now: Instant) {
        let waiting = self.drain();
        self.open(Some(map), now);
        self.earlier = if self.rules.ordered { in_flight } else { 0 };
        for queued_record in waiting {
            match queued_record {
                QueuedRecord::Encoded(written) if !written.meta.is_aggregate => {
                    let shard = self.shard_of(written.hash);
                    let meta = RecordMeta::one(shard);
                    self.append(shard, QueuedRecord::Encoded(EncodedRecord { meta, ..written }), now);
                }
                packed => {
                    for (record, completion) in packed.unpack() {
                        self.push(&record, format, completion, || now);
                    }
                }
            }
        }
    }

    /// Everything that waits, shard by shard in its order.
    pub(super) fn drain(&mut self) -> Vec<QueuedRecord> {
        self.waiting.clear();
        self.open_aggregate.clear();
        let mut all = Vec::new();
        for queue in &mut self.queues {
            queue.listed = None;
            all.extend(queue.queued_records.drain(..));
            all.extend(
                queue.open_aggregate.take().map(|open_aggregate| QueuedRecord::Aggregate(open_aggregate.packed)),
            );
        }
        all
    }

    pub(super) fn view(&self) -> Vec<ShardView> {
        let Some(map) = &self.map else { return Vec::new() };
        let view = |(index, queue): (usize, &Queue)| ShardView {
            shard_id: map.shard(index).id.to_string(),
            hash_keys: map.shard(index).range.clone(),
            acknowledged: queue.acknowledged,
            throttled: queue.throttled,
            queued: queue.queued(),
            share: queue.limiter.share(),
        };
        self.queues.iter().enumerate().map(view).collect()
    }

    /// Begins with empty queues; a shard that is still there keeps its pace and its counts.
    fn open(&mut self, map: Option<ShardMap>, now: Instant) {
        let (known, mut queues) = (self.map.take(), std::mem::take(&mut self.queues));
        let Some(map) = map else {
            self.queues = vec![Queue::new(now)];
            return;
        };
        let mut queue_of = |shard: &OpenShard| match known.as_ref().and_then(|known| known.index_of_id(&shard.id)) {
            Some(index) => std::mem::replace(&mut queues[index], Queue::new(now)).reopened(),
            None => Queue::new(now),
        };
        self.queues = map.shards().iter().map(&mut queue_of).collect();
        self.ranges.extend(map.shards().iter().map(|shard| (shard.id.clone(), shard.range.clone())));
        self.map = Some(Arc::new(map));
        self.generation += 1;
    }

    fn pack(
        &mut self,
        record: &Record,
        hash: u128,
        shard: u32,
        completion: CompletionHandle,
        (pack, format): (Pack, Format),
        now: impl Fn() -> Instant,
    ) {
        let entry = record.entry();
        let is_full = |open_aggregate: &OpenAggregate| !open_aggregate.takes(entry, pack);
        if self.queues[shard as usize].open_aggregate.as_ref().is_some_and(is_full) {
            self.seal_of(shard, now());
        }
        let queue = &mut self.queues[shard as usize];
        if queue.open_aggregate.is_none() {
            let (aggregate, now) = (Aggregate::like(self.last_size), now());
            if !aggregate.fits(entry, pack.bytes) {
                return self.append(
                    shard,
                    QueuedRecord::Encoded(EncodedRecord::single(format, record, shard, completion)),
                    now,
                );
            }
            let due = now + self.rules.linger;
            self.open_aggregate.insert((due, shard));
            queue.open_aggregate =
                Some(OpenAggregate { packed: QueuedAggregate { aggregate, hash, shard, format }, due });
        }
        let open_aggregate = queue.open_aggregate.as_mut().expect("just made where there was none");
        open_aggregate.packed.aggregate.push(entry, hash, completion);
    }

    /// The aggregate of a shard, if there is one, goes to its queue.
    fn seal_of(&mut self, shard: u32, now: Instant) {
        let Some(OpenAggregate { packed, due }) = self.queues[shard as usize].open_aggregate.take() else { return };
        self.open_aggregate.remove(&(due, shard));
        self.last_size = packed.aggregate.load();
        self.append(shard, packed.sealed(), now);
    }

    fn append(&mut self, shard: u32, queued_record: QueuedRecord, now: Instant) {
        self.queues[shard as usize].queued_records.push_back(queued_record);
        self.list(shard, now);
    }

    /// Notes when a queue may send next, unless an end is waited for that will.
    fn list(&mut self, shard: u32, now: Instant) {
        let queue = &mut self.queues[shard as usize];
        if queue.listed.is_some() || queue.busy > 0 {
            return;
        }
        let Some(first) = queue.queued_records.front() else { return };
        let paced = if self.rules.pace && self.map.is_some() { queue.limiter.ready_at(first.size(), now) } else { now };
        let at = queue.resume_at.map_or(paced, |resume| paced.max(resume));
        queue.listed = Some(at);
        self.waiting.insert((at, shard));
    }

    fn pull_of(&mut self, shard: u32, queued_batch: &mut QueuedBatch, now: Instant) -> bool {
        let paced = self.rules.pace && self.map.is_some();
        let queue = &mut self.queues[shard as usize];
        while let Some(first) = queue.queued_records.front() {
            if self.rules.ordered && (queue.busy > 0 || queued_batch.has_turn(self.rules.turn(shard, first))) {
                return false;
            }
            if !queued_batch.takes(first) {
                self.list(shard, now);
                return true;
            }
            if paced && !queue.limiter.try_take(first.size(), now) {
                self.list(shard, now);
                return false;
            }
            queue.resume_at = None;
            if self.rules.ordered {
                queued_batch.take_turn(self.rules.turn(shard, first));
            }
            queued_batch.push(queue.queued_records.pop_front().expect("there is a first one"));
        }
        false
    }
}

impl Queue {
    fn new(now: Instant) -> Self {
        Self {
            queued_records: VecDeque::new(),
            limiter: Limiter::new(now),
            open_aggregate: None,
            listed: None,
            busy: 0,
            resume_at: None,
            acknowledged: 0,
            throttled: 0,
        }
    }

    /// Without what waited for it.
    fn reopened(self) -> Self {
        Self { queued_records: VecDeque::new(), open_aggregate: None, listed: None, busy: 0, resume_at: None, ..self }
    }

    fn queued(&self) -> usize {
        let open_aggregate =
            self.open_aggregate.as_ref().map_or(0, |open_aggregate| open_aggregate.packed.aggregate.len());
        open_aggregate + self.queued_records.iter().map(QueuedRecord::records).sum::<usize>()
    }
}

impl OpenAggregate {
    fn takes(&self, entry: Entry<'_>, pack: Pack) -> bool {
        let aggregate = &self.packed.aggregate;
        aggregate.len() < pack.records && aggregate.fits(entry, pack.bytes)
    }
}

/// Each shard of a request once.
fn shards(metas: &[RecordMeta]) -> BTreeSet<u32> {
    metas.iter().map(|meta| meta.shard).collect()
}
