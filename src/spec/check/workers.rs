//! The checks of `load.workers`: what several processes can share.

use super::{
    super::{file::LoadFile, quantity::Refusal, schedule::Schedule, schedule::Timetable},
    values::Check,
};

const WORKERS: &str = "load.workers";

impl Check<'_> {
    /// Workers have documents next to each other, each at its part of the rate.
    pub(super) fn workers(&mut self, load: &LoadFile, schedule: Option<&Schedule>) -> Option<Option<u32>> {
        let Some(workers) = load.workers else { return Some(None) };
        let problem = match schedule {
            Some(Schedule::Max(_)) => {
                "workers cannot share a load at rate `max`: how much each sends is not known before"
            }
            Some(Schedule::Open(Timetable::Replay(_))) => {
                "workers cannot share a replay: each of its documents has a time of its own"
            }
            _ if load.ordered == Some(true) => {
                "workers cannot keep the order of a partition key: two of them may have documents with it"
            }
            _ => return Some(Some(workers)),
        };
        let remedy = format!("a load at a rate, not `ordered` (`--set {WORKERS}=null` has one process send it)");
        self.refuse_key(WORKERS, Refusal::new(problem, remedy));
        None
    }
}
