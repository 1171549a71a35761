//! What a flush waits for: everything that was taken before it.

use std::collections::VecDeque;

use tokio::sync::oneshot;

/// Between two flushes lies an epoch; a flush is done when its epoch and all before it have no open record.
pub(super) struct Epochs {
    first: u64,
    epochs: VecDeque<Epoch>,
}

#[derive(Default)]
struct Epoch {
    open: u64,
    flush: Option<oneshot::Sender<()>>,
}

impl Epochs {
    pub(super) fn new() -> Self {
        Self { first: 0, epochs: VecDeque::from([Epoch::default()]) }
    }

    /// A record begins; the number is to be given back to [`Self::end`].
    pub(super) fn begin(&mut self) -> u64 {
        let last = self.epochs.len() - 1;
        self.epochs[last].open += 1;
        self.first + last as u64
    }

    /// A record of an epoch has ended.
    pub(super) fn end(&mut self, epoch: u64) {
        let index = (epoch - self.first) as usize;
        self.epochs[index].open -= 1;
        self.settle();
    }

    /// `done` is told when all that began before has ended.
    pub(super) fn flush(&mut self, done: oneshot::Sender<()>) {
        let last = self.epochs.len() - 1;
        self.epochs[last].flush = Some(done);
        self.epochs.push_back(Epoch::default());
        self.settle();
    }

    /// Whether somebody waits for an end.
    pub(super) fn is_flushing(&self) -> bool {
        self.epochs.len() > 1
    }

    fn settle(&mut self) {
        while let Some(flush) =
            self.epochs.front_mut().filter(|epoch| epoch.open == 0).and_then(|epoch| epoch.flush.take())
        {
            // Who asked may have gone away.
            let _ = flush.send(());
            self.epochs.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_waits_for_all_before_it_and_none_after() {
        let mut epochs = Epochs::new();
        let flush = |epochs: &mut Epochs| {
            let (done, waiting) = oneshot::channel();
            epochs.flush(done);
            waiting
        };
        assert_eq!(flush(&mut epochs).try_recv(), Ok(()));
        let before = epochs.begin();
        let mut first = flush(&mut epochs);
        let between = epochs.begin();
        let mut second = flush(&mut epochs);
        let after = epochs.begin();
        epochs.end(between);
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        epochs.end(before);
        assert_eq!((first.try_recv(), second.try_recv()), (Ok(()), Ok(())));
        epochs.end(after);
        assert_eq!(flush(&mut epochs).try_recv(), Ok(()));
    }
}
