//! A task definition: what a task of it runs, and as whom.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ServiceError, arn,
    container::ContainerDefinition,
    fargate::Size,
    refuse,
    tags::{self, Tag, Tags},
    timestamp,
};
use crate::{ACCOUNT, caller_arn, clock};

/// A revision of a family as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TaskDefinition {
    pub(super) container: ContainerDefinition,
    pub(super) size: Size,
    /// An ARN; of whom the container calls AWS.
    pub(super) task_role: Option<String>,
    /// An ARN; of whom ECS writes the container's lines.
    pub(super) execution_role: Option<String>,
    platform: Option<RuntimePlatform>,
    pub(super) tags: Tags,
    registered: DateTime<Utc>,
    pub(super) deregistered: Option<DateTime<Utc>>,
    /// When its deletion was asked for.
    pub(super) deleted: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RegisterTaskDefinition {
    pub(super) family: String,
    container_definitions: Vec<ContainerDefinition>,
    network_mode: Option<String>,
    #[serde(default)]
    requires_compatibilities: Vec<String>,
    cpu: Option<String>,
    memory: Option<String>,
    task_role_arn: Option<String>,
    execution_role_arn: Option<String>,
    runtime_platform: Option<RuntimePlatform>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuntimePlatform {
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_system_family: Option<String>,
}

impl TaskDefinition {
    /// Refuses what Fargate would not take, and what the stand-in does not know.
    pub(super) fn of(request: RegisterTaskDefinition) -> Result<Self, ServiceError> {
        refuse::name("The family", &request.family)?;
        if request.requires_compatibilities != ["FARGATE"] {
            return Err(refuse::not_covered("A task definition that does not require just the compatibility FARGATE"));
        }
        if request.network_mode.as_deref() != Some("awsvpc") {
            return Err(refuse::client("Fargate only supports network mode 'awsvpc'."));
        }
        let size = Size::of(request.cpu.as_deref(), request.memory.as_deref())?;
        let platform = request.runtime_platform;
        platform.as_ref().map_or(Ok(()), RuntimePlatform::check)?;
        let task_role = request.task_role_arn.as_deref().map(role_arn).transpose()?;
        let execution_role = request.execution_role_arn.as_deref().map(role_arn).transpose()?;
        let mut containers = request.container_definitions.into_iter();
        let container = match (containers.next(), containers.next()) {
            (Some(container), None) => container,
            (None, _) => return Err(refuse::client("Container list cannot be empty.")),
            (Some(_), Some(_)) => return Err(refuse::not_covered("A second container in a task definition")),
        };
        container.check(execution_role.is_some())?;
        let tags = tags::read(&request.tags)?;
        let (registered, deregistered, deleted) = (clock::utc(), None, None);
        Ok(Self { container, size, task_role, execution_role, platform, tags, registered, deregistered, deleted })
    }

    pub(super) fn status(&self) -> &'static str {
        match (self.deleted, self.deregistered) {
            (Some(_), _) => "DELETE_IN_PROGRESS",
            (None, Some(_)) => "INACTIVE",
            (None, None) => "ACTIVE",
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.deregistered.is_none()
    }

    /// As ECS names an architecture in the attributes of a task.
    pub(super) fn architecture(&self) -> &'static str {
        match self.platform.as_ref().and_then(|platform| platform.cpu_architecture.as_deref()) {
            Some("ARM64") => "arm64",
            _ => "x86_64",
        }
    }

    /// As DescribeTaskDefinition shows it.
    pub(super) fn describe(&self, family: &str, revision: u32) -> Value {
        let mut description = json!({
            "taskDefinitionArn": arn::task_definition(family, revision),
            "family": family,
            "revision": revision,
            "status": self.status(),
            "containerDefinitions": [self.container.describe()],
            "cpu": self.size.cpu.to_string(),
            "memory": self.size.memory.to_string(),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "compatibilities": ["EC2", "FARGATE"],
            "volumes": [],
            "placementConstraints": [],
            "registeredAt": timestamp(self.registered),
            "registeredBy": caller_arn(),
        });
        let given = [
            ("taskRoleArn", json!(self.task_role)),
            ("executionRoleArn", json!(self.execution_role)),
            ("runtimePlatform", json!(self.platform)),
            ("deregisteredAt", json!(self.deregistered.map(timestamp))),
            ("deleteRequestedAt", json!(self.deleted.map(timestamp))),
        ];
        for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
            description[name] = value;
        }
        description
    }
}

impl RuntimePlatform {
    fn check(&self) -> Result<(), ServiceError> {
        if let Some(other) = self.operating_system_family.as_deref().filter(|family| *family != "LINUX") {
            return Err(refuse::not_covered(&format!("The operating system family {other}")));
        }
        match self.cpu_architecture.as_deref() {
            None | Some("X86_64" | "ARM64") => Ok(()),
            Some(other) => Err(refuse::parameter(format!("The CPU architecture '{other}' is none of X86_64, ARM64."))),
        }
    }
}

/// A role by its ARN or its name (RegisterTaskDefinition), as an ARN. Whether there is such a role, a task shows.
pub(super) fn role_arn(given: &str) -> Result<String, ServiceError> {
    let prefix = format!("arn:aws:iam::{ACCOUNT}:role/");
    let name = given.strip_prefix(&prefix).unwrap_or(given);
    let is_name = !name.is_empty() && !name.contains(':') && name.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name { Ok(format!("{prefix}{name}")) } else { Err(refuse::client("Role is not valid")) }
}
