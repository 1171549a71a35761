//! What a journal says so far, and the one function that moves it on.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    graph::{Node, ResourceKey},
    id::StackId,
    journal::Entry,
};

/// Where a stack lives. A journal is refused where this differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The account's number.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
    /// Other than AWS's own: `local`, or a URL.
    pub endpoint: Option<String>,
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "account {} in {}", self.account, self.region)?;
        self.endpoint.iter().try_for_each(|endpoint| write!(f, " at {endpoint}"))
    }
}

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

/// What the first entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The stack's id.
    pub stack: String,
    /// Its name.
    pub name: String,
    /// Where it lives.
    pub target: Fingerprint,
    /// The stack file's value, for whoever asks what it was made from.
    pub spec: Value,
}

/// A run that has reserved tickets.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// Its tickets, 1-based and inclusive; no other run of the stack has any of them.
    pub tickets: RangeInclusive<u64>,
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
    /// Moves on by one entry, or says why it cannot be. The only way a state changes.
    pub fn apply(&mut self, at: &str, entry: &Entry) -> Result<(), Illegal> {
        self.follow(at, entry)?;
        self.last_at = at.to_owned();
        Ok(())
    }

    fn follow(&mut self, at: &str, entry: &Entry) -> Result<(), Illegal> {
        let illegal = |why: String| Illegal { entry: entry.title(), why };
        match (&self.opened, self.closed, entry) {
            (None, _, Entry::Opened(opened)) => return self.open(at, opened).map_err(illegal),
            (None, ..) => return Err(illegal("the journal is not opened".to_owned())),
            // Something of it was found after all.
            (Some(was), true, Entry::Opened(opened)) if was.stack == opened.stack => {
                return self.open(at, opened).map_err(illegal);
            }
            (Some(_), _, Entry::Opened(_)) => return Err(illegal("the journal is open already".to_owned())),
            (_, true, _) => return Err(illegal("the stack is closed".to_owned())),
            (Some(_), false, _) => {}
        }
        match entry {
            Entry::Opened(_) => unreachable!("handled above"),
            Entry::Began { wanted } => {
                self.wanted = wanted.clone();
                Ok(())
            }
            Entry::Intended { node } => self.intend(node).map_err(illegal),
            Entry::Accepted { key, identity } => {
                let resource = self.step(key, &[Phase::Intended], Phase::Accepted).map_err(illegal)?;
                resource.identity = Some(identity.clone());
                Ok(())
            }
            Entry::Ready { key } => self.step(key, &[Phase::Accepted], Phase::Ready).map(drop).map_err(illegal),
            Entry::Changing { node } => {
                let live = [Phase::Accepted, Phase::Ready];
                self.step(&node.key, &live, Phase::Accepted).map_err(illegal)?.node = node.clone();
                Ok(())
            }
            Entry::Lost { key } => {
                let live = [Phase::Accepted, Phase::Ready];
                self.step(key, &live, Phase::Gone).map(drop).map_err(illegal)
            }
            Entry::Deleting { key } => {
                let from = [Phase::Intended, Phase::Accepted, Phase::Ready];
                self.step(key, &from, Phase::Deleting).map(drop).map_err(illegal)
            }
            Entry::Gone { key } => self.step(key, &[Phase::Deleting], Phase::Gone).map(drop).map_err(illegal),
            Entry::Reserved { run, first, last } => self.reserve(at, run, *first, *last).map_err(illegal),
            Entry::Finished { run, summary } => self.finish(run, summary).map_err(illegal),
            Entry::Note { .. } => Ok(()),
            Entry::Closed => self.close().map_err(illegal),
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

    fn open(&mut self, at: &str, opened: &Opened) -> Result<(), String> {
        self.id = Some(opened.stack.parse().map_err(|not: super::id::NotAnId| not.to_string())?);
        self.opened = Some(opened.clone());
        self.opened_at = at.to_owned();
        self.closed = false;
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        if let Some(resource) = self.live().next() {
            return Err(format!("{} is still there", resource.node.key));
        }
        self.closed = true;
        Ok(())
    }

    fn intend(&mut self, node: &Node) -> Result<(), String> {
        match self.phase(&node.key) {
            None => {
                self.index.insert(node.key.clone(), self.resources.len());
                self.resources.push(Resource { node: node.clone(), phase: Phase::Intended, identity: None });
                Ok(())
            }
            Some(Phase::Intended | Phase::Gone) => {
                let at = self.index[&node.key];
                self.resources[at] = Resource { node: node.clone(), phase: Phase::Intended, identity: None };
                Ok(())
            }
            Some(phase) => Err(format!("{} is {phase:?}", node.key)),
        }
    }

    fn step(&mut self, key: &ResourceKey, from: &[Phase], to: Phase) -> Result<&mut Resource, String> {
        let at = *self.index.get(key).ok_or_else(|| format!("{key} was never intended"))?;
        let resource = &mut self.resources[at];
        if !from.contains(&resource.phase) {
            return Err(format!("{key} is {:?}", resource.phase));
        }
        resource.phase = to;
        Ok(resource)
    }

    fn reserve(&mut self, at: &str, run: &str, first: u64, last: u64) -> Result<(), String> {
        if first != self.next_ticket() || last < first {
            return Err(format!("the next free ticket is {}", self.next_ticket()));
        }
        self.runs.push(Run { id: run.to_owned(), tickets: first..=last, summary: None, at: at.to_owned() });
        Ok(())
    }

    fn finish(&mut self, run: &str, summary: &Value) -> Result<(), String> {
        let reserved = self.runs.iter_mut().rev().find(|reserved| reserved.id == run);
        reserved.ok_or_else(|| format!("run {run} has reserved nothing"))?.summary = Some(summary.clone());
        Ok(())
    }
}
