//! When each document is to be sent.

use std::time::Duration;

use super::{LoadError, part::Part};
use crate::spec::{Length, Rate};

/// A document later than that is never sent.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// A schedule fixed before the first document; it never slips.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// `None`: as fast as it goes.
    pub(super) per_second: Option<f64>,
    /// Documents in all, where that is known.
    pub(super) total: Option<u64>,
    /// When the last one may be sent, where only that is known.
    until: Option<Duration>,
}

impl Pace {
    pub(super) fn new(rate: Rate, length: Length) -> Self {
        match (rate, length) {
            (Rate::PerSecond(rate), Length::Duration(time)) => {
                let total = (rate * time.as_secs_f64()).round() as u64;
                Self { per_second: Some(rate), total: Some(total), until: None }
            }
            (Rate::PerSecond(rate), Length::Records(total)) => {
                Self { per_second: Some(rate), total: Some(total), until: None }
            }
            (Rate::Max, Length::Duration(time)) => Self { per_second: None, total: None, until: Some(time) },
            (Rate::Max, Length::Records(total)) => Self { per_second: None, total: Some(total), until: None },
        }
    }

    /// That of one worker: its share of the documents at its share of the rate.
    ///
    /// # Errors
    /// Nobody knows beforehand how many there are to be shared.
    pub(super) fn of_part(self, part: Part) -> Result<Self, LoadError> {
        if part.is_whole() {
            return Ok(self);
        }
        let documents = part.documents(self.total.ok_or(LoadError::Endless)?);
        let per_second = self.per_second.map(|rate| rate / f64::from(part.of));
        Ok(Self { per_second, total: Some(documents.end - documents.start), ..self })
    }

    /// Whether nothing more is to be sent.
    pub(super) fn is_over(&self, offered: u64, elapsed: Duration) -> bool {
        self.total.is_some_and(|total| offered >= total) || self.until.is_some_and(|until| elapsed >= until)
    }

    /// When a document is to be sent, from the start; `None`: as soon as it can be.
    pub(super) fn intended(&self, document: u64) -> Option<Duration> {
        self.per_second
            .map(|rate| Duration::try_from_secs_f64(document as f64 / rate).map_or(FOR_EVER, |at| at.min(FOR_EVER)))
    }

    /// How many documents are to be sent by then, none of them early.
    pub(super) fn due(&self, elapsed: Duration) -> u64 {
        let most = self.total.unwrap_or(u64::MAX);
        let Some(rate) = self.per_second else { return most };
        let about = (elapsed.as_secs_f64() * rate) as u64;
        let is_due = |document: &u64| self.intended(*document).is_some_and(|at| at <= elapsed);
        // Its own rounding may be off by one from that of the schedule.
        let last = [about.saturating_add(1), about, about.saturating_sub(1)].into_iter().find(is_due);
        last.map_or(0, |last| last.saturating_add(1)).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_schedule_is_exact_at_any_rate() {
        for rate in [0.5, 3.0, 2_000.0, 60_000.0, 1_000_000.0] {
            let pace = Pace::new(Rate::PerSecond(rate), Length::Duration(MINUTE));
            let total = pace.total.expect("known");
            assert_eq!(total as f64, rate * 60.0);
            assert!(!pace.is_over(total - 1, MINUTE * 9) && pace.is_over(total, Duration::ZERO));
            let half = pace.intended(total / 2).expect("a schedule");
            assert!((half.as_secs_f64() - 30.0).abs() < 1e-6, "{half:?}");
        }
    }

    #[test]
    fn what_is_due_is_never_early_and_never_late() {
        for rate in [0.5, 3.0, 2_000.0, 60_000.0, 1_000_000.0] {
            let pace = Pace::new(Rate::PerSecond(rate), Length::Records(u64::MAX));
            for document in [0, 1, 2, 3, 999, 59_999, 60_001, 17_999_999] {
                let at = pace.intended(document).expect("a schedule");
                assert_eq!(pace.due(at), document + 1, "document {document} at {rate}/s");
                if document > 0 {
                    assert_eq!(
                        pace.due(at - Duration::from_nanos(1)),
                        document,
                        "before document {document} at {rate}/s"
                    );
                }
            }
        }
        let ended = Pace::new(Rate::PerSecond(10.0), Length::Records(5));
        assert_eq!([0, 100, 60_000].map(|ms| ended.due(Duration::from_millis(ms))), [1, 2, 5]);
        assert_eq!(Pace::new(Rate::Max, Length::Duration(MINUTE)).due(Duration::ZERO), u64::MAX);
    }

    #[test]
    fn parts_share_documents_and_rate() {
        let whole = Pace::new(Rate::PerSecond(2_000.0), Length::Records(10_007));
        let parts = (1..=3).map(|worker| whole.of_part(Part { worker, of: 3 }).expect("a part"));
        assert_eq!(parts.clone().filter_map(|part| part.total).collect::<Vec<_>>(), [3_335, 3_336, 3_336]);
        assert!(parts.clone().all(|part| part.intended(2_000) == Some(Duration::from_secs(3))));
        let endless = Pace::new(Rate::Max, Length::Duration(MINUTE));
        assert!(endless.of_part(Part::WHOLE).is_ok());
        assert!(matches!(endless.of_part(Part { worker: 1, of: 2 }), Err(LoadError::Endless)));
    }

    #[test]
    fn no_rate_is_too_slow_for_the_clock() {
        let pace = Pace::new(Rate::PerSecond(f64::MIN_POSITIVE), Length::Records(2));
        assert_eq!((pace.intended(0), pace.intended(1)), (Some(Duration::ZERO), Some(FOR_EVER)));
        assert_eq!(pace.due(MINUTE), 1);
    }

    #[test]
    fn the_fastest_ends_by_time_or_by_count() {
        let timed = Pace::new(Rate::Max, Length::Duration(MINUTE));
        assert_eq!((timed.total, timed.intended(9)), (None, None));
        assert!(!timed.is_over(u64::MAX, MINUTE - Duration::from_nanos(1)) && timed.is_over(0, MINUTE));
        let counted = Pace::new(Rate::Max, Length::Records(10));
        assert!(!counted.is_over(9, MINUTE) && counted.is_over(10, Duration::ZERO));
    }
}
