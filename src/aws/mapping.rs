//! The event source mapping: Lambda reads the stream, shard by shard, and hands batches to the function.
//!
//! Left to itself it would try a bad batch until the records expire and hold up their shard meanwhile. So tries and age
//! are bounded, a batch that fails is halved, the function names the records that failed, and what is given up goes to
//! the bucket, records and all.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_lambda::types::{
    DestinationConfig, EventSourceMappingConfiguration, EventSourcePosition, FunctionResponseType, OnFailure,
};
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{self, Ownership, parameters},
    pace::Pace,
    permission::{On, Statement},
    tags,
};
use crate::engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId};

const READY_BUDGET: Duration = Duration::from_secs(10 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(15 * 60);
const CREATE: &str = "lambda CreateEventSourceMapping";
const LIST: &str = "lambda ListEventSourceMappings";
const UPDATE: &str = "lambda UpdateEventSourceMapping";
const DELETE: &str = "lambda DeleteEventSourceMapping";

/// A mapping as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// The function that is fed.
    pub function: String,
    /// The stream that is read, from its beginning.
    pub stream: String,
    /// The bucket for what is given up.
    pub bucket: String,
    /// Records a batch, 1–10,000.
    pub batch: u32,
    /// How long a batch is gathered, 0–300.
    pub window_seconds: u32,
    /// Batches of a shard at a time, 1–10.
    pub parallel: u32,
    /// How often a failed batch is tried again, 0–10,000.
    pub retries: u32,
    /// Records older than this are given up, 60–604,800.
    pub max_age_seconds: u32,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows event source mappings.
pub struct Mappings(pub Clients);

#[async_trait]
impl Kind for Mappings {
    type Desired = Desired;

    /// The kind of its keys; a mapping has no name of its own, so it goes by its function's.
    const KIND: &'static str = "mapping";
    const LAYER: Layer = Layer::Flow;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Lambda names a mapping itself; whose function it feeds is a condition.
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const CHANGE: [&str; 2] = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"];
        const TAGS: [&str; 2] = ["lambda:ListTags", "lambda:TagResource"];
        let mappings = On::resource("lambda", "event-source-mapping:*");
        let of_function = |statement: Statement| {
            statement.when("ArnLike", "lambda:FunctionArn", [format!("arn:*:lambda:*:*:function:{}", wanted.function)])
        };
        vec![
            of_function(Statement::new(&["lambda:CreateEventSourceMapping"], [On::anything()])),
            of_function(Statement::new(&CHANGE, [mappings.clone()])),
            Statement::new(&TAGS, [mappings]),
        ]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let found =
            self.find(&wanted.function, &wanted.stream).await?.filter(|found| found.state() != Some("Deleting"));
        let Some(found) = found else { return Ok(Observed::Absent) };
        let tags = self.tags(&found).await?;
        if let Err(why) = wanted.ownership.is_on(parameters(Some(&tags))) {
            return Ok(Observed::Foreign { why });
        }
        let differs = [
            differences(wanted, &found, &self.0.bucket_arn(&wanted.bucket)),
            tags::differences(&wanted.ownership, parameters(Some(&tags))),
        ];
        Ok(Observed::Ours {
            ready: found.state() == Some("Enabled"),
            differs: differs.concat(),
            identity: found.uuid.unwrap_or_default(),
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let stream = self.0.arn("kinesis", &format!("stream/{}", wanted.stream)).await?;
        let destination = self.given_up(wanted);
        let call = self.0.lambda.create_event_source_mapping().function_name(&wanted.function);
        let call = call.event_source_arn(&stream).starting_position(EventSourcePosition::TrimHorizon);
        let call = call.batch_size(wanted.batch as i32).parallelization_factor(wanted.parallel as i32);
        let call = call.maximum_batching_window_in_seconds(wanted.window_seconds as i32);
        let call = call.maximum_retry_attempts(wanted.retries as i32).bisect_batch_on_function_error(true);
        let call = call.maximum_record_age_in_seconds(wanted.max_age_seconds as i32);
        let call = call.function_response_types(FunctionResponseType::ReportBatchItemFailures);
        let call = call.destination_config(destination);
        let answer = call.set_tags(Some(wanted.ownership.all().into_iter().collect())).send().await;
        Ok(answer.map_err(|error| failure(CREATE, &wanted.function, &error))?.uuid.unwrap_or_default())
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { function, stream, .. } = wanted;
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let state = match self.find(function, stream).await? {
                Some(found) if found.state() == Some("Enabled") => return Ok(()),
                Some(found) => found.state.unwrap_or_else(|| "without a state".to_owned()),
                // A mapping that was just made may not be listed yet.
                None => "not visible yet".to_owned(),
            };
            pace.wait(progress, LIST, function, &state).await?;
        }
    }

    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let gone = || {
            broken(
                Cause::Other,
                UPDATE,
                &wanted.function,
                "it no longer exists".to_owned(),
                "`demo up` creates it again",
            )
        };
        let found = self.find(&wanted.function, &wanted.stream).await?.ok_or_else(gone)?;
        if tags::among(differs) {
            let tags = tags::changing(&wanted.ownership).into_iter().collect();
            let call = self.0.lambda.tag_resource().resource(self.arn(&found).await?).set_tags(Some(tags));
            call.send().await.map_err(|error| failure("lambda TagResource", &wanted.function, &error))?;
        }
        if tags::beside(differs) { self.update(wanted, found.uuid()).await } else { Ok(()) }
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { function, stream, .. } = wanted;
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = self.find(function, stream).await? {
            let state = found.state().unwrap_or("there");
            if state != "Deleting" {
                match self.0.lambda.delete_event_source_mapping().set_uuid(found.uuid.clone()).send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    Err(error) => return Err(failure(DELETE, function, &error)),
                }
            }
            pace.wait(progress, DELETE, function, state).await?;
        }
        Ok(())
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut listed = Vec::new();
        let mut mappings = self.0.lambda.list_event_source_mappings().into_paginator().items().send();
        while let Some(mapping) = mappings.next().await {
            let mapping = mapping.map_err(|error| failure(LIST, "the account", &error))?;
            let there = mapping.state() != Some("Deleting");
            listed.extend(Some(mapping).filter(|mapping| there && scope.may_follow(function_of(mapping))));
        }
        let tags = |mapping| async move { Ok(self.tags(&mapping).await?.into_iter().collect()) };
        let owned = |(mapping, ownership): (EventSourceMappingConfiguration, Ownership)| {
            let uuid = mapping.uuid().unwrap_or_default();
            let command = self.0.cli(&format!("lambda delete-event-source-mapping --uuid {uuid}"));
            let (function, stream) = (function_of(&mapping), stream_of(&mapping));
            let (function, stream) = (function.to_owned(), stream.to_owned());
            Self::found(&function.clone(), &Desired { function, stream, ownership, ..Desired::default() }, command)
        };
        Ok(ownership::ours(scope, listed, tags).await?.into_iter().map(owned).collect())
    }
}

impl Mappings {
    async fn update(&self, wanted: &Desired, uuid: Option<&str>) -> Result<(), ProviderError> {
        let call = self.0.lambda.update_event_source_mapping().set_uuid(uuid.map(str::to_owned)).enabled(true);
        let call = call.batch_size(wanted.batch as i32).parallelization_factor(wanted.parallel as i32);
        let call = call.maximum_batching_window_in_seconds(wanted.window_seconds as i32);
        let call = call.maximum_retry_attempts(wanted.retries as i32).bisect_batch_on_function_error(true);
        let call = call.maximum_record_age_in_seconds(wanted.max_age_seconds as i32);
        let call = call.function_response_types(FunctionResponseType::ReportBatchItemFailures);
        let answer = call.destination_config(self.given_up(wanted)).send().await;
        answer.map_err(|error| failure(UPDATE, &wanted.function, &error)).map(drop)
    }

    /// Where what is given up goes.
    fn given_up(&self, wanted: &Desired) -> DestinationConfig {
        let on_failure = OnFailure::builder().destination(self.0.bucket_arn(&wanted.bucket)).build();
        DestinationConfig::builder().on_failure(on_failure).build()
    }

    async fn arn(&self, found: &EventSourceMappingConfiguration) -> Result<String, ProviderError> {
        match found.event_source_mapping_arn() {
            Some(arn) => Ok(arn.to_owned()),
            None => {
                let uuid = found.uuid().unwrap_or_default();
                self.0.arn("lambda", &format!("event-source-mapping:{uuid}")).await
            }
        }
    }

    async fn find(
        &self,
        function: &str,
        stream: &str,
    ) -> Result<Option<EventSourceMappingConfiguration>, ProviderError> {
        let stream = self.0.arn("kinesis", &format!("stream/{stream}")).await?;
        let call = self.0.lambda.list_event_source_mappings().function_name(function).event_source_arn(stream);
        match call.send().await {
            Ok(page) => Ok(page.event_source_mappings.unwrap_or_default().into_iter().next()),
            // Some implementations answer so where the function is gone.
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(LIST, function, &error)),
        }
    }

    async fn tags(&self, found: &EventSourceMappingConfiguration) -> Result<HashMap<String, String>, ProviderError> {
        let uuid = found.uuid().unwrap_or_default();
        let answer = self.0.lambda.list_tags().resource(self.arn(found).await?).send().await;
        Ok(answer.map_err(|error| failure("lambda ListTags", uuid, &error))?.tags.unwrap_or_default())
    }
}

/// The name in the function's ARN.
fn function_of(mapping: &EventSourceMappingConfiguration) -> &str {
    mapping.function_arn().and_then(|arn| arn.rsplit(':').next()).unwrap_or_default()
}

/// The name in the stream's ARN.
fn stream_of(mapping: &EventSourceMappingConfiguration) -> &str {
    mapping.event_source_arn().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default()
}

fn differences(wanted: &Desired, found: &EventSourceMappingConfiguration, bucket_arn: &str) -> Vec<Difference> {
    let number = |value: Option<i32>| value.unwrap_or_default().to_string();
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let on_failure = found.destination_config().and_then(|to| to.on_failure()).and_then(|to| to.destination());
    let names_failed = found.function_response_types().contains(&FunctionResponseType::ReportBatchItemFailures);
    let disabled = matches!(found.state(), Some("Disabled" | "Disabling"));
    [
        ("batch", number(found.batch_size()), wanted.batch.to_string()),
        ("window (s)", number(found.maximum_batching_window_in_seconds()), wanted.window_seconds.to_string()),
        ("parallel batches per shard", number(found.parallelization_factor()), wanted.parallel.to_string()),
        ("retries", number(found.maximum_retry_attempts()), wanted.retries.to_string()),
        ("maximum record age (s)", number(found.maximum_record_age_in_seconds()), wanted.max_age_seconds.to_string()),
        ("bisect batch on error", yes(found.bisect_batch_on_function_error() == Some(true)), yes(true)),
        ("on-failure destination", on_failure.unwrap_or("none").to_owned(), bucket_arn.to_owned()),
        ("report batch item failures", yes(names_failed), yes(true)),
        ("reading", if disabled { "switched off" } else { "on" }.to_owned(), "on".to_owned()),
    ]
    .into_iter()
    .filter(|(_, is, want)| is != want)
    .map(|(what, is, want)| Difference::in_place(what, is, want))
    .collect()
}
