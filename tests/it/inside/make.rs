//! `up` without the preflight checks, which ask much more and change nothing.

use kinesis_demo::{
    aws::{Clients, kinds::providers},
    engine::{Applied, Cancel, Journal, Survey},
    pipeline::{
        Materials,
        lifecycle::{self, LifecycleError},
    },
    spec::Stack,
};

/// Reads every resource of the stack, and creates or changes what it lacks.
pub async fn make(
    journal: &Journal,
    stack: &Stack,
    materials: &Materials<'_>,
    clients: &Clients,
) -> Result<Applied, LifecycleError> {
    let graph = lifecycle::graph(stack, journal.id(), &journal.state(), materials)?;
    let survey = Survey::of(&graph, &providers(clients)).await;
    lifecycle::make(journal, stack, &survey, clients, &(), &Cancel::new()).await
}
