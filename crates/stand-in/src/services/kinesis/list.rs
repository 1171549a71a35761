//! DescribeStream, DescribeStreamSummary, ListStreams, ListShards.

use serde::{Deserialize, Serialize};

use super::{
    Kinesis, milliseconds, refuse,
    shard_filter::ShardFilter,
    stream::{ShardMeta, Sort, StreamMeta, shard_id},
    timestamp,
    token::{self, NamePage, ShardPage},
};
use crate::service_error::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeStream {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListStreams {
    limit: Option<i64>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListShards {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<i64>,
    stream_creation_timestamp: Option<f64>,
    shard_filter: Option<ShardFilter>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamDescription {
    stream_description: Description,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamSummary {
    stream_description_summary: Summary,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(flatten)]
    stream: Brief,
    shards: Vec<Shard>,
    has_more_shards: bool,
    #[serde(flatten)]
    settings: StreamSettings,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    #[serde(flatten)]
    stream: Brief,
    #[serde(flatten)]
    settings: StreamSettings,
    open_shard_count: usize,
    consumer_count: usize,
    channel_count: usize,
    queue_count: usize,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: u32,
    record_distribution_strategy: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Brief {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: &'static str,
    stream_mode_details: ModeDetails,
    stream_creation_timestamp: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ModeDetails {
    stream_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSettings {
    retention_period_hours: u32,
    enhanced_monitoring: [Monitoring; 1],
    encryption_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Monitoring {
    shard_level_metrics: [&'static str; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Streams {
    stream_names: Vec<String>,
    has_more_streams: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    stream_summaries: Vec<Brief>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shards {
    shards: Vec<Shard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shard {
    shard_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_shard_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adjacent_parent_shard_id: Option<String>,
    hash_key_range: HashKeyRange,
    sequence_number_range: SequenceNumberRange,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HashKeyRange {
    starting_hash_key: String,
    ending_hash_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending_sequence_number: Option<String>,
}

impl HashKeyRange {
    pub(super) fn of(shard: &ShardMeta) -> Self {
        Self { starting_hash_key: shard.first_key.to_string(), ending_hash_key: shard.last_key.to_string() }
    }
}

impl Shard {
    fn of(stream: &StreamMeta, number: u32) -> Self {
        let shard = &stream.shards[number as usize];
        let numbering = stream.numbering(number);
        Self {
            shard_id: shard_id(number),
            parent_shard_id: shard.parent.map(shard_id),
            adjacent_parent_shard_id: shard.adjacent_parent.map(shard_id),
            hash_key_range: HashKeyRange::of(shard),
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: numbering.start().to_string(),
                ending_sequence_number: shard.closed.map(|_| numbering.close().to_string()),
            },
        }
    }
}

impl Brief {
    fn of(stream: &StreamMeta, now: u64) -> Self {
        Self {
            stream_name: stream.name.clone(),
            stream_arn: stream.arn(),
            stream_status: stream.status(now),
            stream_mode_details: ModeDetails {
                stream_mode: if stream.on_demand { "ON_DEMAND" } else { "PROVISIONED" },
            },
            stream_creation_timestamp: timestamp(stream.created),
        }
    }
}

impl StreamSettings {
    fn of(stream: &StreamMeta) -> Self {
        Self {
            retention_period_hours: stream.retention_hours,
            enhanced_monitoring: [Monitoring { shard_level_metrics: [] }],
            encryption_type: if stream.kms_key.is_some() { "KMS" } else { "NONE" },
            key_id: stream.kms_key.clone(),
        }
    }
}

impl Kinesis {
    /// A stream and a page of its shards; none while it is CREATING.
    pub(super) fn describe_stream(&self, request: DescribeStream) -> Result<StreamDescription, ServiceError> {
        let limit = refuse::within("limit", request.limit.unwrap_or(100), 1, 10_000)?.min(100);
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let live = self.find_stream(&name)?;
        let now = self.now();
        let after = request.exclusive_start_shard_id;
        let shown = shards_after(&live.meta, after.as_deref(), now).filter(|_| live.meta.status(now) != "CREATING");
        let mut shards: Vec<Shard> =
            shown.take(limit as usize + 1).map(|number| Shard::of(&live.meta, number)).collect();
        let has_more_shards = shards.len() > limit as usize;
        shards.truncate(limit as usize);
        let (stream, settings) = (Brief::of(&live.meta, now), StreamSettings::of(&live.meta));
        Ok(StreamDescription { stream_description: Description { stream, shards, has_more_shards, settings } })
    }

    /// A stream without its shards.
    pub(super) fn describe_stream_summary(
        &self,
        request: super::manage::OneStream,
    ) -> Result<StreamSummary, ServiceError> {
        let live = self.find_stream(&request.name()?)?;
        let now = self.now();
        let creating = live.meta.status(now) == "CREATING";
        let summary = Summary {
            stream: Brief::of(&live.meta, now),
            settings: StreamSettings::of(&live.meta),
            open_shard_count: if creating { 0 } else { live.meta.open_shards().len() },
            consumer_count: live.meta.consumers.len(),
            channel_count: live.meta.count(Sort::Channel, now),
            queue_count: live.meta.count(Sort::Queue, now),
            max_record_size_in_kib: live.meta.max_record_kib,
            record_distribution_strategy: super::manage::BY_KEY,
        };
        Ok(StreamSummary { stream_description_summary: summary })
    }

    /// A page of streams in the order of their names.
    pub(super) fn list_streams(&self, request: ListStreams) -> Result<Streams, ServiceError> {
        let limit = refuse::within("limit", request.limit.unwrap_or(100), 1, 10_000)? as usize;
        let after = match request.next_token {
            Some(text) => Some(self.name_page(&text)?.after),
            None => request.exclusive_start_stream_name,
        };
        let now = self.now();
        let ledger = self.ledger.read();
        let rest = ledger.streams.values().filter(|stream| !stream.is_gone(now));
        let rest = rest.filter(|stream| after.as_ref().is_none_or(|after| stream.name > *after));
        let mut stream_summaries: Vec<Brief> = rest.take(limit + 1).map(|stream| Brief::of(stream, now)).collect();
        let has_more_streams = stream_summaries.len() > limit;
        stream_summaries.truncate(limit);
        let stream_names: Vec<String> = stream_summaries.iter().map(|stream| stream.stream_name.clone()).collect();
        let last = stream_names.last().filter(|_| has_more_streams);
        let next_token = last.map(|last| token::seal(&NamePage { after: last.clone(), issued: now }));
        Ok(Streams { stream_names, has_more_streams, next_token, stream_summaries })
    }

    /// A page of the shards of a stream, closed ones too unless filtered out.
    pub(super) fn list_shards(&self, request: ListShards) -> Result<Shards, ServiceError> {
        let limit = refuse::within("maxResults", request.max_results.unwrap_or(1_000), 1, 10_000)?.min(1_000) as usize;
        let page = self.shard_page(request)?;
        let live = self.find_stream(&page.stream)?;
        if live.meta.id != page.id {
            return Err(refuse::argument("The NextToken is of a stream that was deleted."));
        }
        let now = self.now();
        let keeps = filter(page.filter.as_ref(), live.meta.horizon(now))?;
        let after = Some(page.after.as_str()).filter(|after| !after.is_empty());
        let shown = shards_after(&live.meta, after, now).filter(|&n| keeps(n, &live.meta.shards[n as usize]));
        let mut shards: Vec<Shard> = shown.take(limit + 1).map(|number| Shard::of(&live.meta, number)).collect();
        let has_more = shards.len() > limit;
        shards.truncate(limit);
        let last = shards.last().filter(|_| has_more).map(|shard| shard.shard_id.clone());
        let next_token = last.map(|after| token::seal(&ShardPage { after, issued: now, ..page }));
        Ok(Shards { shards, next_token })
    }

    fn shard_page(&self, request: ListShards) -> Result<ShardPage, ServiceError> {
        let Some(text) = request.next_token else {
            let stream = super::stream_name(request.stream_name, request.stream_arn)?;
            let meta = &self.find_stream(&stream)?.meta;
            meta.must_be_of(request.stream_creation_timestamp)?;
            let after = request.exclusive_start_shard_id.unwrap_or_default();
            return Ok(ShardPage { stream, id: meta.id, after, filter: request.shard_filter, issued: self.now() });
        };
        if request.stream_name.is_some() || request.stream_creation_timestamp.is_some() {
            return Err(refuse::argument("NextToken and StreamName cannot be provided together."));
        }
        let page: ShardPage = token::open(&text).ok_or_else(|| refuse::argument("Invalid NextToken."))?;
        self.still_good(page.issued)?;
        Ok(page)
    }

    /// Where a listing by name stands.
    pub(super) fn name_page(&self, text: &str) -> Result<NamePage, ServiceError> {
        let page: NamePage = token::open(text).ok_or_else(|| refuse::argument("Invalid NextToken."))?;
        self.still_good(page.issued)?;
        Ok(page)
    }

    fn still_good(&self, issued: u64) -> Result<(), ServiceError> {
        let life = self.limits.token_life.as_millis() as u64;
        if self.now().saturating_sub(issued) <= life {
            return Ok(());
        }
        Err(ServiceError::client(
            "ExpiredNextTokenException",
            format!("The NextToken is older than {life} milliseconds."),
        ))
    }
}

fn shards_after<'a>(stream: &'a StreamMeta, after: Option<&'a str>, now: u64) -> impl Iterator<Item = u32> + 'a {
    let kept = stream.kept_shards(now).map(|(number, _)| number);
    kept.filter(move |&number| after.is_none_or(|after| shard_id(number).as_str() > after))
}

type Keeps = Box<dyn Fn(u32, &ShardMeta) -> bool>;

fn filter(filter: Option<&ShardFilter>, horizon: u64) -> Result<Keeps, ServiceError> {
    let Some(filter) = filter else { return Ok(Box::new(|_, _| true)) };
    let kind = refuse::required("shardFilter.type", filter.kind.as_deref())?;
    let time = || {
        let time = filter.timestamp.map(milliseconds);
        time.ok_or_else(|| refuse::argument(format!("Timestamp must be provided for a ShardFilter of type {kind}.")))
    };
    Ok(match kind {
        "FROM_TRIM_HORIZON" => Box::new(|_, _| true),
        "AT_LATEST" => Box::new(|_, shard| shard.closed.is_none()),
        "AT_TRIM_HORIZON" => Box::new(move |_, shard| was_open(shard, horizon)),
        "AT_TIMESTAMP" => {
            let time = time()?;
            Box::new(move |_, shard| was_open(shard, time))
        }
        "FROM_TIMESTAMP" => {
            let time = time()?;
            Box::new(move |_, shard| shard.closed.is_none_or(|closed| closed >= time))
        }
        "AFTER_SHARD_ID" => {
            let after = filter.shard_id.clone();
            let after = after.ok_or_else(|| {
                refuse::argument("ShardId must be provided for a ShardFilter of type AFTER_SHARD_ID.")
            })?;
            Box::new(move |number, _| shard_id(number) > after)
        }
        other => {
            let kinds = "[AFTER_SHARD_ID, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, AT_LATEST, AT_TIMESTAMP, FROM_TIMESTAMP]";
            let set = format!("Member must satisfy enum value set: {kinds}");
            return Err(refuse::constraint("shardFilter.type", Some(other), set));
        }
    })
}

fn was_open(shard: &ShardMeta, time: u64) -> bool {
    shard.created <= time && shard.closed.is_none_or(|closed| closed >= time)
}
