//! The Athena workgroup: where results go, and how much a query may scan.

use async_trait::async_trait;
use aws_sdk_athena::types::{
    ResultConfiguration, ResultConfigurationUpdates, Tag, WorkGroup, WorkGroupConfiguration,
    WorkGroupConfigurationUpdates,
};
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{failure, says},
    kind::{Kind, Layer},
    ownership::{self, Ownership, Tags},
    permission::{On, Statement},
    tags,
};
use crate::engine::{Difference, Foreign, Observed, Owned, Progress, ProviderError, Scope, StackId};

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
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows workgroups.
pub struct Workgroups(pub Clients);

#[async_trait]
impl Kind for Workgroups {
    type Desired = Desired;

    const KIND: &'static str = "workgroup";
    const LAYER: Layer = Layer::Content;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 11] = [
            "athena:CreateWorkGroup",
            "athena:DeleteWorkGroup",
            "athena:GetNamedQuery",
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:GetWorkGroup",
            "athena:ListNamedQueries",
            "athena:ListTagsForResource",
            "athena:StartQueryExecution",
            "athena:TagResource",
            "athena:UpdateWorkGroup",
        ];
        vec![Statement::new(&ACTIONS, [On::resource("athena", format!("workgroup/{}", wanted.name))])]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(found.description().and_then(tags_in)) {
            return Ok(Observed::Foreign { why });
        }
        let identity = self.0.arn("athena", &format!("workgroup/{}", wanted.name)).await?;
        let tags = self.tags(&wanted.name, &identity).await?;
        let tags = tags.iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()));
        let differs = [differences(wanted, &found), tags::differences(&wanted.ownership, tags)].concat();
        Ok(Observed::Ours { identity, ready: true, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let configuration = WorkGroupConfiguration::builder()
            .result_configuration(ResultConfiguration::builder().output_location(&wanted.output).build())
            .enforce_work_group_configuration(true)
            .bytes_scanned_cutoff_per_query(wanted.scan_limit_bytes)
            .build();
        let call = self.0.athena.create_work_group().name(&wanted.name).configuration(configuration);
        let call = call
            .description(format!("{}={}", ownership::STACK, wanted.ownership.stack))
            .set_tags(Some(to_tags(wanted.ownership.all())));
        call.send().await.map_err(|error| failure("athena CreateWorkGroup", &wanted.name, &error))?;
        self.0.arn("athena", &format!("workgroup/{}", wanted.name)).await
    }

    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let name = &wanted.name;
        if tags::among(differs) {
            let arn = self.0.arn("athena", &format!("workgroup/{name}")).await?;
            let tags = to_tags(tags::changing(&wanted.ownership));
            let answer = self.0.athena.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
            answer.map_err(|error| failure("athena TagResource", name, &error))?;
        }
        if !tags::beside(differs) {
            return Ok(());
        }
        let results = ResultConfigurationUpdates::builder().output_location(&wanted.output).build();
        let updates = WorkGroupConfigurationUpdates::builder()
            .result_configuration_updates(results)
            .enforce_work_group_configuration(true)
            .bytes_scanned_cutoff_per_query(wanted.scan_limit_bytes)
            .build();
        let answer = self.0.athena.update_work_group().work_group(name).configuration_updates(updates).send().await;
        answer.map_err(|error| failure("athena UpdateWorkGroup", name, &error)).map(drop)
    }

    /// Named queries: we make none, and the workgroup would take them along.
    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        let mut found = Vec::new();
        let mut pages = self.0.athena.list_named_queries().work_group(&wanted.name).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if says(&error, &NOT_FOUND) => return Ok(Vec::new()),
                Err(error) => return Err(failure("athena ListNamedQueries", &wanted.name, &error)),
            };
            for id in page.named_query_ids() {
                let what = format!("named query {}", self.query_name(id).await?);
                let command = self.0.cli(&format!("athena delete-named-query --named-query-id {id}"));
                found.push(Foreign { what, command, only_by_hand: false });
            }
        }
        Ok(found)
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        match self.0.athena.delete_work_group().work_group(name).recursive_delete_option(true).send().await {
            Ok(_) => Ok(()),
            Err(error) if says(&error, &NOT_FOUND) => Ok(()),
            Err(error) => Err(failure("athena DeleteWorkGroup", name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        let mut pages = self.0.athena.list_work_groups().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("athena ListWorkGroups", "the account", &error))?;
            found.extend(page.work_groups().iter().filter_map(|group| {
                let ownership = Ownership::found(scope, group.description().and_then(tags_in))?;
                let name = group.name().unwrap_or_default();
                let command = format!("athena delete-work-group --recursive-delete-option --work-group {name}");
                Some(Self::found(
                    name,
                    &Desired { name: name.to_owned(), ownership, ..Desired::default() },
                    self.0.cli(&command),
                ))
            }));
        }
        Ok(found)
    }
}

impl Workgroups {
    async fn query_name(&self, id: &str) -> Result<String, ProviderError> {
        match self.0.athena.get_named_query().named_query_id(id).send().await {
            Ok(answer) => Ok(answer.named_query.map_or_else(|| id.to_owned(), |query| query.name)),
            Err(error) if says(&error, &NOT_FOUND) => Ok(id.to_owned()),
            Err(error) => Err(failure("athena GetNamedQuery", id, &error)),
        }
    }

    async fn tags(&self, name: &str, arn: &str) -> Result<Vec<Tag>, ProviderError> {
        let pages = self.0.athena.list_tags_for_resource().resource_arn(arn).into_paginator().items().send();
        let tags: Result<Vec<Tag>, _> = pages.collect().await;
        tags.map_err(|error| failure("athena ListTagsForResource", name, &error))
    }

    async fn get(&self, name: &str) -> Result<Option<WorkGroup>, ProviderError> {
        match self.0.athena.get_work_group().work_group(name).send().await {
            Ok(answer) => Ok(answer.work_group),
            Err(error) if says(&error, &NOT_FOUND) => Ok(None),
            Err(error) => Err(failure("athena GetWorkGroup", name, &error)),
        }
    }
}

fn to_tags(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn differences(wanted: &Desired, found: &WorkGroup) -> Vec<Difference> {
    let found = found.configuration();
    let output = found.and_then(|found| found.result_configuration()).and_then(|result| result.output_location());
    let limit = found.and_then(|found| found.bytes_scanned_cutoff_per_query());
    let limit = limit.map_or("none".to_owned(), |bytes| bytes.to_string());
    let enforced = found.and_then(|found| found.enforce_work_group_configuration()).unwrap_or_default();
    let whose = |enforced: bool| if enforced { "the workgroup's" } else { "each query's own" };
    [
        ("result location", output.unwrap_or("none").to_owned(), wanted.output.clone()),
        ("scan limit (bytes)", limit, wanted.scan_limit_bytes.to_string()),
        ("settings", whose(enforced).to_owned(), whose(true).to_owned()),
    ]
    .into_iter()
    .filter(|(_, is, want)| is != want)
    .map(|(what, is, want)| Difference::in_place(what, is, want))
    .collect()
}

/// The ownership tags in a description, `key=value`.
fn tags_in(description: &str) -> Option<(&str, &str)> {
    description.split_once('=')
}
