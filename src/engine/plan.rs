//! What `up` would do, and why; nothing is changed.

use futures::future::join_all;
use serde::Serialize;

use super::{
    graph::{Graph, Node},
    provider::{Difference, Observed, ProviderError, Providers},
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
    /// Change it in place; each difference.
    Change(Vec<Difference>),
    /// It would have to be made anew, which `up` refuses; each difference that needs it.
    Replace(Vec<Difference>),
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
    let surveyed = survey(graph, state, providers).await.into_iter();
    let mut steps = surveyed
        .map(|(node, action)| Ok(Step { node: node.clone(), action: action? }))
        .collect::<Result<Vec<_>, ProviderError>>()?;
    let wanted = |node: &Node| graph.nodes().iter().any(|other| other.key == node.key);
    let orphans = state.live().filter(|resource| !wanted(&resource.node));
    steps.extend(orphans.map(|resource| Step { node: resource.node.clone(), action: Action::Orphan }));
    Ok(steps)
}

/// Looks at every resource of the graph, what it stands on before it; one that cannot be looked at hides no other.
pub(super) async fn survey<'a>(
    graph: &'a Graph,
    state: &State,
    providers: &Providers,
) -> Vec<(&'a Node, Result<Action, ProviderError>)> {
    let look = |node: &'a Node| async move {
        let observed = match providers.of(&node.key) {
            Ok(provider) => provider.read(node).await,
            Err(error) => Err(error),
        };
        (node, observed.map(|observed| action(observed, state.phase(&node.key))))
    };
    join_all(graph.ordered().into_iter().map(look)).await
}

fn action(observed: Observed, phase: Option<Phase>) -> Action {
    match observed {
        Observed::Absent => Action::Create,
        Observed::Foreign { why } => Action::Refuse(why),
        Observed::Ours { differs, .. } if !differs.is_empty() => match Difference::replacing(&differs) {
            none if none.is_empty() => Action::Change(differs),
            replacing => Action::Replace(replacing),
        },
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
    join_all(state.live().map(look)).await
}
