//! What a kind of resource is: its wanted state as a Rust type, and everything that is done with it.
//!
//! Each kind is one file with one implementation of [`Kind`], and one line in [`kinds`](super::kinds). The engine and
//! the journal hold wanted states as JSON; [`Typed`] converts at that edge.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{clients::Clients, failure::broken, ownership::Ownership, permission::Statement, prices::Prices};
use crate::engine::{
    Cause, Difference, Foreign, Node, Observed, Owned, Progress, Provider, ProviderError, ResourceKey, Scope, StackId,
};

/// One kind of resource. Every call may be made again after a crash at any point of an earlier one.
#[async_trait]
pub trait Kind: Sized + Send + Sync + 'static {
    /// The wanted state, with all that reading, changing and deleting need. No secrets: it goes into the journal.
    type Desired: Serialize + DeserializeOwned + Send + Sync;

    /// The `kind` of its keys.
    const KIND: &'static str;
    /// When it is created, relative to other kinds.
    const LAYER: Layer;
    /// Whether a stack file may give a whole name for it. The stack's id is then not in the name, so only the tags tell
    /// whose it is.
    const NAMED_BY_USER: bool = false;

    /// A provider that calls with these clients.
    fn new(clients: &Clients) -> Self;

    /// The stack that it belongs to.
    fn ownership(wanted: &Self::Desired) -> &Ownership;

    /// What a person needs to create, use and delete it.
    fn permissions(wanted: &Self::Desired, id: &StackId) -> Vec<Statement>;

    /// What it costs while it exists.
    fn hourly(_wanted: &Self::Desired, _prices: &Prices) -> Hourly {
        Hourly::Nothing
    }

    /// What exists under its name now, and whose it is.
    async fn read(&self, wanted: &Self::Desired) -> Result<Observed, ProviderError>;

    /// Creates it with one call that also puts our ownership tags on it. Returns its identity, such as an ARN.
    async fn create(&self, wanted: &Self::Desired, progress: &Progress<'_>) -> Result<String, ProviderError>;

    /// Does everything from there to usable: settings that need calls of their own, and waiting.
    async fn make_ready(&self, _wanted: &Self::Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Changes what [`read`](Self::read) called changeable in place; `make_ready` follows.
    async fn change(
        &self,
        _wanted: &Self::Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let message = format!("resources of this kind cannot be changed in place: {}", Difference::listed(differs));
        Err(broken(Cause::Other, "change in place", Self::KIND, message, ""))
    }

    /// What others have put into it or attached to it: deleting it would take that along, or fails on it.
    async fn foreign(&self, _wanted: &Self::Desired) -> Result<Vec<Foreign>, ProviderError> {
        Ok(Vec::new())
    }

    /// Deletes what [`foreign`](Self::foreign) lists, as far as [`delete`](Self::delete) does not take it along.
    async fn delete_foreign(&self, _wanted: &Self::Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Deletes it, with everything in it, and waits until it is gone. A resource that is gone already is a success.
    async fn delete(&self, wanted: &Self::Desired, progress: &Progress<'_>) -> Result<(), ProviderError>;

    /// Learns from a node of the stack, of whatever kind, where else resources of this kind may be.
    fn note(&self, _node: &Node) {}

    /// Everything of this kind that carries our ownership tags, of one stack or of every stack of the account.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError>;

    /// Adds to a resource that [`owned`](Self::owned) returned what its cost follows from.
    async fn measured(&self, found: Self::Desired) -> Result<Self::Desired, ProviderError> {
        Ok(found)
    }

    /// The key of the resource of this name.
    fn key(name: &str) -> ResourceKey {
        ResourceKey::new(Self::KIND, name)
    }

    /// A resource that was found by its ownership tags: `wanted` is what is known of it, `command` deletes it by hand.
    fn found(name: &str, wanted: &Self::Desired, command: String) -> Owned {
        let Ownership { stack, expires, .. } = Self::ownership(wanted).clone();
        Owned { stack, expires, node: node::<Self>(name, &[], wanted, String::new()), command }
    }

    /// The wanted state in a node; none where the node is of another kind, or is not understood.
    fn of(node: &Node) -> Option<Self::Desired> {
        (node.key.kind == Self::KIND).then(|| desired::<Self>(node).ok()).flatten()
    }
}

/// The order in which kinds are created: each may depend on kinds of earlier layers. Used where no journal says what
/// depends on what; deletion goes the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What all others may refer to.
    Foundation,
    /// What deletes the stream of a forgotten stack: deleted last but for what it needs itself.
    Expiry,
    /// What holds data by itself.
    Container,
    /// What lies in a container, or works on one.
    Content,
    /// Schemas of a database in the content layer.
    Schema,
    /// Tables of a schema.
    SchemaTable,
    /// What moves documents between all of these.
    Flow,
}

/// What a resource costs by the hour.
#[derive(Clone, Debug, PartialEq)]
pub enum Hourly {
    /// Nothing.
    Nothing,
    /// Something, but its size is not known.
    Unknown,
    /// US dollars, for `detail` of it.
    Always {
        /// How much of it, for example `20 shards`.
        detail: String,
        /// US dollars.
        dollars: f64,
    },
    /// The same, but only while it computes.
    WhileComputing {
        /// How much of it.
        detail: String,
        /// US dollars.
        dollars: f64,
    },
}

/// A node of this kind.
pub(crate) fn node<K: Kind>(name: &str, depends_on: &[ResourceKey], wanted: &K::Desired, detail: String) -> Node {
    Node { key: K::key(name), depends_on: depends_on.to_vec(), desired: json!(wanted), detail }
}

/// A node's wanted state as this kind's own type.
pub(super) fn desired<K: Kind>(node: &Node) -> Result<K::Desired, ProviderError> {
    serde_json::from_value(node.desired.clone()).map_err(|error| {
        let message = format!("cannot read its properties: {error}");
        let advice = "use the version of demo that created the stack";
        broken(Cause::Other, "reading the journal", &node.key.to_string(), message, advice)
    })
}

/// A kind as the engine calls it, with wanted states in JSON.
pub(super) struct Typed<K>(pub(super) K);

#[async_trait]
impl<K: Kind> Provider for Typed<K> {
    fn kind(&self) -> &'static str {
        K::KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        self.0.read(&desired::<K>(node)?).await
    }

    async fn create(&self, node: &Node, progress: &Progress<'_>) -> Result<String, ProviderError> {
        self.0.create(&desired::<K>(node)?, progress).await
    }

    async fn make_ready(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.0.make_ready(&desired::<K>(node)?, progress).await
    }

    async fn change(&self, node: &Node, differs: &[Difference], progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.0.change(&desired::<K>(node)?, differs, progress).await
    }

    async fn foreign(&self, node: &Node) -> Result<Vec<Foreign>, ProviderError> {
        self.0.foreign(&desired::<K>(node)?).await
    }

    async fn delete_foreign(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.0.delete_foreign(&desired::<K>(node)?, progress).await
    }

    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.0.delete(&desired::<K>(node)?, progress).await
    }

    fn note(&self, node: &Node) {
        self.0.note(node);
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        self.0.owned(scope).await
    }
}
