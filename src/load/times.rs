//! Event times: when the schedule has each document of a run.

use std::sync::OnceLock;

use demo_workload::clock::Clock;
use serde::{Deserialize, Serialize};

use super::{flaws::Flaws, part::Part};
use crate::spec::{Schedule, Stages, Timetable};

/// What the event times of a run's documents follow from, with its tickets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// When the run began, in milliseconds since 1970.
    started: i64,
    /// When documents are to be sent from then on, by all workers together.
    schedule: Stages,
    /// The number in the run of the first document of this worker.
    first: u64,
    /// How many workers share the run.
    workers: u32,
}

/// The clock of a run, which knows its tickets once they are reserved.
#[derive(Debug)]
pub(super) struct RunClock {
    times: Times,
    /// Which documents say that they happened earlier.
    flaws: Option<Flaws>,
    first_ticket: OnceLock<u64>,
}

impl Times {
    /// Of a run that begins at this time, in milliseconds since 1970; `None` where documents have no times beforehand.
    pub(super) fn from(started: i64, schedule: &Schedule, part: Part) -> Option<Self> {
        let Schedule::Open(Timetable::Stages(schedule)) = schedule else { return None };
        let first = part.documents(schedule.documents()).start;
        Some(Self { started, schedule: schedule.clone(), first, workers: part.of })
    }

    /// Of a document by its number in the run.
    fn of(&self, document: u64) -> i64 {
        // As the load's own pace: each worker has its part of the rate all the time.
        let of_worker = document.saturating_sub(self.first) as f64 * f64::from(self.workers);
        let after = self.schedule.time_of(of_worker).as_millis();
        self.started.saturating_add(i64::try_from(after).unwrap_or(i64::MAX))
    }
}

impl RunClock {
    pub(super) fn new(times: Times, flaws: Option<Flaws>) -> Self {
        Self { times, flaws, first_ticket: OnceLock::new() }
    }

    /// Only the first ticket that it is told counts: a run whose documents have times reserves all its tickets at once.
    pub(super) fn begins_at(&self, ticket: u64) {
        self.first_ticket.get_or_init(|| ticket);
    }
}

impl Clock for RunClock {
    fn at(&self, number: u64) -> i64 {
        let first = self.first_ticket.get().expect("no document is made before its run has tickets");
        let document = number.saturating_sub(*first);
        let delay = self.flaws.as_ref().map_or(0, |flaws| flaws.delay_ms(document));
        self.times.of(document).saturating_sub_unsigned(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Length, Rate};

    fn clock(part: Part) -> (i64, RunClock) {
        let schedule = Schedule::constant(Rate::PerSecond(400.0), Length::Records(1_000)).expect("documents");
        let times = Times::from(1_700_000_000_000, &schedule, part).expect("an open loop");
        let text = serde_json::to_string(&times).expect("JSON");
        assert_eq!(serde_json::from_str::<Times>(&text).expect("times"), times, "{text}");
        let clock = RunClock::new(times, None);
        clock.begins_at(501);
        clock.begins_at(9_999);
        (clock.times.started, clock)
    }

    #[test]
    fn a_document_happens_when_the_schedule_has_it() {
        let (started, clock) = clock(Part::WHOLE);
        assert_eq!([501, 502, 901].map(|ticket| clock.at(ticket) - started), [0, 2, 1_000]);
    }

    #[test]
    fn a_worker_has_its_part_of_the_rate() {
        let (started, clock) = clock(Part { worker: 2, of: 2 });
        let first = 501 + 500;
        assert_eq!([first, first + 1, first + 200].map(|ticket| clock.at(ticket) - started), [0, 5, 1_000]);
        assert_eq!(clock.at(501), started, "another worker's");
    }

    #[test]
    fn at_rate_max_nothing_has_a_time_beforehand() {
        let fastest = Schedule::constant(Rate::Max, Length::Records(5)).expect("documents");
        assert_eq!(Times::from(0, &fastest, Part::WHOLE), None);
    }
}
