//! Both ends of a record's outcome: `Pending` for the caller, a completion handle for the producer. Records belong to groups, so
//! that one lock completes those of a whole answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures::future::FusedFuture;
use tokio::time::Instant;

use super::{
    answer::Span,
    budget::Budget,
    error::{Reason, RecordError},
    lock::lock,
    metrics::{self, Metrics},
    transport::RequestError,
};

/// How often a record is sent again after answers that could not be read.
const UNREAD_RESENDS: u8 = 5;
/// Records of one group.
pub(super) const GROUP: usize = 512;

/// What became of one record.
pub(super) type Outcome = Result<Receipt, RecordError>;

/// The service has the record. While it is kept, so is the answer to the whole request, which it shares with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(super) attempts: u32,
    pub(super) answered: Arc<Answered>,
    pub(super) shard_id: Span,
    pub(super) sequence_number: Span,
    pub(super) sub_sequence_number: Option<u32>,
}

/// What the records of one request share.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// What the spans point into.
    pub(super) text: Bytes,
    pub(super) at: Instant,
}

impl Receipt {
    /// The number of requests that carried the record, the last included.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the answer was read.
    pub fn acknowledged_at(&self) -> Instant {
        self.answered.at
    }

    /// For example `shardId-000000000000`.
    pub fn shard_id(&self) -> &str {
        self.text(self.shard_id)
    }

    /// Unique within the shard, but for records that travelled in one aggregate.
    pub fn sequence_number(&self) -> &str {
        self.text(self.sequence_number)
    }

    /// The position within the aggregated record, from 0; `None` for a record that travelled by itself.
    pub fn sub_sequence_number(&self) -> Option<u32> {
        self.sub_sequence_number
    }

    fn text(&self, span: Span) -> &str {
        str::from_utf8(&self.answered.text[span.start as usize..span.end as usize]).expect("an answer is text")
    }
}

/// A future of what becomes of one record. Dropping it does not take the record back: it is sent all the same. Once it has
/// given the outcome, it stays pending, as a [`Fuse`](futures::future::Fuse) does.
#[derive(Debug)]
pub struct Pending {
    group: Arc<Group>,
    index: u32,
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let slot = &mut self.group.lock().slots[self.index as usize];
        match std::mem::replace(slot, Slot::Taken) {
            Slot::Ended(outcome) => Poll::Ready(outcome),
            Slot::Taken => Poll::Pending,
            Slot::Open | Slot::Awaited(_) => {
                *slot = Slot::Awaited(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl FusedFuture for Pending {
    fn is_terminated(&self) -> bool {
        matches!(self.group.lock().slots[self.index as usize], Slot::Taken)
    }
}

/// The outcomes of records that were put one after the other.
#[derive(Debug)]
pub(super) struct Group {
    /// The flush barrier that waits for its records.
    pub(super) barrier: u64,
    slots: Mutex<Slots>,
}

#[derive(Debug)]
struct Slots {
    slots: Vec<Slot>,
    ended: usize,
    /// How many records it has, once no more will come.
    issued: Option<usize>,
}

#[derive(Debug)]
enum Slot {
    Open,
    Awaited(Waker),
    Ended(Outcome),
    Taken,
}

impl Group {
    pub(super) fn new(barrier: u64) -> Arc<Self> {
        let slots = std::iter::repeat_with(|| Slot::Open).take(GROUP).collect();
        Arc::new(Self { barrier, slots: Mutex::new(Slots { slots, ended: 0, issued: None }) })
    }

    /// What its record of this number, below [`GROUP`], comes to.
    pub(super) fn pending(self: &Arc<Self>, index: u32) -> Pending {
        Pending { group: self.clone(), index }
    }

    /// No more than `issued` records will come; whether they have all ended.
    pub(super) fn close(&self, issued: usize) -> bool {
        let mut slots = self.lock();
        slots.issued = Some(issued);
        slots.is_over()
    }

    /// Sets outcomes; returns whether all records of the group have ended.
    fn complete(&self, outcomes: &mut Vec<(u32, Outcome)>, wakers: &mut Vec<Waker>) -> bool {
        let mut slots = self.lock();
        slots.ended += outcomes.len();
        for (index, outcome) in outcomes.drain(..) {
            if let Slot::Awaited(waker) = std::mem::replace(&mut slots.slots[index as usize], Slot::Ended(outcome)) {
                wakers.push(waker);
            }
        }
        slots.is_over()
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        lock(&self.slots)
    }
}

impl Slots {
    fn is_over(&self) -> bool {
        self.issued == Some(self.ended)
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

    fn end(group: &Group) {
        let error = RecordError::new(Reason::Closed, 0, false);
        group.complete(&mut vec![(0, Err(error))], &mut Vec::new());
    }

    #[test]
    fn an_outcome_is_given_once_and_polling_again_is_no_panic() {
        let group = Group::new(0);
        let mut pending = group.pending(0);
        assert!((&mut pending).now_or_never().is_none() && !pending.is_terminated());
        end(&group);
        assert!(matches!((&mut pending).now_or_never(), Some(Err(_))));
        assert!((&mut pending).now_or_never().is_none() && pending.is_terminated());
    }

    #[test]
    fn a_lock_that_was_poisoned_still_gives_outcomes() {
        let group = Group::new(0);
        let poisoner = group.clone();
        let panicked = std::thread::spawn(move || {
            let _guard = poisoner.lock();
            panic!("while the lock is held");
        });
        assert!(panicked.join().is_err() && group.slots.is_poisoned());
        let pending = group.pending(0);
        end(&group);
        assert!(matches!(pending.now_or_never(), Some(Err(_))));
    }
}
