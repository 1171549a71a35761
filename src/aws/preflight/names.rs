//! What exists already under the names that a stack would take.

use super::report::Finding;
use crate::engine::{Cause, Difference, Node, Observed, ProviderError, Survey};

/// Whatever stands in the way, each resource by itself; one line where nothing does.
pub(super) fn findings(survey: &Survey) -> Vec<Finding> {
    let found: Vec<Finding> = survey.graph().nodes().iter().filter_map(|node| in_the_way(node, survey)).collect();
    if found.is_empty() {
        return vec![Finding::fine("names", "free, or this stack's own")];
    }
    found
}

fn in_the_way(node: &Node, survey: &Survey) -> Option<Finding> {
    let what = node.key.to_string();
    match survey.reading(node) {
        Ok(Observed::Absent) => None,
        Ok(Observed::Foreign { why }) => {
            let why = format!("{why}; it exists and does not belong to this stack");
            Some(Finding::wrong(
                Cause::Other,
                what,
                why,
                "choose another name in the stack file, or delete the existing resource yourself",
            ))
        }
        Ok(Observed::Ours { differs, .. }) => replaced(what, &Difference::replacing(differs)),
        Err(error) if error.cause == Cause::Unreachable => {
            let advice = "this service does not answer although others do: it may not be available in this region";
            Some(Finding::failed(what, ProviderError { advice: advice.to_owned(), ..error.clone() }))
        }
        Err(error) => Some(Finding::failed(what, error.clone())),
    }
}

fn replaced(what: String, differs: &[Difference]) -> Option<Finding> {
    if differs.is_empty() {
        return None;
    }
    let why = format!("it would have to be replaced: {}", Difference::listed(differs));
    let advice = "run `demo down` and `demo up` to replace it, or restore the stack file";
    Some(Finding::wrong(Cause::Other, what, why, advice))
}
