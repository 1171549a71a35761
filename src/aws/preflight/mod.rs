//! Everything that can be known before anything is made: who is calling, the clock, quotas, permissions, names, and what a
//! stack only refers to. All of it is looked at side by side, and nothing that is wrong hides another.

mod caller;
mod clock;
mod fargate;
mod names;
mod permissions;
mod quotas;
mod report;

use aws_config::retry::RetryConfig;

pub use report::{Finding, Refused, Report, Verdict};

use super::clients::{Caller, Clients};
use crate::{
    engine::{Graph, Phase, StackId, State, Survey},
    spec::Stack,
};

/// Tries of a question whose answer can be done without.
const TRIES: u32 = 2;

/// A stack that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Intent<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// Its resources.
    pub graph: &'a Graph,
    /// Its id; a new one where it is not made yet.
    pub id: &'a StackId,
    /// What its journal says.
    pub state: &'a State,
}

/// Who is calling, and the clock: without a stack there is no more to ask.
pub async fn caller(clients: &Clients) -> Report {
    Report(caller::check(clients, None).await.0)
}

/// Everything but what a survey says of each resource, and that survey, taken at the same time as what the deliveries
/// look at themselves. Nothing is surveyed if it is not known who is calling.
pub async fn check<S>(
    intent: &Intent<'_>,
    clients: &Clients,
    deliveries: impl Future<Output = Vec<Finding>>,
    survey: impl Future<Output = S>,
) -> (Report, Option<S>) {
    let (mut findings, caller) = caller::check(clients, Some(intent.stack)).await;
    let Some(caller) = caller else { return (Report(findings), None) };
    let (around, deliveries, survey) = futures::join!(around(intent, &caller, clients), deliveries, survey);
    findings.extend(around);
    findings.extend(deliveries);
    (Report(findings), Some(survey))
}

/// What a survey says of the names that a stack would take.
pub fn names(survey: &Survey) -> Vec<Finding> {
    names::findings(survey)
}

/// Of a stack that is up only what may have changed since is looked at.
async fn around(intent: &Intent<'_>, caller: &Caller, clients: &Clients) -> Vec<Finding> {
    let Intent { stack, graph, id, state } = *intent;
    let is_up = graph.nodes().iter().all(|node| state.phase(&node.key) == Some(Phase::Ready));
    let permissions = async { if is_up { None } else { Some(permissions::check(graph, id, caller, clients).await) } };
    let (quotas, fargate) = (quotas::check(stack, graph, state, clients), fargate::check(stack, caller, clients));
    let (quotas, fargate, permissions) = futures::join!(quotas, fargate, permissions);
    quotas.into_iter().chain(fargate).chain(permissions).collect()
}

/// Few tries: a service that does not know the question is not asked again and again.
fn seldom() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(TRIES)
}
