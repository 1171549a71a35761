//! When each document is to be sent.

use std::time::Duration;

use super::{LoadError, part::Part};
use crate::spec::{Length, Schedule};

/// A schedule, or a worker's part of it; it never slips.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    schedule: Schedule,
    /// Documents in all, where that is known.
    total: Option<u64>,
    /// How many workers share the schedule: each has its part of the rate all the time.
    workers: u32,
}

impl Pace {
    /// # Errors
    /// Nobody knows beforehand how many documents there are to be shared.
    pub(super) fn new(schedule: Schedule, part: Part) -> Result<Self, LoadError> {
        let whole = schedule.documents();
        if whole.is_none() && !part.is_whole() {
            return Err(LoadError::Endless);
        }
        let own = |whole| {
            let documents = part.documents(whole);
            documents.end - documents.start
        };
        Ok(Self { schedule, total: whole.map(own), workers: part.of })
    }

    /// Documents in all, where that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Documents a second in the mean; `None`: as fast as it goes.
    pub(super) fn mean(&self) -> Option<f64> {
        self.schedule.mean().map(|mean| mean / f64::from(self.workers))
    }

    /// Whether nothing more is to be sent.
    pub(super) fn is_over(&self, offered: u64, elapsed: Duration) -> bool {
        let is_late = matches!(self.schedule, Schedule::Max(Length::Duration(until)) if elapsed >= until);
        is_late || self.total.is_some_and(|total| offered >= total)
    }

    /// When a document is to be sent, from the start; `None`: as soon as it can be.
    pub(super) fn intended(&self, document: u64) -> Option<Duration> {
        match &self.schedule {
            Schedule::Open(stages) => Some(stages.time_of(document as f64 * f64::from(self.workers))),
            Schedule::Max(_) => None,
        }
    }

    /// How many documents are to be sent by then, none of them early.
    pub(super) fn due(&self, elapsed: Duration) -> u64 {
        let most = self.total.unwrap_or(u64::MAX);
        let Schedule::Open(stages) = &self.schedule else { return most };
        let about = (stages.documents_until(elapsed) / f64::from(self.workers)) as u64;
        let is_due = |document: &u64| self.intended(*document).is_some_and(|at| at <= elapsed);
        // Its own rounding may be off by one from that of the schedule.
        let last = [about.saturating_add(1), about, about.saturating_sub(1)].into_iter().find(is_due);
        last.map_or(0, |last| last.saturating_add(1)).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Rate, Shape, Stage, Stages, Wave};

    fn pace(rate: Rate, length: Length) -> Pace {
        Pace::new(Schedule::constant(rate, length).expect("documents"), Part::WHOLE).expect("all of it")
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_schedule_is_exact_at_any_rate() {
        for rate in [0.5, 3.0, 2_000.0, 60_000.0, 1_000_000.0] {
            let pace = pace(Rate::PerSecond(rate), Length::Duration(MINUTE));
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
            let pace = pace(Rate::PerSecond(rate), Length::Records(u64::MAX));
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
        let ended = pace(Rate::PerSecond(10.0), Length::Records(5));
        assert_eq!([0, 100, 60_000].map(|ms| ended.due(Duration::from_millis(ms))), [1, 2, 5]);
        assert_eq!(pace(Rate::Max, Length::Duration(MINUTE)).due(Duration::ZERO), u64::MAX);
    }

    #[test]
    fn parts_share_documents_and_rate() {
        let whole = Schedule::constant(Rate::PerSecond(2_000.0), Length::Records(10_007)).expect("documents");
        let parts = (1..=3).map(|worker| Pace::new(whole.clone(), Part { worker, of: 3 }).expect("a part"));
        assert_eq!(parts.clone().filter_map(|part| part.total).collect::<Vec<_>>(), [3_335, 3_336, 3_336]);
        assert!(parts.clone().all(|part| part.intended(2_000) == Some(Duration::from_secs(3))));
        assert!(parts.clone().all(|part| part.mean().is_some_and(|mean| (mean - 2_000.0 / 3.0).abs() < 1e-6)));
        let endless = Schedule::Max(Length::Duration(MINUTE));
        assert!(Pace::new(endless.clone(), Part::WHOLE).is_ok());
        assert!(matches!(Pace::new(endless, Part { worker: 1, of: 2 }), Err(LoadError::Endless)));
    }

    /// At any time, all workers together have sent as much as one that sends all: each at most one document less.
    #[test]
    fn parts_add_up_to_the_schedule_all_the_time() {
        let ramp = Stage { shape: Shape::Ramp { from: 0.0, to: 900.0 }, lasts: Duration::from_secs(10) };
        let wave = Wave { low: 100.0, high: 700.0, period: 4.0 };
        let wave = Stage { shape: Shape::Wave(wave), lasts: Duration::from_secs(13) };
        let schedule = Schedule::Open(Stages::new(&[ramp, wave]).expect("documents"));
        let whole = Pace::new(schedule.clone(), Part::WHOLE).expect("all of it");
        let parts: Vec<_> = (1..=4).map(|worker| Pace::new(schedule.clone(), Part { worker, of: 4 })).collect();
        let parts: Vec<_> = parts.into_iter().map(|part| part.expect("a part")).collect();
        assert_eq!(parts.iter().filter_map(Pace::total).sum::<u64>(), whole.total().expect("known"));
        for millis in (0..=23_000).step_by(37) {
            let elapsed = Duration::from_millis(millis);
            let (together, alone) = (parts.iter().map(|part| part.due(elapsed)).sum::<u64>(), whole.due(elapsed));
            assert!(together.abs_diff(alone) <= 4, "{together} and {alone} after {elapsed:?}");
        }
    }

    #[test]
    fn no_rate_is_too_slow_for_the_clock() {
        let pace = pace(Rate::PerSecond(f64::MIN_POSITIVE), Length::Records(2));
        assert_eq!((pace.intended(0), pace.intended(1)), (Some(Duration::ZERO), Some(MINUTE * 60 * 24 * 365 * 30)));
        assert_eq!(pace.due(MINUTE), 1);
    }

    #[test]
    fn the_fastest_ends_by_time_or_by_count() {
        let timed = pace(Rate::Max, Length::Duration(MINUTE));
        assert_eq!((timed.total, timed.intended(9)), (None, None));
        assert!(!timed.is_over(u64::MAX, MINUTE - Duration::from_nanos(1)) && timed.is_over(0, MINUTE));
        let counted = pace(Rate::Max, Length::Records(10));
        assert!(!counted.is_over(9, MINUTE) && counted.is_over(10, Duration::ZERO));
    }
}
