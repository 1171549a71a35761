//! What is there already under the names that a stack would take, all of it.

use futures::future::join_all;

use super::report::Finding;
use crate::engine::{Cause, Difference, Graph, Node, Observed, Providers};

/// Whatever stands in the way, each resource by itself; one line where nothing does.
pub(super) async fn look(graph: &Graph, providers: &Providers) -> Vec<Finding> {
    let looked = join_all(graph.nodes().iter().map(|node| in_the_way(node, providers))).await;
    let found: Vec<Finding> = looked.into_iter().flatten().collect();
    if found.is_empty() {
        return vec![Finding::fine("names", "free, or this stack's")];
    }
    found
}

async fn in_the_way(node: &Node, providers: &Providers) -> Option<Finding> {
    let what = node.key.to_string();
    let provider = match providers.of(&node.key) {
        Ok(provider) => provider,
        Err(error) => return Some(Finding::failed(what, error)),
    };
    match provider.read(node).await {
        Ok(Observed::Absent) => None,
        Ok(Observed::Foreign { why }) => {
            let why = format!("{why}; it exists and is not this stack's");
            Some(Finding::wrong(
                Cause::Other,
                what,
                why,
                "choose another name in the stack file, or remove what is there yourself",
            ))
        }
        Ok(Observed::Ours { differs, .. }) => replaced(what, &Difference::replacing(&differs)),
        Err(error) if error.cause == Cause::Unreachable => {
            let error = crate::engine::ProviderError {
                advice: "this service does not answer, though others do: it may not be offered in this region"
                    .to_owned(),
                ..error
            };
            Some(Finding::failed(what, error))
        }
        Err(error) => Some(Finding::failed(what, error)),
    }
}

fn replaced(what: String, differs: &[Difference]) -> Option<Finding> {
    if differs.is_empty() {
        return None;
    }
    let why = format!("it would have to be made anew: {}", Difference::listed(differs));
    let advice = "`demo down` and `demo up` make it anew; or put the stack file back as it was";
    Some(Finding::wrong(Cause::Other, what, why, advice))
}
