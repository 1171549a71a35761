//! Both ends of a record's outcome: `Pending` for the caller, a completion handle for the producer.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::future::FusedFuture;
use tokio::time::Instant;

use super::{
    budget::Budget,
    error::{Reason, RecordError},
    group,
    metrics::{self, Metrics},
    receipt::Receipt,
    transport::RequestError,
};

/// How often a record is sent again after answers that could not be read.
const UNREAD_RESENDS: u8 = 5;

/// What became of one record.
pub(super) type Outcome = Result<Receipt, RecordError>;

/// The outcomes of records that were put one after the other.
pub(super) type Group = group::Group<Outcome>;

/// A future of what becomes of one record. Dropping it does not take the record back: it is sent all the same. Once it has
/// given the outcome, it stays pending, as a [`Fuse`](futures::future::Fuse) does.
#[derive(Debug)]
pub struct Pending {
    group: Arc<Group>,
    index: u32,
}

impl Pending {
    /// Of the record of this number, below [`GROUP`](group::GROUP), in its group.
    pub(super) fn new(group: Arc<Group>, index: u32) -> Self {
        Self { group, index }
    }
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.group.poll(self.index, context)
    }
}

impl FusedFuture for Pending {
    fn is_terminated(&self) -> bool {
        self.group.is_taken(self.index)
    }
}

/// Completes one record; it goes with the record until then.
#[derive(Debug)]
pub(super) struct CompletionHandle {
    pub(super) group: Arc<Group>,
    pub(super) index: u32,
    /// Of data and partition key, in bytes.
    pub(super) size: u32,
    pub(super) attempts: u32,
    pub(super) may_be_written: bool,
    /// Attempts whose answers could not be read.
    pub(super) unread: u8,
    pub(super) expires: Option<Instant>,
    pub(super) last_error: Option<RequestError>,
}

impl CompletionHandle {
    pub(super) fn new(group: Arc<Group>, index: u32, size: usize, expires: Option<Instant>) -> Self {
        let size = u32::try_from(size).expect("no record is larger than 10 MiB");
        Self { group, index, size, attempts: 0, may_be_written: false, unread: 0, expires, last_error: None }
    }

    /// Why the record must not be sent again at `until`.
    pub(super) fn ends(&self, until: Instant) -> Option<Reason> {
        if let Some(error) = self.last_error.as_ref().filter(|_| self.unread > UNREAD_RESENDS) {
            return Some(Reason::Unread(error.clone()));
        }
        let is_over = self.expires.is_some_and(|expires| expires <= until);
        is_over.then(|| Reason::Expired { last_error: self.last_error.clone() })
    }
}

/// Completes many records, group by group. It counts their outcomes first, and gives their room back.
pub(super) struct Completer<'a> {
    metrics: &'a Metrics,
    budget: &'a Budget,
    group: Option<Arc<Group>>,
    outcomes: Vec<(u32, Outcome)>,
    wakers: Vec<Waker>,
    counts: Counts,
    /// FlushBarriers of the groups all of whose records have ended.
    ended: Vec<u64>,
}

/// Outcomes that are not counted yet.
#[derive(Default)]
struct Counts {
    acknowledged: usize,
    acknowledged_bytes: usize,
    failed: usize,
    failed_bytes: usize,
}

impl Counts {
    fn count(&mut self, outcome: &Outcome, bytes: usize) {
        let (records, sum) = match outcome {
            Ok(_) => (&mut self.acknowledged, &mut self.acknowledged_bytes),
            Err(_) => (&mut self.failed, &mut self.failed_bytes),
        };
        *records += 1;
        *sum += bytes;
    }
}

impl<'a> Completer<'a> {
    pub(super) fn new(metrics: &'a Metrics, budget: &'a Budget) -> Self {
        let (outcomes, wakers, ended) = (Vec::new(), Vec::new(), Vec::new());
        Self { metrics, budget, group: None, outcomes, wakers, counts: Counts::default(), ended }
    }

    pub(super) fn fail(&mut self, completion: CompletionHandle, reason: Reason) {
        let error = RecordError::new(reason, completion.attempts, completion.may_be_written);
        self.complete(completion, Err(error));
    }

    pub(super) fn acknowledge(&mut self, completion: CompletionHandle, receipt: Receipt) {
        self.complete(completion, Ok(receipt));
    }

    /// Wakes who waits; the flush_barriers of the groups that are over now.
    pub(super) fn finish(mut self) -> Vec<u64> {
        self.complete_group();
        self.wakers.drain(..).for_each(Waker::wake);
        self.ended
    }

    fn complete(&mut self, completion: CompletionHandle, outcome: Outcome) {
        if !self.group.as_ref().is_some_and(|group| Arc::ptr_eq(group, &completion.group)) {
            self.complete_group();
            self.group = Some(completion.group);
        }
        self.counts.count(&outcome, completion.size as usize);
        self.outcomes.push((completion.index, outcome));
    }

    fn complete_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        let counts = std::mem::take(&mut self.counts);
        metrics::add(&self.metrics.acknowledged, counts.acknowledged);
        metrics::add(&self.metrics.acknowledged_bytes, counts.acknowledged_bytes);
        metrics::add(&self.metrics.failed, counts.failed);
        self.budget.give_back(self.outcomes.len(), counts.acknowledged_bytes + counts.failed_bytes);
        if group.complete(&mut self.outcomes, &mut self.wakers) {
            self.ended.push(group.barrier);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn an_outcome_is_given_once_and_polling_again_is_no_panic() {
        let group = Group::new(0);
        let mut pending = Pending::new(group.clone(), 0);
        assert!((&mut pending).now_or_never().is_none() && !pending.is_terminated());
        group.complete(&mut vec![(0, Err(RecordError::new(Reason::Closed, 0, false)))], &mut Vec::new());
        assert!(matches!((&mut pending).now_or_never(), Some(Err(_))));
        assert!((&mut pending).now_or_never().is_none() && pending.is_terminated());
    }
}
