//! One part of the load, as its coordinator knows it.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use super::{
    figures::Figures,
    launch::Running,
    message::{Finished, Seat, Stage, Status},
};
use crate::load::{AckLog, DocumentsDone, Failure, LoadResult, Part};

/// A heartbeat that is missing for so long is told.
const SILENT: Duration = Duration::from_secs(3);

/// A part of the load and whoever sends it now.
pub(super) struct PartOfLoad {
    pub(super) seat: Seat,
    pub(super) documents: Range<u64>,
    /// The worker, until it is known to have ended.
    pub(super) running: Option<Box<dyn Running>>,
    pub(super) status: Option<Status>,
    /// When its heartbeat was new.
    heard: Instant,
    /// What the part's log says: of all workers that had it.
    pub(super) log: Option<AckLog>,
    /// What was done when the present worker began.
    pub(super) before: DocumentsDone,
    /// How many former workers may have sent a document that is not done, if it was due, without that being counted.
    pub(super) may_have_been_sent: u64,
    /// What former workers came to.
    pub(super) past: Vec<LoadResult>,
    /// The last figures of former workers.
    pub(super) past_figures: Vec<Figures>,
    pub(super) end: Option<End>,
}

/// How a part ended.
pub(super) enum End {
    Finished(Box<Finished>),
    /// It cannot go on.
    Failed,
    /// Its last worker is gone, and no other had it.
    Lost,
}

/// A worker's line.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerState {
    /// Its part.
    pub part: Part,
    /// The documents of the part.
    pub total: u64,
    /// Those that are acknowledged, by all workers that had it.
    pub acknowledged: u64,
    /// In the last second.
    pub records_per_second: f64,
    /// How far it is.
    pub stage: Stage,
    /// How long its heartbeat has been missing, if that is long.
    pub silent: Option<Duration>,
    /// How many workers had the part before.
    pub replaced: u32,
    /// Whether nobody finishes the part.
    pub is_lost: bool,
}

impl PartOfLoad {
    pub(super) fn new(part: Part, documents: u64) -> Self {
        Self {
            seat: Seat { part, generation: 0 },
            documents: part.documents(documents),
            running: None,
            status: None,
            heard: Instant::now(),
            log: None,
            before: DocumentsDone::default(),
            may_have_been_sent: 0,
            past: Vec::new(),
            past_figures: Vec::new(),
            end: None,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.documents.end - self.documents.start
    }

    pub(super) fn stage(&self) -> Stage {
        match &self.end {
            Some(_) => Stage::Ended,
            None => self.status.as_ref().map_or(Stage::Preparing, |status| status.stage),
        }
    }

    pub(super) fn figures(&self) -> impl Iterator<Item = &Figures> {
        self.past_figures.iter().chain(self.status.as_ref().map(|status| &status.figures))
    }

    /// The next worker has it from now on.
    pub(super) fn seated(&mut self, running: Box<dyn Running>) {
        self.running = Some(running);
        self.heard = Instant::now();
    }

    /// Takes note of what the worker says, if it is new.
    pub(super) fn hear(&mut self, status: Option<Status>) {
        let Some(status) = status else { return };
        if self.status.as_ref().is_none_or(|known| known.beat != status.beat) {
            self.heard = Instant::now();
            self.status = Some(status);
        }
    }

    /// How long it has not been heard of.
    pub(super) fn silent(&self) -> Duration {
        self.heard.elapsed()
    }

    /// Says so, if it has not been heard of for as long as it may be silent, or as long as it may take to start.
    pub(super) fn is_silent(&self, lease: Duration, starts_within: Duration) -> Option<String> {
        let silent = self.silent();
        match &self.status {
            Some(_) if silent >= lease => Some(format!("no heartbeat for {} s", silent.as_secs())),
            None if silent >= starts_within => Some(format!("not heard of in its first {} s", silent.as_secs())),
            _ => None,
        }
    }

    /// What the part's log says to be done.
    pub(super) fn done(&self) -> DocumentsDone {
        let done =
            |log: &AckLog| DocumentsDone { acknowledged: log.acknowledged.clone(), refused: log.refused.clone() };
        self.log.as_ref().map(done).unwrap_or_default()
    }

    /// What the present worker came to, which is gone: what its log has, and what it said last. `unacknowledged` of its
    /// documents are given up.
    fn of_the_dead(&self, unacknowledged: u64, why: &str) -> LoadResult {
        let figures = self.status.as_ref().map(|status| status.figures.clone()).unwrap_or_default();
        let done = self.done();
        let acknowledged = done.acknowledged.count().saturating_sub(self.before.acknowledged.count());
        let mut result = LoadResult::none();
        figures.ack_latency_us.add_to(&mut result.latency_us);
        let reason = format!("worker {} ended before they were acknowledged ({why})", self.seat);
        let first = done.all().first_missing(self.documents.start);
        let failure = Failure { reason, count: unacknowledged, first };
        LoadResult {
            offered: acknowledged + unacknowledged,
            acknowledged,
            failed: unacknowledged,
            refused: done.refused.count().saturating_sub(self.before.refused.count()),
            failures: Some(failure).filter(|failure| failure.count > 0).into_iter().collect(),
            retried: figures.totals.retried,
            throttled: figures.totals.throttled,
            // Where it did not say how many of the documents before it were due, it may be all that it sent.
            possible_duplicates: figures.possible_duplicates.unwrap_or(acknowledged * self.may_have_been_sent),
            bytes: figures.totals.bytes,
            hot_keys: figures.hot_keys,
            shards: figures.shards,
            ..result
        }
    }

    /// The present worker is gone, and the next one is to have the part.
    pub(super) fn vacate(&mut self, why: &str) {
        let result = self.of_the_dead(0, why);
        let is_counted = self.status.as_ref().is_some_and(|status| status.figures.possible_duplicates.is_some());
        self.may_have_been_sent = if is_counted { 1 } else { self.may_have_been_sent + 1 };
        if let Some(Status { figures, .. }) = self.status.take() {
            self.past_figures.push(figures.of_the_dead(result.acknowledged));
        }
        self.past.push(result);
        self.before = self.done();
    }

    /// The present worker has ended in order, and the next one is to have the part.
    pub(super) fn leave(&mut self, load: LoadResult) {
        self.past_figures.extend(self.status.take().map(|status| status.figures.of_the_dead(load.acknowledged)));
        self.may_have_been_sent = u64::from(load.failed > 0);
        self.past.push(LoadResult { cancelled: false, ..load });
        self.before = self.done();
    }

    /// The present worker is gone, and nobody is to have the part; returns how many documents were not offered.
    pub(super) fn lose(&mut self, why: &str) -> u64 {
        let done = self.done();
        let offered = self.status.as_ref().map_or(0, |status| status.figures.totals.offered);
        let acknowledged = done.acknowledged.count().saturating_sub(self.before.acknowledged.count());
        let unacknowledged = offered.saturating_sub(acknowledged);
        let unacknowledged = unacknowledged.min(self.len() - done.count());
        self.past.push(self.of_the_dead(unacknowledged, why));
        self.end = Some(End::Lost);
        self.len() - done.count() - unacknowledged
    }

    pub(super) fn state(&self) -> WorkerState {
        let is_sending = self.stage() == Stage::Sending;
        let present = self.status.as_ref().filter(|_| is_sending);
        WorkerState {
            part: self.seat.part,
            total: self.len(),
            acknowledged: self.figures().map(|figures| figures.totals.acknowledged).sum(),
            records_per_second: present.map_or(0.0, |status| status.figures.records_per_second),
            stage: self.stage(),
            silent: Some(self.silent()).filter(|silent| *silent >= SILENT && self.end.is_none()),
            replaced: self.seat.generation.saturating_sub(1),
            is_lost: matches!(self.end, Some(End::Lost | End::Failed)),
        }
    }
}
