//! A schedule: as a request describes it, checked, and as it is stored.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DEFAULT_GROUP, expression, refuse, timestamp};
use crate::{ACCOUNT, REGION, service_error::ServiceError};

/// The one target: DeleteStream of Kinesis as a universal target (EventBridge Scheduler user guide, "Using universal targets").
pub(super) const DELETE_STREAM: &str = "arn:aws:scheduler:::aws-sdk:kinesis:deleteStream";

/// What a caller says of a schedule, which is what CreateSchedule, UpdateSchedule and GetSchedule have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ScheduleSettings {
    #[serde(default = "default_group")]
    pub(super) group_name: String,
    pub(super) schedule_expression: String,
    #[serde(default = "utc")]
    schedule_expression_timezone: String,
    #[serde(default)]
    pub(super) state: ScheduleState,
    flexible_time_window: FlexibleTimeWindow,
    pub(super) target: Target,
    #[serde(default)]
    pub(super) action_after_completion: ActionAfterCompletion,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Ignored for one-time schedules, as the service does.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<f64>,
    /// Ignored as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<f64>,
    #[serde(skip_serializing)]
    kms_key_arn: Option<String>,
    /// Whoever makes the same schedule again with the same token is given the first answer again.
    #[serde(skip_serializing)]
    pub(super) client_token: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ScheduleState {
    #[default]
    Enabled,
    Disabled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ActionAfterCompletion {
    #[default]
    None,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FlexibleTimeWindow {
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_window_in_minutes: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    Off,
    Flexible,
}

/// Whom a schedule calls, as which role, and with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    arn: String,
    pub(super) role_arn: String,
    #[serde(default)]
    pub(super) input: String,
    #[serde(default)]
    pub(super) retry_policy: RetryPolicy,
    #[serde(skip_serializing)]
    dead_letter_config: Option<Value>,
}

/// How long and how often a failed call is made again; the defaults are the service's (EventBridge Scheduler API
/// reference, RetryPolicy).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(super) struct RetryPolicy {
    pub(super) maximum_event_age_in_seconds: i64,
    pub(super) maximum_retry_attempts: i64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 }
    }
}

fn default_group() -> String {
    DEFAULT_GROUP.to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

impl ScheduleSettings {
    /// The time that they name, once everything else in them holds.
    pub(super) fn check(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, ServiceError> {
        refuse::name("groupName", &self.group_name)?;
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 512) {
            return Err(refuse::constraint("description", "…", "Member must have length less than or equal to 512"));
        }
        if self.kms_key_arn.is_some() {
            return Err(refuse::not_covered("KmsKeyArn"));
        }
        self.flexible_time_window.check()?;
        self.target.check()?;
        let at = expression::read(&self.schedule_expression, &self.schedule_expression_timezone)?;
        if at <= now {
            let text = format!("Invalid Schedule Expression {}. The time is in the past.", self.schedule_expression);
            return Err(refuse::validation(text));
        }
        Ok(at)
    }
}

impl FlexibleTimeWindow {
    fn check(&self) -> Result<(), ServiceError> {
        match (self.mode, self.maximum_window_in_minutes) {
            (Mode::Off, None) => Ok(()),
            (Mode::Off, Some(_)) => {
                Err(refuse::validation("MaximumWindowInMinutes must not be set for a FlexibleTimeWindow that is OFF."))
            }
            (Mode::Flexible, None) => {
                Err(refuse::validation("A FLEXIBLE FlexibleTimeWindow needs MaximumWindowInMinutes."))
            }
            (Mode::Flexible, Some(minutes)) => refuse::within("maximumWindowInMinutes", minutes, 1, 1_440),
        }
    }
}

impl Target {
    fn check(&self) -> Result<(), ServiceError> {
        if self.arn != DELETE_STREAM {
            return Err(refuse::not_covered(&format!("Target {} (it knows {DELETE_STREAM})", self.arn)));
        }
        if self.dead_letter_config.is_some() {
            return Err(refuse::not_covered("DeadLetterConfig"));
        }
        if !self.role_arn.starts_with("arn:aws:iam::") || !self.role_arn.contains(":role/") {
            let pattern =
                r"Member must satisfy regular expression pattern: ^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@\/-]+$";
            return Err(refuse::constraint("target.roleArn", &self.role_arn, pattern));
        }
        refuse::within("maximumEventAgeInSeconds", self.retry_policy.maximum_event_age_in_seconds, 60, 86_400)?;
        refuse::within("maximumRetryAttempts", self.retry_policy.maximum_retry_attempts, 0, 185)?;
        self.stream_arn().map(drop)
    }

    /// The stream that its input names, by name or ARN.
    pub(super) fn stream_arn(&self) -> Result<String, ServiceError> {
        let input: Value = serde_json::from_str(&self.input)
            .map_err(|e| refuse::validation(format!("Invalid Request: the target's Input is not JSON: {e}")))?;
        let field = |name| input.get(name).and_then(Value::as_str);
        match (field("StreamARN"), field("StreamName")) {
            (Some(arn), _) => Ok(arn.to_owned()),
            (None, Some(name)) => Ok(format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}")),
            (None, None) => Err(refuse::validation(
                "Invalid Request: the target's Input names neither StreamName nor StreamARN, which deleteStream needs.",
            )),
        }
    }
}

/// A schedule as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Schedule {
    pub(super) settings: ScheduleSettings,
    /// The token that it was made or last changed with.
    pub(super) token: Option<String>,
    pub(super) at: DateTime<Utc>,
    pub(super) created: DateTime<Utc>,
    pub(super) modified: DateTime<Utc>,
    /// Calls that failed and are made again.
    pub(super) failed_attempts: u32,
    /// When the next call is due; `None` once the last has been made.
    pub(super) due: Option<DateTime<Utc>>,
}

impl Schedule {
    pub(super) fn new(mut settings: ScheduleSettings, at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let token = settings.client_token.take();
        Self { settings, token, at, created: now, modified: now, failed_attempts: 0, due: Some(at) }
    }

    /// When it fires next, if it does.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.due.filter(|_| self.settings.state == ScheduleState::Enabled)
    }

    pub(super) fn describe(&self, name: &str) -> Value {
        let mut shown = json!(self.settings);
        shown["Name"] = json!(name);
        shown["Arn"] = json!(arn(&self.settings.group_name, name));
        shown["CreationDate"] = json!(timestamp(self.created));
        shown["LastModificationDate"] = json!(timestamp(self.modified));
        shown
    }

    pub(super) fn summary(&self, name: &str) -> Value {
        json!({
            "Name": name,
            "Arn": arn(&self.settings.group_name, name),
            "GroupName": self.settings.group_name,
            "State": self.settings.state,
            "CreationDate": timestamp(self.created),
            "LastModificationDate": timestamp(self.modified),
            "Target": {"Arn": self.settings.target.arn},
        })
    }
}

pub(super) fn arn(group: &str, name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}")
}
