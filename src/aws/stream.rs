//! The Kinesis data stream.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_kinesis::types::{StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    clients::Clients,
    failure::{broken, desired, failure, is, says},
    mark::{self, Mark},
    pace::Pace,
};
use crate::engine::{Cause, Difference, Node, Observed, Owned, Progress, Provider, ProviderError, Scope};

/// The kind of its keys.
pub const KIND: &str = "stream";

/// Others wait five minutes for hundreds of shards; the SDK's own waiter gives up after three.
const READY_BUDGET: Duration = Duration::from_secs(15 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(60 * 60);
/// `LimitExceededException` with these texts passes by itself (terraform-provider-aws); any other is a quota.
const PASSING_LIMITS: [&str; 2] = ["simultaneously be in CREATING or DELETING", "Rate exceeded for stream"];
const LIMIT_BUDGET: Duration = Duration::from_secs(5 * 60);

/// A stream as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Open shards; none when AWS scales it.
    pub shards: Option<u32>,
    /// Hours that records stay, 24 to 8,760.
    pub retention_hours: u32,
    /// The largest record, in KiB; AWS's own limit where this is none.
    pub max_record_kib: Option<u32>,
    /// Whose it is.
    pub mark: Mark,
}

/// Knows streams.
pub struct Streams(pub Clients);

#[async_trait]
impl Provider for Streams {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let wanted: Desired = desired(node)?;
        let Some(found) = self.describe(&wanted.name).await? else { return Ok(Observed::Absent) };
        let tags = self.tags(&wanted.name).await?;
        if let Err(why) = wanted.mark.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let active = *found.stream_status() == StreamStatus::Active;
        Ok(Observed::Ours {
            identity: found.stream_arn().to_owned(),
            ready: active && found.retention_period_hours() == wanted.retention_hours as i32,
            differs: if active { differences(&wanted, &found) } else { Vec::new() },
        })
    }

    async fn create(&self, node: &Node, progress: &Progress<'_>) -> Result<String, ProviderError> {
        let wanted: Desired = desired(node)?;
        let mut pace = Pace::within(LIMIT_BUDGET);
        loop {
            let mode = if wanted.shards.is_some() { StreamMode::Provisioned } else { StreamMode::OnDemand };
            let mode = StreamModeDetails::builder().stream_mode(mode).build();
            let call = self.0.kinesis.create_stream().stream_name(&wanted.name);
            let call = call.set_shard_count(wanted.shards.map(|shards| shards as i32));
            let call = call.set_max_record_size_in_kib(wanted.max_record_kib.map(|kib| kib as i32));
            let call = call.stream_mode_details(mode.map_err(|error| invalid(&wanted.name, &error))?);
            match call.set_tags(Some(wanted.mark.all().into_iter().collect())).send().await {
                Ok(_) => {
                    self.mark_where_ignored(&wanted).await?;
                    return self.0.arn("kinesis", &format!("stream/{}", wanted.name)).await;
                }
                Err(error) if says(&error, &PASSING_LIMITS) => {
                    pace.wait(progress, "kinesis CreateStream", &wanted.name, "waiting for other streams").await?;
                }
                Err(error) => return Err(failure("kinesis CreateStream", &wanted.name, &error)),
            }
        }
    }

    async fn make_ready(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let wanted: Desired = desired(node)?;
        let found = self.active(&wanted.name, progress).await?;
        let (now, then) = (found.retention_period_hours(), wanted.retention_hours as i32);
        if now == then {
            return Ok(());
        }
        let name = &wanted.name;
        if now < then {
            let call = self.0.kinesis.increase_stream_retention_period().stream_name(name);
            let answer = call.retention_period_hours(then).send().await;
            answer.map_err(|error| failure("kinesis IncreaseStreamRetentionPeriod", name, &error))?;
        } else {
            let call = self.0.kinesis.decrease_stream_retention_period().stream_name(name);
            let answer = call.retention_period_hours(then).send().await;
            answer.map_err(|error| failure("kinesis DecreaseStreamRetentionPeriod", name, &error))?;
        }
        self.active(name, progress).await.map(drop)
    }

    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = desired(node)?;
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = self.describe(&name).await? {
            let status = found.stream_status().clone();
            if status != StreamStatus::Deleting {
                // Registered consumers make it ResourceInUse otherwise.
                let call = self.0.kinesis.delete_stream().stream_name(&name).enforce_consumer_deletion(true);
                match call.send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    // It is being created or changed; later.
                    Err(error) if is(&error, &["ResourceInUseException"]) || says(&error, &PASSING_LIMITS) => {}
                    Err(error) => return Err(failure("kinesis DeleteStream", &name, &error)),
                }
            }
            pace.wait(progress, "kinesis DeleteStream", &name, status.as_str()).await?;
        }
        Ok(())
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let names = self.names().await?.into_iter().filter(|name| scope.may_be(name));
        let found = mark::ours(scope, names, |name| async move { self.tags(&name).await }).await?;
        let owned = |(name, mark): (String, Mark)| {
            let command = format!("kinesis delete-stream --enforce-consumer-deletion --stream-name {name}");
            mark::owned(KIND, &name, mark, json!({"name": name}), self.0.cli(&command))
        };
        Ok(found.into_iter().map(owned).collect())
    }
}

impl Streams {
    async fn describe(&self, name: &str) -> Result<Option<StreamDescriptionSummary>, ProviderError> {
        match self.0.kinesis.describe_stream_summary().stream_name(name).send().await {
            Ok(answer) => Ok(answer.stream_description_summary),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure("kinesis DescribeStreamSummary", name, &error)),
        }
    }

    /// AWS takes the tags with CreateStream; other implementations may pass over them there.
    async fn mark_where_ignored(&self, wanted: &Desired) -> Result<(), ProviderError> {
        match self.tags(&wanted.name).await {
            Ok(tags) if wanted.mark.is_on(pairs(&tags)).is_err() => {
                let call = self.0.kinesis.add_tags_to_stream().stream_name(&wanted.name);
                let answer = call.set_tags(Some(wanted.mark.all().into_iter().collect())).send().await;
                answer.map_err(|error| failure("kinesis AddTagsToStream", &wanted.name, &error)).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn active(&self, name: &str, progress: &Progress<'_>) -> Result<StreamDescriptionSummary, ProviderError> {
        const CALL: &str = "kinesis DescribeStreamSummary";
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let status = match self.describe(name).await? {
                Some(found) if *found.stream_status() == StreamStatus::Active => return Ok(found),
                Some(found) if *found.stream_status() == StreamStatus::Deleting => {
                    let message = "it is being deleted by someone".to_owned();
                    return Err(broken(Cause::Other, CALL, name, message, "wait until it is gone, then try again"));
                }
                Some(found) => found.stream_status().as_str().to_owned(),
                // A stream that was just made may not be seen everywhere yet.
                None => "not there yet".to_owned(),
            };
            pace.wait(progress, CALL, name, &status).await?;
        }
    }

    async fn names(&self) -> Result<Vec<String>, ProviderError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let call = self.0.kinesis.list_streams().set_exclusive_start_stream_name(names.last().cloned());
            let page = call.send().await.map_err(|error| failure("kinesis ListStreams", "the account", &error))?;
            let more = page.has_more_streams() && !page.stream_names().is_empty();
            names.extend(page.stream_names);
            if !more {
                return Ok(names);
            }
        }
    }

    async fn tags(&self, name: &str) -> Result<BTreeMap<String, String>, ProviderError> {
        let mut tags = BTreeMap::new();
        let mut last: Option<String> = None;
        loop {
            let call = self.0.kinesis.list_tags_for_stream().stream_name(name).set_exclusive_start_tag_key(last);
            let page = call.send().await.map_err(|error| failure("kinesis ListTagsForStream", name, &error))?;
            last = page.tags().last().map(|tag| tag.key().to_owned());
            tags.extend(page.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().unwrap_or("").to_owned())));
            if !page.has_more_tags() || last.is_none() {
                return Ok(tags);
            }
        }
    }
}

fn pairs(tags: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn differences(wanted: &Desired, found: &StreamDescriptionSummary) -> Vec<Difference> {
    let mode = found.stream_mode_details().map(|mode| mode.stream_mode());
    match (wanted.shards, mode == Some(&StreamMode::OnDemand)) {
        (None, true) => Vec::new(),
        (None, false) => vec![Difference::replace("mode", "provisioned", "on-demand")],
        (Some(_), true) => vec![Difference::replace("mode", "on-demand", "provisioned")],
        (Some(shards), false) if found.open_shard_count() == shards as i32 => Vec::new(),
        (Some(shards), false) => vec![Difference::replace("number of shards", found.open_shard_count(), shards)],
    }
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> ProviderError {
    broken(Cause::Other, "kinesis CreateStream", name, error.to_string(), "")
}
