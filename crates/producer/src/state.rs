//! What callers and the dispatcher share: what was taken and has not left yet.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{
    batch::{Batch, NO_SHARD, OpenBatch},
    body::{Body, Format},
    budget::Budget,
    builder::Settings,
    completion::{CompletionHandle, Group, Pending},
    error::PutError,
    flush_barriers::FlushBarriers,
    group::GROUP,
    handle::Unsent,
    hot_keys::HotKeys,
    load_estimate::LoadEstimate,
    lock::{Mutex, MutexGuard, lock},
    metrics::{self, Metrics},
    queued_batch::BatchLimits,
    queues::Queues,
    record::Record,
    shard_map::ShardMap,
    transport::{RequestError, Transport},
};

/// Bytes of buffers kept for further requests.
const SPARE_BYTES: usize = 32 * 1024 * 1024;

/// Shared by every handle and the dispatcher.
pub(super) struct Shared {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) stream: String,
    pub(super) budget: Budget,
    pub(super) metrics: Metrics,
    /// Notified when the dispatcher has something to do.
    pub(super) wakeup: Notify,
    /// Whether the dispatcher has ended.
    pub(super) ended: watch::Sender<bool>,
    last_error: Mutex<Option<(Instant, RequestError)>>,
    state: Mutex<State>,
}

pub(super) struct State {
    limits: BatchLimits,
    linger: Duration,
    record_ttl: Option<Duration>,
    /// Whether records may pass their shard's queue.
    direct: bool,
    pace: bool,
    pub(super) queues: Queues,
    pub(super) load_estimate: LoadEstimate,
    pub(super) hot_keys: HotKeys,
    pub(super) flush_barriers: FlushBarriers,
    group: Option<(Arc<Group>, usize)>,
    /// The request that records are written into as they come.
    open: Option<OpenBatch>,
    /// Requests that are full.
    ready: Vec<Batch>,
    spare: Vec<Vec<u8>>,
    /// Bytes of the body that came back last, and a little more: a new buffer is as large, so that no `put` has to move it.
    usual_body: usize,
    /// Nothing is to wait for company any more, this once.
    pub(super) flush_requested: bool,
    pub(super) closing: Closing,
}

/// Whether more may come.
pub(super) enum Closing {
    /// It may.
    Open,
    /// Every handle is gone; what was taken is still sent.
    Forgotten,
    /// By [`close`](super::Producer::close).
    By { deadline: Instant, unsent: oneshot::Sender<Vec<Unsent>> },
    /// The dispatcher has ended.
    Ended,
}

impl Shared {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        stream: String,
        settings: &Settings,
        map: Option<ShardMap>,
    ) -> Self {
        let now = Instant::now();
        let shards = map.as_ref().map_or(0, ShardMap::len);
        let state = State {
            limits: settings.batch,
            linger: settings.linger,
            record_ttl: settings.record_ttl,
            direct: !settings.ordered && settings.pack().is_none(),
            pace: settings.pace && shards > 0,
            queues: Queues::new(settings.rules(), map, now),
            load_estimate: LoadEstimate::new(shards, now),
            hot_keys: HotKeys::default(),
            flush_barriers: FlushBarriers::new(),
            group: None,
            open: None,
            ready: Vec::new(),
            spare: Vec::new(),
            usual_body: 0,
            flush_requested: false,
            closing: Closing::Open,
        };
        Self {
            transport,
            budget: Budget::new(settings.max_in_flight_records, settings.max_in_flight_bytes),
            metrics: Metrics::of(&stream),
            stream,
            wakeup: Notify::new(),
            ended: watch::Sender::new(false),
            last_error: Mutex::default(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The failed attempt that was recorded last, and since when attempts fail.
    pub(super) fn last_error(&self, since: Instant) -> Option<RequestError> {
        lock(&self.last_error).as_ref().filter(|(at, _)| *at >= since).map(|(_, error)| error.clone())
    }

    pub(super) fn note_error(&self, error: &RequestError) {
        *lock(&self.last_error) = Some((Instant::now(), error.clone()));
    }

    /// Tells what is new to those who watch from outside.
    pub(super) fn export(&self) {
        self.metrics.export(self.budget.bytes_in_use());
    }

    /// Takes a record for which there is room.
    pub(super) fn put(&self, record: &Record) -> Result<Pending, PutError> {
        // A transport is another's code: it is asked before the lock is taken and the record counted.
        let format = self.transport.wants().format;
        let mut state = self.state();
        if !matches!(state.closing, Closing::Open) {
            self.budget.give_back(1, record.size());
            return Err(PutError::Closed);
        }
        metrics::add(&self.metrics.offered, 1);
        metrics::add(&self.metrics.offered_bytes, record.size());
        let (completion, pending) = state.issue(record.size());
        let is_news = state.take(record, completion, (format, &self.stream));
        drop(state);
        if is_news {
            self.wakeup.notify_one();
        }
        Ok(pending)
    }
}

impl State {
    fn issue(&mut self, size: usize) -> (CompletionHandle, Pending) {
        let (group, issued) = match self.group.take() {
            Some(group) => group,
            None => (Group::new(self.flush_barriers.begin()), 0),
        };
        let (index, pending) = (issued as u32, Pending::new(group.clone(), issued as u32));
        let expires = self.record_ttl.map(after);
        let completion = CompletionHandle::new(group.clone(), index, size, expires);
        self.group = Some((group, issued + 1));
        if issued + 1 == GROUP {
            self.end_group();
        }
        (completion, pending)
    }

    pub(super) fn end_group(&mut self) {
        if let Some((group, issued)) = self.group.take()
            && group.close(issued)
        {
            self.flush_barriers.end(group.barrier);
        }
    }

    /// Whether the dispatcher is to know of it.
    fn take(&mut self, record: &Record, completion: CompletionHandle, to: (Format, &str)) -> bool {
        let is_near = self.load_estimate.pass(record.size());
        if !self.direct {
            return self.queue(record, completion, Instant::now, to.0);
        }
        if !(self.pace && is_near) {
            return self.append(record, NO_SHARD, completion, to);
        }
        let now = Instant::now();
        let shard = self.queues.shard_of(record.hash());
        if self.queues.let_through(shard, record.size(), now) {
            return self.append(record, shard, completion, to);
        }
        self.hot_keys.note(&record.partition_key, record.size() as u64);
        self.queue(record, completion, || now, to.0)
    }

    fn queue(
        &mut self,
        record: &Record,
        completion: CompletionHandle,
        now: impl Fn() -> Instant,
        format: Format,
    ) -> bool {
        let before = self.queues.next_due();
        self.queues.push(record, format, completion, now);
        self.queues.next_due() != before
    }

    /// Writes a record into the open request; whether one was begun or is full now.
    fn append(
        &mut self,
        record: &Record,
        shard: u32,
        completion: CompletionHandle,
        (format, stream): (Format, &str),
    ) -> bool {
        let is_full = |open: &OpenBatch| open.contents.bytes + record.size() > self.limits.bytes;
        let ended = self.open.as_ref().is_some_and(is_full) && self.end_open();
        let begun = self.open.is_none();
        if begun {
            let body = Body::new(format, stream, self.buffer());
            self.open = Some(OpenBatch::new(body, self.queues.generation, after(self.linger)));
        }
        let open = self.open.as_mut().expect("begun where there was none");
        open.push(record.entry(), shard, completion);
        let is_full = open.len() >= self.limits.items || open.contents.bytes >= self.limits.bytes;
        (is_full && self.end_open()) || ended || begun
    }

    fn end_open(&mut self) -> bool {
        let Some(open) = self.open.take() else { return false };
        self.ready.push(open.close());
        true
    }

    /// Requests that are full, or whose time has come.
    pub(super) fn take_ready(&mut self, now: Instant, flush_requested: bool) -> Vec<Batch> {
        if self.open.as_ref().is_some_and(|batch| flush_requested || batch.due <= now) {
            self.end_open();
        }
        std::mem::take(&mut self.ready)
    }

    /// When the open request leaves if nothing more comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.open.as_ref().map(|batch| batch.due), self.queues.next_due()].into_iter().flatten().min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_none() && self.ready.is_empty() && self.queues.is_empty()
    }

    /// `done` is notified when every record that was put before has ended.
    pub(super) fn flush(&mut self, done: oneshot::Sender<()>) {
        self.end_group();
        self.flush_barriers.flush(done);
        self.flush_requested = true;
    }

    /// Nothing more is taken. Who closes again may only bring the deadline nearer.
    pub(super) fn close(&mut self, deadline: Instant, unsent: oneshot::Sender<Vec<Unsent>>) {
        match &mut self.closing {
            Closing::Open | Closing::Forgotten => self.closing = Closing::By { deadline, unsent },
            Closing::By { deadline: known, .. } => *known = deadline.min(*known),
            Closing::Ended => {}
        }
    }

    /// Nobody is left who could put or close.
    pub(super) fn forget(&mut self) {
        if matches!(self.closing, Closing::Open) {
            self.closing = Closing::Forgotten;
        }
    }

    /// A buffer for another request.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(self.usual_body))
    }

    pub(super) fn recycle(&mut self, buffer: Vec<u8>) {
        self.usual_body = buffer.len() + buffer.len() / 8;
        let kept: usize = self.spare.iter().map(Vec::capacity).sum();
        if kept + buffer.capacity() <= SPARE_BYTES {
            self.spare.push(buffer);
        }
    }

    /// The shards are others now.
    pub(super) fn remap(&mut self, map: ShardMap, in_flight: usize, format: Format, now: Instant) {
        // What it holds has the numbers of the shards that were.
        self.end_open();
        self.load_estimate = LoadEstimate::new(map.len(), now);
        self.queues.remap(map, in_flight, format, now);
    }
}

/// How long a wait that is too long for the clock is.
pub(super) const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The moment a time from now.
pub(super) fn after(time: Duration) -> Instant {
    Instant::now() + time.min(FOR_EVER)
}
