//! When each document is to be sent.

use std::{sync::Arc, time::Duration};

use super::{LoadError, part::Part};
use crate::spec::{Length, Schedule, Timetable};

/// A schedule, or a worker's part of it; it never slips by itself.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// What was to be, and what became of it by hand; the last one goes on.
    courses: Vec<Course>,
    /// Documents in all, where that is known.
    total: Option<u64>,
    /// When it is over, whatever was sent.
    until: Option<Duration>,
    /// How many workers share the schedule: each has its part of the rate all the time.
    workers: u32,
    /// Since when nothing is due.
    paused: Option<Duration>,
    is_stopped: bool,
}

/// How documents follow each other from one of them on.
#[derive(Clone, Debug)]
struct Course {
    from: u64,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// As the schedule says, so much later.
    Planned { times: Arc<Timetable>, later: Duration },
    /// Evenly, from a time and a document on.
    Level { begins: Duration, first: u64, per_second: f64 },
    /// In a closed loop.
    Fastest,
}

/// A document later than that is never sent.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

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
        let (kind, until) = match schedule {
            Schedule::Open(times) => (Kind::Planned { times: Arc::new(times), later: Duration::ZERO }, None),
            Schedule::Max(Length::Duration(until)) => (Kind::Fastest, Some(until)),
            Schedule::Max(Length::Records(_)) => (Kind::Fastest, None),
        };
        let courses = vec![Course { from: 0, kind }];
        let (total, workers) = (whole.map(own), part.of);
        Ok(Self { courses, total, until, workers, paused: None, is_stopped: false })
    }

    /// Documents in all, where that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Documents a second that were to be sent so far, if they had their times; of an untouched schedule its mean.
    pub(super) fn asked(&self, offered: u64) -> Option<f64> {
        let workers = f64::from(self.workers);
        match self.courses.as_slice() {
            [Course { kind: Kind::Planned { times, .. }, .. }] if !self.is_stopped => Some(times.mean() / workers),
            _ => {
                let last = self.intended(offered.checked_sub(1)?)?.as_secs_f64();
                (last > 0.0).then(|| offered as f64 / last)
            }
        }
    }

    /// Whether nothing more is to be sent.
    pub(super) fn is_over(&self, offered: u64, elapsed: Duration) -> bool {
        let is_late = self.until.is_some_and(|until| elapsed >= until);
        self.is_stopped || is_late || self.total.is_some_and(|total| offered >= total)
    }

    /// When a document is to be sent, from the start; `None`: as soon as it can be.
    pub(super) fn intended(&self, document: u64) -> Option<Duration> {
        let course = self.courses.iter().rev().find(|course| course.from <= document);
        course.expect("the first begins with document 0").kind.intended(document, self.workers)
    }

    /// How many documents are to be sent by then, none of them early.
    pub(super) fn due(&self, elapsed: Duration) -> u64 {
        let most = self.total.unwrap_or(u64::MAX);
        let elapsed = self.paused.unwrap_or(elapsed);
        let Course { from, kind } = self.current();
        let Some(about) = kind.about_due(elapsed, self.workers) else { return most };
        let is_due = |document: &u64| kind.intended(*document, self.workers).is_some_and(|at| at <= elapsed);
        // Its own rounding may be off by one from that of the schedule.
        let last = [about.saturating_add(1), about, about.saturating_sub(1)].into_iter().find(is_due);
        last.map_or(0, |last| last.saturating_add(1)).max(*from).min(most)
    }

    /// The same while documents have their times.
    pub(super) fn scheduled(&self, elapsed: Duration) -> Option<u64> {
        let has_times = !self.is_stopped && !matches!(self.current().kind, Kind::Fastest);
        has_times.then(|| self.due(elapsed))
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Nothing is due any more until it is resumed, but for what was.
    pub(super) fn pause(&mut self, elapsed: Duration) {
        self.paused.get_or_insert(elapsed);
    }

    /// What was not due when it was paused is due so much later.
    pub(super) fn resume(&mut self, elapsed: Duration, offered: u64) {
        let Some(since) = self.paused else { return };
        let from = self.due_or_offered(since, offered);
        self.paused = None;
        let kind = self.current().kind.clone().later_by(elapsed.saturating_sub(since));
        self.courses.push(Course { from, kind });
    }

    /// So many documents a second from now on, over all workers, in place of the schedule.
    pub(super) fn set_rate(&mut self, rate: f64, elapsed: Duration, offered: u64) {
        // In a pause, nothing is due because of a new rate.
        let begins = self.paused.map_or(elapsed, |since| since + Duration::from_nanos(1));
        let first = self.due_or_offered(begins, offered);
        let per_second = rate / f64::from(self.workers);
        self.courses.push(Course { from: first, kind: Kind::Level { begins, first, per_second } });
    }

    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// The first document that has no time yet.
    fn due_or_offered(&self, elapsed: Duration, offered: u64) -> u64 {
        match self.current().kind {
            Kind::Fastest => offered,
            Kind::Planned { .. } | Kind::Level { .. } => self.due(elapsed),
        }
    }

    fn current(&self) -> &Course {
        self.courses.last().expect("it begins with one")
    }
}

impl Kind {
    fn intended(&self, document: u64, workers: u32) -> Option<Duration> {
        match self {
            Self::Planned { times, later } => Some(times.time_of(document as f64 * f64::from(workers)) + *later),
            Self::Level { begins, first, per_second } => {
                let seconds = document.saturating_sub(*first) as f64 / per_second;
                Some(*begins + Duration::try_from_secs_f64(seconds).map_or(FOR_EVER, |after| after.min(FOR_EVER)))
            }
            Self::Fastest => None,
        }
    }

    /// How many documents are due by then, give or take one; `None` where documents have no times.
    fn about_due(&self, elapsed: Duration, workers: u32) -> Option<u64> {
        match self {
            Self::Planned { times, later } => {
                let elapsed = elapsed.checked_sub(*later).unwrap_or_default();
                Some((times.documents_until(elapsed) / f64::from(workers)) as u64)
            }
            Self::Level { begins, first, per_second } => {
                let seconds = elapsed.saturating_sub(*begins).as_secs_f64();
                Some(first.saturating_add((seconds * per_second) as u64))
            }
            Self::Fastest => None,
        }
    }

    fn later_by(self, pause: Duration) -> Self {
        match self {
            Self::Planned { times, later } => Self::Planned { times, later: later + pause },
            Self::Level { begins, first, per_second } => Self::Level { begins: begins + pause, first, per_second },
            Self::Fastest => Self::Fastest,
        }
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
        assert!(parts.clone().all(|part| part.asked(0).is_some_and(|mean| (mean - 2_000.0 / 3.0).abs() < 1e-6)));
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
        let schedule = Schedule::Open(Timetable::Stages(Stages::new(&[ramp, wave]).expect("documents")));
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

    #[test]
    fn a_pause_moves_what_was_not_due_and_nothing_else() {
        let mut paused = pace(Rate::PerSecond(10.0), Length::Records(100));
        let at = Duration::from_millis;
        paused.pause(at(2_000));
        paused.pause(at(2_500));
        assert!(paused.is_paused());
        assert_eq!([2_000, 9_000].map(|ms| paused.due(at(ms))), [21, 21], "document 20 was due when it was paused");
        paused.resume(at(7_000), 21);
        assert_eq!([20, 21].map(|document| paused.intended(document)), [Some(at(2_000)), Some(at(7_100))]);
        assert_eq!([7_000, 7_100, 60_000].map(|ms| paused.due(at(ms))), [21, 22, 100]);
        paused.resume(at(8_000), 32);
        assert_eq!(paused.intended(99), Some(at(14_900)), "a second resume moves nothing");
    }

    #[test]
    fn a_rate_holds_from_now_on_and_the_documents_stay() {
        let mut faster = pace(Rate::PerSecond(10.0), Length::Records(100));
        let at = Duration::from_millis;
        faster.set_rate(100.0, at(2_050), 15);
        assert_eq!(
            [19, 20, 21, 30].map(|document| faster.intended(document)),
            [Some(at(1_900)), Some(at(2_000)), Some(at(2_050)), Some(at(2_140))]
        );
        assert_eq!([2_049, 2_050, 2_060, 9_000].map(|ms| faster.due(at(ms))), [21, 22, 23, 100]);
        assert!(!faster.is_over(99, at(9_000)) && faster.is_over(100, at(9_000)));
        let asked = faster.asked(100).expect("known");
        assert!((asked - 100.0 / 2.83).abs() < 1e-6, "{asked}");
        faster.pause(at(2_100));
        faster.set_rate(1.0, at(3_000), 27);
        faster.resume(at(4_100), 27);
        let millis = |document| faster.intended(document).map(|at| at.as_millis());
        assert_eq!([26, 27, 28].map(millis), [2_100, 4_100, 5_100].map(Some));
        assert_eq!(faster.due(at(4_099)), 27, "nothing is due in a pause because of a new rate");
    }

    #[test]
    fn workers_share_a_rate_by_hand() {
        let whole = Schedule::constant(Rate::PerSecond(10.0), Length::Records(100)).expect("documents");
        let mut half = Pace::new(whole, Part { worker: 1, of: 2 }).expect("a part");
        half.set_rate(100.0, Duration::ZERO, 0);
        assert_eq!(
            half.intended(11),
            Some(Duration::from_millis(200)),
            "document 0 was due, 1 is the first of the rest"
        );
    }

    #[test]
    fn a_closed_loop_is_opened_by_a_rate_and_ends_in_time() {
        let mut fast = pace(Rate::Max, Length::Duration(MINUTE));
        fast.set_rate(2.0, MINUTE / 2, 1_000);
        assert_eq!(fast.due(MINUTE / 2 + Duration::from_secs(1)), 1_003);
        assert!(!fast.is_over(1_060, MINUTE / 2) && fast.is_over(1_060, MINUTE));
        fast.stop();
        assert!(fast.is_over(0, Duration::ZERO));
    }
}
