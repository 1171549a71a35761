//! Workers of a load as tasks on Fargate: what starts and stops them, and finds those that another process started.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{load::StackLoadError, meeting::Meeting};
use crate::{
    aws::{
        Clients, Names,
        ec2::{network::default_subnets, security_group},
        ecs::{
            cluster,
            tasks::{ClusterTasks, RunningTask, TaskOrder},
        },
        ownership::{Ownership, STACK},
        worker_program::WorkerProgram,
    },
    engine::{Cause, ProviderError},
    fleet::{FleetError, InBucket, Seat, Task, TaskService, Tasks},
    load::Part,
    spec::{Fargate, Stack},
};

/// How often workers and coordinator look for what is new: each time costs requests.
const POLL: Duration = Duration::from_secs(1);
/// How often workers write their logs, which grow.
const LOGGED: Duration = Duration::from_secs(5);
/// How long a task may take until it has fetched its program.
const FETCHED_WITHIN: Duration = Duration::from_secs(3_600);

/// Where the tasks of a run meet their coordinator, and what starts them. Puts their program into the stack's bucket. Refuses where
/// tasks of another run would send beside those of this one.
pub(super) async fn meeting(
    stack: &Stack,
    fargate: &Fargate,
    names: &Names,
    clients: &Clients,
    run: &str,
) -> Result<Meeting, StackLoadError> {
    let bucket = names.bucket.clone().expect("a stack with tasks has a bucket");
    let program = WorkerProgram::find(None)?;
    program.put(&clients.s3, &bucket).await?;
    let place = Arc::new(InBucket::new(&clients.s3, &bucket, run));
    let service = FargateTasks::of(stack, names, clients, (bucket, run), program).await?;
    if let Some(other) = service.others().await?.into_iter().next() {
        return Err(FleetError::OtherRun(other).into());
    }
    let launcher = Box::new(Tasks::new(Box::new(service), fargate.start_timeout));
    Ok(Meeting { place, launcher, poll: POLL, logged: LOGGED })
}

/// Runs the tasks of one run.
struct FargateTasks {
    clients: Clients,
    tasks: ClusterTasks,
    program: WorkerProgram,
    bucket: String,
    run: String,
    /// What all tasks are asked for with.
    order: TaskOrder,
    asked: Mutex<HashMap<Seat, Asked>>,
}

/// What a seat's task is asked for with: the same again is the same task.
#[derive(Clone)]
struct Asked {
    variables: Vec<(String, String)>,
    /// How often there was no room for it.
    full: usize,
}

impl FargateTasks {
    async fn of(
        stack: &Stack,
        names: &Names,
        clients: &Clients,
        (bucket, run): (String, &str),
        program: WorkerProgram,
    ) -> Result<Self, ProviderError> {
        let fleet = names.fleet.clone().expect("a stack with tasks names what they need");
        let ownership = Ownership::new(&names.id, &stack.tags);
        let group = security_group::Desired { name: fleet.security_group, ownership: ownership.clone() };
        let (subnets, security_group) =
            futures::try_join!(default_subnets(clients), security_group::id_of(clients, &group))?;
        let order = TaskOrder {
            family: fleet.family,
            subnets: subnets.into_iter().map(|subnet| subnet.id).collect(),
            security_group,
            tags: ownership.all(),
            started_by: run.to_owned(),
            ..TaskOrder::default()
        };
        Ok(Self {
            clients: clients.clone(),
            tasks: ClusterTasks::new(clients, fleet.cluster),
            program,
            bucket,
            run: run.to_owned(),
            order,
            asked: Mutex::default(),
        })
    }

    /// The run of each task of another run.
    async fn others(&self) -> Result<Vec<String>, ProviderError> {
        let running = self.tasks.running(None).await?.into_iter();
        let is_ours = |task: &RunningTask| task.tags.get(STACK) == self.order.tags.get(STACK);
        Ok(running.filter(is_ours).filter_map(|task| task.started_by).filter(|run| *run != self.run).collect())
    }

    async fn asked(&self, seat: Seat) -> Result<Asked, ProviderError> {
        if let Some(asked) = held(&self.asked).get(&seat) {
            return Ok(asked.clone());
        }
        let Self { clients, bucket, run, .. } = self;
        let (region, endpoint_url) = (clients.region().to_owned(), clients.config().endpoint_url().map(str::to_owned));
        let task = Task { region, endpoint_url, bucket: bucket.clone(), run: run.clone(), seat };
        let program = self.program.variables(&clients.s3, bucket, FETCHED_WITHIN).await?;
        let variables = task.variables().into_iter().chain(program).map(|(name, value)| (name.to_owned(), value));
        let asked = Asked { variables: variables.collect(), full: 0 };
        held(&self.asked).insert(seat, asked.clone());
        Ok(asked)
    }
}

#[async_trait]
impl TaskService for FargateTasks {
    async fn start(&self, seat: Seat) -> Result<String, ProviderError> {
        let Asked { variables, full } = self.asked(seat).await?;
        let client_token = token(&self.order, seat, full);
        let mut order = TaskOrder { variables, client_token, ..self.order.clone() };
        // A subnet is in a zone; another may have room.
        let zones = order.subnets.len().max(1);
        order.subnets.rotate_left(full % zones);
        let started = self.tasks.run(order).await;
        if let Err(ProviderError { cause: Cause::Transient(_), .. }) = &started {
            held(&self.asked).entry(seat).and_modify(|asked| asked.full += 1);
        }
        started
    }

    async fn stopped(&self, tasks: &[String]) -> Result<Vec<(String, String)>, ProviderError> {
        self.tasks.stopped(tasks).await
    }

    async fn running(&self) -> Result<Vec<(String, Seat)>, ProviderError> {
        Ok(self.tasks.running(Some(&self.run)).await?.into_iter().filter_map(seated).collect())
    }

    async fn stop(&self, task: &str) -> Result<(), ProviderError> {
        self.tasks.stop(task, "its coordinator has no more for it to do").await
    }
}

/// The tasks of a stack's cluster that are its own and work: the run of each, and its part of the load.
///
/// # Errors
/// A call fails.
pub(super) async fn working(
    clients: &Clients,
    cluster: &cluster::Desired,
) -> Result<Vec<(String, Part)>, ProviderError> {
    let running = ClusterTasks::new(clients, cluster.name.clone()).running(None).await?.into_iter();
    let ours = running.filter(|task| task.tags.get(STACK) == cluster.ownership.all().get(STACK));
    let mut working: Vec<_> = ours.filter_map(|task| Some((task.started_by.clone()?, seated(task)?.1.part))).collect();
    working.sort_by(|(run, part), (other, next)| (run, part.worker).cmp(&(other, next.worker)));
    Ok(working)
}

/// A task, and the seat that it was started for.
fn seated(RunningTask { arn, variables, .. }: RunningTask) -> Option<(String, Seat)> {
    let of = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    Some((arn, Task::of_variables(of).ok()?.seat))
}

/// What makes the same request again the same task: at most 64 characters of ASCII (ECS API reference, RunTask).
fn token(TaskOrder { family, started_by, .. }: &TaskOrder, Seat { part, generation }: Seat, full: usize) -> String {
    let text = format!("{family} {started_by} {part} {generation} {full}");
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
