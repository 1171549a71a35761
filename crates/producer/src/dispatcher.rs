//! The one task that sends the records that were taken, and completes them.

mod outcome;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use super::{
    answer::Answer,
    batch::{Batch, BatchContents, RecordMeta},
    body::Body,
    builder::Settings,
    completion::{Completer, CompletionHandle},
    error::Reason,
    handle::Unsent,
    metrics,
    misrouted::Misrouted,
    multi_buffer,
    queued_batch::{self, Departing, QueuedBatch},
    queued_record::{EncodedRecord, QueuedRecord},
    record::Record,
    retry::Waiting,
    shard_map::ShardMap,
    shard_watch::{Refreshed, ShardWatch},
    state::{Closing, Shared, State},
    transport::{Request, RequestError, Severity},
    turn::{SLICE, Turn},
};

pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    settings: Settings,
    /// What comes from the queues and waits for company.
    queued_batch: QueuedBatch,
    /// What becomes requests now.
    departing: VecDeque<Departing>,
    /// Requests that may leave, in their order.
    outgoing: VecDeque<Batch>,
    requests: JoinSet<Result<Answer, RequestError>>,
    in_flight: HashMap<Id, InFlight>,
    /// Requests that failed as a whole.
    retrying_batches: Waiting<Batch>,
    /// Records that were refused.
    retrying_records: Waiting<EncodedRecord>,
    /// Aggregates that are not where they belong.
    misrouted: Vec<Misrouted>,
    /// In ordered mode: requests whose shards wait until it is known where their misrouted records belong.
    blocked_shards: Vec<(Vec<RecordMeta>, u64)>,
    shard_watch: ShardWatch,
}

/// A request that has no answer yet.
struct InFlight {
    body: Arc<Body>,
    contents: BatchContents,
    sent: Instant,
}

type Response = Result<(Id, Result<Answer, RequestError>), JoinError>;

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        Self {
            shared,
            queued_batch: QueuedBatch::new(settings.batch),
            settings,
            departing: VecDeque::new(),
            outgoing: VecDeque::new(),
            requests: JoinSet::new(),
            in_flight: HashMap::new(),
            retrying_batches: Waiting::new(),
            retrying_records: Waiting::new(),
            misrouted: Vec::new(),
            blocked_shards: Vec::new(),
            shard_watch: ShardWatch::default(),
        }
    }

    /// Runs until the producer is closed, or dropped and empty.
    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            let wake = self.advance(now).await;
            if self.is_done(now) {
                break;
            }
            tokio::select! {
                Some(response) = self.requests.join_next_with_id() => self.on_response(response),
                refreshed = self.shard_watch.refreshed() => self.on_shard_map(refreshed).await,
                () = self.shared.wakeup.notified() => {}
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
            let mut turn = Turn::begin();
            while let Some(response) = self.requests.try_join_next_with_id() {
                self.on_response(response);
                turn.worked(SLICE).await;
            }
            self.shared.export();
        }
        self.end(&Reason::Closed);
    }

    /// Sends all that may be sent now; returns when there is something to do if nothing else happens.
    async fn advance(&mut self, now: Instant) -> Option<Instant> {
        self.collect(now);
        self.depart().await;
        for batch in self.retrying_batches.take_due(now).into_iter().rev() {
            self.outgoing.push_front(batch);
        }
        self.send(now).await;
        self.next_wake(now)
    }

    fn is_done(&self, now: Instant) -> bool {
        let state = self.shared.state();
        match &state.closing {
            Closing::Open | Closing::Ended => false,
            Closing::Forgotten => self.is_empty() && state.is_empty(),
            Closing::By { deadline, .. } => *deadline <= now || (self.is_empty() && state.is_empty()),
        }
    }

    fn is_empty(&self) -> bool {
        let (is_held, rests) =
            (!self.queued_batch.is_empty() || !self.outgoing.is_empty(), !self.retrying_batches.is_empty());
        !is_held && !rests && self.in_flight.is_empty() && self.retrying_records.is_empty() && self.misrouted.is_empty()
    }

    fn is_busy(&self) -> bool {
        self.in_flight.len() >= self.settings.max_requests
    }

    /// Takes from the callers' side what may leave.
    fn collect(&mut self, now: Instant) {
        let shared = self.shared.clone();
        let mut state = shared.state();
        let flush_requested = std::mem::take(&mut state.flush_requested) || !matches!(state.closing, Closing::Open);
        state.load_estimate.tick(now);
        state.queues.push_front(self.retrying_records.take_due(now), None, now);
        self.outgoing.extend(state.take_ready(now, flush_requested));
        if flush_requested {
            self.outgoing.iter_mut().for_each(|batch| batch.due = batch.due.min(now));
        }
        match flush_requested {
            true => state.queues.seal_all(now),
            false => state.queues.seal(now),
        }
        // What comes back after a backoff is waited for by who flushes.
        let flush_requested = flush_requested || state.flush_barriers.is_flushing();
        self.pull(&mut state, now, flush_requested);
    }

    /// Makes requests of what departs. Records stay in the dispatcher's keeping all the while: its task may end whenever it
    /// gives way.
    async fn depart(&mut self) {
        if self.departing.is_empty() {
            return;
        }
        let format = self.shared.transport.wants().format;
        let mut digests = queued_batch::digests(&self.departing).await.into_iter();
        let mut turn = Turn::begin();
        while let Some(departing) = self.departing.pop_front() {
            let bytes = departing.bytes();
            self.outgoing.push_back(departing.depart((format, &self.shared.stream), &mut digests));
            turn.worked(bytes).await;
        }
    }

    /// Moves the batches that may leave now to `departing`. While every request is in flight, records stay in their shards'
    /// queues, where the limits are kept.
    fn pull(&mut self, state: &mut State, now: Instant, flush_requested: bool) {
        while self.in_flight.len() + self.outgoing.len() + self.departing.len() < self.settings.max_requests {
            let is_full = state.queues.pull(&mut self.queued_batch, now);
            self.queued_batch.wait_until(now + self.settings.linger);
            let is_due = flush_requested || self.queued_batch.due().is_some_and(|due| due <= now);
            if self.queued_batch.is_empty() || !(is_full || is_due) {
                break;
            }
            if flush_requested {
                self.queued_batch.flush_requested(now);
            }
            self.leave(state, now);
        }
    }

    /// Moves the queued batch to `departing` as it is now.
    fn leave(&mut self, state: &mut State, now: Instant) {
        let queued_batch = std::mem::replace(&mut self.queued_batch, QueuedBatch::new(self.settings.batch));
        state.queues.leave(&queued_batch.metas());
        self.departing.push_back(Departing::new(queued_batch, state.buffer(), state.queues.generation, now));
    }

    /// While every request is on its way, nothing else can leave: only an answer or the deadline matters.
    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let state = self.shared.state();
        let deadline = match &state.closing {
            Closing::By { deadline, .. } => Some(*deadline),
            Closing::Open | Closing::Forgotten | Closing::Ended => None,
        };
        let outgoing = self.outgoing.iter().map(|batch| batch.due).min();
        let departures = [
            state.next_due(),
            self.queued_batch.due(),
            outgoing,
            self.retrying_batches.next_due(),
            self.retrying_records.next_due(),
        ];
        // What could have left by now and did not waits for something else.
        let departure = departures.into_iter().flatten().filter(|due| *due > now).min().filter(|_| !self.is_busy());
        [deadline, departure].into_iter().flatten().min()
    }

    async fn send(&mut self, now: Instant) {
        self.send_ready(now);
        while self.hash(now).await {
            self.send_ready(now);
        }
    }

    /// Sends what may leave and is hashed.
    fn send_ready(&mut self, now: Instant) {
        while !self.is_busy() && self.outgoing.front().is_some_and(|batch| self.is_ready(batch)) {
            let batch = self.outgoing.pop_front().expect("there is a first one");
            if let Some(batch) = self.continuing(batch, now) {
                self.start(batch);
            }
        }
    }

    fn is_ready(&self, batch: &Batch) -> bool {
        batch.sha256.is_some() || !self.shared.transport.wants().hash
    }

    /// Hashes the requests that leave next, as many as the processor hashes at a time, but no more than half of those that may
    /// be on their way; whether it did. Fewer only where one could leave now and should: its time has come, or nothing is on its way.
    async fn hash(&mut self, now: Instant) -> bool {
        let Some(first) = self.outgoing.front().filter(|batch| !self.is_ready(batch)) else { return false };
        let should_leave = self.in_flight.is_empty() || (!self.is_busy() && first.due <= now);
        let together = multi_buffer::width().min(self.settings.max_requests.div_ceil(2));
        let next = self.outgoing.iter_mut().filter(|batch| batch.sha256.is_none()).take(together);
        let mut next: Vec<_> = next.collect();
        if next.len() < together && !should_leave {
            return false;
        }
        let bodies: Vec<_> = next.iter().map(|batch| batch.body.bytes()).collect();
        let hashes = multi_buffer::sha256_all(&bodies).await;
        for (batch, hash) in next.iter_mut().zip(hashes) {
            batch.sha256 = Some(hash);
        }
        true
    }

    /// Returns the batch if none of its records ends before `until`. Otherwise it fails the records that do, and queues the
    /// others until then.
    fn continuing(&mut self, batch: Batch, until: Instant) -> Option<Batch> {
        if batch.contents.completions.iter().all(|completion| completion.ends(until).is_none()) {
            return Some(batch);
        }
        let shared = self.shared.clone();
        let mut completer = Completer::new(&shared.metrics, &shared.budget);
        let (metas, generation) = (batch.contents.metas.clone(), batch.contents.generation);
        let queued_records = batch.contents.into_records(&batch.body).into_iter();
        let left = queued_records.flat_map(|written| written.continuing(until, &mut completer)).collect();
        let ended = completer.finish();
        let mut state = shared.state();
        ended.into_iter().for_each(|barrier| state.flush_barriers.end(barrier));
        self.put_back(BTreeMap::from([(until, left)]), &mut state, Instant::now());
        state.queues.come_back(&metas, generation, Instant::now());
        shared.wakeup.notify_one();
        None
    }

    fn start(&mut self, batch: Batch) {
        let Batch { body, mut contents, sha256, .. } = batch;
        metrics::add(&self.shared.metrics.requests, 1);
        contents.completions.iter_mut().for_each(|completion| completion.attempts += 1);
        let (transport, request) = (self.shared.transport.clone(), Request { body: body.clone(), sha256 });
        let (limit, sent) = (self.settings.request_timeout, Instant::now());
        // In a task of its own from the first call on: a transport that panics fails its request and nothing else.
        let request = self.requests.spawn(async move {
            let timed_out = |_| {
                let message = format!("PutRecords: no answer within {limit:?}");
                Err(RequestError::new(Severity::Unknown, message))
            };
            timeout(limit, async { transport.put_records(request).await }).await.unwrap_or_else(timed_out)
        });
        self.in_flight.insert(request.id(), InFlight { body, contents, sent });
    }

    async fn on_shard_map(&mut self, refreshed: Refreshed) {
        let now = Instant::now();
        match refreshed {
            Ok(Some(map)) => self.remap(map, now).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(stream = self.shared.stream, %error, "the shard map could not be read again"),
        }
        if !self.misrouted.is_empty() {
            self.shard_watch.refresh(&self.shared.transport, now);
        }
    }

    async fn remap(&mut self, map: ShardMap, now: Instant) {
        let shared = self.shared.clone();
        let format = shared.transport.wants().format;
        // The queued batch has the numbers of the old map's shards.
        if !self.queued_batch.is_empty() {
            self.leave(&mut shared.state(), now);
            self.depart().await;
        }
        let mut state = shared.state();
        let not_ended =
            self.in_flight.len() + self.outgoing.len() + self.retrying_batches.len() + self.blocked_shards.len();
        state.remap(map, not_ended, format, now);
        drop(state);
        self.sort_misrouted(now);
    }

    /// Ends all that is here; what is on its way may arrive.
    fn end(&mut self, reason: &Reason) {
        self.requests.abort_all();
        let shared = self.shared.clone();
        let mut left: Vec<(Record, CompletionHandle)> = Vec::new();
        for (_, InFlight { body, mut contents, .. }) in self.in_flight.drain() {
            contents.completions.iter_mut().for_each(|completion| completion.may_be_written = true);
            left.extend(unpack(contents.into_records(&body)));
        }
        for mut misrouted in self.misrouted.drain(..) {
            misrouted.queued_record.completions.iter_mut().for_each(|completion| completion.may_be_written = true);
            left.extend(unpack([misrouted.queued_record]));
        }
        let mut state = shared.state();
        let batches =
            self.retrying_batches.drain().chain(self.outgoing.drain(..)).chain(state.take_ready(Instant::now(), true));
        left.extend(batches.flat_map(|batch| unpack(batch.contents.into_records(&batch.body))));
        left.extend(unpack(self.retrying_records.drain()));
        let queued_batch = std::mem::replace(&mut self.queued_batch, QueuedBatch::new(self.settings.batch));
        let departing = self.departing.drain(..).flat_map(Departing::into_records);
        let waiting = queued_batch.into_records().into_iter().chain(departing).chain(state.queues.drain());
        left.extend(waiting.flat_map(QueuedRecord::unpack));
        let closing = std::mem::replace(&mut state.closing, Closing::Ended);
        state.end_group();
        drop(state);
        let mut completer = Completer::new(&shared.metrics, &shared.budget);
        let unsent: Vec<_> = left.into_iter().map(|left| give_up(left, reason, &mut completer)).collect();
        let ended = completer.finish();
        let mut state = shared.state();
        ended.into_iter().for_each(|barrier| state.flush_barriers.end(barrier));
        drop(state);
        shared.budget.close();
        // It may be the recorder that panicked.
        if !std::thread::panicking() {
            shared.export();
        }
        if let Closing::By { unsent: asked, .. } = closing {
            // The caller of `close` may have been dropped.
            let _ = asked.send(unsent);
        }
        shared.ended.send_replace(true);
    }
}

/// With its runtime; or when it is done, and then nothing is left.
impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.end(&Reason::Abandoned);
    }
}

fn unpack(written: impl IntoIterator<Item = EncodedRecord>) -> impl Iterator<Item = (Record, CompletionHandle)> {
    written.into_iter().flat_map(|written| QueuedRecord::Encoded(written).unpack())
}

fn give_up((record, completion): (Record, CompletionHandle), reason: &Reason, completer: &mut Completer<'_>) -> Unsent {
    let unsent = Unsent { record, may_be_written: completion.may_be_written };
    completer.fail(completion, reason.clone());
    unsent
}
