//! What a journal says so far, and the one function that moves it on.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde::Serialize;
use serde_json::Value;

use super::{
    entry::{Entry, Opened},
    graph::{Node, ResourceKey},
    id::StackId,
};

/// How far a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The call to make it may have been sent.
    Intended,
    /// The service has answered with an identity.
    Accepted,
    /// Usable.
    Ready,
    /// The call to delete it may have been sent.
    Deleting,
    /// Known not to be there.
    Gone,
}

/// A resource as the journal knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// As it was wanted when it was last intended.
    pub node: Node,
    /// How far it is.
    pub phase: Phase,
    /// Its identity, once accepted.
    pub identity: Option<String>,
}

/// A run that has reserved tickets.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// Its tickets, 1-based and inclusive; no other run of the stack has any of them.
    pub tickets: RangeInclusive<u64>,
    /// How many workers share it; none where it is one process's.
    pub workers: Option<u32>,
    /// What it ended with; none while it runs, and after a crash.
    pub summary: Option<Value>,
    /// When it reserved, RFC 3339.
    pub at: String,
}

/// A journal, replayed.
#[derive(Clone, Debug, Default)]
pub struct State {
    id: Option<StackId>,
    opened: Option<Opened>,
    opened_at: String,
    began_at: String,
    last_at: String,
    wanted: Vec<ResourceKey>,
    resources: Vec<Resource>,
    index: BTreeMap<ResourceKey, usize>,
    runs: Vec<Run>,
    closed: bool,
}

/// An entry that cannot follow what went before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry} cannot follow: {why}")]
pub struct Illegal {
    /// The entry.
    pub entry: String,
    /// What speaks against it.
    pub why: String,
}

impl State {
    /// Moves on by one entry, or says why it cannot be.
    pub fn apply(&mut self, at: &str, entry: &Entry) -> Result<(), Illegal> {
        self.check(entry)?;
        self.commit(at, entry);
        Ok(())
    }

    /// Whether an entry can come now.
    pub(super) fn check(&self, entry: &Entry) -> Result<(), Illegal> {
        self.allows(entry).map_err(|why| Illegal { entry: entry.title(), why })
    }

    fn allows(&self, entry: &Entry) -> Result<(), String> {
        match (&self.opened, self.closed, entry) {
            (None, _, Entry::Opened(opened)) => return opened.id().map(drop),
            (None, ..) => return Err("the journal has no first entry".to_owned()),
            // Something of it was found after all.
            (Some(was), true, Entry::Opened(opened)) if was.stack == opened.stack => return opened.id().map(drop),
            (Some(_), _, Entry::Opened(_)) => return Err("the stack is open already".to_owned()),
            (_, true, _) => return Err("the stack is closed".to_owned()),
            (Some(_), false, _) => {}
        }
        match entry {
            Entry::Opened(_) | Entry::Began { .. } | Entry::Note { .. } => Ok(()),
            Entry::Intended { node } => match self.phase(&node.key) {
                None | Some(Phase::Intended | Phase::Gone) => Ok(()),
                Some(phase) => Err(format!("{} is {phase:?}", node.key)),
            },
            Entry::Accepted { key, .. } => self.is_in(key, &[Phase::Intended]),
            Entry::Ready { key } => self.is_in(key, &[Phase::Accepted]),
            Entry::Changing { node } => self.is_in(&node.key, &[Phase::Accepted, Phase::Ready]),
            Entry::Lost { key } => self.is_in(key, &[Phase::Accepted, Phase::Ready]),
            Entry::Deleting { key } => self.is_in(key, &[Phase::Intended, Phase::Accepted, Phase::Ready]),
            Entry::Gone { key } => self.is_in(key, &[Phase::Deleting]),
            Entry::Reserved { first, last, .. } => match self.next_ticket() {
                next if *first == next && first <= last => Ok(()),
                next => Err(format!("the next free ticket is {next}")),
            },
            Entry::Finished { run, .. } => match self.runs.iter().any(|reserved| reserved.id == *run) {
                true => Ok(()),
                false => Err(format!("run {run} has reserved nothing")),
            },
            Entry::Closed => match self.live().next() {
                None => Ok(()),
                Some(resource) => Err(format!("{} is still there", resource.node.key)),
            },
        }
    }

    fn is_in(&self, key: &ResourceKey, phases: &[Phase]) -> Result<(), String> {
        match self.phase(key) {
            None => Err(format!("{key} was never intended")),
            Some(phase) if phases.contains(&phase) => Ok(()),
            Some(phase) => Err(format!("{key} is {phase:?}")),
        }
    }

    /// Moves on by an entry that [`check`](Self::check) has allowed. The only way a state changes.
    pub(super) fn commit(&mut self, at: &str, entry: &Entry) {
        self.last_at = at.to_owned();
        match entry {
            Entry::Opened(opened) => {
                self.id = opened.id().ok();
                self.opened = Some(opened.clone());
                self.opened_at = at.to_owned();
                self.began_at = at.to_owned();
                self.closed = false;
            }
            Entry::Began { wanted } => {
                self.wanted = wanted.clone();
                self.began_at = at.to_owned();
            }
            Entry::Intended { node } => self.intend(node),
            Entry::Accepted { key, identity } => {
                self.enter(key, Phase::Accepted).identity = Some(identity.clone());
            }
            Entry::Ready { key } => drop(self.enter(key, Phase::Ready)),
            Entry::Changing { node } => self.enter(&node.key, Phase::Accepted).node = node.clone(),
            Entry::Deleting { key } => drop(self.enter(key, Phase::Deleting)),
            Entry::Lost { key } | Entry::Gone { key } => drop(self.enter(key, Phase::Gone)),
            Entry::Reserved { run, first, last, workers } => {
                let (id, tickets, at) = (run.clone(), *first..=*last, at.to_owned());
                self.runs.push(Run { id, tickets, workers: *workers, summary: None, at });
            }
            Entry::Finished { run, summary } => {
                let reserved = self.runs.iter_mut().rev().find(|reserved| reserved.id == *run);
                reserved.expect("checked").summary = Some(summary.clone());
            }
            Entry::Note { .. } => {}
            Entry::Closed => self.closed = true,
        }
    }

    /// The stack's id.
    pub fn id(&self) -> Option<&StackId> {
        self.id.as_ref()
    }

    /// What the first entry says; none while the journal is empty.
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    /// The stack's name.
    pub fn name(&self) -> Option<&str> {
        self.opened.as_ref().map(|opened| opened.name.as_str())
    }

    /// When it was opened, RFC 3339 in UTC.
    pub fn opened_at(&self) -> &str {
        &self.opened_at
    }

    /// When the last `up` had read every resource, RFC 3339: settings that others have changed since are not in the journal.
    pub fn began_at(&self) -> &str {
        &self.began_at
    }

    /// When its last entry was written, RFC 3339 in UTC.
    pub fn last_at(&self) -> &str {
        &self.last_at
    }

    /// All that the last `up` wanted to be there; empty before it had looked.
    pub fn wanted(&self) -> &[ResourceKey] {
        &self.wanted
    }

    /// Whether the last `up` came to its end.
    pub fn is_whole(&self) -> bool {
        let ready = |key| self.phase(key) == Some(Phase::Ready);
        !self.resources.is_empty() && self.wanted.iter().all(ready) && !self.is_going_down() && !self.closed
    }

    /// Nothing is left of it.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// `down` has begun and has not ended.
    pub fn is_going_down(&self) -> bool {
        self.resources.iter().any(|resource| resource.phase == Phase::Deleting)
    }

    /// Every resource ever intended, in that order.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Those that may be there.
    pub fn live(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| resource.phase != Phase::Gone)
    }

    /// What is known of a resource; none when it was never intended.
    pub fn resource(&self, key: &ResourceKey) -> Option<&Resource> {
        self.index.get(key).map(|&at| &self.resources[at])
    }

    /// How far a resource is; none when it was never intended.
    pub fn phase(&self, key: &ResourceKey) -> Option<Phase> {
        self.resource(key).map(|resource| resource.phase)
    }

    /// Runs, in the order in which they reserved.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The first ticket that no run has reserved.
    pub fn next_ticket(&self) -> u64 {
        self.runs.last().map_or(1, |run| run.tickets.end() + 1)
    }

    fn intend(&mut self, node: &Node) {
        let resource = Resource { node: node.clone(), phase: Phase::Intended, identity: None };
        match self.index.get(&node.key) {
            Some(&at) => self.resources[at] = resource,
            None => {
                self.index.insert(node.key.clone(), self.resources.len());
                self.resources.push(resource);
            }
        }
    }

    fn enter(&mut self, key: &ResourceKey, phase: Phase) -> &mut Resource {
        let resource = &mut self.resources[self.index[key]];
        resource.phase = phase;
        resource
    }
}
