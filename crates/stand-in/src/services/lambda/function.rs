//! What is known of a function.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ServiceError, refuse};
use crate::{ACCOUNT, REGION};

/// Every function by its name.
pub(super) type Ledger = BTreeMap<String, Function>;

/// How long a new function is Pending, and a change of one is in progress.
const PENDING_MS: i64 = 200;
/// Set by Lambda itself (Lambda developer guide, "Defined runtime environment variables").
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Function {
    /// Tells it from others that had the same name, and from what it was before.
    pub(super) revision: String,
    /// Which code it runs, by the folder of that.
    pub(super) code: String,
    pub(super) settings: FunctionSettings,
    /// Base64.
    pub(super) code_sha256: String,
    pub(super) code_size: u64,
    /// Milliseconds since the epoch.
    pub(super) created: i64,
    pub(super) modified: i64,
    pub(super) tags: BTreeMap<String, String>,
}

/// What CreateFunction and UpdateFunctionConfiguration set.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionSettings {
    pub(super) role: String,
    pub(super) runtime: String,
    pub(super) handler: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default = "default_timeout")]
    pub(super) timeout: i64,
    #[serde(default = "default_memory")]
    pub(super) memory_size: i64,
    #[serde(default = "default_architectures")]
    pub(super) architectures: Vec<String>,
    #[serde(default)]
    pub(super) environment: Environment,
    #[serde(default)]
    pub(super) logging_config: LoggingConfig,
    #[serde(default = "default_package")]
    pub(super) package_type: String,
    /// What the stand-in does not know.
    #[serde(flatten)]
    pub(super) other: Map<String, Value>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LoggingConfig {
    pub(super) log_group: Option<String>,
    pub(super) log_format: Option<String>,
}

fn default_timeout() -> i64 {
    3
}

fn default_memory() -> i64 {
    128
}

fn default_architectures() -> Vec<String> {
    vec!["x86_64".to_owned()]
}

fn default_package() -> String {
    "Zip".to_owned()
}

impl FunctionSettings {
    /// Refuses what Lambda would not take (Lambda API reference, CreateFunction), and what the stand-in does not know.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        if let Some(name) = self.other.iter().find(|(_, value)| !value.is_null()).map(|(name, _)| name) {
            return Err(refuse::not_covered(name));
        }
        if !matches!(self.runtime.as_str(), "provided.al2023" | "provided.al2") {
            return Err(refuse::not_covered(&format!("The runtime {}", self.runtime)));
        }
        if self.package_type != "Zip" {
            return Err(refuse::not_covered(&format!("The package type {}", self.package_type)));
        }
        refuse::within("memorySize", self.memory_size, 128, 10_240)?;
        refuse::within("timeout", self.timeout, 1, 900)?;
        if !matches!(self.architectures.as_slice(), [one] if one == "x86_64" || one == "arm64") {
            let rule = "Member must be one of [x86_64, arm64]";
            return Err(refuse::constraint("architectures", self.architectures.join(","), rule));
        }
        self.check_environment()
    }

    fn check_environment(&self) -> Result<(), ServiceError> {
        let variables = &self.environment.variables;
        let reserved: Vec<&str> = variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
        if !reserved.is_empty() {
            return Err(refuse::parameter(format!(
                "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
                reserved.join(", ")
            )));
        }
        let size: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > 4 << 10 {
            return Err(refuse::parameter(
                "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
            ));
        }
        Ok(())
    }
}

impl Function {
    pub(super) fn is_pending(&self, now: i64) -> bool {
        now < self.created + PENDING_MS
    }

    /// Whether a change of it is still on its way; it takes no other until then (Lambda developer guide,
    /// "Lambda function states").
    pub(super) fn is_updating(&self, now: i64) -> bool {
        self.modified != self.created && now < self.modified + PENDING_MS
    }

    /// Where its output is logged, if such a group exists.
    pub(super) fn log_group(&self, name: &str) -> String {
        self.settings.logging_config.log_group.clone().unwrap_or_else(|| format!("/aws/lambda/{name}"))
    }

    /// As `FunctionConfiguration` shows it.
    pub(super) fn describe(&self, name: &str, now: i64) -> Value {
        let settings = &self.settings;
        let mut description = json!({
            "FunctionName": name,
            "FunctionArn": arn(name),
            "Runtime": settings.runtime,
            "Role": settings.role,
            "Handler": settings.handler,
            "CodeSize": self.code_size,
            "Description": settings.description,
            "Timeout": settings.timeout,
            "MemorySize": settings.memory_size,
            "LastModified": timestamp(self.modified),
            "CodeSha256": self.code_sha256,
            "Version": "$LATEST",
            "TracingConfig": {"Mode": "PassThrough"},
            "RevisionId": self.revision,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": settings.architectures,
            "EphemeralStorage": {"Size": 512},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {
                "LogFormat": settings.logging_config.log_format.as_deref().unwrap_or("Text"),
                "LogGroup": self.log_group(name),
            },
        });
        if self.is_pending(now) {
            description["State"] = json!("Pending");
            description["StateReason"] = json!("The function is being created.");
            description["StateReasonCode"] = json!("Creating");
        }
        if self.is_updating(now) {
            description["LastUpdateStatus"] = json!("InProgress");
            description["LastUpdateStatusReason"] = json!("The function is being created.");
            description["LastUpdateStatusReasonCode"] = json!("Creating");
        }
        if !settings.environment.variables.is_empty() {
            description["Environment"] = json!({"Variables": settings.environment.variables});
        }
        description
    }
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// The name in what a request calls a function: a name, a partial or a whole ARN, any of them with `:$LATEST`.
pub(super) fn name_in(text: &str) -> &str {
    let name = text.rsplit_once("function:").map_or(text, |(_, name)| name);
    name.strip_suffix(":$LATEST").unwrap_or(name)
}

pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    let known = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+ and have length 1 to 64";
    Err(refuse::constraint("functionName", name, rule))
}

/// As Lambda writes a time in a function's configuration.
fn timestamp(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_called_by_name_or_arn() {
        for text in ["f-1", "f-1:$LATEST", "000000000000:function:f-1", &arn("f-1"), &format!("{}:$LATEST", arn("f-1"))]
        {
            assert_eq!(name_in(text), "f-1", "{text}");
        }
    }
}
