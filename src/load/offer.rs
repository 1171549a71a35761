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
    generate::{Chunks, Document},
    pace::Pace,
    spread::Spread,
    window::Window,
};
use crate::engine::Cancel;

/// How soon to look again whether a closed loop has room.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
const BETWEEN_SAMPLES: Duration = Duration::from_secs(1);
/// Documents that the producer takes before they are handed over.
const DOCUMENTS_AT_A_TIME: u64 = 64;

/// A document that the producer took.
pub(super) struct Offered {
    pub(super) ordinal: u64,
    pub(super) bytes: usize,
    /// When it was to be sent.
    pub(super) intended: Instant,
    pub(super) pending: Pending,
    /// The document itself, where it is a sample.
    pub(super) sample: Option<Bytes>,
}

pub(super) struct Offerer {
    pub(super) producer: Producer,
    pub(super) pace: Pace,
    pub(super) window: Arc<Window>,
    pub(super) spread: Spread,
    pub(super) chunks: Chunks,
    pub(super) offered: mpsc::Sender<Vec<Offered>>,
    pub(super) started: Instant,
    pub(super) made: vec::IntoIter<Document>,
    /// The number in the run of the first document.
    pub(super) first: u64,
    /// Documents offered so far.
    pub(super) count: u64,
    /// Those of them that are not handed over yet.
    pub(super) taken: Vec<Offered>,
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
    async fn due(&self) -> Option<u64> {
        loop {
            let elapsed = self.started.elapsed();
            if self.pace.is_over(self.count, elapsed) {
                return None;
            }
            let (due, look_again) = match self.pace.intended(self.count) {
                Some(offset) => (self.pace.due(elapsed), self.started + offset),
                None => {
                    let room = self.window.room(self.producer.records_in_flight());
                    (self.pace.due(elapsed).min(self.count + room), Instant::now() + LOOK_AGAIN)
                }
            };
            if due > self.count {
                return Some(due.min(self.count + DOCUMENTS_AT_A_TIME));
            }
            sleep_until(look_again.into()).await;
        }
    }

    async fn put(&mut self, producer: &Producer, document: Document) -> Result<Took, LoadError> {
        let intended = self.pace.intended(self.count).map_or_else(Instant::now, |offset| self.started + offset);
        let sample = self.is_sample(intended).then(|| document.data.clone());
        let (ordinal, bytes, ticket) = (self.first + self.count, document.data.len(), document.ticket);
        let mut put = pin!(producer.put(self.spread.record(ordinal, document)));
        let at_once = poll_fn(|context| Poll::Ready(put.as_mut().poll(context))).await;
        let (took, pending) = match at_once {
            Poll::Ready(pending) => (Took::AtOnce, pending),
            Poll::Pending => {
                // What the producer is full of must be seen to end meanwhile.
                self.hand_over().await;
                (Took::Later, put.await)
            }
        };
        let pending = match pending {
            Ok(pending) => pending,
            Err(PutError::Closed) => return Ok(Took::NoMore),
            Err(source) => return Err(LoadError::Refused { ordinal, ticket, source }),
        };
        self.count += 1;
        self.late = self.late.max(intended.elapsed());
        self.taken.push(Offered { ordinal, bytes, intended, pending, sample });
        Ok(took)
    }

    /// Gives the collector what the producer took; false where there is no collector any more.
    async fn hand_over(&mut self) -> bool {
        if self.taken.is_empty() {
            return !self.offered.is_closed();
        }
        let Ok(place) = self.offered.reserve().await else { return false };
        let room = Vec::with_capacity(DOCUMENTS_AT_A_TIME as usize);
        place.send(std::mem::replace(&mut self.taken, room));
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
