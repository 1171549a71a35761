//! What the engine asks of whoever knows a kind of resource, and how progress is told.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    cancel::{Cancel, Interrupted},
    graph::{Node, ResourceKey},
    id::StackId,
    owned::{Owned, Scope},
};

/// One kind of resource. Every call may be made again after a crash at any point of an earlier one.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The `kind` of the keys that it knows.
    fn kind(&self) -> &'static str;

    /// What is there under the node's name now, and whose it is.
    async fn read(&self, node: &Node) -> Result<Observed, ProviderError>;

    /// The one call that brings the resource into being, with our ownership tags on it. Returns its identity, such as
    /// an ARN.
    async fn create(&self, node: &Node, progress: &Progress<'_>) -> Result<String, ProviderError>;

    /// Everything from there to usable: settings that need calls of their own, and waiting. May be repeated.
    async fn make_ready(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError>;

    /// Brings what [`read`](Self::read) called changeable in place to what is wanted; `make_ready` follows.
    async fn change(&self, node: &Node, differs: &[Difference], _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Err(ProviderError {
            cause: Cause::Other,
            call: "change in place".to_owned(),
            resource: node.key.to_string(),
            message: format!("resources of this kind cannot be changed in place: {}", Difference::listed(differs)),
            advice: String::new(),
        })
    }

    /// What others have put into a resource of ours or attached to it: deleting it would take that along, or fails on it.
    async fn foreign(&self, _node: &Node) -> Result<Vec<Foreign>, ProviderError> {
        Ok(Vec::new())
    }

    /// Deletes what [`foreign`](Self::foreign) lists, as far as [`delete`](Self::delete) does not take it along.
    async fn delete_foreign(&self, _node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Takes it away, with everything in it, and waits until it is gone. What is gone already is a success.
    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError>;

    /// Learns from a node of the stack, of whatever kind, where else resources of this kind may be.
    fn note(&self, _node: &Node) {}

    /// Everything of this kind that carries our ownership tags, of one stack or of every stack of the account.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError>;

    /// Everything of this kind that belongs to one stack, also under names that do not follow from its id: reads the
    /// tags of everything of this kind in the account.
    async fn owned_under_any_name(&self, id: &StackId) -> Result<Vec<Owned>, ProviderError> {
        let mut found = self.owned(&Scope::Account).await?;
        found.retain(|owned| owned.stack == id.as_str());
        Ok(found)
    }
}

/// What a provider found under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// Nothing.
    Absent,
    /// It carries this stack's ownership tags.
    Ours {
        /// Such as an ARN.
        identity: String,
        /// Usable now.
        ready: bool,
        /// What is otherwise than wanted.
        differs: Vec<Difference>,
    },
    /// Somebody else's.
    Foreign {
        /// Whose, or why it cannot be ours.
        why: String,
    },
}

/// Something of somebody else's that a resource contains or is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is, for people: `object notes.txt`.
    pub what: String,
    /// The command that deletes it.
    pub command: String,
    /// Whether nothing else deletes it.
    pub only_by_hand: bool,
}

/// Things of others that an error names, each with its command.
const NAMED: usize = 10;

impl Foreign {
    /// Why a resource of a stack stays that contains these.
    pub(crate) fn kept(foreign: &[Self], resource: &str, stack: &str) -> ProviderError {
        let named = || foreign.iter().take(NAMED);
        let more = foreign.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        let whats: Vec<&str> = named().map(|one| one.what.as_str()).collect();
        let commands: Vec<&str> = named().map(|one| one.command.as_str()).collect();
        let whats = whats.join(", ");
        let by_hand: Vec<&str> = foreign.iter().filter(|one| one.only_by_hand).map(|one| one.what.as_str()).collect();
        let with_foreign = match by_hand.len() {
            0 => format!("; `demo down --with-foreign {stack}` deletes it too"),
            all if all == foreign.len() => String::new(),
            _ => format!("; `demo down --with-foreign {stack}` deletes it too, but not {}", by_hand.join(", ")),
        };
        ProviderError {
            cause: Cause::Foreign,
            call: "check before deleting".to_owned(),
            resource: resource.to_owned(),
            message: format!("it has what this stack did not create: {whats}{more}; none of that was touched"),
            advice: format!(
                "move it elsewhere, or delete it:\n    {}\n  then run `demo down {stack}` again{with_foreign}",
                commands.join("\n    ")
            ),
        }
    }
}

/// One thing about a resource that is otherwise than wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which setting.
    pub what: String,
    /// What it is.
    pub is: String,
    /// What the stack file makes of it.
    pub wanted: String,
    /// What it takes to get there.
    pub change: Change,
}

/// What it takes to bring a setting to what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Calls that keep the resource and what is in it.
    InPlace,
    /// Another resource: the service does not change it.
    Replace,
}

impl Difference {
    /// One that [`Provider::change`] mends.
    pub fn in_place(what: impl Into<String>, is: impl fmt::Display, wanted: impl fmt::Display) -> Self {
        Self { what: what.into(), is: is.to_string(), wanted: wanted.to_string(), change: Change::InPlace }
    }

    /// One that only a new resource mends.
    pub fn replace(what: impl Into<String>, is: impl fmt::Display, wanted: impl fmt::Display) -> Self {
        Self { change: Change::Replace, ..Self::in_place(what, is, wanted) }
    }

    /// Those of `differs` that need a new resource.
    pub fn replacing(differs: &[Self]) -> Vec<Self> {
        differs.iter().filter(|difference| difference.change == Change::Replace).cloned().collect()
    }

    /// Sentences about all of them, in one line.
    pub fn listed(differs: &[Self]) -> String {
        differs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, expected {}", self.what, self.is, self.wanted)
    }
}

/// A call that failed: which, on what, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} on {resource}: {message}{}", Advice(.advice))]
pub struct ProviderError {
    /// What sort of failure it is.
    pub cause: Cause,
    /// Service and operation, for example `kinesis CreateStream`.
    pub call: String,
    /// The resource's name.
    pub resource: String,
    /// The service's own code and message.
    pub message: String,
    /// What to do next; may be empty.
    pub advice: String,
}

struct Advice<'a>(&'a str);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.0) }
    }
}

/// What sort of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Not allowed, or credentials that are missing or expired.
    Permission,
    /// A limit of the account.
    Quota,
    /// No answer, so it may or may not have happened.
    Unreachable,
    /// Ctrl-C while waiting.
    Interrupted,
    /// It contains what is not the stack's.
    Foreign,
    /// It did not become what it should in the time allowed.
    TimedOut,
    /// It passes by itself: the same again, later, may work.
    Transient(Transient),
    /// Anything else.
    Other,
}

/// What passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transient {
    /// A role that was just made is not known everywhere yet.
    Role,
    /// Too many calls, or too much at a time.
    Rate,
    /// Something else is being done with it, or it is there already.
    Busy,
}

/// The providers, by kind.
#[derive(Clone, Default)]
pub struct Providers(BTreeMap<&'static str, Arc<dyn Provider>>);

impl Providers {
    /// One of each kind.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self(providers.into_iter().map(|provider| (provider.kind(), provider)).collect())
    }

    /// The provider of a resource.
    pub fn of(&self, key: &ResourceKey) -> Result<&Arc<dyn Provider>, ProviderError> {
        self.0.get(key.kind.as_str()).ok_or_else(|| ProviderError {
            cause: Cause::Other,
            call: "look up a provider".to_owned(),
            resource: key.to_string(),
            message: format!("this version does not know resources of kind '{}'", key.kind),
            advice: "use the version of demo that created the stack".to_owned(),
        })
    }

    /// Tells each of them what a stack's nodes say about where its resources may be.
    pub fn note<'a>(&self, nodes: impl IntoIterator<Item = &'a Node>) {
        for node in nodes {
            self.all().for_each(|provider| provider.note(node));
        }
    }

    /// What exists under a node's name, as its provider finds it.
    pub(super) async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        self.of(&node.key)?.read(node).await
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.0.values()
    }
}

/// What is being done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// `up`.
    Creating,
    /// `down`.
    Deleting,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not there and is now.
    Created,
    /// It was there, made by an earlier `up` that did not see the answer or did not finish.
    Adopted,
    /// It was there and ready.
    Kept,
    /// It was there, and was changed to what is wanted now.
    Changed,
    /// It was there and is not any more.
    Deleted,
    /// It was not there any more.
    AlreadyGone,
}

/// Progress of one resource.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Work on it begins.
    Started {
        /// The resource.
        node: &'a Node,
        /// Which way.
        doing: Doing,
    },
    /// It is waited for. Comes again while the wait goes on.
    Waiting {
        /// The resource.
        node: &'a Node,
        /// For what, for example `CREATING`.
        what: &'a str,
        /// Since work on it began.
        since: Instant,
    },
    /// It is as wanted, or gone.
    Done {
        /// The resource.
        node: &'a Node,
        /// How.
        outcome: Outcome,
        /// Since work on it began.
        took: Duration,
    },
    /// It could not be done.
    Failed {
        /// The resource.
        node: &'a Node,
        /// Why.
        why: &'a str,
    },
}

/// Who is told of progress. Calls must return at once.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Nobody listens.
impl Observer for () {
    fn event(&self, _event: Event<'_>) {}
}

/// A provider's way to tell of a wait, and to end it when someone says stop.
pub struct Progress<'a> {
    node: &'a Node,
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
    since: Instant,
}

impl<'a> Progress<'a> {
    /// Begins work on a node and tells so.
    pub fn begin(node: &'a Node, doing: Doing, observer: &'a dyn Observer, cancel: &'a Cancel) -> Self {
        observer.event(Event::Started { node, doing });
        Self { node, observer, cancel, since: Instant::now() }
    }

    /// Tells what is waited for and sleeps; an error when someone says stop.
    pub async fn wait(&self, what: &str, time: Duration) -> Result<(), ProviderError> {
        self.observer.event(Event::Waiting { node: self.node, what, since: self.since });
        self.cancel.sleep(time).await.map_err(|Interrupted| self.interrupted(what))
    }

    /// Tells the end of the work.
    pub(super) fn end(&self, result: &Result<Outcome, impl fmt::Display>) {
        let node = self.node;
        match result {
            Ok(outcome) => self.observer.event(Event::Done { node, outcome: *outcome, took: self.since.elapsed() }),
            Err(why) => self.observer.event(Event::Failed { node, why: &why.to_string() }),
        }
    }

    fn interrupted(&self, what: &str) -> ProviderError {
        ProviderError {
            cause: Cause::Interrupted,
            call: format!("waiting ({what})"),
            resource: self.node.key.to_string(),
            message: "interrupted".to_owned(),
            advice: "run the command again to continue, or `demo down` to remove the stack".to_owned(),
        }
    }
}
