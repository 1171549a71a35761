//! Somebody deletes by hand what a stack has made.

use kinesis_demo::{
    aws::kinds::providers,
    engine::{Cancel, Doing, Graph, Node, Progress, ResourceKey},
};

use super::{CREATED, EVERYTHING, FARGATE, down, ends_clean, ground, kinds, make, up};
use crate::matrix::ground::Ground;

/// A node and all that stands on it, those last that are stood on.
fn with_dependents<'a>(graph: &'a Graph, key: &ResourceKey) -> Vec<&'a Node> {
    let mut taken = vec![key.clone()];
    for node in graph.ordered() {
        if node.depends_on.iter().any(|on| taken.contains(on)) {
            taken.push(node.key.clone());
        }
    }
    graph.ordered().into_iter().rev().filter(|node| taken.contains(&node.key)).collect()
}

async fn delete_by_hand(ground: &Ground, nodes: &[&Node]) {
    let (providers, cancel) = (providers(&ground.aside), Cancel::new());
    for node in nodes {
        let progress = Progress::begin(node, Doing::Deleting, &(), &cancel);
        let provider = providers.of(&node.key).expect("a provider");
        provider.delete(node, &progress).await.unwrap_or_else(|error| panic!("by hand: {error}"));
    }
}

async fn whatever_is_deleted(stack: &str) {
    let mut ground = ground(stack).await;
    let graph = ground.graph(&ground.id);
    up(&ground).await;
    let kept = kinds(&ground);
    ends_clean(&ground).await;
    for node in graph.nodes() {
        ground.begin().await;
        up(&ground).await;
        delete_by_hand(&ground, &with_dependents(&graph, &node.key)).await;
        make(&ground).await.unwrap_or_else(|error| panic!("without {}: {error}", node.key));
        assert_eq!(kinds(&ground), kept, "{}", node.key);
        delete_by_hand(&ground, &with_dependents(&graph, &node.key)).await;
        let down = down(&ground).await;
        assert!(down.is_clean(), "without {}: {down:#?}", node.key);
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_by_hand_is_made_again_and_is_no_trouble_to_down() {
    whatever_is_deleted(EVERYTHING).await;
}

#[tokio::test(start_paused = true)]
async fn a_redshift_of_its_own_too() {
    whatever_is_deleted(CREATED).await;
}

#[tokio::test(start_paused = true)]
async fn what_tasks_on_fargate_need_too() {
    whatever_is_deleted(FARGATE).await;
}
