//! Collects items until a batch is full, its oldest item has waited long enough, or somebody asks for all.

use std::{collections::VecDeque, time::Instant};

/// The bounds of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchLimits {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

struct Waiting<T> {
    item: T,
    bytes: usize,
    due: Instant,
}

/// First in, first out, but for what comes back from a retry: that goes first.
pub(super) struct Batcher<T> {
    limits: BatchLimits,
    waiting: VecDeque<Waiting<T>>,
    bytes: usize,
    /// So many at the front do not wait for company.
    urgent: usize,
}

impl<T> Batcher<T> {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Self { limits, waiting: VecDeque::new(), bytes: 0, urgent: 0 }
    }

    /// Adds an item that leaves at `due` at the latest.
    pub(super) fn push(&mut self, item: T, bytes: usize, due: Instant) {
        self.bytes += bytes;
        self.waiting.push_back(Waiting { item, bytes, due });
    }

    /// Adds an item that leaves first and at once.
    pub(super) fn push_urgent(&mut self, item: T, bytes: usize, now: Instant) {
        self.bytes += bytes;
        self.urgent += 1;
        self.waiting.push_front(Waiting { item, bytes, due: now });
    }

    /// Everything that waits now leaves at once.
    pub(super) fn flush(&mut self) {
        self.urgent = self.waiting.len();
    }

    /// The next batch, if one is to leave.
    pub(super) fn take(&mut self, now: Instant) -> Option<Vec<T>> {
        self.is_ready(now).then(|| self.take_full())
    }

    /// When a batch is to leave if nothing more comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.due)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        (self.bytes, self.urgent) = (0, 0);
        std::mem::take(&mut self.waiting).into_iter().map(|waiting| waiting.item)
    }

    fn is_ready(&self, now: Instant) -> bool {
        self.urgent > 0
            || self.waiting.len() >= self.limits.items
            || self.bytes >= self.limits.bytes
            || self.next_due().is_some_and(|due| due <= now)
    }

    fn take_full(&mut self) -> Vec<T> {
        let mut batch = Vec::with_capacity(self.limits.items.min(self.waiting.len()));
        let mut room = self.limits.bytes;
        while batch.len() < self.limits.items {
            let Some(next) = self.waiting.pop_front_if(|next| next.bytes <= room || batch.is_empty()) else { break };
            room = room.saturating_sub(next.bytes);
            self.bytes -= next.bytes;
            batch.push(next.item);
        }
        self.urgent = self.urgent.saturating_sub(batch.len());
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: BatchLimits = BatchLimits { items: 3, bytes: 100 };

    #[test]
    fn a_batch_leaves_when_it_has_enough_items() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut batcher = Batcher::new(LIMITS);
        batcher.push(1, 10, later);
        batcher.push(2, 10, later);
        assert_eq!(batcher.take(now), None);
        batcher.push(3, 10, later);
        batcher.push(4, 10, later);
        assert_eq!(batcher.take(now), Some(vec![1, 2, 3]));
        assert_eq!(batcher.take(now), None);
        assert_eq!(batcher.take(later), Some(vec![4]));
        assert!(batcher.is_empty());
    }

    #[test]
    fn a_batch_never_exceeds_its_bytes() {
        let now = Instant::now();
        let mut batcher = Batcher::new(LIMITS);
        for (item, bytes) in [(1, 60), (2, 41), (3, 59), (4, 100)] {
            batcher.push(item, bytes, now);
        }
        let batches: Vec<_> = std::iter::from_fn(|| batcher.take(now)).collect();
        assert_eq!(batches, [vec![1], vec![2, 3], vec![4]]);
    }

    #[test]
    fn a_flush_lets_go_what_waits_and_no_more() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut batcher = Batcher::new(LIMITS);
        (1..=2).for_each(|item| batcher.push(item, 10, later));
        batcher.flush();
        assert_eq!(batcher.take(now), Some(vec![1, 2]));
        batcher.push(3, 10, later);
        assert_eq!(batcher.take(now), None);
        assert_eq!(batcher.next_due(), Some(later));
    }

    #[test]
    fn what_is_sent_again_goes_first() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut batcher = Batcher::new(LIMITS);
        batcher.push(1, 10, later);
        batcher.push_urgent(0, 10, now);
        assert_eq!(batcher.take(now), Some(vec![0, 1]));
    }
}
