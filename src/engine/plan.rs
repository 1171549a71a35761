//! What `up` would do, and why; nothing is changed.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde::Serialize;

use super::{
    graph::{Graph, Node, ResourceKey},
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

/// A graph and what exists of it: each resource read once, for preflight, plan and apply alike.
#[derive(Clone, Debug)]
pub struct Survey {
    graph: Graph,
    readings: BTreeMap<ResourceKey, Result<Observed, ProviderError>>,
}

impl Survey {
    /// Reads every resource of the graph; one that cannot be read hides no other.
    pub async fn of(graph: &Graph, providers: &Providers) -> Self {
        let read = |node: &Node| {
            let node = node.clone();
            async move {
                let observed = providers.read(&node).await;
                (node.key, observed)
            }
        };
        let readings = join_all(graph.nodes().iter().map(read)).await.into_iter().collect();
        Self { graph: graph.clone(), readings }
    }

    /// What is wanted.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What exists under the key of one of the graph's nodes, or why it could not be read.
    pub fn reading(&self, node: &Node) -> &Result<Observed, ProviderError> {
        self.readings.get(&node.key).expect("every node of the graph was read")
    }

    /// What `up` would do. `state` is what the journal says, empty when there is none yet.
    ///
    /// # Errors
    /// The first reading that failed.
    pub fn plan(&self, state: &State) -> Result<Vec<Step>, ProviderError> {
        let step =
            |(node, action): (&Node, Result<Action, ProviderError>)| Ok(Step { node: node.clone(), action: action? });
        let mut steps = self.actions(state).map(step).collect::<Result<Vec<_>, ProviderError>>()?;
        let wanted = |node: &Node| self.readings.contains_key(&node.key);
        let orphans = state.live().filter(|resource| !wanted(&resource.node));
        steps.extend(orphans.map(|resource| Step { node: resource.node.clone(), action: Action::Orphan }));
        Ok(steps)
    }

    /// Each resource with what `up` would do about it, dependencies first.
    pub(super) fn actions<'a>(
        &'a self,
        state: &'a State,
    ) -> impl Iterator<Item = (&'a Node, Result<Action, ProviderError>)> {
        self.graph.ordered().into_iter().map(|node| {
            let observed = self.reading(node).clone();
            (node, observed.map(|observed| action(observed, state.phase(&node.key))))
        })
    }
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
            let observed = providers.read(&node).await;
            Status { node, phase, observed }
        }
    };
    join_all(state.live().map(look)).await
}
