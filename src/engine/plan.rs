//! What `up` would do, and why; nothing is changed.

use futures::future::try_join_all;
use serde::Serialize;

use super::{
    graph::{Graph, Node},
    provider::{Observed, ProviderError, Providers},
    state::{Phase, State},
};

/// One resource and what `up` would do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource.
    pub node: Node,
    /// What would be done.
    pub action: Action,
}

/// What `up` would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "action", content = "why")]
pub enum Action {
    /// Make it: it is not there.
    Create,
    /// Nothing.
    Keep,
    /// Finish what an earlier `up` has begun.
    Adopt,
    /// It is otherwise than wanted; each difference.
    Change(Vec<String>),
    /// Refuse: it is somebody else's.
    Refuse(String),
    /// It is not wanted any more; `down` removes it.
    Orphan,
}

impl Action {
    /// Whether `up` would change anything.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

/// Compares the graph with what is there. `state` is what the journal says, empty when there is none yet.
pub async fn plan(graph: &Graph, state: &State, providers: &Providers) -> Result<Vec<Step>, ProviderError> {
    let compare = |node: Node| async move {
        let observed = providers.of(&node.key)?.read(&node).await?;
        let action = action(observed, state.phase(&node.key));
        Ok::<_, ProviderError>(Step { node, action })
    };
    let mut steps = try_join_all(graph.ordered().into_iter().cloned().map(compare)).await?;
    let wanted = |node: &Node| graph.nodes().iter().any(|other| other.key == node.key);
    let orphans = state.live().filter(|resource| !wanted(&resource.node));
    steps.extend(orphans.map(|resource| Step { node: resource.node.clone(), action: Action::Orphan }));
    Ok(steps)
}

fn action(observed: Observed, phase: Option<Phase>) -> Action {
    match observed {
        Observed::Absent => Action::Create,
        Observed::Foreign { why } => Action::Refuse(why),
        Observed::Ours { differs, .. } if !differs.is_empty() => Action::Change(differs),
        Observed::Ours { ready: true, .. } if phase == Some(Phase::Ready) => Action::Keep,
        Observed::Ours { .. } => Action::Adopt,
    }
}

/// A resource of the journal and what is there now.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// As it was wanted.
    pub node: Node,
    /// What the journal says.
    pub phase: Phase,
    /// What the provider found, or why it could not look.
    pub observed: Result<Observed, ProviderError>,
}

/// Looks at everything that the journal says may be there, in the order in which it was made.
pub async fn status(state: &State, providers: &Providers) -> Vec<Status> {
    let look = |resource: &super::state::Resource| {
        let (node, phase) = (resource.node.clone(), resource.phase);
        async move {
            let observed = match providers.of(&node.key) {
                Ok(provider) => provider.read(&node).await,
                Err(error) => Err(error),
            };
            Status { node, phase, observed }
        }
    };
    futures::future::join_all(state.live().map(look)).await
}
