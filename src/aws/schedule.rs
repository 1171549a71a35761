//! The dead-man's switch: a schedule of EventBridge Scheduler that deletes the stream at its time, whether or not
//! anybody remembers the stack.
//!
//! Schedules take no tags (EventBridge Scheduler API reference, TagResource), so the ownership tags stand in the
//! description. One that has fired has deleted itself: absent after its time means done.

use async_trait::async_trait;
use aws_sdk_scheduler::{
    operation::get_schedule::GetScheduleOutput,
    types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target},
};
use aws_smithy_types::error::operation::BuildError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{self, EXPIRES, OWNER, Ownership, STACK},
    permission::{On, Statement},
};
use crate::engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// The group that every account has.
pub(super) const GROUP: &str = "default";
/// For how long, and how often, a call that failed is made again; the most that there is (EventBridge Scheduler API
/// reference, RetryPolicy).
const RETRY_SECONDS: i32 = 86_400;
const RETRIES: i32 = 185;
const CREATE: &str = "scheduler CreateSchedule";
const GET: &str = "scheduler GetSchedule";
const UPDATE: &str = "scheduler UpdateSchedule";

/// A schedule as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name, in the default group.
    pub name: String,
    /// When it fires, RFC 3339 in UTC, to the second.
    pub at: String,
    /// The stream that it deletes.
    pub stream: String,
    /// The role that it assumes: path and name, `/demo/…/name`.
    pub role: String,
    /// Whose it is; in its description.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows schedules.
pub struct Schedules(pub Clients);

#[async_trait]
impl Kind for Schedules {
    type Desired = Desired;

    const KIND: &'static str = "schedule";
    const LAYER: Layer = Layer::Expiry;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 4] = [
            "scheduler:CreateSchedule",
            "scheduler:DeleteSchedule",
            "scheduler:GetSchedule",
            "scheduler:UpdateSchedule",
        ];
        vec![Statement::new(&ACTIONS, [On::resource("scheduler", format!("schedule/{GROUP}/{}", wanted.name))])]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(tags_in(found.description())) {
            return Ok(Observed::Foreign { why });
        }
        Ok(Observed::Ours {
            identity: found.arn().unwrap_or_default().to_owned(),
            ready: true,
            differs: differences(wanted, &self.target(wanted).await?, &found),
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let name = &wanted.name;
        let target = self.target(wanted).await?;
        let call = self.0.scheduler.create_schedule().name(name).group_name(GROUP);
        let call = call.schedule_expression(expression(&wanted.at)).schedule_expression_timezone("UTC");
        let call = call.flexible_time_window(on_time()).target(target);
        let call = call.action_after_completion(ActionAfterCompletion::Delete);
        let answer = call.description(description(&wanted.ownership)).send().await;
        Ok(answer.map_err(|error| failure(CREATE, name, &error))?.schedule_arn)
    }

    /// All of it anew: what an update leaves out goes back to its default (EventBridge Scheduler API reference,
    /// UpdateSchedule).
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let call = self.0.scheduler.update_schedule().name(&wanted.name).group_name(GROUP);
        let call = call.schedule_expression(expression(&wanted.at)).schedule_expression_timezone("UTC");
        let call = call.flexible_time_window(on_time()).target(self.target(wanted).await?);
        let call = call.action_after_completion(ActionAfterCompletion::Delete).state(ScheduleState::Enabled);
        let answer = call.description(description(&wanted.ownership)).send().await;
        answer.map(drop).map_err(|error| failure(UPDATE, &wanted.name, &error))
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        match self.0.scheduler.delete_schedule().name(name).group_name(GROUP).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("scheduler DeleteSchedule", name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let tags = |name: String| async move {
            let found = self.get(&name).await?;
            Ok(ownership::collected(tags_in(found.as_ref().and_then(GetScheduleOutput::description))))
        };
        let found = ownership::ours(scope, self.names(scope).await?, tags).await?;
        let owned = found.into_iter().map(|(name, ownership)| {
            let command = self.0.cli(&format!("scheduler delete-schedule --group-name {GROUP} --name {name}"));
            let at = ownership.expires.clone().unwrap_or_default();
            Self::found(&name, &Desired { name: name.clone(), at, ownership, ..Desired::default() }, command)
        });
        Ok(owned.collect())
    }
}

impl Schedules {
    async fn get(&self, name: &str) -> Result<Option<GetScheduleOutput>, ProviderError> {
        match self.0.scheduler.get_schedule().name(name).group_name(GROUP).send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(GET, name, &error)),
        }
    }

    /// Names of schedules that delete streams; what else is scheduled in the account is nobody's business here.
    async fn names(&self, scope: &Scope) -> Result<Vec<String>, ProviderError> {
        let prefix = match scope {
            Scope::Stack(id) => Some(id.to_string()),
            Scope::Account => None,
        };
        let call = self.0.scheduler.list_schedules().group_name(GROUP).set_name_prefix(prefix);
        let mut schedules = call.into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(schedule) = schedules.next().await {
            let schedule = schedule.map_err(|error| failure("scheduler ListSchedules", GROUP, &error))?;
            if schedule.target().is_some_and(|target| target.arn() == self.delete_stream()) {
                names.extend(schedule.name);
            }
        }
        Ok(names)
    }

    /// Kinesis' DeleteStream as a target (EventBridge Scheduler user guide, "Using universal targets").
    fn delete_stream(&self) -> String {
        format!("arn:{}:scheduler:::aws-sdk:kinesis:deleteStream", self.0.partition())
    }

    async fn target(&self, wanted: &Desired) -> Result<Target, ProviderError> {
        let role = self.0.iam_arn(&format!("role{}", wanted.role)).await?;
        let retries =
            RetryPolicy::builder().maximum_event_age_in_seconds(RETRY_SECONDS).maximum_retry_attempts(RETRIES).build();
        // Registered consumers would hold the stream otherwise.
        let input = json!({"StreamName": wanted.stream, "EnforceConsumerDeletion": true});
        let target =
            Target::builder().arn(self.delete_stream()).role_arn(role).retry_policy(retries).input(input.to_string());
        target.build().map_err(|error: BuildError| broken(Cause::Other, CREATE, &wanted.name, error.to_string(), ""))
    }
}

/// `at(…)` of a moment; it takes neither a zone nor parts of a second (EventBridge Scheduler user guide, "Schedule
/// types").
fn expression(at: &str) -> String {
    format!("at({})", at.trim_end_matches('Z'))
}

fn on_time() -> FlexibleTimeWindow {
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
    window.build().expect("its mode is set")
}

/// A description has room for 512 characters (EventBridge Scheduler API reference, CreateSchedule), and so for the
/// stack's own tags alone.
fn description(ownership: &Ownership) -> String {
    let own = ownership.all().into_iter().filter(|(key, _)| [STACK, OWNER, EXPIRES].contains(&key.as_str()));
    own.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

fn tags_in(description: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    description.into_iter().flat_map(str::split_whitespace).filter_map(|tag| tag.split_once('='))
}

fn differences(wanted: &Desired, target: &Target, found: &GetScheduleOutput) -> Vec<Difference> {
    let is = found.target();
    let state = |state: Option<&ScheduleState>| state.map_or("", ScheduleState::as_str).to_owned();
    let differing = [
        ("time", found.schedule_expression().unwrap_or_default().to_owned(), expression(&wanted.at)),
        ("state", state(found.state()), state(Some(&ScheduleState::Enabled))),
        ("target", is.map(Target::arn).unwrap_or_default().to_owned(), target.arn().to_owned()),
        (
            "input",
            is.and_then(Target::input).unwrap_or_default().to_owned(),
            target.input().unwrap_or_default().to_owned(),
        ),
        ("role", is.map(Target::role_arn).unwrap_or_default().to_owned(), target.role_arn().to_owned()),
    ];
    let differing = differing.into_iter().filter(|(_, is, wanted)| is != wanted);
    differing.map(|(what, is, wanted)| Difference::in_place(what, is, wanted)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::StackId;

    #[test]
    fn a_mark_is_read_back_from_a_description() {
        let id: StackId = "a-00000001".parse().expect("an id");
        let tags = BTreeMap::from([("team".to_owned(), "with spaces ".repeat(30))]);
        let ownership = Ownership { expires: Some("2026-11-24T12:00:00Z".to_owned()), ..Ownership::new(&id, &tags) };
        let text = description(&ownership);
        assert!(text.len() <= 512, "{text}");
        assert_eq!(ownership.is_on(tags_in(Some(&text))), Ok(()));
        assert_eq!(tags_in(Some(&text)).find(|(key, _)| *key == EXPIRES), Some((EXPIRES, "2026-11-24T12:00:00Z")));
        assert!(ownership.is_on(tags_in(Some("wakes somebody up"))).is_err());
        assert!(ownership.is_on(tags_in(None)).is_err());
    }

    #[test]
    fn the_time_stands_without_its_zone() {
        assert_eq!(expression("2026-11-24T12:00:00Z"), "at(2026-11-24T12:00:00)");
    }
}
