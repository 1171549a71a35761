//! ECS on Fargate: clusters, task definitions, and tasks that run as processes of this machine.
//!
//! A task runs its container's command as a process of its own; the container's image is named and shown, and never pulled
//! or run. A task's process needs the stand-in's own address, so nothing runs before [`Ecs::start`] gets it. Not covered:
//! services, container instances, capacity providers, more than one container in a task, volumes, secrets, health checks,
//! Exec, the metadata endpoint, and limits on CPU and memory.

mod arn;
mod clusters;
mod container;
mod credentials;
mod definition;
mod definitions;
mod fargate;
mod life;
mod page;
mod process;
mod refuse;
mod run;
mod tags;
mod task;
mod tasks;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use self::{
    clusters::Cluster,
    definitions::Family,
    life::Life,
    task::{Status, StopCause, StopCode, Task},
};
use crate::{
    clock,
    durable::Durable,
    faults::Faults,
    inventory::Inventory,
    json,
    keys::AccessKey,
    protocol::{Json, Protocol},
    service::{Answer, Call, Operation::Immediate, Operations, Service, json as answer},
    service_error::ServiceError,
    services::{ec2::Ec2, iam::Iam, logs::Logs},
    sessions::Sessions,
};

/// How long a stopped task is shown (ECS API reference, DescribeTasks); here also a deleted cluster.
const SHOWN_AFTER_THE_END: TimeDelta = TimeDelta::hours(1);
/// The vCPUs of all tasks that run at once (ECS developer guide, "AWS Fargate service quotas").
const DEFAULT_VCPU_QUOTA: u32 = 6;

/// ECS over one folder. Dropping it ends the tasks' processes.
pub struct Ecs {
    /// For the tasks, which outlive a call and end with the stand-in.
    me: Weak<Self>,
    folder: PathBuf,
    known: Durable<Known>,
    iam: Arc<Iam>,
    logs: Arc<Logs>,
    ec2: Arc<Ec2>,
    key: AccessKey,
    faults: Arc<Faults>,
    /// The roles that tasks act as.
    sessions: Arc<Sessions>,
    vcpu_quota: AtomicU32,
    /// Where the stand-in answers; `None` while it does not.
    address: Mutex<Option<SocketAddr>>,
    /// Those of tasks that have not stopped, by the ids of these.
    lives: Mutex<HashMap<String, Life>>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Known {
    /// By name.
    clusters: BTreeMap<String, Cluster>,
    /// By name.
    families: BTreeMap<String, Family>,
    /// By id.
    tasks: BTreeMap<String, Task>,
}

impl Ecs {
    /// Opens what lies in `folder`. Tasks call the stand-in with `key`. Those that ran when it ended have stopped.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it is damaged.
    pub(crate) fn open(
        folder: &Path,
        iam: Arc<Iam>,
        logs: Arc<Logs>,
        ec2: Arc<Ec2>,
        key: AccessKey,
        faults: Arc<Faults>,
        sessions: Arc<Sessions>,
    ) -> io::Result<Arc<Self>> {
        let tasks = folder.join("tasks");
        // What tasks of the last time left in theirs.
        if tasks.exists() {
            fs::remove_dir_all(&tasks)?;
        }
        fs::create_dir_all(&tasks)?;
        let known = Durable::<Known>::open(&folder.join("ecs.json"))?;
        if known.read().tasks.values().any(|task| !task.is_stopped()) {
            known.change(|known| {
                known.stop_all("The stand-in ended while the task ran.");
                Ok::<_, io::Error>(())
            })?;
        }
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            folder: folder.to_owned(),
            known,
            iam,
            logs,
            ec2,
            key,
            faults,
            sessions,
            vcpu_quota: AtomicU32::new(DEFAULT_VCPU_QUOTA),
            address: Mutex::default(),
            lives: Mutex::default(),
        }))
    }

    /// Says where the stand-in answers: tasks may run now, and call it there.
    pub(crate) fn start(&self, address: SocketAddr) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    /// Says that the stand-in answers no longer, and ends all tasks.
    pub(crate) fn end(&self) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.lives().clear();
        let stopped = self.change(|known| {
            known.stop_all("The stand-in was stopped.");
            Ok(())
        });
        if let Err(error) = stopped {
            tracing::error!("that the tasks of ECS have stopped cannot be written down: {error}");
        }
    }

    /// The vCPUs that all tasks together may have at once.
    pub(crate) fn vcpu_quota(&self) -> u32 {
        self.vcpu_quota.load(Relaxed)
    }

    /// Sets that quota until the stand-in closes.
    pub fn set_vcpu_quota(&self, vcpus: u32) {
        self.vcpu_quota.store(vcpus, Relaxed);
    }

    /// What there is, without what is over by now.
    fn known(&self) -> Result<MutexGuard<'_, Known>, ServiceError> {
        let now = clock::utc();
        if self.known.read().has_expired(now) {
            self.change(|_| Ok(()))?;
        }
        Ok(self.known.read())
    }

    /// Changes what there is, on disk first.
    fn change<R>(&self, change: impl FnOnce(&mut Known) -> Result<R, ServiceError>) -> Result<R, ServiceError> {
        self.known.change(|known| {
            known.remove_expired(clock::utc());
            change(known)
        })
    }

    fn lives(&self) -> MutexGuard<'_, HashMap<String, Life>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn tasks_of<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks.values().filter(move |task| task.cluster == cluster)
    }

    /// Refuses a cluster that is not there, or not any more.
    fn check_cluster(&self, name: &str) -> Result<(), ServiceError> {
        match self.clusters.get(name) {
            Some(cluster) if cluster.is_active() => Ok(()),
            Some(_) => Err(refuse::inactive_cluster()),
            None => Err(refuse::no_cluster()),
        }
    }

    fn stop_all(&mut self, reason: &str) {
        let now = clock::utc();
        for task in self.tasks.values_mut().filter(|task| !task.is_stopped()) {
            let cause = || StopCause { code: StopCode::TerminationNotice, reason: reason.to_owned() };
            task.stop.get_or_insert_with(cause);
            task.become_(Status::Stopped, now);
        }
    }

    fn has_expired(&self, now: DateTime<Utc>) -> bool {
        let deleted = |(name, family): (&String, &Family)| {
            family.revisions.iter().any(|(revision, it)| it.deleted.is_some() && !self.is_in_use(name, *revision))
        };
        self.clusters.values().any(|cluster| is_over(cluster.deleted, now))
            || self.tasks.values().any(|task| is_over(task.times.stopped_at, now))
            || self.families.iter().any(deleted)
    }

    /// A definition whose deletion was asked for lasts as long as its tasks (ECS API reference, DeleteTaskDefinitions).
    fn remove_expired(&mut self, now: DateTime<Utc>) {
        self.clusters.retain(|_, cluster| !is_over(cluster.deleted, now));
        self.tasks.retain(|_, task| !is_over(task.times.stopped_at, now));
        let mut families = std::mem::take(&mut self.families);
        for (name, family) in &mut families {
            family.revisions.retain(|revision, it| it.deleted.is_none() || self.is_in_use(name, *revision));
        }
        self.families = families;
    }

    fn is_in_use(&self, family: &str, revision: u32) -> bool {
        let is_of_it = |task: &&Task| task.family == family && task.revision == revision;
        self.tasks.values().filter(is_of_it).any(|task| !task.is_stopped())
    }
}

fn is_over(ended: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    ended.is_some_and(|ended| ended + SHOWN_AFTER_THE_END <= now)
}

static OPERATIONS: Operations<Ecs> = Operations(&[
    ("CreateCluster", Immediate(|ecs, call| answer(ecs.create_cluster(parse(call)?)))),
    ("DescribeClusters", Immediate(|ecs, call| answer(ecs.describe_clusters(parse(call)?)))),
    ("ListClusters", Immediate(|ecs, call| answer(ecs.list_clusters(parse(call)?)))),
    ("DeleteCluster", Immediate(|ecs, call| answer(ecs.delete_cluster(parse(call)?)))),
    ("RegisterTaskDefinition", Immediate(|ecs, call| answer(ecs.register(parse(call)?)))),
    ("DescribeTaskDefinition", Immediate(|ecs, call| answer(ecs.describe_definition(parse(call)?)))),
    ("ListTaskDefinitions", Immediate(|ecs, call| answer(ecs.list_definitions(parse(call)?)))),
    ("DeregisterTaskDefinition", Immediate(|ecs, call| answer(ecs.deregister(parse(call)?)))),
    ("DeleteTaskDefinitions", Immediate(|ecs, call| answer(ecs.delete_definitions(parse(call)?)))),
    ("RunTask", Immediate(|ecs, call| answer(ecs.run_task(call, parse(call)?)))),
    ("DescribeTasks", Immediate(|ecs, call| answer(ecs.describe_tasks(parse(call)?)))),
    ("ListTasks", Immediate(|ecs, call| answer(ecs.list_tasks(parse(call)?)))),
    ("StopTask", Immediate(|ecs, call| answer(ecs.stop_task(parse(call)?)))),
    ("TagResource", Immediate(|ecs, call| answer(ecs.tag(parse(call)?)))),
    ("UntagResource", Immediate(|ecs, call| answer(ecs.untag(parse(call)?)))),
    ("ListTagsForResource", Immediate(|ecs, call| answer(ecs.list_tags(parse(call)?)))),
]);

#[async_trait]
impl Service for Ecs {
    fn name(&self) -> &'static str {
        "ecs"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("AmazonEC2ContainerServiceV20141113"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    /// Without what is only shown for a while: deleted clusters and task definitions, stopped tasks.
    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let known = self.known()?;
        let mut clusters = known.clusters.iter().filter(|(_, cluster)| cluster.is_active());
        clusters.try_for_each(|(name, cluster)| into.add("ecs cluster", name, cluster))?;
        for (name, family) in &known.families {
            let mut revisions = family.revisions.iter().filter(|(_, definition)| definition.deleted.is_none());
            revisions
                .try_for_each(|(revision, it)| into.add("ecs task definition", format!("{name}:{revision}"), it))?;
        }
        let mut tasks = known.tasks.iter().filter(|(_, task)| !task.is_stopped());
        tasks.try_for_each(|(id, task)| into.add("ecs task", id, task))
    }
}

fn parse<T: DeserializeOwned>(call: &Call) -> Result<T, ServiceError> {
    json::parse(&call.body).map_err(|e| ServiceError::client("SerializationException", json::problem(&e)))
}

/// The protocol's timestamps: seconds since the epoch, with a fraction.
fn timestamp(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
