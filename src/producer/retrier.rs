//! What an answer means for a batch, how long to wait before sending again, and the place to wait in.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::transport::{Answer, Position, Severity};

/// Exponential backoff with jitter: before attempt n + 1 a record waits between a half and the whole of
/// `first` · 2ⁿ⁻¹, at most `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first attempt; 50 ms by default.
    pub first: Duration,
    /// Never longer; 2 s by default.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(50), cap: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// How long to wait after `attempts` attempts.
    pub fn delay(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(doubled).min(self.cap);
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// What an answer means for the batch it answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Each record for itself; as many as were sent.
    Each(Vec<Position>),
    /// All of them again.
    Again { severity: Severity, why: Arc<str> },
    /// None of them ever.
    Fatal(Arc<str>),
}

/// An answer with another number of positions than was sent says nothing about any of them.
pub(super) fn judge(answer: Answer, sent: usize) -> Judgement {
    match answer {
        Ok(positions) if positions.len() == sent => Judgement::Each(positions),
        Ok(positions) => Judgement::Again {
            severity: Severity::Unknown,
            why: format!("PutRecords answered {} positions for {sent} records", positions.len()).into(),
        },
        Err(error) if error.severity == Severity::Fatal => Judgement::Fatal(error.message.into()),
        Err(error) => Judgement::Again { severity: error.severity, why: error.message.into() },
    }
}

/// Whether a refused position asks for less.
pub(super) fn is_throttle(code: &str) -> bool {
    code == "ProvisionedThroughputExceededException" || code.contains("Throttling")
}

/// What waits out its backoff.
pub(super) struct Waiting<T> {
    by_due: BTreeMap<Instant, Vec<T>>,
}

impl<T> Waiting<T> {
    pub(super) fn new() -> Self {
        Self { by_due: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, due: Instant, mut items: Vec<T>) {
        self.by_due.entry(due).or_default().append(&mut items);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_due.first_key_value().map(|(due, _)| *due)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Vec<T> {
        let mut ready = Vec::new();
        while self.next_due().is_some_and(|due| due <= now) {
            ready.extend(self.by_due.pop_first().into_iter().flat_map(|(_, items)| items));
        }
        ready
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_due.is_empty()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.by_due).into_values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::transport::RequestError, *};

    #[test]
    fn backoff_grows_from_first_to_cap_with_jitter() {
        let backoff = Backoff { first: Duration::from_millis(50), cap: Duration::from_secs(2) };
        for (attempts, whole) in [(1, 50), (2, 100), (3, 200), (6, 1600), (7, 2000), (40, 2000), (u32::MAX, 2000)] {
            let whole = Duration::from_millis(whole);
            let delays: Vec<_> = (0..100).map(|_| backoff.delay(attempts)).collect();
            assert!(delays.iter().all(|delay| (whole / 2..=whole).contains(delay)), "{attempts}: {delays:?}");
            assert!(delays.iter().any(|delay| *delay != delays[0]), "no jitter after {attempts}");
        }
    }

    #[test]
    fn an_answer_of_another_length_is_no_answer() {
        let written = Position::Written { shard_id: "s".into(), sequence_number: "1".into() };
        assert_eq!(judge(Ok(vec![written.clone()]), 1), Judgement::Each(vec![written.clone()]));
        for answered in [0, 1, 3] {
            let judgement = judge(Ok(vec![written.clone(); answered]), 2);
            assert!(matches!(judgement, Judgement::Again { severity: Severity::Unknown, .. }), "{judgement:?}");
        }
    }

    #[test]
    fn only_a_fatal_error_ends_a_batch() {
        for severity in [Severity::Throttled, Severity::Unavailable, Severity::Unknown] {
            let judgement = judge(Err(RequestError { severity, message: "m".into() }), 1);
            assert_eq!(judgement, Judgement::Again { severity, why: "m".into() });
        }
        let fatal = RequestError { severity: Severity::Fatal, message: "m".into() };
        assert_eq!(judge(Err(fatal), 1), Judgement::Fatal("m".into()));
    }

    #[test]
    fn waiting_comes_back_when_due_in_the_order_of_due_times() {
        let (start, step) = (Instant::now(), Duration::from_millis(10));
        let mut waiting = Waiting::new();
        waiting.push(start + 2 * step, vec![3, 4]);
        waiting.push(start + step, vec![1]);
        waiting.push(start + step, vec![2]);
        assert_eq!(waiting.next_due(), Some(start + step));
        assert_eq!(waiting.take_due(start), Vec::<i32>::new());
        assert_eq!(waiting.take_due(start + step), [1, 2]);
        assert_eq!(waiting.drain().collect::<Vec<_>>(), [3, 4]);
        assert!(waiting.is_empty());
    }
}
