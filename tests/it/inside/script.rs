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

/// Which calls are counted until a kill.
pub enum Count {
    /// Every call.
    All,
    /// Those at which a kill may leave what no other kill leaves: every call that changes something, and, for
    /// [`Kill::Before`], one that only looks where something was begun or written since the call counted last. A kill
    /// after a look leaves the same as one before it, or before the next call. The function tells how much the caller
    /// has written, in bytes: it only ever appends.
    Telling(Box<dyn Fn() -> u64 + Send>),
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
    kill: Option<Coming>,
}

/// A kill that is to come.
struct Coming {
    /// How many counted calls are left until the last, and how it ends then.
    left: usize,
    when: Kill,
    count: Count,
    /// How many changes had been begun, and how much had been written, at the call counted last.
    last: Option<(usize, u64)>,
    begun: usize,
}

impl Coming {
    /// Whether it comes at this call.
    fn is_now(&mut self, call: &Call) -> bool {
        if self.counts(call) {
            self.left -= 1;
        }
        self.begun += usize::from(call.changes);
        self.left == 0
    }

    fn counts(&mut self, call: &Call) -> bool {
        let Count::Telling(written) = &self.count else { return true };
        if self.when != Kill::Before {
            return call.changes;
        }
        let now = Some((self.begun, written()));
        let tells = call.changes || now != self.last;
        self.last = now;
        tells
    }
}

impl Script {
    pub(super) fn add(&mut self, on: &str, times: usize, fault: Fault) {
        self.faults.entry(on.to_owned()).or_default().push_back((times, fault));
    }

    pub(super) fn heal(&mut self) {
        self.faults.clear();
    }

    pub(super) fn kill_at(&mut self, number: usize, when: Kill, count: Count) {
        assert!(number > 0, "calls are counted from 1");
        self.kill = Some(Coming { left: number, when, count, last: None, begun: 0 });
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
        let fate = match self.kill.take_if(|kill| kill.is_now(call)) {
            Some(kill) => Fate::Dies(kill.when),
            None => Fate::Lives,
        };
        (fate, fault)
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
