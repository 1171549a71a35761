//! When each document is to be sent.

use std::time::Duration;

use crate::spec::{Length, Rate};

/// A document later than that is never sent.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// A schedule fixed before the first document; it never slips.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// `None`: as fast as it goes.
    per_second: Option<f64>,
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

    /// Whether nothing more is to be sent.
    pub(super) fn is_over(&self, offered: u64, elapsed: Duration) -> bool {
        self.total.is_some_and(|total| offered >= total) || self.until.is_some_and(|until| elapsed >= until)
    }

    /// When a document is to be sent, from the start; `None`: as soon as it can be.
    pub(super) fn intended(&self, document: u64) -> Option<Duration> {
        self.per_second
            .map(|rate| Duration::try_from_secs_f64(document as f64 / rate).map_or(FOR_EVER, |at| at.min(FOR_EVER)))
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
    fn no_rate_is_too_slow_for_the_clock() {
        let pace = Pace::new(Rate::PerSecond(f64::MIN_POSITIVE), Length::Records(2));
        assert_eq!((pace.intended(0), pace.intended(1)), (Some(Duration::ZERO), Some(FOR_EVER)));
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
