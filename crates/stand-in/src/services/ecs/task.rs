//! A task: what it was started with, and how far it is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    arn,
    container::{ContainerDefinition, ContainerOverride},
    fargate::Size,
    tags::{self, Tags},
    timestamp,
};

/// A task as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) id: String,
    /// The cluster's name.
    pub(super) cluster: String,
    pub(super) family: String,
    pub(super) revision: u32,
    /// What its definition says, with what it overrides.
    pub(super) container: ContainerDefinition,
    pub(super) container_id: String,
    pub(super) overrides: Overrides,
    pub(super) size: Size,
    pub(super) architecture: String,
    pub(super) task_role: Option<String>,
    pub(super) execution_role: Option<String>,
    pub(super) interface: Interface,
    /// The region that its caller sees.
    pub(super) region: String,
    pub(super) group: String,
    pub(super) started_by: Option<String>,
    pub(super) tags: Tags,
    pub(super) token: Option<Token>,
    pub(super) status: Status,
    /// Counts its changes.
    pub(super) version: u64,
    pub(super) exit_code: Option<i32>,
    /// Why its container could not be started.
    pub(super) container_reason: Option<String>,
    pub(super) stop: Option<StopCause>,
    pub(super) times: Times,
}

/// What a task has in place of what its definition says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Overrides {
    #[serde(default)]
    pub(super) container_overrides: Vec<ContainerOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) execution_role_arn: Option<String>,
}

/// The network interface of a task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Interface {
    pub(super) id: String,
    pub(super) attachment: String,
    pub(super) subnet: String,
    pub(super) zone: String,
    pub(super) address: String,
    pub(super) is_public: bool,
}

/// What tells a repeated request from another (ECS API reference, "Ensuring idempotency").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) client_token: String,
    /// Of the request.
    pub(super) digest: String,
}

/// How far a task is, in order (ECS developer guide, "Amazon ECS task lifecycle").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Provisioning,
    Pending,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// Why a task stops or has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StopCause {
    pub(super) code: StopCode,
    pub(super) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StopCode {
    TaskFailedToStart,
    EssentialContainerExited,
    UserInitiated,
    TerminationNotice,
}

/// When a task became what it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Times {
    created_at: Option<DateTime<Utc>>,
    pull_started_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    stopping_at: Option<DateTime<Utc>>,
    pub(super) execution_stopped_at: Option<DateTime<Utc>>,
    pub(super) stopped_at: Option<DateTime<Utc>>,
}

impl Times {
    pub(super) fn created(now: DateTime<Utc>) -> Self {
        Self { created_at: Some(now), ..Self::default() }
    }
}

impl Task {
    pub(super) fn is_stopped(&self) -> bool {
        self.status == Status::Stopped
    }

    /// What it is to be: running, or stopped.
    pub(super) fn desired_status(&self) -> &'static str {
        if self.stop.is_some() { "STOPPED" } else { "RUNNING" }
    }

    /// Goes on to what follows.
    pub(super) fn become_(&mut self, status: Status, now: DateTime<Utc>) {
        self.status = status;
        self.version += 1;
        let times = &mut self.times;
        let time = match status {
            Status::Pending => &mut times.pull_started_at,
            Status::Running => &mut times.started_at,
            Status::Deactivating | Status::Stopping => &mut times.stopping_at,
            Status::Stopped => &mut times.stopped_at,
            Status::Provisioning | Status::Deprovisioning => return,
        };
        time.get_or_insert(now);
    }

    pub(super) fn arn(&self) -> String {
        arn::task(&self.cluster, &self.id)
    }

    /// As DescribeTasks shows it.
    pub(super) fn describe(&self, with_tags: bool) -> Value {
        let mut description = json!({
            "taskArn": self.arn(),
            "clusterArn": arn::cluster(&self.cluster),
            "taskDefinitionArn": arn::task_definition(&self.family, self.revision),
            "lastStatus": self.status,
            "desiredStatus": self.desired_status(),
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "cpu": self.size.cpu.to_string(),
            "memory": self.size.memory.to_string(),
            "ephemeralStorage": {"sizeInGiB": 20},
            "group": self.group,
            "availabilityZone": self.interface.zone,
            "attachments": [self.describe_attachment()],
            "attributes": [{"name": "ecs.cpu-architecture", "value": self.architecture}],
            "containers": [self.describe_container()],
            "overrides": self.overrides,
            "enableExecuteCommand": false,
            "healthStatus": "UNKNOWN",
            "connectivity": "CONNECTED",
            "tags": if with_tags { tags::describe(&self.tags) } else { Vec::new() },
            "version": self.version,
        });
        description["overrides"]["inferenceAcceleratorOverrides"] = json!([]);
        let times = &self.times;
        let pull_stopped = times.started_at.or(times.execution_stopped_at).filter(|_| times.pull_started_at.is_some());
        for (name, time) in [
            ("createdAt", times.created_at),
            ("connectivityAt", times.created_at),
            ("pullStartedAt", times.pull_started_at),
            ("pullStoppedAt", pull_stopped),
            ("startedAt", times.started_at),
            ("stoppingAt", times.stopping_at),
            ("executionStoppedAt", times.execution_stopped_at),
            ("stoppedAt", times.stopped_at),
        ] {
            if let Some(time) = time {
                description[name] = json!(timestamp(time));
            }
        }
        if let Some(started_by) = &self.started_by {
            description["startedBy"] = json!(started_by);
        }
        if let Some(cause) = &self.stop {
            description["stopCode"] = json!(cause.code);
            description["stoppedReason"] = json!(cause.reason);
        }
        description
    }

    fn describe_container(&self) -> Value {
        let Interface { attachment, address, .. } = &self.interface;
        let mut description = json!({
            "containerArn": arn::container(&self.cluster, &self.id, &self.container_id),
            "taskArn": self.arn(),
            "name": self.container.name,
            "image": self.container.image,
            "lastStatus": match self.status {
                Status::Running | Status::Deactivating | Status::Stopping => "RUNNING",
                Status::Provisioning | Status::Pending => "PENDING",
                Status::Deprovisioning | Status::Stopped => "STOPPED",
            },
            "networkBindings": [],
            "networkInterfaces": [{"attachmentId": attachment, "privateIpv4Address": address}],
            "healthStatus": "UNKNOWN",
            "cpu": self.container.cpu.to_string(),
        });
        if let Some(exit_code) = self.exit_code {
            description["exitCode"] = json!(exit_code);
        }
        if let Some(reason) = &self.container_reason {
            description["reason"] = json!(reason);
        }
        description
    }

    fn describe_attachment(&self) -> Value {
        let Interface { id, attachment, subnet, address, .. } = &self.interface;
        json!({
            "id": attachment,
            "type": "ElasticNetworkInterface",
            "status": match self.status {
                Status::Provisioning => "PRECREATED",
                Status::Stopped => "DELETED",
                _ => "ATTACHED",
            },
            "details": [
                {"name": "subnetId", "value": subnet},
                {"name": "networkInterfaceId", "value": id},
                {"name": "privateIPv4Address", "value": address},
            ],
        })
    }
}
