//! The Athena workgroup: where results go, and how much a query may scan.

use async_trait::async_trait;
use aws_sdk_athena::types::{ResultConfiguration, Tag, WorkGroup, WorkGroupConfiguration};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    clients::Clients,
    failure::{desired, failure, says},
    mark::{self, Mark},
};
use crate::engine::{Difference, Node, Observed, Owned, Progress, Provider, ProviderError, Scope};

/// The kind of its keys.
pub const KIND: &str = "workgroup";

/// Athena has no code of its own for it: an InvalidRequestException with one of these texts.
const NOT_FOUND: [&str; 3] = ["is not found", "does not exist", "not found"];

/// A workgroup as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Where results go, `s3://bucket/prefix/`.
    pub output: String,
    /// A query that would scan more is cancelled; at least 10 MB.
    pub scan_limit_bytes: i64,
    /// Whose it is; in its description, and as tags.
    pub mark: Mark,
}

/// Knows workgroups.
pub struct Workgroups(pub Clients);

#[async_trait]
impl Provider for Workgroups {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let wanted: Desired = desired(node)?;
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.mark.is_on(found.description().and_then(marked)) {
            return Ok(Observed::Foreign { why });
        }
        let output = found.configuration().and_then(|configuration| configuration.result_configuration());
        let output = output.and_then(|result| result.output_location()).unwrap_or_default();
        let differs = if output == wanted.output {
            Vec::new()
        } else {
            vec![Difference::replace("place of results", output, &wanted.output)]
        };
        let identity = self.0.arn("athena", &format!("workgroup/{}", wanted.name)).await?;
        Ok(Observed::Ours { identity, ready: true, differs })
    }

    async fn create(&self, node: &Node, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let wanted: Desired = desired(node)?;
        let configuration = WorkGroupConfiguration::builder()
            .result_configuration(ResultConfiguration::builder().output_location(&wanted.output).build())
            .enforce_work_group_configuration(true)
            .bytes_scanned_cutoff_per_query(wanted.scan_limit_bytes)
            .build();
        let tags = wanted.mark.all().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let call = self.0.athena.create_work_group().name(&wanted.name).configuration(configuration);
        let call = call.description(format!("{}={}", mark::STACK, wanted.mark.stack)).set_tags(Some(tags.collect()));
        call.send().await.map_err(|error| failure("athena CreateWorkGroup", &wanted.name, &error))?;
        self.0.arn("athena", &format!("workgroup/{}", wanted.name)).await
    }

    async fn make_ready(&self, _node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn delete(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = desired(node)?;
        match self.0.athena.delete_work_group().work_group(&name).recursive_delete_option(true).send().await {
            Ok(_) => Ok(()),
            Err(error) if says(&error, &NOT_FOUND) => Ok(()),
            Err(error) => Err(failure("athena DeleteWorkGroup", &name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        let mut pages = self.0.athena.list_work_groups().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("athena ListWorkGroups", "the account", &error))?;
            found.extend(page.work_groups().iter().filter_map(|group| {
                let mark = Mark::found(scope, group.description().and_then(marked))?;
                let name = group.name().unwrap_or_default();
                let command = format!("athena delete-work-group --recursive-delete-option --work-group {name}");
                Some(mark::owned(KIND, name, mark, json!({"name": name}), self.0.cli(&command)))
            }));
        }
        Ok(found)
    }
}

impl Workgroups {
    async fn get(&self, name: &str) -> Result<Option<WorkGroup>, ProviderError> {
        match self.0.athena.get_work_group().work_group(name).send().await {
            Ok(answer) => Ok(answer.work_group),
            Err(error) if says(&error, &NOT_FOUND) => Ok(None),
            Err(error) => Err(failure("athena GetWorkGroup", name, &error)),
        }
    }
}

/// The mark in a description, `key=value`.
fn marked(description: &str) -> Option<(&str, &str)> {
    description.split_once('=')
}
