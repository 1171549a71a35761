//! The two ends of a record's outcome.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use tokio::sync::oneshot;

use super::{
    budget::Room,
    error::{Reason, RecordError},
    metrics::{self, Metrics},
};

/// The service has the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// For example `shardId-000000000000`.
    pub shard_id: String,
    /// Unique within the shard.
    pub sequence_number: String,
    /// Requests that carried the record, the last included.
    pub attempts: u32,
    /// When the answer was read.
    pub acknowledged_at: Instant,
}

/// A future of what becomes of one record. Dropping it does not take the record back.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Receipt, RecordError>>);

impl Future for Pending {
    type Output = Result<Receipt, RecordError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let abandoned = RecordError { reason: Reason::Abandoned, attempts: 0, may_be_written: true };
        Pin::new(&mut self.0).poll(context).map(|outcome| outcome.unwrap_or(Err(abandoned)))
    }
}

/// What goes with a record through the stages. It ends once: acknowledged, failed, or, when it is dropped, failed as
/// abandoned; so the totals add up whatever happens to the stages.
pub(super) struct Ticket {
    outcome: Option<oneshot::Sender<Result<Receipt, RecordError>>>,
    metrics: Arc<Metrics>,
    _room: Room,
    bytes: usize,
    pub(super) epoch: u64,
    pub(super) attempts: u32,
    pub(super) may_be_written: bool,
    pub(super) expires: Option<Instant>,
    pub(super) last_error: Option<Arc<str>>,
}

impl Ticket {
    /// Counts a record as offered.
    pub(super) fn issue(room: Room, bytes: usize, expires: Option<Instant>, metrics: Arc<Metrics>) -> (Self, Pending) {
        let (outcome, pending) = oneshot::channel();
        metrics::add(&metrics.offered, 1);
        metrics::add(&metrics.offered_bytes, bytes);
        let ticket = Self {
            outcome: Some(outcome),
            metrics,
            _room: room,
            bytes,
            epoch: 0,
            attempts: 0,
            may_be_written: false,
            expires,
            last_error: None,
        };
        (ticket, Pending(pending))
    }

    pub(super) fn acknowledge(mut self, shard_id: String, sequence_number: String, acknowledged_at: Instant) {
        metrics::add(&self.metrics.acknowledged, 1);
        metrics::add(&self.metrics.acknowledged_bytes, self.bytes);
        let receipt = Receipt { shard_id, sequence_number, attempts: self.attempts, acknowledged_at };
        self.tell(Ok(receipt));
    }

    pub(super) fn fail(mut self, reason: Reason) {
        self.end_failed(reason);
    }

    /// Why the record must not wait any longer than `until`.
    pub(super) fn expired(&self, until: Instant) -> Option<Reason> {
        let is_over = self.expires.is_some_and(|expires| expires <= until);
        is_over.then(|| Reason::Expired { last_error: self.last_error.clone() })
    }

    fn end_failed(&mut self, reason: Reason) {
        metrics::add(&self.metrics.failed, 1);
        let error = RecordError { reason, attempts: self.attempts, may_be_written: self.may_be_written };
        self.tell(Err(error));
    }

    fn tell(&mut self, outcome: Result<Receipt, RecordError>) {
        if let Some(waiting) = self.outcome.take() {
            // Nobody has to wait for it.
            let _ = waiting.send(outcome);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.outcome.is_some() {
            self.end_failed(Reason::Abandoned);
        }
    }
}
