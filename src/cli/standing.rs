//! How a stack stands: what is there of it, since when and by whose doing, what it costs, and the one command to type.

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

/// A stack as its journal and its lock show it; nothing is called.
#[derive(Clone, Debug)]
pub struct Standing {
    state: State,
    held: Held,
    now: DateTime<Utc>,
}

/// How far a stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A process works on it.
    InUse,
    /// An `up` did not come to its end.
    HalfMade,
    /// All of it is there.
    Up,
    /// A `down` did not come to its end.
    HalfGone,
    /// Nothing is left of it.
    Gone,
}

impl Stage {
    /// For people and for `--json`.
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

/// How a stack stands now that this command leaves it: what is there, what it costs and what to type.
pub fn standing(home: &Home, id: &StackId) -> String {
    match home.find(id.as_str()) {
        Ok(state) => Standing { state, held: Held::default(), now: Utc::now() }.to_string(),
        Err(error) => format!("{id}: {error}\n  demo down {id}    removes what is there of it"),
    }
}

impl Standing {
    /// Of a stack whose journal was read.
    pub fn of(home: &Home, state: &State) -> Result<Self, HomeError> {
        let held = state.id().map(|id| home.held(id)).transpose()?.unwrap_or_default();
        Ok(Self { state: state.clone(), held, now: Utc::now() })
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        match &self.state {
            state if state.is_closed() => Stage::Gone,
            _ if self.held.now => Stage::InUse,
            state if state.is_going_down() => Stage::HalfGone,
            state if state.is_whole() => Stage::Up,
            _ => Stage::HalfMade,
        }
    }

    /// Whether a process was cut off while it worked on it.
    pub fn is_left_behind(&self) -> bool {
        match self.stage() {
            _ if self.state.opened().is_none() => false,
            Stage::HalfMade | Stage::HalfGone => true,
            Stage::Up => self.is_run_cut_off() || self.is_past(),
            Stage::InUse | Stage::Gone => false,
        }
    }

    /// Says so where a process was cut off while it worked on it.
    pub fn tell(&self, screen: &Screen) {
        if self.is_left_behind() {
            screen.say(&format!("{self}\n"));
        }
    }

    /// What was cut off and the one command to type, for a list; nothing where no process was cut off.
    pub fn hint(&self) -> Option<String> {
        let said: Vec<String> = [self.because(), self.advice()].into_iter().flatten().collect();
        self.is_left_behind().then(|| said.join(": "))
    }

    /// When its time to live ends, where it has one.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        ttl::known(&self.state)
    }

    fn is_past(&self) -> bool {
        self.expires().is_some_and(|at| at <= self.now)
    }

    fn is_run_cut_off(&self) -> bool {
        self.state.runs().last().is_some_and(|run| run.summary.is_none())
    }

    /// What is there of it.
    fn there(&self) -> String {
        let wanted = self.state.wanted().len();
        let live: Vec<&Resource> = self.state.live().collect();
        let (maybe, made): (Vec<&Resource>, Vec<&Resource>) =
            live.iter().partition(|resource| resource.phase == Phase::Intended);
        let kinds = kinds(live.iter().map(|resource| &resource.node));
        let unready = made.iter().filter(|resource| resource.phase == Phase::Accepted).count();
        let more = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
        let but = format!("{}{}", more(unready, "not ready yet"), more(maybe.len(), "perhaps"));
        match self.stage() {
            Stage::Gone => "nothing is left".to_owned(),
            _ if self.state.is_going_down() => {
                format!("{} of {} still there ({kinds})", live.len(), self.state.resources().len())
            }
            _ if live.is_empty() => "nothing was made yet".to_owned(),
            _ if self.state.is_whole() => format!("all {} are up ({kinds})", made.len()),
            _ => format!("{} of {} made{but} ({kinds})", made.len(), wanted.max(live.len())),
        }
    }

    /// By whose doing, and when.
    fn because(&self) -> Option<String> {
        let holder = self.held.holder.as_ref()?;
        let ago = ttl::read(self.state.last_at()).map_or(String::new(), |at| format!(" {} ago", span(self.now - at)));
        let command = &holder.command;
        match self.stage() {
            Stage::InUse => Some(format!("{holder} is at it")),
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
            Stage::InUse => return Some("wait until that has ended, or stop it".to_owned()),
            Stage::HalfGone => "goes on removing it",
            Stage::Up => "removes it",
            Stage::HalfMade => "removes it; the same `demo up` goes on making it",
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

/// Such as `bucket, role ×2, stream`.
fn kinds<'a>(nodes: impl Iterator<Item = &'a Node>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    nodes.for_each(|node| *counts.entry(&node.key.kind).or_default() += 1);
    let named =
        counts.into_iter().map(|(kind, count)| if count == 1 { kind.to_owned() } else { format!("{kind} ×{count}") });
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
