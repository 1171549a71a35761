//! Puts documents into the producer when their time comes.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
    vec,
};

use bytes::Bytes;
use kinesis_producer::{Pending, Producer, PutError};
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};

use super::{
    LoadError,
    control::{Asked, Controls, Done},
    flaws::Flawed,
    generate::{Chunks, Document},
    intervals::IntervalSet,
    pace::Pace,
    spread::{Sent, Spell, Spread},
    window::Window,
};
use crate::{
    engine::Cancel,
    spec::{Action, Flaw},
};

/// How soon to look again whether a closed loop has room.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// How soon to look again whether a paused load is over.
const PAUSED: Duration = Duration::from_millis(100);
const BETWEEN_SAMPLES: Duration = Duration::from_secs(1);
/// Documents that the producer takes before they are handed over.
const DOCUMENTS_AT_A_TIME: u64 = 64;

/// Documents offered together.
#[derive(Default)]
pub(super) struct Slice {
    /// Those that the producer took.
    pub(super) taken: Vec<Offered>,
    /// The numbers of those that it was not to take, and did not.
    pub(super) refused: Vec<u64>,
}

impl Slice {
    fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.refused.is_empty()
    }
}

/// A document that the producer took.
pub(super) struct Offered {
    pub(super) ordinal: u64,
    pub(super) bytes: usize,
    /// When it was to be sent.
    pub(super) intended: Instant,
    pub(super) pending: Pending,
    /// Whether it has a hot key.
    pub(super) is_hot: bool,
    /// The document itself, where it is a sample.
    pub(super) sample: Option<Bytes>,
}

pub(super) struct Offerer {
    pub(super) producer: Producer,
    pub(super) pace: Pace,
    pub(super) controls: Controls,
    /// What was done to the load.
    pub(super) actions: Vec<Done>,
    /// Receives the pace whenever something changes it.
    pub(super) schedule: watch::Sender<Pace>,
    pub(super) window: Arc<Window>,
    pub(super) spread: Spread,
    /// Makes some of the documents imperfect.
    pub(super) flawed: Option<Flawed>,
    pub(super) chunks: Chunks,
    pub(super) offered: mpsc::Sender<Slice>,
    pub(super) started: Instant,
    pub(super) made: vec::IntoIter<Document>,
    /// The number in the run of the first document.
    pub(super) first: u64,
    /// Documents offered so far, with those that were passed over.
    pub(super) count: u64,
    /// Documents that another process has sent already.
    pub(super) done: IntervalSet,
    /// How many of those are behind.
    pub(super) passed_over: u64,
    /// Those of them that are not handed over yet.
    pub(super) slice: Slice,
    /// How far behind its time the latest document was.
    pub(super) late: Duration,
    /// When the last sample was taken.
    pub(super) sampled: Option<Instant>,
}

/// Whether the producer had room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Took {
    AtOnce,
    Later,
    NoMore,
}

impl Offerer {
    /// Until all is offered, or nobody wants more, or it is cancelled; says which of the last.
    pub(super) async fn run(&mut self, cancel: &Cancel, gave_up: watch::Receiver<bool>) -> Result<bool, LoadError> {
        let offered = self.offered.clone();
        let ended = tokio::select! {
            biased;
            () = cancel.raised() => Ok(true),
            () = turned(gave_up) => Ok(false),
            () = offered.closed() => Ok(false),
            done = self.offer_all() => done.map(|()| false),
        };
        self.hand_over().await;
        ended
    }

    /// May be dropped wherever it waits: a document is offered, counted and kept for the collector in one step.
    async fn offer_all(&mut self) -> Result<(), LoadError> {
        let producer = self.producer.clone();
        while let Some(due) = self.due().await {
            while self.count < due {
                let Some(document) = self.next_document().await else { return Ok(()) };
                if self.done.contains(self.first + self.count) {
                    self.pass_over(document);
                    continue;
                }
                match self.put(&producer, document).await? {
                    Took::AtOnce => {}
                    Took::Later => break,
                    Took::NoMore => return Ok(()),
                }
            }
            if !self.hand_over().await {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits until a document is to be sent, and says how many are to be by then; `None` when the load is over. The
    /// timer's grain of a millisecond makes slices of a fast load.
    async fn due(&mut self) -> Option<u64> {
        loop {
            while let Some(asked) = self.controls.waiting() {
                self.act(asked);
            }
            let elapsed = self.started.elapsed();
            if self.pace.is_over(self.count, elapsed) {
                return None;
            }
            let (due, look_again) = self.now_and_next(elapsed);
            if due > self.count {
                return Some(due.min(self.count + DOCUMENTS_AT_A_TIME));
            }
            tokio::select! {
                asked = self.controls.next() => self.act(asked),
                () = sleep_until(look_again.into()) => {}
            }
        }
    }

    /// How many documents are to be offered by now, and when to look again where all of them are.
    fn now_and_next(&self, elapsed: Duration) -> (u64, Instant) {
        let now = self.started + elapsed;
        match self.pace.intended(self.count) {
            Some(_) if self.pace.is_paused() => (self.pace.due(elapsed), now + PAUSED),
            Some(offset) => (self.pace.due(elapsed), self.started + offset),
            None if self.pace.is_paused() => (self.count, now + PAUSED),
            None => {
                let room = self.window.room(self.producer.records_in_flight());
                (self.pace.due(elapsed).min(self.count + room), now + LOOK_AGAIN)
            }
        }
    }

    /// Goes on with what another process began: does to the load what was done to that, and returns how many documents may
    /// have been sent without being known as acknowledged. None was offered before its time.
    pub(super) fn resume(&mut self, actions: &[Done]) -> u64 {
        for Done { at, action } in actions {
            self.change(action, Duration::try_from_secs_f64(*at).unwrap_or_default());
        }
        let due = self.first..self.first + self.pace.due(self.started.elapsed());
        due.end - due.start - self.done.count_in(due)
    }

    /// Leaves out a document that another process has sent.
    fn pass_over(&mut self, document: Document) {
        if let Some(flawed) = &mut self.flawed {
            flawed.pass(self.first + self.count, document);
        }
        self.count += 1;
        self.passed_over += 1;
    }

    fn act(&mut self, asked: Asked) {
        let elapsed = self.started.elapsed();
        self.change(&asked.action, elapsed);
        let done = Done { at: elapsed.as_secs_f64(), action: asked.action.clone() };
        self.actions.push(done.clone());
        asked.answer(done);
    }

    fn change(&mut self, action: &Action, elapsed: Duration) {
        match action {
            Action::Pause => self.pace.pause(elapsed),
            Action::Resume => self.pace.resume(elapsed, self.count),
            Action::Rate(rate) => self.pace.set_rate(*rate, elapsed, self.count),
            Action::HotKey { hot, seconds } => {
                let ends = elapsed.saturating_add(Action::lasts(*seconds));
                self.spread.heat(Spell::new(hot, elapsed, ends));
            }
            Action::Reshard(_) | Action::OnDemand | Action::Fault { .. } => {}
            Action::Stop => self.pace.stop(),
        }
        self.controls.tell_paused(self.pace.is_paused());
        self.schedule.send_replace(self.pace.clone());
    }

    async fn put(&mut self, producer: &Producer, document: Document) -> Result<Took, LoadError> {
        let offset = self.pace.intended(self.count).unwrap_or_else(|| self.started.elapsed());
        let intended = self.started + offset;
        let ordinal = self.first + self.count;
        let (document, flaw) = match &mut self.flawed {
            Some(flawed) => flawed.pass(ordinal, document),
            None => (document, None),
        };
        let sample = (flaw.is_none() && self.is_sample(intended)).then(|| document.data.clone());
        let (bytes, ticket) = (document.data.len(), document.ticket);
        let Sent { record, is_hot } = self.spread.record(ordinal, offset, document);
        let mut put = pin!(producer.put(record));
        let at_once = poll_fn(|context| Poll::Ready(put.as_mut().poll(context))).await;
        let (took, pending) = match at_once {
            Poll::Ready(pending) => (Took::AtOnce, pending),
            Poll::Pending => {
                // What the producer is full of must be seen to end meanwhile.
                self.hand_over().await;
                let pending = loop {
                    tokio::select! {
                        pending = &mut put => break pending,
                        asked = self.controls.next() => self.act(asked),
                    }
                    if self.pace.is_over(self.count, Duration::ZERO) {
                        return Ok(Took::NoMore);
                    }
                };
                (Took::Later, pending)
            }
        };
        let pending = match pending {
            Ok(pending) => pending,
            Err(PutError::Closed) => return Ok(Took::NoMore),
            Err(PutError::TooLarge { .. }) if flaw == Some(Flaw::Oversize) => {
                self.count += 1;
                self.slice.refused.push(ordinal);
                return Ok(took);
            }
            Err(source) => return Err(LoadError::Refused { ordinal, ticket, source }),
        };
        self.count += 1;
        self.late = self.late.max(intended.elapsed());
        self.slice.taken.push(Offered { ordinal, bytes, intended, pending, is_hot, sample });
        Ok(took)
    }

    /// Gives the collector what the producer took; false where there is no collector any more.
    async fn hand_over(&mut self) -> bool {
        if self.slice.is_empty() {
            return !self.offered.is_closed();
        }
        let Ok(place) = self.offered.reserve().await else { return false };
        let taken = Vec::with_capacity(DOCUMENTS_AT_A_TIME as usize);
        place.send(std::mem::replace(&mut self.slice, Slice { taken, refused: Vec::new() }));
        true
    }

    fn is_sample(&mut self, intended: Instant) -> bool {
        let due = self.sampled.is_none_or(|last| intended.saturating_duration_since(last) >= BETWEEN_SAMPLES);
        if due {
            self.sampled = Some(intended);
        }
        due
    }

    async fn next_document(&mut self) -> Option<Document> {
        loop {
            if let Some(document) = self.made.next() {
                return Some(document);
            }
            self.made = self.chunks.next().await?.into_iter();
        }
    }
}

/// Returns when it has become true.
async fn turned(mut flag: watch::Receiver<bool>) {
    if flag.wait_for(|is| *is).await.is_err() {
        // Nobody is left who could.
        std::future::pending().await
    }
}
