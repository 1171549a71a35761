//! Why records come back, how long they wait before they are sent again, and the place to wait in.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    answer::Answer,
    completion::CompletionHandle,
    transport::{RequestError, Severity},
};

/// Exponential backoff with jitter: before attempt n + 1 a record waits between a half and the whole of
/// `initial` · 2ⁿ⁻¹, at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_millis(50), max: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// The same with another longest wait after the first attempt, at least 1 ms; 50 ms by default.
    pub fn with_initial(self, initial: Duration) -> Self {
        Self { initial, ..self }
    }

    /// The same with another longest wait after any attempt; 2 s by default.
    pub fn with_max(self, max: Duration) -> Self {
        Self { max, ..self }
    }

    /// The longest wait after the first attempt.
    pub fn initial(&self) -> Duration {
        self.initial
    }

    /// The longest wait after any attempt.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// Draws how long to wait after `attempts` attempts.
    pub fn delay(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.initial.saturating_mul(doubled).min(self.max);
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// Why a record of an answered request comes back.
pub(super) fn refused(code: &str, message: &str) -> RequestError {
    let severity = if is_throttle(code) { Severity::Throttled } else { Severity::Unavailable };
    RequestError::new(severity, format!("{code}: {message}")).with_code(code)
}

/// A record was carried in vain once more.
pub(super) fn note(error: &RequestError, completion: &mut CompletionHandle) {
    completion.may_be_written |= error.severity().may_be_written();
    completion.unread += u8::from(error.severity() == Severity::Unread);
    completion.last_error = Some(error.clone());
}

/// An answer with another number of positions than was sent says nothing about any of them.
pub(super) fn counted(answer: Result<Answer, RequestError>, sent: usize) -> Result<Answer, RequestError> {
    let answer = answer?;
    if answer.len() == sent {
        return Ok(answer);
    }
    let message = format!("PutRecords answered {} positions for {sent} records", answer.len());
    Err(RequestError::new(Severity::Unread, message))
}

/// Whether a refused position asks for less.
fn is_throttle(code: &str) -> bool {
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

    pub(super) fn len(&self) -> usize {
        self.by_due.values().map(Vec::len).sum()
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
    use super::*;

    #[test]
    fn backoff_grows_from_initial_to_max_with_jitter() {
        let backoff = Backoff::default();
        for (attempts, whole) in [(1, 50), (2, 100), (3, 200), (6, 1600), (7, 2000), (40, 2000), (u32::MAX, 2000)] {
            let whole = Duration::from_millis(whole);
            let delays: Vec<_> = (0..100).map(|_| backoff.delay(attempts)).collect();
            assert!(delays.iter().all(|delay| (whole / 2..=whole).contains(delay)), "{attempts}: {delays:?}");
            assert!(delays.iter().any(|delay| *delay != delays[0]), "no jitter after {attempts}");
        }
    }

    #[test]
    fn an_answer_of_another_length_is_no_answer() {
        let answer = || Ok(Answer::builder().written("s", "1").written("s", "2").build());
        assert_eq!(counted(answer(), 2).expect("an answer").len(), 2);
        for sent in [0, 1, 3] {
            assert_eq!(counted(answer(), sent).expect_err("refused").severity(), Severity::Unread);
        }
        let error = RequestError::new(Severity::Fatal, "m");
        assert_eq!(counted(Err(error), 2).expect_err("refused").severity(), Severity::Fatal);
    }

    #[test]
    fn throttling_is_told_from_failing() {
        let severity = |code| refused(code, "m").severity();
        assert_eq!(severity("ProvisionedThroughputExceededException"), Severity::Throttled);
        assert_eq!(severity("InternalFailure"), Severity::Unavailable);
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
