//! Records the outcome of each document: its latency, its line in the acknowledgement log, the reason if it failed.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use hdrhistogram::Histogram;
use kinesis_producer::{Producer, Reason, Receipt, RecordError, Snapshot};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    Failure, Percentiles, Progress, Sample, Silence,
    acks::{AckLogError, AckWriter},
    hot::{hot_keys, hot_shards},
    imbalance::ShardCounts,
    intervals::IntervalSet,
    latency,
    offer::{Offered, Slice},
    second::{Latencies, LoadTotals, Position, Seconds},
    window::Window,
};

/// How often the log is written and progress is told.
const TICK: Duration = Duration::from_millis(100);
/// The present rate is that of so many ticks.
const TICKS_OF_RATE: usize = 10;
/// A silence is told from this length on.
const SILENT: Duration = Duration::from_secs(2);
/// Different reasons kept.
pub(super) const REASONS: usize = 5;

/// What has become of the documents so far.
pub(super) struct Collected {
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
    /// What was too long on purpose.
    pub(super) refused: u64,
    pub(super) bytes: u64,
    /// Microseconds from the intended send time to the acknowledgement.
    pub(super) latency: Histogram<u64>,
    /// The same of the documents with a hot key, if there was one.
    pub(super) hot_latency: Option<Histogram<u64>>,
    pub(super) shards: ShardCounts,
    /// Those of the latest second alone.
    pub(super) latest: Latencies,
    pub(super) failures: Vec<Failure>,
    pub(super) last_acknowledged: Option<Instant>,
    /// Nothing more can arrive, so nothing more is to be offered.
    pub(super) gave_up: bool,
    /// Why what is left is not to be sent any more.
    hopeless: Option<String>,
    /// When a document was acknowledged last, or none waited.
    heard: Instant,
    /// Acknowledged, and not in the log yet.
    unwritten: IntervalSet,
    /// Refused, and not in the log yet.
    unwritten_refused: IntervalSet,
}

pub(super) struct Collector {
    pub(super) acks: Arc<AckWriter>,
    pub(super) producer: Producer,
    /// The producer's counts before the load.
    pub(super) before: Snapshot,
    /// Documents that other processes may have sent before.
    pub(super) may_be_sent_twice: u64,
    pub(super) started: Instant,
    pub(super) total: Option<u64>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) samples: Vec<mpsc::Sender<Sample>>,
    pub(super) seconds: Option<Seconds>,
    pub(super) paused: Arc<AtomicBool>,
    /// For a load at rate `max`.
    pub(super) window: Arc<Window>,
    /// How long documents may wait without one being acknowledged.
    pub(super) give_up: Duration,
    /// Turns true when nothing more can arrive.
    pub(super) gave_up: watch::Sender<bool>,
}

impl Collector {
    /// Until every document offered has ended.
    pub(super) async fn run(mut self, mut offered: mpsc::Receiver<Slice>) -> Result<Collected, AckLogError> {
        let mut collected = Collected::new(self.started);
        let mut recent = VecDeque::new();
        let (mut waiting, mut is_open) = (FuturesUnordered::new(), true);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while is_open || !waiting.is_empty() {
            // What has ended is noted before more is taken, so that no more waits here than is in flight.
            tokio::select! {
                biased;
                _ = tick.tick() => {
                    self.write(&mut collected).await?;
                    if waiting.is_empty() {
                        collected.heard = Instant::now();
                    }
                    let silence = self.silence(&collected);
                    self.tell(&collected, silence.clone(), &mut recent);
                    self.tell_second(&mut collected, false);
                    if let Some(silence) = silence.filter(|silence| silence.lasts >= self.give_up) {
                        collected.give_up(silence.to_string());
                    }
                    self.end_hopeless(&collected).await;
                }
                Some(batch) = waiting.next(), if !waiting.is_empty() => {
                    let Batch { waiting: rest, ended } = batch;
                    self.note(&mut collected, ended);
                    if !rest.is_empty() {
                        waiting.push(some_ended(Batch::of(rest)));
                    }
                }
                taken = offered.recv(), if is_open => match taken {
                    Some(Slice { taken, refused }) => {
                        collected.note_refused(refused);
                        if !taken.is_empty() {
                            waiting.push(some_ended(Batch::of(taken)));
                        }
                    }
                    None => is_open = false,
                },
            }
        }
        self.write(&mut collected).await?;
        self.tell(&collected, None, &mut recent);
        self.tell_second(&mut collected, true);
        Ok(collected)
    }

    fn tell_second(&mut self, collected: &mut Collected, is_last: bool) {
        let elapsed = self.started.elapsed();
        let Some(seconds) = self.seconds.as_mut().filter(|seconds| is_last || seconds.is_due(elapsed)) else { return };
        let metrics = self.producer.metrics();
        let totals = LoadTotals {
            offered: metrics.offered - self.before.offered,
            acknowledged: collected.acknowledged,
            bytes: collected.bytes,
            retried: metrics.retried - self.before.retried,
            throttled: metrics.throttled - self.before.throttled,
            failed: collected.failed,
            ack_latency_ms: Percentiles::of(&collected.latency),
        };
        let open = self.producer.shards();
        let hot_keys = hot_shards(&self.producer, &metrics, &open);
        let throttled = open.into_iter().map(|shard| (shard.shard_id, shard.throttled)).collect();
        let (in_flight, shards) = (metrics.in_flight_records, &collected.shards);
        let position = Position { elapsed, totals, in_flight, shards, throttled, hot_keys };
        seconds.tell(position, &mut collected.latest);
    }

    /// Ends what still waits when nothing is to be sent any more.
    async fn end_hopeless(&self, collected: &Collected) {
        if collected.hopeless.is_some() {
            self.gave_up.send_replace(true);
            self.producer.close(Duration::ZERO).await;
        }
    }

    fn silence(&self, collected: &Collected) -> Option<Silence> {
        let lasts = collected.heard.elapsed();
        let error = || self.producer.last_error(collected.heard.into()).map(|error| error.with_causes());
        (lasts >= SILENT.min(self.give_up)).then(|| Silence { lasts, error: error() })
    }

    fn note(&self, collected: &mut Collected, ended: Vec<Ended>) {
        ended.iter().for_each(|document| self.hand_on(document));
        collected.note(&ended);
        if collected.gave_up {
            self.gave_up.send_replace(true);
        }
    }

    /// A sample that finds no place is left out: nothing here waits for whoever follows them.
    fn hand_on(&self, document: &Ended) {
        let (Some(data), Ok(_)) = (&document.sample, &document.outcome) else { return };
        for samples in &self.samples {
            let _ = samples.try_send(Sample { document: data.clone(), intended: document.intended });
        }
    }

    async fn write(&self, collected: &mut Collected) -> Result<(), AckLogError> {
        let (acks, documents) = (self.acks.clone(), std::mem::take(&mut collected.unwritten));
        let refused = std::mem::take(&mut collected.unwritten_refused);
        let writing = tokio::task::spawn_blocking(move || {
            acks.acknowledged(&documents)?;
            acks.refused(&refused)
        });
        writing.await.unwrap_or_else(|ended| self.acks.lost(ended.into()))
    }

    fn tell(&self, collected: &Collected, silence: Option<Silence>, recent: &mut VecDeque<(Instant, u64, u64)>) {
        let (now, metrics) = (Instant::now(), self.producer.metrics());
        recent.push_back((now, collected.acknowledged, collected.bytes));
        if recent.len() > TICKS_OF_RATE + 1 {
            recent.pop_front();
        }
        let (since, acknowledged, bytes) = recent[0];
        let seconds = (now - since).as_secs_f64().max(f64::EPSILON);
        let records_per_second = (collected.acknowledged - acknowledged) as f64 / seconds;
        if collected.acknowledged > 0 {
            self.window.follow(records_per_second);
        }
        self.progress.send_replace(Progress {
            elapsed: self.started.elapsed(),
            offered: metrics.offered - self.before.offered,
            acknowledged: collected.acknowledged,
            failed: collected.failed,
            retried: metrics.retried - self.before.retried,
            throttled: metrics.throttled - self.before.throttled,
            possible_duplicates: metrics.possible_duplicates - self.before.possible_duplicates + self.may_be_sent_twice,
            hot_keys: hot_keys(&self.producer, &metrics),
            in_flight: metrics.in_flight_records,
            total: self.total,
            records_per_second,
            bytes_per_second: (collected.bytes - bytes) as f64 / seconds,
            p99_ms: (!collected.latency.is_empty()).then(|| collected.latency.value_at_quantile(0.99) as f64 / 1e3),
            silence,
            is_paused: self.paused.load(Relaxed),
        });
    }
}

/// Documents offered together, which mostly end together: one future for all of them.
struct Batch {
    waiting: Vec<Offered>,
    ended: Vec<Ended>,
}

struct Ended {
    ordinal: u64,
    bytes: usize,
    intended: Instant,
    is_hot: bool,
    sample: Option<Bytes>,
    outcome: Result<Receipt, RecordError>,
}

/// Returns when some of its documents have ended.
async fn some_ended(mut batch: Batch) -> Batch {
    poll_fn(|context| batch.poll_ended(context)).await;
    batch
}

impl Batch {
    fn of(waiting: Vec<Offered>) -> Self {
        Self { waiting, ended: Vec::new() }
    }

    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self { waiting, ended } = self;
        waiting.retain_mut(|document| {
            let Poll::Ready(outcome) = Pin::new(&mut document.pending).poll(context) else { return true };
            let Offered { ordinal, bytes, intended, is_hot, .. } = *document;
            ended.push(Ended { ordinal, bytes, intended, is_hot, sample: document.sample.take(), outcome });
            false
        });
        if ended.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Collected {
    fn new(started: Instant) -> Self {
        Self {
            acknowledged: 0,
            failed: 0,
            refused: 0,
            bytes: 0,
            latency: latency::of_load(),
            hot_latency: None,
            shards: ShardCounts::default(),
            latest: Latencies::new(),
            failures: Vec::new(),
            last_acknowledged: None,
            gave_up: false,
            hopeless: None,
            heard: started,
            unwritten: IntervalSet::default(),
            unwritten_refused: IntervalSet::default(),
        }
    }

    /// Those that ended together, in the order in which they were offered.
    fn note(&mut self, ended: &[Ended]) {
        for document in ended {
            match &document.outcome {
                Ok(receipt) => self.note_acknowledged(document, receipt),
                Err(error) => {
                    self.failed += 1;
                    self.gave_up |= !matches!(error.reason(), Reason::Expired { .. });
                    let reason = self.reason(error);
                    self.note_failure(document.ordinal, reason);
                }
            }
        }
        let acknowledged = ended.iter().filter(|document| document.outcome.is_ok());
        self.unwritten.insert_ascending(acknowledged.map(|document| document.ordinal));
    }

    fn note_refused(&mut self, documents: Vec<u64>) {
        self.refused += documents.len() as u64;
        self.unwritten_refused.insert_ascending(documents);
    }

    fn note_acknowledged(&mut self, document: &Ended, receipt: &Receipt) {
        let acknowledged_at = receipt.acknowledged_at().into_std();
        let took = acknowledged_at.saturating_duration_since(document.intended);
        self.acknowledged += 1;
        self.bytes += document.bytes as u64;
        self.latency.saturating_record(took.as_micros() as u64);
        if document.is_hot {
            self.hot_latency.get_or_insert_with(latency::of_load).saturating_record(took.as_micros() as u64);
        }
        self.latest.record(took, acknowledged_at.saturating_duration_since(receipt.sent_at().into_std()));
        self.shards.count(receipt.shard_id(), document.bytes as u64);
        self.last_acknowledged = self.last_acknowledged.max(Some(acknowledged_at));
        self.heard = self.heard.max(acknowledged_at);
    }

    fn give_up(&mut self, why: String) {
        self.gave_up = true;
        self.hopeless.get_or_insert(why);
    }

    /// Why a document failed: where the load has closed the producer, that is why it did so.
    fn reason(&mut self, error: &RecordError) -> String {
        let reason = error.reason().to_string();
        match error.reason() {
            // Others that wait would only be stored again and again.
            Reason::Unread(_) => self.give_up(reason.clone()),
            Reason::Closed => return self.hopeless.clone().unwrap_or(reason),
            _ => {}
        }
        reason
    }

    fn note_failure(&mut self, ordinal: u64, reason: String) {
        if let Some(known) = self.failures.iter_mut().find(|failure| failure.reason == reason) {
            known.count += 1;
        } else if self.failures.len() < REASONS {
            self.failures.push(Failure { reason, count: 1, first: ordinal });
        }
    }
}
