//! The life of a task, from its provisioning to its end.

use std::{
    sync::{PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    Ecs,
    container::LogTarget,
    credentials::Credentials,
    process::{Launch, Process},
    task::{Status, StopCause, StopCode, Task},
};
use crate::{ACCOUNT, REGION, clock};

/// How long a task is in each of the states that take long on AWS.
const MOMENT: Duration = Duration::from_millis(100);

/// What a container's reason begins with where its program cannot be run.
const CANNOT_START: &str = "CannotStartContainerError";

/// Dropping it ends the task's processes.
pub(super) struct Life {
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

impl Life {
    /// Begins the life of a task that is written down.
    pub(super) fn begin(ecs: Weak<Ecs>, task: Task) -> Self {
        let (stop, told) = watch::channel(false);
        let living = Living { ecs, task, told };
        Self { stop, task: tokio::spawn(living.live()).abort_handle() }
    }

    /// Has the task stop.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Living {
    ecs: Weak<Ecs>,
    /// As it was written down first.
    task: Task,
    told: watch::Receiver<bool>,
}

impl Living {
    async fn live(mut self) {
        self.run().await;
        self.become_(Status::Deprovisioning);
        sleep(MOMENT).await;
        if let Some(ecs) = self.ecs.upgrade() {
            ecs.ec2.detach(&self.task.interface.id);
        }
        self.become_(Status::Stopped);
        if let Some(ecs) = self.ecs.upgrade() {
            ecs.lives().remove(&self.task.id);
        }
    }

    /// Until nothing of it runs any more.
    async fn run(&mut self) {
        if self.is_told_within(MOMENT).await {
            return;
        }
        self.become_(Status::Pending);
        if self.is_told_within(MOMENT).await {
            return;
        }
        match self.start().await {
            Ok(process) => {
                let (id, image) = (&self.task.id, &self.task.container.image);
                tracing::info!(
                    "ecs task {id}: its command runs as a process of this machine; its image {image} does not"
                );
                self.become_(Status::Running);
                self.watch(process).await;
            }
            Err(why) => self.change(|task| {
                let reason = match why.starts_with(CANNOT_START) {
                    true => "Task failed to start".to_owned(),
                    false => why.clone(),
                };
                task.container_reason = Some(why);
                task.stop.get_or_insert(StopCause { code: StopCode::TaskFailedToStart, reason });
            }),
        }
    }

    /// Waits for the process, which is told to end when the task is to stop.
    async fn watch(&mut self, mut process: Process) {
        let ended = tokio::select! {
            code = process.exit_code() => Some(code),
            _ = self.told.wait_for(|told| *told) => None,
        };
        self.change(|task| {
            let reason = "Essential container in task exited".to_owned();
            task.stop.get_or_insert(StopCause { code: StopCode::EssentialContainerExited, reason });
            task.become_(Status::Deactivating, clock::utc());
        });
        if ended.is_none() {
            sleep(MOMENT).await;
        }
        self.become_(Status::Stopping);
        let code = match ended {
            Some(code) => code,
            None => self.end(&mut process).await,
        };
        process.clear_away().await;
        self.change(|task| {
            task.exit_code = Some(code);
            task.times.execution_stopped_at = Some(clock::utc());
        });
    }

    /// Ends a process, which has so long for it as its container says.
    async fn end(&self, process: &mut Process) -> i32 {
        process.terminate();
        match timeout(self.task.container.stop_timeout(), process.exit_code()).await {
            Ok(code) => code,
            Err(_) => process.kill().await,
        }
    }

    /// Why it cannot start, in the words of ECS (ECS developer guide, "Stopped tasks error messages").
    async fn start(&self) -> Result<Process, String> {
        let ecs = self.ecs.upgrade().ok_or("the stand-in ends")?;
        let (task, container) = (&self.task, &self.task.container);
        if !task.interface.is_public {
            // A default subnet reaches the internet by a public address alone.
            return Err(format!(
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {}: i/o timeout",
                container.image
            ));
        }
        let log = container.log_target(&task.id);
        if let Some(LogTarget { group, stream }) = &log {
            ecs.check_log(task.execution_role.as_deref().unwrap_or_default(), group, stream)?;
        }
        let address = *ecs.address.lock().unwrap_or_else(PoisonError::into_inner);
        let address = address.ok_or("the stand-in ends")?;
        let launch = Launch {
            arguments: container.arguments().collect(),
            variables: container.variables().collect(),
            folder: ecs.folder.join("tasks").join(&task.id),
            region: &task.region,
            endpoint: format!("http://{address}"),
            credentials: task.task_role.as_ref().map(|role| Credentials::new(role, &ecs.key, &ecs.sessions)),
            log: log.map(|log| (ecs.logs.clone(), log)),
        };
        Process::start(launch).await.map_err(|e| {
            let program = container.arguments().next().unwrap_or_default();
            format!("{CANNOT_START}: unable to start container process: exec: \"{program}\": {e}")
        })
    }

    /// Whether it is told to stop while it waits so long.
    async fn is_told_within(&mut self, time: Duration) -> bool {
        // An error means that the stand-in ends, which aborts this.
        timeout(time, self.told.wait_for(|told| *told)).await.is_ok()
    }

    fn become_(&self, status: Status) {
        self.change(|task| task.become_(status, clock::utc()));
    }

    fn change(&self, change: impl FnOnce(&mut Task)) {
        let Some(ecs) = self.ecs.upgrade() else { return };
        let id = &self.task.id;
        let changed = ecs.change(|known| {
            if let Some(task) = known.tasks.get_mut(id) {
                change(task);
            }
            Ok(())
        });
        if let Err(error) = changed {
            tracing::error!("ecs task {id}: what became of it cannot be written down: {error}");
        }
    }
}

impl Ecs {
    /// A group is not made, and the execution role must be permitted to write into it.
    fn check_log(&self, role: &str, group: &str, stream: &str) -> Result<(), String> {
        let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{stream}");
        let failed = |why: String| {
            format!(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: {why}"
            )
        };
        let denied = ["logs:CreateLogStream", "logs:PutLogEvents"]
            .into_iter()
            .find(|action| !self.iam.permits(role, action, &arn));
        if let Some(action) = denied {
            return Err(failed(format!(
                "AccessDeniedException: {role} is not authorized to perform: {action} on resource: {arn}"
            )));
        }
        match self.logs.append(group, stream, &[]) {
            Ok(true) => Ok(()),
            Ok(false) => Err(failed("ResourceNotFoundException: The specified log group does not exist.".to_owned())),
            Err(e) => Err(failed(format!("InternalFailure: {e}"))),
        }
    }
}
