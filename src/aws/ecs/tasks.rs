//! Tasks of a cluster: started, looked at and stopped.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ecs::{
    Client,
    types::{
        AssignPublicIp, AwsVpcConfiguration, Container, ContainerOverride, Failure, KeyValuePair, LaunchType,
        NetworkConfiguration, Task, TaskField, TaskOverride,
    },
};
use tokio::time::sleep;

use super::tags::{pairs, to_tags};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure, is, says},
        ownership::collected,
        retry::{classify, quota_advice},
    },
    engine::{Cause, ProviderError},
};

/// The name of a worker's container.
pub const CONTAINER: &str = "worker";

const RUN: &str = "ecs RunTask";
const DESCRIBE: &str = "ecs DescribeTasks";
const LIST: &str = "ecs ListTasks";
const STOP: &str = "ecs StopTask";
/// Of one request (ECS API reference, AwsVpcConfiguration; DescribeTasks).
const MOST_SUBNETS: usize = 16;
const MOST_DESCRIBED: usize = 100;
/// Pauses before a task that ECS does not know is asked for again: one that has just started may not be seen yet (ECS API
/// reference, RunTask, on eventual consistency).
const LOOKS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
const STOPPED: &str = "STOPPED";
/// What a failure of DescribeTasks says of a task that is not there.
const MISSING: &str = "MISSING";

/// The tasks of a cluster.
#[derive(Clone, Debug)]
pub struct ClusterTasks {
    ecs: Client,
    cluster: String,
}

/// One task to start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskOrder {
    /// The family of its definition, whose newest revision it gets.
    pub family: String,
    /// Where it may run; the first sixteen are taken.
    pub subnets: Vec<String>,
    /// The id of its security group.
    pub security_group: String,
    /// The environment of its worker.
    pub variables: Vec<(String, String)>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What [`ClusterTasks::running`] finds it by; up to 128 characters.
    pub started_by: String,
    /// The same one again starts no other task; up to 64 characters.
    pub client_token: String,
}

/// A task that runs, or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningTask {
    /// Its ARN.
    pub arn: String,
    /// What it was started by.
    pub started_by: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The environment that it was started with.
    pub variables: Vec<(String, String)>,
}

impl ClusterTasks {
    /// Those of a cluster by its name.
    pub fn new(clients: &Clients, cluster: impl Into<String>) -> Self {
        Self { ecs: clients.ecs.clone(), cluster: cluster.into() }
    }

    /// Starts a task on Fargate, with a public address, and returns its ARN.
    ///
    /// # Errors
    /// The call fails. Where Fargate has no capacity the cause is transient, and other subnets may have some.
    pub async fn run(&self, order: TaskOrder) -> Result<String, ProviderError> {
        let resource = self.titled(&order.family);
        let call = self.ecs.run_task().cluster(&self.cluster).task_definition(&order.family).count(1);
        let call = call.launch_type(LaunchType::Fargate).network_configuration(network(&order, &resource)?);
        let call = call.overrides(overrides(&order.variables)).set_tags(Some(to_tags(order.tags)));
        let answer = call.started_by(order.started_by).client_token(order.client_token).send().await;
        let answer = answer.map_err(|error| failure(RUN, &resource, &error))?;
        if let Some(arn) = answer.tasks().first().and_then(|task| task.task_arn()) {
            return Ok(arn.to_owned());
        }
        Err(answer.failures().first().map_or_else(
            || broken(Cause::Other, RUN, &resource, "neither a task nor a failure came back".to_owned(), ""),
            |why| refused(why, &resource),
        ))
    }

    /// Those of the tasks that have stopped, or that ECS does not know, each with why.
    ///
    /// # Errors
    /// A call fails.
    pub async fn stopped(&self, tasks: &[String]) -> Result<Vec<(String, String)>, ProviderError> {
        let (mut stopped, mut unseen) = self.looked_at(tasks).await?;
        for pause in LOOKS {
            if unseen.is_empty() {
                break;
            }
            sleep(pause).await;
            let (more, still) = self.looked_at(&unseen).await?;
            stopped.extend(more);
            unseen = still;
        }
        stopped.extend(unseen.into_iter().map(|task| (task, "ECS does not know it (any more)".to_owned())));
        Ok(stopped)
    }

    /// Stops a task. One that has stopped, or is not there any more, stays so.
    ///
    /// # Errors
    /// The call fails.
    pub async fn stop(&self, task: &str, reason: &str) -> Result<(), ProviderError> {
        match self.ecs.stop_task().cluster(&self.cluster).task(task).reason(reason).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["ClusterNotFoundException"]) => Ok(()),
            Err(error) if says(&error, &["task was not found"]) => Ok(()),
            Err(error) => Err(failure(STOP, task, &error)),
        }
    }

    /// The tasks that were started with this `started_by`, or all, and have not been stopped.
    ///
    /// # Errors
    /// A call fails.
    pub async fn running(&self, started_by: Option<&str>) -> Result<Vec<RunningTask>, ProviderError> {
        Ok(self.described(started_by).await?.into_iter().filter_map(running).collect())
    }

    /// Every task that is to run, of whoever has started it, or those with this `started_by`; none where there is no cluster.
    pub(super) async fn described(&self, started_by: Option<&str>) -> Result<Vec<Task>, ProviderError> {
        let arns = self.listed(started_by).await?;
        let mut tasks = Vec::new();
        for arns in arns.chunks(MOST_DESCRIBED) {
            let call = self.ecs.describe_tasks().cluster(&self.cluster).set_tasks(Some(arns.to_vec()));
            let found = call.include(TaskField::Tags).send().await;
            let found = found.map_err(|error| failure(DESCRIBE, &self.cluster, &error))?;
            tasks.extend(found.tasks.unwrap_or_default());
        }
        tasks.retain(|task| task.last_status() != Some(STOPPED));
        Ok(tasks)
    }

    /// The ARNs of those tasks.
    pub(super) async fn listed(&self, started_by: Option<&str>) -> Result<Vec<String>, ProviderError> {
        let call = self.ecs.list_tasks().cluster(&self.cluster).set_started_by(started_by.map(str::to_owned));
        let mut pages = call.into_paginator().items().send();
        let mut arns = Vec::new();
        while let Some(arn) = pages.next().await {
            match arn {
                Ok(arn) => arns.push(arn),
                Err(error) if is(&error, &["ClusterNotFoundException"]) => break,
                Err(error) => return Err(failure(LIST, &self.cluster, &error)),
            }
        }
        Ok(arns)
    }

    /// Those that have stopped, with why, and those that are not seen.
    async fn looked_at(&self, tasks: &[String]) -> Result<(Vec<(String, String)>, Vec<String>), ProviderError> {
        let (mut stopped, mut unseen) = (Vec::new(), Vec::new());
        for tasks in tasks.chunks(MOST_DESCRIBED) {
            let call = self.ecs.describe_tasks().cluster(&self.cluster).set_tasks(Some(tasks.to_vec()));
            let found = call.send().await.map_err(|error| failure(DESCRIBE, &self.cluster, &error))?;
            let ended = found.tasks().iter().filter(|task| task.last_status() == Some(STOPPED));
            stopped.extend(ended.filter_map(|task| Some((task.task_arn()?.to_owned(), why(task)))));
            let missing = found.failures().iter().filter(|failure| failure.reason() == Some(MISSING));
            unseen.extend(missing.filter_map(|failure| failure.arn().map(str::to_owned)));
        }
        Ok((stopped, unseen))
    }

    fn titled(&self, family: &str) -> String {
        format!("{family} in cluster {}", self.cluster)
    }
}

fn network(order: &TaskOrder, resource: &str) -> Result<NetworkConfiguration, ProviderError> {
    let subnets = order.subnets.iter().take(MOST_SUBNETS).cloned().collect();
    let vpc = AwsVpcConfiguration::builder().set_subnets(Some(subnets)).security_groups(&order.security_group);
    let vpc = vpc.assign_public_ip(AssignPublicIp::Enabled).build();
    let vpc = vpc.map_err(|error| broken(Cause::Other, RUN, resource, error.to_string(), ""))?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
}

fn overrides(variables: &[(String, String)]) -> TaskOverride {
    let pair = |(name, value): &(String, String)| KeyValuePair::builder().name(name).value(value).build();
    let environment = variables.iter().map(pair).collect();
    let container = ContainerOverride::builder().name(CONTAINER).set_environment(Some(environment)).build();
    TaskOverride::builder().container_overrides(container).build()
}

/// A failure in the answer of a call that went well (ECS developer guide, "API failure reasons").
fn refused(why: &Failure, resource: &str) -> ProviderError {
    let reason = why.reason().unwrap_or("no reason given");
    let detail = why.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    let cause = match reason.starts_with("RESOURCE:") {
        true => classify("ecs", "", "Capacity is unavailable at this time").cause(),
        false => classify("ecs", "", reason).cause(),
    };
    let advice = match cause {
        Cause::Quota => quota_advice(RUN),
        Cause::Transient(_) => "this passes by itself: run the command again later".to_owned(),
        _ => String::new(),
    };
    broken(cause, RUN, resource, format!("{reason}{detail}"), &advice)
}

/// Why a task has stopped, for people: `EssentialContainerExited: Essential container in task exited; exit code 1`.
fn why(task: &Task) -> String {
    let code = task.stop_code().map(|code| code.as_str());
    let told = [code, task.stopped_reason()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let parts = Some(told).filter(|told| !told.is_empty()).into_iter();
    let all: Vec<String> = parts.chain(task.containers().iter().flat_map(ending)).collect();
    if all.is_empty() { "no reason given".to_owned() } else { all.join("; ") }
}

fn ending(container: &Container) -> impl Iterator<Item = String> {
    let code = container.exit_code().map(|code| format!("exit code {code}"));
    code.into_iter().chain(container.reason().map(str::to_owned))
}

fn running(task: Task) -> Option<RunningTask> {
    let tags = collected(pairs(task.tags()));
    let overrides = task.overrides().map(|overrides| overrides.container_overrides()).unwrap_or_default();
    let of_worker = overrides.iter().filter(|container| container.name() == Some(CONTAINER));
    let variables = of_worker.flat_map(|container| container.environment());
    let variables = variables.filter_map(|pair| Some((pair.name()?.to_owned(), pair.value()?.to_owned()))).collect();
    Some(RunningTask { arn: task.task_arn?, started_by: task.started_by, tags, variables })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::TaskStopCode;

    use super::*;
    use crate::engine::Transient;

    #[test]
    fn a_stopped_task_says_why() {
        let container = Container::builder().exit_code(137).reason("OutOfMemoryError: Container killed").build();
        let task = Task::builder()
            .stop_code(TaskStopCode::EssentialContainerExited)
            .stopped_reason("Essential container in task exited");
        assert_eq!(
            why(&task.containers(container).build()),
            "EssentialContainerExited: Essential container in task exited; exit code 137; OutOfMemoryError: Container killed"
        );
        let pull = Task::builder().stopped_reason("CannotPullContainerError: no such host").build();
        assert_eq!(why(&pull), "CannotPullContainerError: no such host");
        assert_eq!(why(&Task::builder().build()), "no reason given");
    }

    #[test]
    fn a_failure_is_told_from_an_error_only_by_where_it_stands() {
        let cause = |reason: &str| refused(&Failure::builder().reason(reason).build(), "f in cluster c").cause;
        let capacity =
            "Capacity is unavailable at this time. Please try again later or in a different availability zone";
        assert_eq!(cause(capacity), Cause::Transient(Transient::Rate));
        assert_eq!(cause("RESOURCE:ENI"), Cause::Transient(Transient::Rate));
        let quota = refused(
            &Failure::builder()
                .reason("You've reached the limit on the number of vCPUs you can run concurrently")
                .build(),
            "f in cluster c",
        );
        assert_eq!(quota.cause, Cause::Quota);
        assert!(quota.advice.contains("L-3032A538"), "{quota}");
        let other = refused(&Failure::builder().reason("INACTIVE").detail("d").build(), "f in cluster c");
        assert_eq!(other.to_string(), "ecs RunTask on f in cluster c: INACTIVE (d)");
        assert_eq!(other.cause, Cause::Other);
    }

    #[test]
    fn what_a_task_was_started_with_is_read_back() {
        let variables = vec![("DEMO_PART".to_owned(), "1/2".to_owned())];
        let task = Task::builder().task_arn("a").tags(aws_sdk_ecs::types::Tag::builder().key("k").value("v").build());
        let found = running(task.overrides(overrides(&variables)).build());
        let tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        assert_eq!(found, Some(RunningTask { arn: "a".to_owned(), started_by: None, tags, variables }));
    }
}
