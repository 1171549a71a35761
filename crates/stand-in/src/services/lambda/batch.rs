//! How a batch is worked off: what is invoked next, what is tried again, what is given up.

use std::{collections::VecDeque, ops::Range, time::Duration};

use super::event::Verdict;

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What a mapping says of failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// `None` for as often as need be.
    pub(super) retries: Option<u32>,
    pub(super) bisect: bool,
}

/// Records of a batch that are invoked together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) records: Range<usize>,
    /// How often this piece, whole, has failed.
    failures: u32,
    /// How often its records were invoked, in whatever company.
    pub(super) invocations: u32,
}

/// What follows an invocation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// On with what is left.
    Go,
    /// On with what is left, after a rest.
    Rest(Duration),
    /// These have failed for good.
    GiveUp(Piece),
}

/// The pieces that are left, in order.
#[derive(Debug)]
pub(super) struct Pieces {
    left: VecDeque<Piece>,
    rules: Rules,
}

impl Pieces {
    /// A batch of so many records, whole.
    pub(super) fn new(records: usize, rules: Rules) -> Self {
        let whole = Piece { records: 0..records, failures: 0, invocations: 0 };
        Self { left: if records == 0 { VecDeque::new() } else { VecDeque::from([whole]) }, rules }
    }

    /// What is to be invoked next.
    pub(super) fn next(&self) -> Option<&Piece> {
        self.left.front()
    }

    /// Takes away the records at the front that are too old; the piece that they are.
    pub(super) fn expire(&mut self, too_old: impl Fn(usize) -> bool) -> Option<Piece> {
        let front = self.left.front_mut()?;
        let young = front.records.clone().find(|&record| !too_old(record)).unwrap_or(front.records.end);
        if young == front.records.start {
            return None;
        }
        let expired = Piece { records: front.records.start..young, ..front.clone() };
        front.records.start = young;
        if front.records.is_empty() {
            self.left.pop_front();
        }
        Some(expired)
    }

    /// Takes in what became of the piece that was next.
    ///
    /// A batch is checkpointed before its lowest failed record and retried from there. Splitting does not count as a retry
    /// (Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source").
    pub(super) fn settle(&mut self, verdict: Verdict) -> Step {
        let Some(mut piece) = self.left.pop_front() else { return Step::Go };
        piece.invocations += 1;
        match verdict {
            Verdict::Done => Step::Go,
            Verdict::FailedFrom(first) if first > 0 => {
                piece.records.start += first;
                piece.failures = 0;
                self.left.push_front(piece);
                Step::Rest(FIRST_BACKOFF)
            }
            Verdict::FailedFrom(_) | Verdict::Failed => self.fail(piece),
        }
    }

    fn fail(&mut self, mut piece: Piece) -> Step {
        if self.rules.bisect && piece.records.len() > 1 {
            let middle = piece.records.start + piece.records.len() / 2;
            let second = Piece { records: middle..piece.records.end, ..piece.clone() };
            piece.records.end = middle;
            self.left.push_front(second);
            self.left.push_front(piece);
            return Step::Rest(FIRST_BACKOFF);
        }
        piece.failures += 1;
        if self.rules.retries.is_some_and(|retries| piece.failures > retries) {
            return Step::GiveUp(piece);
        }
        let rest = LONGEST_BACKOFF.min(FIRST_BACKOFF * 2_u32.saturating_pow(piece.failures - 1));
        self.left.push_front(piece);
        Step::Rest(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works a batch off with a function that fails as `verdict` says; what was invoked, and from where to where was given up.
    fn work(
        count: usize,
        rules: Rules,
        verdict: impl Fn(Range<usize>) -> Verdict,
    ) -> (Vec<Range<usize>>, Vec<(usize, usize)>) {
        let (mut pieces, mut invoked, mut given_up) = (Pieces::new(count, rules), Vec::new(), Vec::new());
        while let Some(piece) = pieces.next() {
            let records = piece.records.clone();
            invoked.push(records.clone());
            assert!(invoked.len() < 100, "it ends");
            if let Step::GiveUp(piece) = pieces.settle(verdict(records)) {
                given_up.push((piece.records.start, piece.records.end));
            }
        }
        (invoked, given_up)
    }

    fn poison(at: usize) -> impl Fn(Range<usize>) -> Verdict {
        move |records| if records.contains(&at) { Verdict::Failed } else { Verdict::Done }
    }

    fn reported(at: usize) -> impl Fn(Range<usize>) -> Verdict {
        move |records| match records.contains(&at) {
            true => Verdict::FailedFrom(at - records.start),
            false => Verdict::Done,
        }
    }

    #[test]
    fn without_bisection_the_whole_batch_is_retried_and_given_up() {
        let rules = Rules { retries: Some(2), bisect: false };
        let (invoked, given_up) = work(4, rules, poison(2));
        assert_eq!(invoked, [0..4, 0..4, 0..4]);
        assert_eq!(given_up, [(0, 4)]);
    }

    #[test]
    fn bisection_isolates_one_record_and_keeps_the_order() {
        let rules = Rules { retries: Some(1), bisect: true };
        let (invoked, given_up) = work(8, rules, poison(5));
        assert_eq!(invoked, [0..8, 0..4, 4..8, 4..6, 4..5, 5..6, 5..6, 6..8]);
        assert_eq!(given_up, [(5, 6)]);
    }

    #[test]
    fn a_reported_failure_resumes_there() {
        let rules = Rules { retries: Some(1), bisect: false };
        let (invoked, given_up) = work(5, rules, reported(3));
        assert_eq!(invoked, [0..5, 3..5, 3..5]);
        assert_eq!(given_up, [(3, 5)]);
        let (invoked, given_up) = work(5, Rules { retries: Some(1), bisect: true }, reported(3));
        assert_eq!(invoked, [0..5, 3..5, 3..4, 3..4, 4..5]);
        assert_eq!(given_up, [(3, 4)]);
    }

    #[test]
    fn no_retries_gives_up_at_once_and_unlimited_ones_never() {
        let (invoked, given_up) = work(1, Rules { retries: Some(0), bisect: true }, poison(0));
        assert_eq!((invoked.len(), given_up.len()), (1, 1));
        let mut pieces = Pieces::new(1, Rules { retries: None, bisect: true });
        for _ in 0..50 {
            assert!(matches!(pieces.settle(Verdict::Failed), Step::Rest(rest) if rest <= LONGEST_BACKOFF));
        }
        assert_eq!(pieces.next().map(|piece| piece.invocations), Some(50));
    }

    #[test]
    fn old_records_at_the_front_expire() {
        let mut pieces = Pieces::new(4, Rules { retries: None, bisect: false });
        assert_eq!(pieces.expire(|record| record < 3).map(|piece| piece.records), Some(0..3));
        assert_eq!(pieces.expire(|record| record < 3), None);
        assert_eq!(pieces.next().map(|piece| piece.records.clone()), Some(3..4));
        assert_eq!(pieces.expire(|_| true).map(|piece| piece.records), Some(3..4));
        assert_eq!(pieces.next(), None);
    }
}
