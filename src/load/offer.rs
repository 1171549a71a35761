//! Puts documents into the producer when their time comes.

use std::{
    time::{Duration, Instant},
    vec,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};

use super::{
    LoadError,
    generate::{Chunk, Document},
    pace::Pace,
    spread::Spread,
};
use crate::producer::{Pending, Producer, PutError};

const BETWEEN_SAMPLES: Duration = Duration::from_secs(1);

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
    pub(super) spread: Spread,
    pub(super) chunks: mpsc::Receiver<Chunk>,
    pub(super) offered: mpsc::Sender<Offered>,
    pub(super) started: Instant,
    pub(super) made: vec::IntoIter<Document>,
    /// Documents offered so far.
    pub(super) count: u64,
    /// How far behind its time the latest document was.
    pub(super) late: Duration,
    /// When the last sample was taken.
    pub(super) sampled: Option<Instant>,
}

impl Offerer {
    /// Until all is offered, or nobody wants more, or it is cancelled; says which of the last.
    pub(super) async fn run(&mut self, cancel: watch::Receiver<bool>) -> Result<bool, LoadError> {
        tokio::select! {
            biased;
            () = cancelled(cancel) => Ok(true),
            done = self.offer_all() => done.map(|()| false),
        }
    }

    /// May be dropped wherever it waits: a document is offered and counted in one step.
    async fn offer_all(&mut self) -> Result<(), LoadError> {
        while !self.pace.is_over(self.count, self.started.elapsed()) {
            let intended = self.intended().await;
            let Some(document) = self.next_document().await else { return Ok(()) };
            let sample = self.is_sample(intended).then(|| document.data.clone());
            let Ok(place) = self.offered.reserve().await else { return Ok(()) };
            let (ordinal, bytes) = (self.count, document.data.len());
            let ticket = document.ticket;
            let record = self.spread.record(ordinal, document);
            let pending = match self.producer.put(record).await {
                Ok(pending) => pending,
                Err(PutError::Closed) => return Ok(()),
                Err(source) => return Err(LoadError::Refused { ordinal, ticket, source }),
            };
            self.count += 1;
            self.late = self.late.max(intended.elapsed());
            place.send(Offered { ordinal, bytes, intended, pending, sample });
        }
        Ok(())
    }

    fn is_sample(&mut self, intended: Instant) -> bool {
        let due = self.sampled.is_none_or(|last| intended.saturating_duration_since(last) >= BETWEEN_SAMPLES);
        if due {
            self.sampled = Some(intended);
        }
        due
    }

    /// Waits until the next document is to be sent. The timer's grain of a millisecond makes slices of a fast load.
    async fn intended(&self) -> Instant {
        let Some(offset) = self.pace.intended(self.count) else { return Instant::now() };
        let intended = self.started + offset;
        if intended > Instant::now() {
            sleep_until(intended.into()).await;
        }
        intended
    }

    async fn next_document(&mut self) -> Option<Document> {
        loop {
            if let Some(document) = self.made.next() {
                return Some(document);
            }
            self.made = self.chunks.recv().await?.into_iter();
        }
    }
}

async fn cancelled(mut cancel: watch::Receiver<bool>) {
    if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
        // Nobody is left who could.
        std::future::pending().await
    }
}
