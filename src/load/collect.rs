//! Notes what became of each document: its latency, its line in the acknowledgement log, the reason if it failed.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use hdrhistogram::Histogram;
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    Failure, Progress, Sample,
    acks::{AckLogError, AckWriter},
    intervals::IntervalSet,
    offer::Offered,
};
use crate::producer::{Producer, Reason, Receipt, RecordError, Snapshot};

/// How often the log is written and progress is told.
const TICK: Duration = Duration::from_millis(100);
/// Offers taken from the offerer at a time.
const OFFERS_AT_A_TIME: usize = 256;
/// The present rate is that of so many ticks.
const TICKS_OF_RATE: usize = 10;
/// Longer latencies count as an hour.
const LONGEST_LATENCY: Duration = Duration::from_secs(3600);
/// Different reasons kept.
const REASONS: usize = 5;

/// What has become of the documents so far.
pub(super) struct Collected {
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
    pub(super) bytes: u64,
    /// Microseconds from the intended send time to the acknowledgement.
    pub(super) latency: Histogram<u64>,
    pub(super) failures: Vec<Failure>,
    pub(super) last_acknowledged: Option<Instant>,
    /// Nothing more can arrive, so nothing more is to be offered.
    pub(super) gave_up: bool,
}

pub(super) struct Collector {
    pub(super) acks: Arc<AckWriter>,
    pub(super) producer: Producer,
    /// The producer's counts before the load.
    pub(super) before: Snapshot,
    pub(super) started: Instant,
    pub(super) total: Option<u64>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) samples: Option<mpsc::Sender<Sample>>,
}

impl Collector {
    /// Until every document offered has ended.
    pub(super) async fn run(self, mut offered: mpsc::Receiver<Offered>) -> Result<Collected, AckLogError> {
        let mut collected = Collected::new();
        let mut unwritten = IntervalSet::default();
        let mut recent = VecDeque::new();
        let (mut waiting, mut taken, mut is_open) = (FuturesUnordered::new(), Vec::new(), true);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while is_open || !waiting.is_empty() {
            // What has ended is noted before more is taken, so that no more waits here than is in flight.
            tokio::select! {
                biased;
                _ = tick.tick() => {
                    self.write(&mut unwritten).await?;
                    self.tell(&collected, &mut recent);
                }
                Some((document, outcome)) = waiting.next(), if !waiting.is_empty() => {
                    self.hand_on(&document, &outcome);
                    collected.note(&document, outcome, &mut unwritten);
                    if collected.gave_up {
                        offered.close();
                    }
                }
                count = offered.recv_many(&mut taken, OFFERS_AT_A_TIME), if is_open => {
                    is_open = count > 0;
                    waiting.extend(taken.drain(..).map(outcome));
                }
            }
        }
        self.write(&mut unwritten).await?;
        self.tell(&collected, &mut recent);
        Ok(collected)
    }

    /// A sample that finds no place is left out: nothing here waits for whoever follows them.
    fn hand_on(&self, document: &Document, outcome: &Result<Receipt, RecordError>) {
        if let (Some(samples), Some(data), Ok(_)) = (&self.samples, &document.sample, outcome) {
            let _ = samples.try_send(Sample { document: data.clone(), intended: document.intended });
        }
    }

    async fn write(&self, unwritten: &mut IntervalSet) -> Result<(), AckLogError> {
        let (acks, documents) = (self.acks.clone(), std::mem::take(unwritten));
        let writing = tokio::task::spawn_blocking(move || acks.acknowledged(&documents));
        writing.await.unwrap_or_else(|ended| self.acks.lost(ended.into()))
    }

    fn tell(&self, collected: &Collected, recent: &mut VecDeque<(Instant, u64, u64)>) {
        let (now, metrics) = (Instant::now(), self.producer.metrics());
        recent.push_back((now, collected.acknowledged, collected.bytes));
        if recent.len() > TICKS_OF_RATE + 1 {
            recent.pop_front();
        }
        let (since, acknowledged, bytes) = recent[0];
        let seconds = (now - since).as_secs_f64().max(f64::EPSILON);
        self.progress.send_replace(Progress {
            elapsed: self.started.elapsed(),
            offered: metrics.offered - self.before.offered,
            acknowledged: collected.acknowledged,
            failed: collected.failed,
            retried: metrics.retried - self.before.retried,
            in_flight: metrics.in_flight_records,
            total: self.total,
            records_per_second: (collected.acknowledged - acknowledged) as f64 / seconds,
            bytes_per_second: (collected.bytes - bytes) as f64 / seconds,
            p99_ms: (!collected.latency.is_empty()).then(|| collected.latency.value_at_quantile(0.99) as f64 / 1e3),
        });
    }
}

struct Document {
    ordinal: u64,
    bytes: usize,
    intended: Instant,
    sample: Option<Bytes>,
}

async fn outcome(offered: Offered) -> (Document, Result<Receipt, RecordError>) {
    let Offered { ordinal, bytes, intended, pending, sample } = offered;
    (Document { ordinal, bytes, intended, sample }, pending.await)
}

impl Collected {
    fn new() -> Self {
        let longest = LONGEST_LATENCY.as_micros() as u64;
        Self {
            acknowledged: 0,
            failed: 0,
            bytes: 0,
            latency: Histogram::new_with_bounds(1, longest, 3).expect("an hour in microseconds to three digits"),
            failures: Vec::new(),
            last_acknowledged: None,
            gave_up: false,
        }
    }

    fn note(&mut self, document: &Document, outcome: Result<Receipt, RecordError>, unwritten: &mut IntervalSet) {
        match outcome {
            Ok(receipt) => {
                self.acknowledged += 1;
                self.bytes += document.bytes as u64;
                self.latency.saturating_record(
                    receipt.acknowledged_at.saturating_duration_since(document.intended).as_micros() as u64,
                );
                self.last_acknowledged = self.last_acknowledged.max(Some(receipt.acknowledged_at));
                unwritten.insert(document.ordinal);
            }
            Err(error) => {
                self.failed += 1;
                self.gave_up |= !matches!(error.reason, Reason::Expired { .. });
                self.note_failure(document.ordinal, &error);
            }
        }
    }

    fn note_failure(&mut self, ordinal: u64, error: &RecordError) {
        let reason = error.reason.to_string();
        if let Some(known) = self.failures.iter_mut().find(|failure| failure.reason == reason) {
            known.count += 1;
        } else if self.failures.len() < REASONS {
            self.failures.push(Failure { reason, count: 1, first: ordinal });
        }
    }
}
