//! Flush barriers: a flush waits for every record that was taken before it.

use std::collections::VecDeque;

use tokio::sync::oneshot;

/// The flushes that wait, in their order. A flush ends when all records that began before it have ended; a barrier is the number of
/// the next flush at the time when a record begins.
pub(super) struct FlushBarriers {
    first: u64,
    intervals: VecDeque<Interval>,
}

#[derive(Default)]
struct Interval {
    open: u64,
    flush: Option<oneshot::Sender<()>>,
}

impl FlushBarriers {
    pub(super) fn new() -> Self {
        Self { first: 0, intervals: VecDeque::from([Interval::default()]) }
    }

    /// A record begins; the number is to be given back to [`Self::end`].
    pub(super) fn begin(&mut self) -> u64 {
        let last = self.intervals.len() - 1;
        self.intervals[last].open += 1;
        self.first + last as u64
    }

    /// A record that began before this barrier has ended.
    pub(super) fn end(&mut self, barrier: u64) {
        let index = (barrier - self.first) as usize;
        self.intervals[index].open -= 1;
        self.settle();
    }

    /// `done` is notified when everything that began before has ended.
    pub(super) fn flush(&mut self, done: oneshot::Sender<()>) {
        let last = self.intervals.len() - 1;
        self.intervals[last].flush = Some(done);
        self.intervals.push_back(Interval::default());
        self.settle();
    }

    /// Whether a flush is waiting.
    pub(super) fn is_flushing(&self) -> bool {
        self.intervals.len() > 1
    }

    fn settle(&mut self) {
        while let Some(flush) =
            self.intervals.front_mut().filter(|interval| interval.open == 0).and_then(|interval| interval.flush.take())
        {
            // Who asked may have gone away.
            let _ = flush.send(());
            self.intervals.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_waits_for_all_before_it_and_none_after() {
        let mut flush_barriers = FlushBarriers::new();
        let flush = |flush_barriers: &mut FlushBarriers| {
            let (done, waiting) = oneshot::channel();
            flush_barriers.flush(done);
            waiting
        };
        assert_eq!(flush(&mut flush_barriers).try_recv(), Ok(()));
        let before = flush_barriers.begin();
        let mut first = flush(&mut flush_barriers);
        let between = flush_barriers.begin();
        let mut second = flush(&mut flush_barriers);
        let after = flush_barriers.begin();
        flush_barriers.end(between);
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        flush_barriers.end(before);
        assert_eq!((first.try_recv(), second.try_recv()), (Ok(()), Ok(())));
        flush_barriers.end(after);
        assert_eq!(flush(&mut flush_barriers).try_recv(), Ok(()));
    }
}
