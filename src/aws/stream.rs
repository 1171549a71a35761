//! The Kinesis data stream.

mod capacity;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::types::{ScalingType, StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus};
use serde::{Deserialize, Serialize};

pub use self::capacity::Capacity;
use self::capacity::{reach, step};
use super::{
    attached::Attached,
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Hourly, Kind, Layer, node},
    ownership::{self, Ownership, Tags, pairs},
    pace::Pace,
    permission::{On, Statement},
    prices::Prices,
    rates::Api,
    tags,
};
use crate::engine::{
    Cancel, Cause, Difference, Doing, Foreign, Node, Observed, Owned, Progress, ProviderError, Scope, StackId,
};

/// Others wait five minutes for hundreds of shards; the SDK's own waiter gives up after three.
const READY_BUDGET: Duration = Duration::from_secs(15 * 60);
const GONE_BUDGET: Duration = Duration::from_secs(60 * 60);
const DESCRIBE: &str = "kinesis DescribeStreamSummary";
const RESIZE: &str = "kinesis UpdateShardCount";

/// Records of up to 1 MiB, unless a stream is told otherwise (Kinesis API reference, MaxRecordSizeInKiB).
pub const MAX_RECORD_KIB: u32 = 1024;
/// A stream keeps records for so many hours without an extra charge (Kinesis Data Streams pricing).
const HOURS_INCLUDED: u32 = 24;

/// A stream as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Its open shards, or that AWS scales it.
    #[serde(rename = "shards", skip_serializing_if = "Capacity::is_unknown")]
    pub capacity: Capacity,
    /// Hours that records stay, 24 to 8,760.
    pub retention_hours: u32,
    /// The largest record, in KiB; [`MAX_RECORD_KIB`] where this is none.
    pub max_record_kib: Option<u32>,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows streams.
pub struct Streams(pub Clients);

#[async_trait]
impl Kind for Streams {
    type Desired = Desired;

    const KIND: &'static str = "stream";
    const LAYER: Layer = Layer::Container;
    const NAMED_BY_USER: bool = true;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// CreateStream takes tags by `kinesis:AddTagsToStream` alone (Kinesis API reference, CreateStream).
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 14] = [
            "kinesis:AddTagsToStream",
            "kinesis:CreateStream",
            "kinesis:DecreaseStreamRetentionPeriod",
            "kinesis:DeleteStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:IncreaseStreamRetentionPeriod",
            "kinesis:ListShards",
            "kinesis:ListTagsForStream",
            "kinesis:PutRecords",
            "kinesis:UpdateMaxRecordSize",
            "kinesis:UpdateShardCount",
            "kinesis:UpdateStreamMode",
        ];
        // What somebody attached is told by its tags; an ARN of a channel has an id of AWS's own.
        const CHANNELS: [&str; 2] = ["kinesis:DeleteChannel", "kinesis:ListTagsForResource"];
        vec![
            Statement::new(&ACTIONS, [On::Stream(wanted.name.clone())]),
            Statement::new(&["kinesis:ListChannels"], [On::resource("kinesis", "stream/*")]),
            Statement::new(&CHANNELS, [On::resource("kinesis", "channel/*")]),
        ]
    }

    fn hourly(wanted: &Desired, prices: &Prices) -> Hourly {
        let dollars = match wanted.capacity {
            Capacity::Unknown => return Hourly::Unknown,
            Capacity::OnDemand => prices.stream_hour,
            Capacity::Provisioned(shards) => {
                let extended = if wanted.retention_hours > HOURS_INCLUDED { prices.shard_hour_extended } else { 0.0 };
                f64::from(shards) * (prices.shard_hour + extended)
            }
        };
        Hourly::Always { detail: wanted.capacity.to_string(), dollars }
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.describe(&wanted.name).await? else { return Ok(Observed::Absent) };
        let tags = self.tags(&wanted.name).await?;
        if let Err(why) = wanted.ownership.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        // A stream that is UPDATING may be on its way to what was wanted, or to one of the steps before it.
        let settings = match found.stream_status() {
            StreamStatus::Active | StreamStatus::Updating => differences(wanted, &found),
            _ => Vec::new(),
        };
        Ok(Observed::Ours {
            identity: found.stream_arn().to_owned(),
            ready: *found.stream_status() == StreamStatus::Active,
            differs: [settings, tags::differences(&wanted.ownership, pairs(&tags))].concat(),
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let call = self.0.kinesis.create_stream().stream_name(&wanted.name);
        let call = call.set_shard_count(wanted.capacity.shards());
        let call = call.set_max_record_size_in_kib(wanted.max_record_kib.map(|kib| kib as i32));
        let call = call.stream_mode_details(wanted.mode()?);
        self.0.turn(Api::CREATE_STREAM).await;
        let answer = call.set_tags(Some(wanted.ownership.all().into_iter().collect())).send().await;
        answer.map_err(|error| failure("kinesis CreateStream", &wanted.name, &error))?;
        self.tag_where_ignored(wanted).await?;
        self.0.arn("kinesis", &format!("stream/{}", wanted.name)).await
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        self.keep_records(wanted, progress).await
    }

    /// From what is there now, whatever it was when it was read: a crash may have come between the steps of an earlier
    /// one.
    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        if tags::among(differs) {
            self.tag(&wanted.name, tags::changing(&wanted.ownership)).await?;
        }
        self.switch(wanted, progress).await?;
        if let Some(shards) = wanted.capacity.shards() {
            self.resize(&wanted.name, shards, progress).await?;
        }
        self.size_records(wanted, progress).await?;
        self.keep_records(wanted, progress).await
    }

    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        self.attached(wanted).foreign(&wanted.ownership).await
    }

    async fn delete_foreign(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        match self.describe(&wanted.name).await? {
            Some(found) if has_channels(&found) => {
                self.attached(wanted).delete_channels(&wanted.ownership, false, progress).await
            }
            _ => Ok(()),
        }
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, ownership, .. } = wanted;
        let mut pace = Pace::within(GONE_BUDGET);
        while let Some(found) = self.describe(name).await? {
            let status = found.stream_status().clone();
            if status != StreamStatus::Deleting {
                if has_channels(&found) {
                    self.attached(wanted).delete_channels(ownership, true, progress).await?;
                }
                // Registered consumers make it ResourceInUse otherwise.
                self.0.turn(Api::DELETE_STREAM).await;
                let call = self.0.kinesis.delete_stream().stream_name(name).enforce_consumer_deletion(true);
                match call.send().await {
                    Ok(_) => {}
                    Err(error) if is(&error, &["ResourceNotFoundException"]) => return Ok(()),
                    Err(error) if is(&error, &["ResourceInUseException"]) => {
                        let foreign = self.foreign(wanted).await?;
                        return Err(match foreign.is_empty() {
                            true => failure("kinesis DeleteStream", name, &error),
                            false => Foreign::kept(&foreign, name, &ownership.stack),
                        });
                    }
                    Err(error) => return Err(failure("kinesis DeleteStream", name, &error)),
                }
            }
            pace.wait(progress, "kinesis DeleteStream", name, status.as_str()).await?;
        }
        Ok(())
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let names = self.names().await?.into_iter().filter(|name| scope.may_be(name));
        let found = ownership::ours(scope, names, |name| async move { self.tags(&name).await }).await?;
        let owned = |(name, ownership): (String, Ownership)| {
            let command = format!("kinesis delete-stream --enforce-consumer-deletion --stream-name {name}");
            Self::found(&name, &Desired { name: name.clone(), ownership, ..Desired::default() }, self.0.cli(&command))
        };
        Ok(found.into_iter().map(owned).collect())
    }

    async fn measured(&self, found: Desired) -> Result<Desired, ProviderError> {
        if !found.capacity.is_unknown() {
            return Ok(found);
        }
        // It may have gone since it was found.
        let Some(now) = self.describe(&found.name).await? else { return Ok(found) };
        let shards = (!is_on_demand(&now)).then_some(now.open_shard_count() as u32);
        Ok(Desired { capacity: shards.into(), retention_hours: now.retention_period_hours() as u32, ..found })
    }
}

/// What is attached to a stream and keeps AWS from deleting it, for people; none where nothing is.
///
/// # Errors
/// It cannot be read.
pub async fn attached(clients: &Clients, stream: &str) -> Result<Option<String>, ProviderError> {
    Attached { clients, stream }.counted().await
}

/// Gives a stream another number of open shards while records go through it; returns when it has them.
///
/// # Errors
/// AWS refuses, or someone says stop.
pub async fn reshard(clients: &Clients, stream: &str, shards: u32, cancel: &Cancel) -> Result<(), ProviderError> {
    let node = Streams::named(stream);
    let progress = Progress::begin(&node, Doing::Creating, &(), cancel);
    Streams(clients.clone()).resize(stream, shards as i32, &progress).await
}

/// Lets AWS scale a stream from now on, while records go through it.
///
/// # Errors
/// AWS refuses, or someone says stop.
pub async fn put_on_demand(clients: &Clients, stream: &str, cancel: &Cancel) -> Result<(), ProviderError> {
    let node = Streams::named(stream);
    let progress = Progress::begin(&node, Doing::Creating, &(), cancel);
    let wanted = Desired { name: stream.to_owned(), capacity: Capacity::OnDemand, ..Desired::default() };
    Streams(clients.clone()).switch(&wanted, &progress).await
}

fn has_channels(found: &StreamDescriptionSummary) -> bool {
    found.channel_count().is_some_and(|count| count > 0)
}

impl Streams {
    fn named(stream: &str) -> Node {
        node::<Self>(stream, &[], &Desired { name: stream.to_owned(), ..Desired::default() }, String::new())
    }

    fn attached<'a>(&'a self, wanted: &'a Desired) -> Attached<'a> {
        Attached { clients: &self.0, stream: &wanted.name }
    }

    async fn describe(&self, name: &str) -> Result<Option<StreamDescriptionSummary>, ProviderError> {
        self.0.turn(Api::DESCRIBE_STREAM_SUMMARY).await;
        match self.0.kinesis.describe_stream_summary().stream_name(name).send().await {
            Ok(answer) => Ok(answer.stream_description_summary),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(DESCRIBE, name, &error)),
        }
    }

    /// AWS takes the tags with CreateStream; other implementations may pass over them there.
    async fn tag_where_ignored(&self, wanted: &Desired) -> Result<(), ProviderError> {
        match self.tags(&wanted.name).await {
            Ok(tags) if wanted.ownership.is_on(pairs(&tags)).is_err() => {
                self.tag(&wanted.name, wanted.ownership.all()).await
            }
            _ => Ok(()),
        }
    }

    async fn tag(&self, name: &str, tags: Tags) -> Result<(), ProviderError> {
        let call = self.0.kinesis.add_tags_to_stream().stream_name(name);
        let answer = call.set_tags(Some(tags.into_iter().collect())).send().await;
        answer.map_err(|error| failure("kinesis AddTagsToStream", name, &error)).map(drop)
    }

    /// To the wanted mode. AWS takes two changes of it in 24 hours, and says so of a third.
    async fn switch(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let found = self.active(&wanted.name, progress).await?;
        if is_on_demand(&found) == wanted.is_on_demand() {
            return Ok(());
        }
        let call = self.0.kinesis.update_stream_mode().stream_arn(found.stream_arn());
        let answer = call.stream_mode_details(wanted.mode()?).send().await;
        answer.map_err(|error| failure("kinesis UpdateStreamMode", &wanted.name, &error))?;
        let fits = |found: &StreamDescriptionSummary| is_on_demand(found) == wanted.is_on_demand();
        self.active_and(&wanted.name, progress, fits).await.map(drop)
    }

    /// To so many shards, one legal step after the other.
    async fn resize(&self, name: &str, shards: i32, progress: &Progress<'_>) -> Result<(), ProviderError> {
        loop {
            let now = self.active(name, progress).await?.open_shard_count();
            let Some(next) = step(now, shards) else { return Ok(()) };
            let call = self.0.kinesis.update_shard_count().stream_name(name).target_shard_count(next);
            let answer = call.scaling_type(ScalingType::UniformScaling).send().await;
            answer.map_err(|error| failure(RESIZE, name, &error))?;
            self.active_and(name, progress, |found| found.open_shard_count() == next).await?;
        }
    }

    /// To the wanted size of the largest record.
    async fn size_records(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let found = self.active(&wanted.name, progress).await?;
        if wanted.takes_records_as(&found) {
            return Ok(());
        }
        let call = self.0.kinesis.update_max_record_size().stream_arn(found.stream_arn());
        let answer = call.max_record_size_in_kib(wanted.record_kib()).send().await;
        answer.map_err(|error| failure("kinesis UpdateMaxRecordSize", &wanted.name, &error))?;
        self.active_and(&wanted.name, progress, |found| wanted.takes_records_as(found)).await.map(drop)
    }

    /// To the wanted retention.
    async fn keep_records(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let found = self.active(&wanted.name, progress).await?;
        let (name, now, then) = (&wanted.name, found.retention_period_hours(), wanted.retention_hours as i32);
        if now < then {
            let call = self.0.kinesis.increase_stream_retention_period().stream_name(name);
            let answer = call.retention_period_hours(then).send().await;
            answer.map_err(|error| failure("kinesis IncreaseStreamRetentionPeriod", name, &error))?;
        } else if now > then {
            let call = self.0.kinesis.decrease_stream_retention_period().stream_name(name);
            let answer = call.retention_period_hours(then).send().await;
            answer.map_err(|error| failure("kinesis DecreaseStreamRetentionPeriod", name, &error))?;
        }
        self.active_and(name, progress, |found| found.retention_period_hours() == then).await.map(drop)
    }

    async fn active(&self, name: &str, progress: &Progress<'_>) -> Result<StreamDescriptionSummary, ProviderError> {
        self.active_and(name, progress, |_| true).await
    }

    /// Waits until it is ACTIVE and shows what was asked for, which it may do later than the call was answered.
    async fn active_and(
        &self,
        name: &str,
        progress: &Progress<'_>,
        fits: impl Fn(&StreamDescriptionSummary) -> bool,
    ) -> Result<StreamDescriptionSummary, ProviderError> {
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let status = match self.describe(name).await? {
                Some(found) if *found.stream_status() == StreamStatus::Active && fits(&found) => return Ok(found),
                Some(found) if *found.stream_status() == StreamStatus::Deleting => {
                    let message = "another caller is deleting it".to_owned();
                    return Err(broken(
                        Cause::Other,
                        DESCRIBE,
                        name,
                        message,
                        "wait until it is gone, then run the command again",
                    ));
                }
                Some(found) => found.stream_status().as_str().to_owned(),
                // A stream that was just made may not be seen everywhere yet.
                None => "not visible yet".to_owned(),
            };
            pace.wait(progress, DESCRIBE, name, &status).await?;
        }
    }

    async fn names(&self) -> Result<Vec<String>, ProviderError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            self.0.turn(Api::LIST_STREAMS).await;
            let call = self.0.kinesis.list_streams().set_exclusive_start_stream_name(names.last().cloned());
            let page = call.send().await.map_err(|error| failure("kinesis ListStreams", "the account", &error))?;
            let more = page.has_more_streams() && !page.stream_names().is_empty();
            names.extend(page.stream_names);
            if !more {
                return Ok(names);
            }
        }
    }

    async fn tags(&self, name: &str) -> Result<Tags, ProviderError> {
        let mut tags = Tags::new();
        let mut last: Option<String> = None;
        loop {
            self.0.turn(Api::LIST_TAGS_FOR_STREAM).await;
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

impl Desired {
    fn is_on_demand(&self) -> bool {
        self.capacity == Capacity::OnDemand
    }

    fn mode(&self) -> Result<StreamModeDetails, ProviderError> {
        let mode = if self.is_on_demand() { StreamMode::OnDemand } else { StreamMode::Provisioned };
        let mode = StreamModeDetails::builder().stream_mode(mode).build();
        mode.map_err(|error| broken(Cause::Other, "kinesis CreateStream", &self.name, error.to_string(), ""))
    }

    fn record_kib(&self) -> i32 {
        self.max_record_kib.unwrap_or(MAX_RECORD_KIB) as i32
    }

    /// Implementations that know no such setting do not show it.
    fn takes_records_as(&self, found: &StreamDescriptionSummary) -> bool {
        found.max_record_size_in_kib().is_none_or(|kib| kib == self.record_kib())
    }
}

fn is_on_demand(found: &StreamDescriptionSummary) -> bool {
    found.stream_mode_details().map(|mode| mode.stream_mode()) == Some(&StreamMode::OnDemand)
}

fn differences(wanted: &Desired, found: &StreamDescriptionSummary) -> Vec<Difference> {
    let mode = |on_demand: bool| if on_demand { "on-demand" } else { "provisioned" };
    let (is, want) = (mode(is_on_demand(found)), mode(wanted.is_on_demand()));
    let mut differences = Vec::new();
    if is != want {
        differences.push(Difference::in_place("mode", is, want));
    }
    differences.extend(wanted.capacity.shards().and_then(|shards| reach(found.open_shard_count(), shards)));
    if !wanted.takes_records_as(found) {
        let is = found.max_record_size_in_kib().unwrap_or_default();
        differences.push(Difference::in_place("largest record (KiB)", is, wanted.record_kib()));
    }
    if found.retention_period_hours() != wanted.retention_hours as i32 {
        differences.push(Difference::in_place("retention (h)", found.retention_period_hours(), wanted.retention_hours));
    }
    differences
}
