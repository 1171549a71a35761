//! What is to go wrong with which call, and what has come so far.

use std::collections::{HashMap, VecDeque};

use super::{Call, Fault};

/// When the caller is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// Before the service has seen the call.
    Before,
    /// When the service has done it, and the caller has not seen the answer.
    AfterUnseen,
    /// When the caller has seen the answer and done what it does until its next call.
    AfterAnswer,
}

impl Kill {
    pub const ALL: [Self; 3] = [Self::Before, Self::AfterUnseen, Self::AfterAnswer];
}

/// What becomes of the caller at a call.
pub(super) enum Fate {
    Lives,
    Dies(Kill),
}

#[derive(Default)]
pub(super) struct Script {
    calls: Vec<Call>,
    faults: HashMap<String, VecDeque<(usize, Fault)>>,
    /// How many calls are left until the last, and how it ends then.
    kill: Option<(usize, Kill)>,
}

impl Script {
    pub(super) fn add(&mut self, on: &str, times: usize, fault: Fault) {
        self.faults.entry(on.to_owned()).or_default().push_back((times, fault));
    }

    pub(super) fn heal(&mut self) {
        self.faults.clear();
    }

    pub(super) fn kill_at(&mut self, number: usize, when: Kill) {
        assert!(number > 0, "calls are counted from 1");
        self.kill = Some((number, when));
    }

    pub(super) fn spare(&mut self) {
        self.kill = None;
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    pub(super) fn forget(&mut self) {
        self.calls.clear();
    }

    /// Notes a call; what becomes of its caller, and what goes wrong with it.
    pub(super) fn arrive(&mut self, call: &Call) -> (Fate, Option<Fault>) {
        self.calls.push(call.clone());
        let fault = self.next_fault(&call.name);
        match &mut self.kill {
            Some((1, when)) => {
                let fate = Fate::Dies(*when);
                self.kill = None;
                (fate, fault)
            }
            Some((left, _)) => {
                *left -= 1;
                (Fate::Lives, fault)
            }
            None => (Fate::Lives, fault),
        }
    }

    fn next_fault(&mut self, name: &str) -> Option<Fault> {
        let faults = self.faults.get_mut(name)?;
        let (times, fault) = faults.front_mut()?;
        let next = fault.clone();
        match times {
            &mut usize::MAX => {}
            1 => drop(faults.pop_front()),
            times => *times -= 1,
        }
        Some(next)
    }
}
