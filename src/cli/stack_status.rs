//! The status of a stack as text: which resources exist, who works or worked on it, what it costs, which command to run.

use std::{collections::BTreeMap, fmt};

use chrono::Utc;

use super::screen::Screen;
use crate::{
    aws::cost,
    engine::{Held, Home, Node, Phase, Resource, ResourceKey, StackId},
    operations::{StackStatus, Stage},
    pipeline::ttl,
    report::numbers::{duration, time_left},
};

/// The status of a stack that this command leaves: what exists, what it costs and which command to run.
pub fn text(home: &Home, id: &StackId) -> String {
    match home.find(id.as_str()) {
        Ok(state) => StatusText::of(&StackStatus { state, lock: Held::default(), now: Utc::now() }).to_string(),
        Err(error) => format!("{id}: {error}\n  demo down {id}    removes what exists of it"),
    }
}

/// A status as text for a person.
pub struct StatusText<'a> {
    status: &'a StackStatus,
    /// What the journal has and the target has not.
    gone: Vec<&'a ResourceKey>,
}

/// Prints the status if a process was cut off while it worked on the stack.
pub fn show_if_left_behind(status: &StackStatus, screen: &Screen) {
    if status.is_left_behind() {
        screen.say(&format!("{}\n", StatusText::of(status)));
    }
}

impl<'a> StatusText<'a> {
    /// A status by the journal alone.
    pub fn of(status: &'a StackStatus) -> Self {
        Self { status, gone: Vec::new() }
    }

    /// The same where these resources were looked for and are not there.
    pub fn without(self, gone: Vec<&'a ResourceKey>) -> Self {
        Self { gone, ..self }
    }

    /// What was cut off and which command to run, for a list; none if no process was cut off.
    pub fn hint(&self) -> Option<String> {
        let said: Vec<String> = [self.holder(), self.advice()].into_iter().flatten().collect();
        self.status.is_left_behind().then(|| said.join(": "))
    }

    /// Which resources exist.
    fn resources(&self) -> String {
        let wanted = self.status.state.wanted().len();
        let live: Vec<&Resource> = self.live().collect();
        let (maybe, made): (Vec<&Resource>, Vec<&Resource>) =
            live.iter().partition(|resource| resource.phase == Phase::Intended);
        let kinds = kinds(live.iter().map(|resource| &resource.node));
        let unready = made.iter().filter(|resource| resource.phase == Phase::Accepted).count();
        let more = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
        let but = format!("{}{}", more(unready, "not ready yet"), more(maybe.len(), "unconfirmed"));
        match self.status.stage() {
            Stage::Gone => "nothing is left".to_owned(),
            _ if self.status.state.is_going_down() => {
                format!("{} of {} still there ({kinds})", live.len(), self.status.state.resources().len())
            }
            _ if live.is_empty() => "nothing created yet".to_owned(),
            _ if self.status.state.is_whole() && !self.gone.is_empty() => {
                format!("{} of {} are up ({kinds})", made.len(), made.len() + self.gone.len())
            }
            _ if self.status.state.is_whole() && made.len() == 1 => format!("up ({kinds})"),
            _ if self.status.state.is_whole() => format!("all {} are up ({kinds})", made.len()),
            _ => format!("{} of {} created{but} ({kinds})", made.len(), wanted.max(live.len())),
        }
    }

    fn live(&self) -> impl Iterator<Item = &Resource> {
        self.status.state.live().filter(|resource| !self.gone.contains(&&resource.node.key))
    }

    /// Which process works on it, or was cut off, and when.
    fn holder(&self) -> Option<String> {
        let holder = self.status.lock.holder.as_ref()?;
        let ago = ttl::read(self.status.state.last_at())
            .map_or(String::new(), |at| format!(" {} ago", duration(self.status.now - at)));
        let command = &holder.command;
        match self.status.stage() {
            Stage::InUse => Some(format!("locked by {holder}")),
            Stage::HalfMade | Stage::HalfGone => Some(format!("`{command}` was cut off{ago}")),
            Stage::Up if self.status.is_run_cut_off() => Some(format!("its last run was cut off{ago}")),
            Stage::Up | Stage::Gone => None,
        }
    }

    fn costs(&self) -> Option<String> {
        let target = &self.status.state.opened()?.target;
        let cost = cost::per_hour(self.live().map(|resource| &resource.node), target);
        let left = time_left(self.status.expires().map(|at| at - self.status.now));
        Some(format!("costs {cost}; {left}"))
    }

    fn advice(&self) -> Option<String> {
        let id = self.status.state.id()?;
        let goes_on = match self.status.stage() {
            Stage::Gone => return None,
            Stage::InUse => return Some("wait until that process ends, or stop it".to_owned()),
            Stage::HalfGone => "continues to remove it",
            Stage::Up => "removes it",
            Stage::HalfMade => "removes it; the same `demo up` continues to create it",
        };
        Some(format!("demo down {id}    {goes_on}"))
    }
}

impl fmt::Display for StatusText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.status.state.id().map_or("(an empty journal)", StackId::as_str);
        write!(f, "{id}: {}", self.resources())?;
        self.holder().iter().try_for_each(|holder| write!(f, "; {holder}"))?;
        if self.status.stage() == Stage::Gone {
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
