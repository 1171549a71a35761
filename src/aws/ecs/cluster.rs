//! The cluster that a stack's workers run in. It costs nothing by itself, and its tasks do.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ecs::types::{Cluster, ClusterField, Task};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    tags::{pairs, to_tags},
    tasks::ClusterTasks,
};
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure, is},
        kind::{Hourly, Kind, Layer},
        ownership::Ownership,
        pace::Pace,
        permission::{On, Statement},
        prices::Prices,
        tags,
    },
    engine::{Cause, Difference, Foreign, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

const CREATE: &str = "ecs CreateCluster";
const DESCRIBE: &str = "ecs DescribeClusters";
const DELETE: &str = "ecs DeleteCluster";
const TAG: &str = "ecs TagResource";
const READY_BUDGET: Duration = Duration::from_secs(5 * 60);
/// A task has two minutes to end (`stopTimeout`), and then its network interface goes.
const GONE_BUDGET: Duration = Duration::from_secs(20 * 60);
/// Clusters of one request (ECS API reference, DescribeClusters).
const MOST_DESCRIBED: usize = 100;
/// Tasks that are stopped side by side.
const AT_ONCE: usize = 8;
const TAKEN: &str = "somebody else has created it meanwhile; remove it, or create the stack under another name";
const REASON: &str = "demo down: its stack is removed";
/// Units of a vCPU, and MiB of a GB, as ECS counts a task's size.
const UNITS: f64 = 1024.0;

/// A cluster as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// The family of what its tasks run.
    pub family: String,
    /// What runs in it, once that was [measured](Kind::measured).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// What the tasks of a cluster have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// How many there are.
    pub tasks: u32,
    /// Their vCPUs.
    pub vcpus: f64,
    /// Their memory.
    pub memory_gb: f64,
}

/// Knows clusters.
pub struct Clusters(pub Clients);

#[async_trait]
impl Kind for Clusters {
    type Desired = Desired;

    const KIND: &'static str = "cluster";
    const LAYER: Layer = Layer::Flow;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// And what is done to its tasks. ECS makes a role of its own where the account has none yet (ECS developer guide, "Using
    /// service-linked roles"). ListTasks knows no tasks and no clusters but by a condition.
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const CLUSTER: [&str; 4] =
            ["ecs:CreateCluster", "ecs:DeleteCluster", "ecs:DescribeClusters", "ecs:TagResource"];
        const TASKS: [&str; 3] = ["ecs:DescribeTasks", "ecs:StopTask", "ecs:TagResource"];
        let Desired { name, family, .. } = wanted;
        let in_cluster =
            |statement: Statement| statement.when("ArnLike", "ecs:cluster", [format!("arn:*:ecs:*:*:cluster/{name}")]);
        let linked = On::Role("/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS".to_owned());
        let linked = Statement::new(&["iam:CreateServiceLinkedRole"], [linked]);
        vec![
            Statement::new(&CLUSTER, [On::resource("ecs", format!("cluster/{name}"))]),
            Statement::new(&TASKS, [On::resource("ecs", format!("task/{name}/*"))]),
            in_cluster(Statement::new(&["ecs:RunTask"], [On::resource("ecs", format!("task-definition/{family}:*"))])),
            in_cluster(Statement::new(&["ecs:ListTasks"], [On::anything()])),
            linked.when("StringEquals", "iam:AWSServiceName", ["ecs.amazonaws.com".to_owned()]),
        ]
    }

    fn hourly(wanted: &Desired, prices: &Prices) -> Hourly {
        let Some(running) = wanted.running.filter(|running| running.tasks > 0) else { return Hourly::Nothing };
        let Running { tasks, vcpus, memory_gb } = running;
        let s = if tasks == 1 { "" } else { "s" };
        let detail = format!("{tasks} task{s} running, with {vcpus} vCPU and {memory_gb} GB");
        let dollars =
            vcpus * prices.vcpu_hour + memory_gb * prices.memory_gb_hour + f64::from(tasks) * prices.ipv4_hour;
        Hourly::Always { detail, dollars }
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.find(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(pairs(found.tags())) {
            return Ok(Observed::Foreign { why });
        }
        Ok(Observed::Ours {
            identity: found.cluster_arn().unwrap_or_default().to_owned(),
            ready: found.status() == Some("ACTIVE"),
            differs: tags::differences(&wanted.ownership, pairs(found.tags())),
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let name = &wanted.name;
        let call = self.0.ecs.create_cluster().cluster_name(name);
        let answer = call.set_tags(Some(to_tags(wanted.ownership.all()))).send().await;
        let created = answer.map_err(|error| failure(CREATE, name, &error))?.cluster;
        Ok(created.and_then(|cluster| cluster.cluster_arn).unwrap_or_default())
    }

    /// CreateCluster answers one that was there already as it is, whosesoever (ECS API reference).
    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let what = match self.find(&wanted.name).await? {
                // One that was just made may not be seen everywhere yet.
                None => "not visible yet".to_owned(),
                Some(found) if found.status() == Some("ACTIVE") => {
                    let ours = wanted.ownership.is_on(pairs(found.tags()));
                    return ours.map_err(|why| broken(Cause::Foreign, CREATE, &wanted.name, why, TAKEN));
                }
                Some(found) => found.status().unwrap_or("without a status").to_owned(),
            };
            pace.wait(progress, DESCRIBE, &wanted.name, &what).await?;
        }
    }

    /// Only its tags.
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let arn = self.0.arn("ecs", &format!("cluster/{}", wanted.name)).await?;
        let tags = to_tags(tags::changing(&wanted.ownership));
        let answer = self.0.ecs.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
        answer.map_err(|error| failure(TAG, &wanted.name, &error)).map(drop)
    }

    /// Tasks that run in it and are not the stack's.
    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        let tasks = self.tasks(wanted).described(None).await?;
        let foreign = tasks.iter().filter(|task| wanted.ownership.is_on(pairs(task.tags())).is_err());
        Ok(foreign.map(|task| self.of_others(&wanted.name, task)).collect())
    }

    /// Stops its tasks, and tries again until the last of them has stopped: others may be started meanwhile.
    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let (Desired { name, .. }, tasks, mut pace) = (wanted, &self.tasks(wanted), Pace::within(GONE_BUDGET));
        loop {
            let running = tasks.listed(None).await?;
            let stops = running.into_iter().map(|task| async move { tasks.stop(&task, REASON).await });
            stream::iter(stops).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            match self.0.ecs.delete_cluster().cluster(name).send().await {
                Ok(_) => return Ok(()),
                Err(error) if is(&error, &["ClusterNotFoundException"]) => return Ok(()),
                Err(error) if is(&error, &["ClusterContainsTasksException"]) => {}
                Err(error) => return Err(failure(DELETE, name, &error)),
            }
            pace.wait(progress, DELETE, name, "waiting for its tasks to stop").await?;
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut names = Vec::new();
        let mut arns = self.0.ecs.list_clusters().into_paginator().items().send();
        while let Some(arn) = arns.next().await {
            let arn = arn.map_err(|error| failure("ecs ListClusters", "the account", &error))?;
            names.extend(arn.rsplit('/').next().filter(|name| scope.may_follow(name)).map(str::to_owned));
        }
        let mut owned = Vec::new();
        for names in names.chunks(MOST_DESCRIBED) {
            let found = self.describe(names, "the account").await?;
            owned.extend(found.iter().filter_map(|cluster| self.own(scope, cluster)));
        }
        Ok(owned)
    }

    /// Looks what runs in it.
    async fn measured(&self, found: Desired) -> Result<Desired, ProviderError> {
        let tasks = self.tasks(&found).described(None).await?;
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / UNITS;
        let sum = |of: fn(&Task) -> Option<&str>| tasks.iter().map(|task| number(of(task))).sum();
        let running = Running { tasks: tasks.len() as u32, vcpus: sum(Task::cpu), memory_gb: sum(Task::memory) };
        Ok(Desired { running: Some(running), ..found })
    }
}

impl Clusters {
    fn tasks(&self, wanted: &Desired) -> ClusterTasks {
        ClusterTasks::new(&self.0, &wanted.name)
    }

    /// The cluster of this name. One that was deleted is shown as INACTIVE for a while.
    async fn find(&self, name: &str) -> Result<Option<Cluster>, ProviderError> {
        Ok(self.describe(&[name.to_owned()], name).await?.into_iter().next())
    }

    async fn describe(&self, names: &[String], resource: &str) -> Result<Vec<Cluster>, ProviderError> {
        let call = self.0.ecs.describe_clusters().set_clusters(Some(names.to_vec()));
        let answer = call.include(ClusterField::Tags).send().await;
        let mut found = answer.map_err(|error| failure(DESCRIBE, resource, &error))?.clusters.unwrap_or_default();
        found.retain(|cluster| cluster.status() != Some("INACTIVE"));
        Ok(found)
    }

    fn own(&self, scope: &Scope, cluster: &Cluster) -> Option<Owned> {
        let (name, ownership) = (cluster.cluster_name()?, Ownership::found(scope, pairs(cluster.tags()))?);
        let command = self.0.cli(&format!("ecs delete-cluster --cluster {name}"));
        Some(Self::found(name, &Desired { name: name.to_owned(), ownership, ..Desired::default() }, command))
    }

    fn of_others(&self, cluster: &str, task: &Task) -> Foreign {
        let id = task.task_arn().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let of = task.group().map(|group| format!(" of {group}")).unwrap_or_default();
        Foreign {
            what: format!("task {id}{of}"),
            command: self.0.cli(&format!("ecs stop-task --cluster {cluster} --task {id}")),
            only_by_hand: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::cost::prices_in;

    #[test]
    fn a_cluster_costs_what_runs_in_it() {
        let hourly = |running| Clusters::hourly(&Desired { running, ..Desired::default() }, prices_in("us-east-1"));
        assert_eq!(hourly(None), Hourly::Nothing);
        assert_eq!(hourly(Some(Running::default())), Hourly::Nothing);
        let Hourly::Always { detail, dollars } = hourly(Some(Running { tasks: 2, vcpus: 4.0, memory_gb: 8.0 })) else {
            panic!("two tasks cost something");
        };
        assert_eq!(detail, "2 tasks running, with 4 vCPU and 8 GB");
        assert!((dollars - (4.0 * 0.04048 + 8.0 * 0.004445 + 2.0 * 0.005)).abs() < 1e-9, "{dollars}");
    }
}
