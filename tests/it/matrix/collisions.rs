//! Somebody else has what the stack would make, under the very names.

use kinesis_demo::{
    engine::{ApplyError, Graph, Node, StackId},
    pipeline::lifecycle::LifecycleError,
};
use serde_json::json;

use super::{case::Case, ground::Ground, others, simulated};

#[test]
fn what_is_somebody_elses_is_refused_and_stays_as_it_is() {
    for case in Case::all() {
        simulated(refused(&case));
    }
}

async fn refused(case: &Case) {
    let mut ground = Ground::bare(case).await;
    let theirs: StackId = "somebody-00000009".parse().expect("an id");
    let graph = ground.graph(&ground.id);
    others::stand_up(&ground, &theirs, &marked_as(&theirs, &graph)).await;
    let before = ground.inventory();
    ground.begin().await;
    let refused = ground.up().await.expect_err("it is somebody else's");
    let text = refused.to_string();
    assert!(text.contains(theirs.as_str()), "{}: {text}", case.name);
    if let LifecycleError::Apply(ApplyError::Refused(all)) = &refused {
        assert_eq!(all.len(), graph.nodes().len(), "{}: {text}", case.name);
    }
    assert!(ground.wire.changes().is_empty(), "{}: {:?}", case.name, ground.wire.changes());
    let down = ground.down().await.expect("down");
    assert!(down.is_clean() && down.removed.is_empty(), "{}: {down:?}", case.name);
    assert!(ground.wire.changes().is_empty(), "{}: {:?}", case.name, ground.wire.changes());
    assert_eq!(ground.inventory().changes_since(&before), [""; 0], "{}", case.name);
}

/// The same resources, under the same names, of another stack.
fn marked_as(stack: &StackId, graph: &Graph) -> Graph {
    let marked = |node: &Node| {
        let mut node = node.clone();
        node.desired["mark"]["stack"] = json!(stack.as_str());
        node
    };
    Graph::new(graph.nodes().iter().map(marked).collect()).expect("a graph")
}
