//! A container of a task: what a definition says of it, and what a task overrides.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ServiceError, refuse};

/// Seconds (ECS developer guide, "Task definition parameters", stopTimeout; of Fargate).
const DEFAULT_STOP_TIMEOUT: u64 = 30;
const LONGEST_STOP_TIMEOUT: u64 = 120;

const GROUP: &str = "awslogs-group";
const REGION: &str = "awslogs-region";
const PREFIX: &str = "awslogs-stream-prefix";

/// A container as a request defines it, and as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContainerDefinition {
    #[serde(default)]
    pub(super) name: String,
    /// Named and shown, never run.
    #[serde(default)]
    pub(super) image: String,
    #[serde(default)]
    pub(super) cpu: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_reservation: Option<i64>,
    #[serde(default = "yes")]
    essential: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entry_point: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    command: Vec<String>,
    #[serde(default)]
    environment: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_configuration: Option<LogConfiguration>,
}

/// A variable of a container's environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    name: String,
    value: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogConfiguration {
    log_driver: String,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

/// What a task has in place of what its definition says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContainerOverride {
    #[serde(default)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Vec<Variable>>,
}

/// Where a container's lines go.
pub(super) struct LogTarget {
    pub(super) group: String,
    pub(super) stream: String,
}

fn yes() -> bool {
    true
}

impl ContainerDefinition {
    /// Refuses what Fargate would not take, and what the stand-in does not know.
    pub(super) fn check(&self, has_execution_role: bool) -> Result<(), ServiceError> {
        if self.name.is_empty() {
            return Err(refuse::client("Container.name should not be null or empty."));
        }
        if self.image.is_empty() {
            return Err(refuse::client("Container.image should not be null or empty."));
        }
        if !self.essential {
            return Err(refuse::client("Task definition does not have any essential containers."));
        }
        if self.stop_timeout.is_some_and(|seconds| seconds > LONGEST_STOP_TIMEOUT) {
            let message =
                format!("stopTimeout should be less than or equal to {LONGEST_STOP_TIMEOUT} seconds on Fargate.");
            return Err(refuse::client(message));
        }
        let Some(logs) = &self.log_configuration else { return Ok(()) };
        if !has_execution_role {
            return Err(refuse::client(
                "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
            ));
        }
        logs.check()
    }

    /// The same container with what a task overrides.
    pub(super) fn overridden(mut self, by: Option<&ContainerOverride>) -> Self {
        let Some(by) = by else { return self };
        if let Some(command) = &by.command {
            self.command.clone_from(command);
        }
        let named = |variables: &[Variable], name: &str| variables.iter().any(|variable| variable.name == name);
        let added = by.environment.as_deref().unwrap_or_default();
        self.environment.retain(|variable| !named(added, &variable.name));
        self.environment.extend(added.iter().cloned());
        self
    }

    /// The program and its arguments.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.entry_point.iter().chain(&self.command).map(String::as_str)
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|variable| (variable.name.as_str(), variable.value.as_str()))
    }

    /// The time between SIGTERM and SIGKILL.
    pub(super) fn stop_timeout(&self) -> Duration {
        Duration::from_secs(self.stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT))
    }

    /// Where the lines of this container go in a task.
    pub(super) fn log_target(&self, task: &str) -> Option<LogTarget> {
        let options = &self.log_configuration.as_ref()?.options;
        let stream = format!("{}/{}/{task}", options.get(PREFIX)?, self.name);
        Some(LogTarget { group: options.get(GROUP)?.clone(), stream })
    }

    /// As DescribeTaskDefinition shows it.
    pub(super) fn describe(&self) -> Value {
        let mut description = json!(self);
        for absent in ["mountPoints", "portMappings", "systemControls", "volumesFrom"] {
            description[absent] = json!([]);
        }
        description
    }
}

impl LogConfiguration {
    /// All of the options but the kind are those of a driver (ECS developer guide, "Send Amazon ECS logs to CloudWatch").
    fn check(&self) -> Result<(), ServiceError> {
        if self.log_driver != "awslogs" {
            return Err(refuse::not_covered(&format!("The log driver {}", self.log_driver)));
        }
        if let Some(other) = self.options.keys().find(|name| ![GROUP, REGION, PREFIX].contains(&name.as_str())) {
            return Err(refuse::not_covered(&format!("The log option {other}")));
        }
        match [GROUP, REGION, PREFIX].into_iter().find(|name| !self.options.contains_key(*name)) {
            Some(missing) => Err(refuse::client(format!("Log driver awslogs requires option '{missing}' on Fargate."))),
            None => Ok(()),
        }
    }
}

impl ContainerOverride {
    pub(super) fn is_for(&self, container: &ContainerDefinition) -> bool {
        self.name == container.name
    }

    /// What cannot be overridden here is refused by its name as the request is read.
    pub(super) fn check(&self, container: &ContainerDefinition) -> Result<(), ServiceError> {
        match self.is_for(container) {
            true => Ok(()),
            false => Err(refuse::parameter(format!(
                "Override for container named {} is not a container in the TaskDefinition.",
                self.name
            ))),
        }
    }
}
