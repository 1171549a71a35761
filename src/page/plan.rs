//! What a run is to do, known before it does it.

use std::time::Duration;

use serde::Serialize;

use crate::{
    load::Part,
    spec::{Schedule, Stack, Timetable},
};

/// Steps in which the schedule is drawn.
const STEPS: u32 = 240;

/// The schedule and events of a stack file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Plan {
    /// Times and documents a second; none where documents are sent as fast as they can be.
    schedule: Vec<(f64, f64)>,
    /// When the load ends; null where only its documents say so.
    ends: Option<f64>,
    /// Documents; null where only the time says how many.
    documents: Option<u64>,
    /// What the stack file does to the load, in the order of the times.
    events: Vec<Planned>,
}

/// An event of the stack file.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Planned {
    at: f64,
    text: String,
}

impl Plan {
    /// A worker has its part of the documents all the time.
    pub(super) fn of(stack: &Stack, part: Part) -> Self {
        let schedule = &stack.load.schedule;
        let planned =
            |event: &crate::spec::Event| Planned { at: event.at.as_secs_f64(), text: event.action.to_string() };
        let own = |whole| {
            let documents = part.documents(whole);
            documents.end - documents.start
        };
        Self {
            schedule: match schedule {
                Schedule::Open(times) => rates(times, schedule.duration().unwrap_or_default(), part.of),
                Schedule::Max(_) => Vec::new(),
            },
            ends: schedule.duration().map(|ends| ends.as_secs_f64()),
            documents: schedule.documents().map(own),
            events: stack.load.events.iter().map(planned).collect(),
        }
    }
}

fn rates(times: &Timetable, lasts: Duration, workers: u32) -> Vec<(f64, f64)> {
    let step = lasts / STEPS;
    if step.is_zero() {
        return Vec::new();
    }
    let seconds = step.as_secs_f64();
    let rate = |n: u32| {
        let documents = times.documents_until(step * (n + 1)) - times.documents_until(step * n);
        ((f64::from(n) + 0.5) * seconds, documents / seconds / f64::from(workers))
    };
    (0..STEPS).map(rate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn plan(sets: &[&str], part: Part) -> Plan {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let checked = spec::read("stacks/stream-only.yaml".as_ref(), &[], &sets);
        Plan::of(&checked.unwrap_or_else(|errors| panic!("{errors}")).stack, part)
    }

    #[test]
    fn the_schedule_is_known_with_its_events() {
        let events = "load.events=[{at: 2s, rate: 200/s}, {at: 3s, reshard: 8}]";
        let plan = plan(&["load.rate=100/s", "load.duration=4s", events], Part::WHOLE);
        assert_eq!((plan.ends, plan.documents, plan.schedule.len()), (Some(4.0), Some(600), 240));
        let rate = |at: f64| plan.schedule.iter().rev().find(|(time, _)| *time <= at).expect("a step").1;
        assert!((rate(1.0) - 100.0).abs() < 1e-6 && (rate(3.0) - 200.0).abs() < 1e-6, "{plan:?}");
        assert_eq!(plan.events, [Planned { at: 3.0, text: "reshard to 8 shards".into() }], "a rate is of the schedule");
    }

    #[test]
    fn a_worker_has_its_part_and_the_fastest_load_has_no_schedule() {
        let half = plan(&["load.rate=100/s", "load.duration=4s"], Part { worker: 1, of: 2 });
        assert_eq!((half.documents, half.schedule[0].1.round()), (Some(200), 50.0));
        let fastest = plan(&["load.rate=max", "load.duration=4s"], Part::WHOLE);
        assert_eq!((fastest.ends, fastest.documents, fastest.schedule), (Some(4.0), None, Vec::new()));
    }
}
