//! The outcomes of records that were put one after the other, so that one lock completes those of a whole answer.
//!
//! `ci/interleavings` runs this file in every order in which threads can take the lock.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::lock::{Mutex, MutexGuard, lock};

/// Records of one group.
pub(super) const GROUP: usize = 512;

/// A slot for each record's outcome.
#[derive(Debug)]
pub(super) struct Group<T> {
    /// The flush barrier that waits for its records.
    pub(super) barrier: u64,
    slots: Mutex<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    slots: Vec<Slot<T>>,
    ended: usize,
    /// How many records it has, once no more will come.
    issued: Option<usize>,
}

#[derive(Debug)]
enum Slot<T> {
    Open,
    Awaited(Waker),
    Ended(T),
    Taken,
}

impl<T> Group<T> {
    pub(super) fn new(barrier: u64) -> Arc<Self> {
        let slots = std::iter::repeat_with(|| Slot::Open).take(GROUP).collect();
        Arc::new(Self { barrier, slots: Mutex::new(Slots { slots, ended: 0, issued: None }) })
    }

    /// The outcome of the record of this number, below [`GROUP`], once; who asks before it is there is woken.
    pub(super) fn poll(&self, index: u32, context: &mut Context<'_>) -> Poll<T> {
        let slot = &mut self.lock().slots[index as usize];
        match std::mem::replace(slot, Slot::Taken) {
            Slot::Ended(outcome) => Poll::Ready(outcome),
            Slot::Taken => Poll::Pending,
            Slot::Open | Slot::Awaited(_) => {
                *slot = Slot::Awaited(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Whether a record's outcome was given.
    pub(super) fn is_taken(&self, index: u32) -> bool {
        matches!(self.lock().slots[index as usize], Slot::Taken)
    }

    /// No more than `issued` records will come; whether they have all ended.
    pub(super) fn close(&self, issued: usize) -> bool {
        let mut slots = self.lock();
        slots.issued = Some(issued);
        slots.is_over()
    }

    /// Sets outcomes; returns whether all records of the group have ended.
    pub(super) fn complete(&self, outcomes: &mut Vec<(u32, T)>, wakers: &mut Vec<Waker>) -> bool {
        let mut slots = self.lock();
        slots.ended += outcomes.len();
        for (index, outcome) in outcomes.drain(..) {
            if let Slot::Awaited(waker) = std::mem::replace(&mut slots.slots[index as usize], Slot::Ended(outcome)) {
                wakers.push(waker);
            }
        }
        slots.is_over()
    }

    fn lock(&self) -> MutexGuard<'_, Slots<T>> {
        lock(&self.slots)
    }
}

impl<T> Slots<T> {
    fn is_over(&self) -> bool {
        self.issued == Some(self.ended)
    }
}
