//! The status of a stack: which resources exist, who works or worked on it, what it costs, and which command to run.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};

use super::{
    ls::{left, span},
    screen::Screen,
};
use crate::{
    aws::{cost, pipeline::ttl},
    engine::{Held, Home, HomeError, Node, Phase, Resource, StackId, State},
};

/// A stack's status according to its journal and its lock, without any call.
#[derive(Clone, Debug)]
pub struct Standing {
    state: State,
    held: Held,
    now: DateTime<Utc>,
}

/// The stage of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A process has it locked.
    InUse,
    /// An `up` did not finish.
    HalfMade,
    /// All resources exist.
    Up,
    /// A `down` did not finish.
    HalfGone,
    /// No resource is left.
    Gone,
}

impl Stage {
    /// The name of the stage, for people and for `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "in use",
            Self::HalfMade => "half made",
            Self::Up => "up",
            Self::HalfGone => "half gone",
            Self::Gone => "gone",
        }
    }
}

/// The status of a stack that this command leaves: what exists, what it costs and which command to run.
pub fn standing(home: &Home, id: &StackId) -> String {
    match home.find(id.as_str()) {
        Ok(state) => Standing { state, held: Held::default(), now: Utc::now() }.to_string(),
        Err(error) => format!("{id}: {error}\n  demo down {id}    removes what exists of it"),
    }
}

impl Standing {
    /// The status of a stack whose journal was read.
    pub fn of(home: &Home, state: &State) -> Result<Self, HomeError> {
        let held = state.id().map(|id| home.held(id)).transpose()?.unwrap_or_default();
        Ok(Self { state: state.clone(), held, now: Utc::now() })
    }

    /// Its stage.
    pub fn stage(&self) -> Stage {
        match &self.state {
            state if state.is_closed() => Stage::Gone,
            _ if self.held.now => Stage::InUse,
            state if state.is_going_down() => Stage::HalfGone,
            state if state.is_whole() => Stage::Up,
            _ => Stage::HalfMade,
        }
    }

    /// Whether a process was cut off while it worked on the stack.
    pub fn is_left_behind(&self) -> bool {
        match self.stage() {
            _ if self.state.opened().is_none() => false,
            Stage::HalfMade | Stage::HalfGone => true,
            Stage::Up => self.is_run_cut_off() || self.is_past(),
            Stage::InUse | Stage::Gone => false,
        }
    }

    /// Prints the status if a process was cut off while it worked on the stack.
    pub fn tell(&self, screen: &Screen) {
        if self.is_left_behind() {
            screen.say(&format!("{self}\n"));
        }
    }

    /// What was cut off and which command to run, for a list; none if no process was cut off.
    pub fn hint(&self) -> Option<String> {
        let said: Vec<String> = [self.because(), self.advice()].into_iter().flatten().collect();
        self.is_left_behind().then(|| said.join(": "))
    }

    /// When it expires, if it has a TTL.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        ttl::known(&self.state)
    }

    fn is_past(&self) -> bool {
        self.expires().is_some_and(|at| at <= self.now)
    }

    fn is_run_cut_off(&self) -> bool {
        self.state.runs().last().is_some_and(|run| run.summary.is_none())
    }

    /// Which resources exist.
    fn there(&self) -> String {
        let wanted = self.state.wanted().len();
        let live: Vec<&Resource> = self.state.live().collect();
        let (maybe, made): (Vec<&Resource>, Vec<&Resource>) =
            live.iter().partition(|resource| resource.phase == Phase::Intended);
        let kinds = kinds(live.iter().map(|resource| &resource.node));
        let unready = made.iter().filter(|resource| resource.phase == Phase::Accepted).count();
        let more = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
        let but = format!("{}{}", more(unready, "not ready yet"), more(maybe.len(), "unconfirmed"));
        match self.stage() {
            Stage::Gone => "nothing is left".to_owned(),
            _ if self.state.is_going_down() => {
                format!("{} of {} still there ({kinds})", live.len(), self.state.resources().len())
            }
            _ if live.is_empty() => "nothing created yet".to_owned(),
            _ if self.state.is_whole() => format!("all {} are up ({kinds})", made.len()),
            _ => format!("{} of {} created{but} ({kinds})", made.len(), wanted.max(live.len())),
        }
    }

    /// Which process works on it, or was cut off, and when.
    fn because(&self) -> Option<String> {
        let holder = self.held.holder.as_ref()?;
        let ago = ttl::read(self.state.last_at()).map_or(String::new(), |at| format!(" {} ago", span(self.now - at)));
        let command = &holder.command;
        match self.stage() {
            Stage::InUse => Some(format!("locked by {holder}")),
            Stage::HalfMade | Stage::HalfGone => Some(format!("`{command}` was cut off{ago}")),
            Stage::Up if self.is_run_cut_off() => Some(format!("its last run was cut off{ago}")),
            Stage::Up | Stage::Gone => None,
        }
    }

    fn costs(&self) -> Option<String> {
        let target = &self.state.opened()?.target;
        let cost = cost::per_hour(self.state.live().map(|resource| &resource.node), target);
        let left = left(self.expires().map(|at| at - self.now));
        Some(format!("costs {cost}; {left}"))
    }

    fn advice(&self) -> Option<String> {
        let id = self.state.id()?;
        let goes_on = match self.stage() {
            Stage::Gone => return None,
            Stage::InUse => return Some("wait until that process ends, or stop it".to_owned()),
            Stage::HalfGone => "continues to remove it",
            Stage::Up => "removes it",
            Stage::HalfMade => "removes it; the same `demo up` continues to create it",
        };
        Some(format!("demo down {id}    {goes_on}"))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.state.id().map_or("(an empty journal)", StackId::as_str);
        write!(f, "{id}: {}", self.there())?;
        self.because().iter().try_for_each(|because| write!(f, "; {because}"))?;
        if self.stage() == Stage::Gone {
            return Ok(());
        }
        self.costs().iter().try_for_each(|costs| write!(f, "\n  {costs}"))?;
        self.advice().iter().try_for_each(|advice| write!(f, "\n  {advice}"))
    }
}

/// The kinds with their counts, such as `bucket, role ×2, stream`.
fn kinds<'a>(nodes: impl Iterator<Item = &'a Node>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    nodes.for_each(|node| *counts.entry(&node.key.kind).or_default() += 1);
    let named =
        counts.into_iter().map(|(kind, count)| if count == 1 { kind.to_owned() } else { format!("{kind} ×{count}") });
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
