//! Showing and stopping tasks.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Ecs, ServiceError, arn,
    definitions::IncludeTags,
    page::{Paging, listed},
    refuse,
    task::{StopCause, StopCode, Task},
};

/// Tasks of one request (ECS API reference, DescribeTasks).
const MOST_DESCRIBED: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DescribeTasks {
    cluster: Option<String>,
    tasks: Vec<String>,
    #[serde(default)]
    include: Vec<IncludeTags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTasks {
    cluster: Option<String>,
    family: Option<String>,
    started_by: Option<String>,
    desired_status: Option<DesiredStatus>,
    launch_type: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum DesiredStatus {
    Running,
    /// Nothing has it (ListTasks).
    Pending,
    Stopped,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StopTask {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

impl ListTasks {
    fn is_wanted(&self, task: &Task) -> bool {
        let status = match self.desired_status {
            None | Some(DesiredStatus::Running) => "RUNNING",
            Some(DesiredStatus::Pending) => "PENDING",
            Some(DesiredStatus::Stopped) => "STOPPED",
        };
        task.desired_status() == status
            && self.family.as_ref().is_none_or(|family| *family == task.family)
            && self.started_by.as_ref().is_none_or(|by| task.started_by.as_ref() == Some(by))
            && self.launch_type.as_ref().is_none_or(|launch_type| launch_type == "FARGATE")
    }

    fn has_another_filter(&self) -> bool {
        self.family.is_some() || self.desired_status.is_some() || self.launch_type.is_some()
    }
}

impl Ecs {
    pub(super) fn describe_tasks(&self, request: DescribeTasks) -> Result<Value, ServiceError> {
        if request.tasks.is_empty() || request.tasks.len() > MOST_DESCRIBED {
            return Err(refuse::parameter(format!("tasks has 1 to {MOST_DESCRIBED} items.")));
        }
        let (cluster, with_tags) = (arn::cluster_in(request.cluster.as_deref()), !request.include.is_empty());
        let known = self.known()?;
        known.check_cluster(cluster)?;
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for given in &request.tasks {
            let task = known.tasks.get(arn::task_in(cluster, given)).filter(|task| task.cluster == cluster);
            match task {
                Some(task) => tasks.push(task.describe(with_tags)),
                None if given.starts_with("arn:") => failures.push(json!({"arn": given, "reason": "MISSING"})),
                None => failures.push(json!({"arn": arn::task(cluster, given), "reason": "MISSING"})),
            }
        }
        Ok(json!({"tasks": tasks, "failures": failures}))
    }

    pub(super) fn list_tasks(&self, request: ListTasks) -> Result<Value, ServiceError> {
        let cluster = arn::cluster_in(request.cluster.as_deref());
        if request.started_by.is_some() && request.has_another_filter() {
            return Err(refuse::parameter("startedBy must be the only filter where it is one."));
        }
        let known = self.known()?;
        known.check_cluster(cluster)?;
        let wanted = known.tasks_of(cluster).filter(|task| request.is_wanted(task));
        let paging = Paging::of(request.max_results, request.next_token.as_deref())?;
        Ok(listed("taskArns", paging.page(wanted.map(|task| (task.id.clone(), task.arn())))))
    }

    /// One that stops already, or has, is answered as it is.
    pub(super) fn stop_task(&self, request: StopTask) -> Result<Value, ServiceError> {
        let cluster = arn::cluster_in(request.cluster.as_deref());
        let id = arn::task_in(cluster, &request.task);
        let described = self.change(|known| {
            known.check_cluster(cluster)?;
            let task = known.tasks.get_mut(id).filter(|task| task.cluster == cluster).ok_or_else(refuse::no_task)?;
            task.stop.get_or_insert_with(|| StopCause {
                code: StopCode::UserInitiated,
                reason: request.reason.unwrap_or_else(|| "Task stopped by user".to_owned()),
            });
            Ok(task.describe(true))
        })?;
        if let Some(life) = self.lives().get(id) {
            life.stop();
        }
        Ok(json!({"task": described}))
    }
}
