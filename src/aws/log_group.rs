//! Log groups: the function's, and that of workers on Fargate. Lambda would make one by itself, without our ownership tags and
//! without an end; so this one is made first, and the function's role may only write to it.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::LogGroup;
use futures::join;
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    ecs::task_definition::LOG_STREAMS,
    failure::{failure, is},
    kind::{Kind, Layer},
    names::{LOG_GROUPS, WORKER_LOG_GROUPS, log_group},
    ownership::{self, Ownership, parameters},
    permission::{On, Statement},
    tags,
};
use crate::engine::{Difference, Foreign, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// A log group as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Days that lines stay; one of the numbers that PutRetentionPolicy takes.
    pub retention_days: i32,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows log groups.
pub struct LogGroups(pub Clients);

#[async_trait]
impl Kind for LogGroups {
    type Desired = Desired;

    const KIND: &'static str = "logs";
    const LAYER: Layer = Layer::Container;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Tags are of the group's ARN without `:*`, all else of that with it (CloudWatch Logs API reference, LogGroup). Its
    /// lines are read where documents are missing.
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 5] = [
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:PutRetentionPolicy",
        ];
        const TAGS: [&str; 2] = ["logs:ListTagsForResource", "logs:TagResource"];
        let bare = On::resource("logs", format!("log-group:{}", wanted.name));
        vec![Statement::new(&ACTIONS, [On::Log(wanted.name.clone())]), Statement::new(&TAGS, [bare])]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.find(&wanted.name).await? else { return Ok(Observed::Absent) };
        let tags = self.tags(&wanted.name).await?;
        if let Err(why) = wanted.ownership.is_on(parameters(Some(&tags))) {
            return Ok(Observed::Foreign { why });
        }
        let mut differs = tags::differences(&wanted.ownership, parameters(Some(&tags)));
        // Without any it was made just now.
        if let Some(days) = found.retention_in_days().filter(|days| *days != wanted.retention_days) {
            differs.push(Difference::in_place("retention (days)", days, wanted.retention_days));
        }
        let ready = found.retention_in_days().is_some();
        Ok(Observed::Ours { identity: self.arn(&wanted.name).await?, ready, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let tags = wanted.ownership.all().into_iter().collect();
        let answer = self.0.logs.create_log_group().log_group_name(&wanted.name).set_tags(Some(tags)).send().await;
        answer.map_err(|error| failure("logs CreateLogGroup", &wanted.name, &error))?;
        self.arn(&wanted.name).await
    }

    async fn make_ready(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let call = self.0.logs.put_retention_policy().log_group_name(&wanted.name);
        let answer = call.retention_in_days(wanted.retention_days).send().await;
        answer.map_err(|error| failure("logs PutRetentionPolicy", &wanted.name, &error)).map(drop)
    }

    /// Its retention is put once more by `make_ready`.
    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let Desired { name, ownership, .. } = wanted;
        if !tags::among(differs) {
            return Ok(());
        }
        let tags = tags::changing(ownership).into_iter().collect();
        let call = self.0.logs.tag_resource().resource_arn(self.arn(name).await?).set_tags(Some(tags));
        call.send().await.map_err(|error| failure("logs TagResource", name, &error)).map(drop)
    }

    /// Log streams that neither Lambda nor ECS has named.
    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        let Desired { name, .. } = wanted;
        let mut found = Vec::new();
        let mut pages = self.0.logs.describe_log_streams().log_group_name(name).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("logs DescribeLogStreams", name, &error));
            let Some(page) = ownership::unless_gone(page)? else { break };
            let names = page.log_streams().iter().filter_map(|stream| stream.log_stream_name());
            found.extend(names.filter(|stream| !is_lambdas(stream) && !is_of_ecs(stream)).map(|stream| Foreign {
                what: format!("log stream {stream}"),
                command:
                    self.0.cli(&format!("logs delete-log-stream --log-group-name {name} --log-stream-name '{stream}'")),
                only_by_hand: false,
            }));
        }
        Ok(found)
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        match self.0.logs.delete_log_group().log_group_name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("logs DeleteLogGroup", name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let [functions, workers] = match scope {
            Scope::Stack(id) => [log_group(id), format!("{WORKER_LOG_GROUPS}{id}/")],
            Scope::Account => [LOG_GROUPS.to_owned(), WORKER_LOG_GROUPS.to_owned()],
        };
        let (functions, workers) = join!(self.starting_with(&functions), self.starting_with(&workers));
        let names = functions?.into_iter().chain(workers?).filter_map(|group| group.log_group_name);
        let names = names.filter(|name| scope.may_follow(name));
        let tags = |name: String| async move { Ok(self.tags(&name).await?.into_iter().collect()) };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = self.0.cli(&format!("logs delete-log-group --log-group-name {name}"));
            Self::found(&name, &Desired { name: name.clone(), ownership, ..Desired::default() }, command)
        };
        Ok(ownership::ours(scope, names, tags).await?.into_iter().map(owned).collect())
    }
}

/// `2026/11/29/[$LATEST]…`, with the function's version in brackets (Lambda developer guide, "Working with Lambda function
/// logs").
fn is_lambdas(log_stream: &str) -> bool {
    log_stream
        .split_once("/[")
        .is_some_and(|(day, rest)| day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/') && rest.contains(']'))
}

/// `worker/worker/<task>`.
fn is_of_ecs(log_stream: &str) -> bool {
    let task = log_stream.strip_prefix(LOG_STREAMS);
    task.is_some_and(|task| !task.is_empty() && task.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl LogGroups {
    async fn find(&self, name: &str) -> Result<Option<LogGroup>, ProviderError> {
        Ok(self.starting_with(name).await?.into_iter().find(|group| group.log_group_name() == Some(name)))
    }

    async fn starting_with(&self, prefix: &str) -> Result<Vec<LogGroup>, ProviderError> {
        let mut groups = Vec::new();
        let mut pages = self.0.logs.describe_log_groups().log_group_name_prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("logs DescribeLogGroups", prefix, &error))?;
            groups.extend(page.log_groups.unwrap_or_default());
        }
        Ok(groups)
    }

    async fn tags(&self, name: &str) -> Result<HashMap<String, String>, ProviderError> {
        let answer = self.0.logs.list_tags_for_resource().resource_arn(self.arn(name).await?).send().await;
        Ok(answer.map_err(|error| failure("logs ListTagsForResource", name, &error))?.tags.unwrap_or_default())
    }

    async fn arn(&self, name: &str) -> Result<String, ProviderError> {
        self.0.arn("logs", &format!("log-group:{name}")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_log_streams_are_told_from_others() {
        assert!(is_lambdas("2026/11/29/[$LATEST]0b1c2d") && is_lambdas("2026/11/29/[3]0b1c2d"));
        for others in ["mine", "mine/[$LATEST]0b1c2d", "2026/11/29/mine", ""] {
            assert!(!is_lambdas(others), "{others}");
        }
    }

    #[test]
    fn log_streams_of_tasks_are_told_from_others() {
        assert!(is_of_ecs("worker/worker/0b1c2d3e4f5061728394a5b6c7d8e9f0"));
        for others in ["worker/worker/", "worker/mine/0b1c", "worker/worker/0b1c/mine", "mine"] {
            assert!(!is_of_ecs(others), "{others}");
        }
    }
}
