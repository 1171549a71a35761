//! `load`, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::{load::Broken, sending::Transport},
    ImperfectFile, OpenRate, PathText, RateRange, RateText, ShareText, Size, Time,
    mix::MixFile,
    values::IdentityFile,
};

/// a map with `rate`, and `duration` or `records`; or with `stages`; or with `replay`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct LoadFile {
    /// What documents are sent; `store_sales` when left out.
    pub workload: Option<WorkloadFile>,
    /// How many are offered a second, all the time; this, `stages` or `replay`.
    pub rate: Option<RateText>,
    /// For how long at this rate; this or `records`.
    pub duration: Option<Time>,
    /// How many in all at this rate; this or `duration`.
    #[schemars(range(min = 1))]
    pub records: Option<u64>,
    /// How many are offered a second, one stage after the other; this or `rate`.
    pub stages: Option<StagesFile>,
    /// Each line of a file once, at the distances of their own times; in place of `rate`.
    pub replay: Option<ReplayFile>,
    /// The load ends when documents wait for so long and none is acknowledged; 60s when left out.
    pub give_up: Option<Time>,
    /// How documents are spread over shards; `uniform` when left out.
    pub partition_key: Option<PartitionKeyFile>,
    /// Documents that are wrong on purpose; none when left out.
    pub imperfect: Option<ImperfectFile>,
    /// What is done while the load goes on.
    pub events: Option<EventsFile>,
    /// How requests are written; `json` when left out.
    pub transport: Option<Transport>,
    /// Whether documents share Kinesis records; `off` when left out.
    pub aggregation: Option<AggregationFile>,
    /// Who shares the load: processes of this machine, or tasks on Fargate; this process alone when left out.
    pub workers: Option<WorkersFile>,
    /// Whether documents of one partition key keep their order, one request a shard at a time; `false` when left out.
    pub ordered: Option<bool>,
}

/// a list of stages, such as `[{ramp: 0/s..2000/s, for: 1m}, {rate: 2000/s, for: 5m}]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(in super::super) struct StagesFile(#[schemars(length(min = 1, max = 1000))] pub Vec<StageFile>);

/// one of `{rate: 2000/s, for: 1m}`, `{ramp: 0/s..2000/s, for: 1m}`, `{spike: 9000/s, for: 10s}`, `{wave: 1000/s..3000/s, period: 30s, for: 5m}` and `{pause: 10s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct StageFile {
    /// One rate all the time.
    pub rate: Option<OpenRate>,
    /// From a rate to another in a straight line; from where the stage before ended if only the other is given.
    pub ramp: Option<RateRange>,
    /// Up to this rate in half of the time, and down again to where the stage before ended.
    pub spike: Option<OpenRate>,
    /// Between two rates as a sine does, beginning at the lower.
    pub wave: Option<RateRange>,
    /// Of a wave, from low to low.
    pub period: Option<Time>,
    /// How long the stage lasts.
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
    /// For how long nothing is offered.
    pub pause: Option<Time>,
}

/// `{field: event.time}`, with a `speedup` or without
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ReplayFile {
    /// Where each line has its time: RFC 3339, or a number since 1970.
    #[schemars(with = "PathText")]
    pub field: Option<PathText>,
    /// How many times as fast as they happened, 0.001 to 1000000; 1 when left out.
    #[schemars(range(min = 0.001, max = 1_000_000))]
    pub speedup: Option<f64>,
}

/// a list of events, such as `[{at: 90s, reshard: 40}, {at: 2m, hot_key: {share: 40%, for: 30s}}]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(in super::super) struct EventsFile(#[schemars(length(max = 1000))] pub Vec<EventFile>);

/// one of `{at: 90s, rate: 5000/s}`, `{at: 90s, reshard: 40}`, `{at: 90s, hot_key: {share: 40%, for: 30s}}`, `{at: 90s, mode: on-demand}`, and in the stand-in `throttle`, `errors`, `slow`, `expire`, `kill` and `stall`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct EventFile {
    /// When, after the load began, such as `90s`.
    #[schemars(with = "Time")]
    pub at: Option<Time>,
    /// From then on so many are offered a second, in place of what the schedule says, until its end.
    pub rate: Option<OpenRate>,
    /// The stream gets so many shards.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub reshard: Option<u32>,
    /// One key has a share of the documents for a while.
    pub hot_key: Option<HotSpellFile>,
    /// AWS scales the stream from then on.
    pub mode: Option<EventModeFile>,
    /// In the stand-in, shards of the stream refuse a share of their records for a while.
    pub throttle: Option<ThrottleFile>,
    /// In the stand-in, a share of the calls to a service fails for a while.
    pub errors: Option<ErrorsFile>,
    /// In the stand-in, a service answers later for a while.
    pub slow: Option<SlowFile>,
    /// In the stand-in, every iterator of the stream's shards is expired for so long.
    pub expire: Option<Time>,
    /// In the stand-in, the stack's function is killed whenever it works, for so long.
    pub kill: Option<Time>,
    /// In the stand-in, Firehose delivers nothing for so long.
    pub stall: Option<Time>,
}

/// `{shards: 2, share: 50%, for: 15s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ThrottleFile {
    /// How many shards; 1 when left out.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub shards: Option<u32>,
    /// Which part of their records, such as `50%`.
    #[schemars(with = "ShareText")]
    pub share: Option<ShareText>,
    /// For how long, such as `15s`.
    #[schemars(with = "Time")]
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
}

/// `{service: kinesis, share: 20%, for: 20s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ErrorsFile {
    /// A service, such as `kinesis`.
    #[schemars(with = "String")]
    pub service: Option<String>,
    /// Which part of the calls, such as `20%`.
    #[schemars(with = "ShareText")]
    pub share: Option<ShareText>,
    /// For how long, such as `20s`.
    #[schemars(with = "Time")]
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
}

/// `{service: kinesis, by: 500ms, for: 20s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SlowFile {
    /// A service, such as `kinesis`.
    #[schemars(with = "String")]
    pub service: Option<String>,
    /// By how much its answers are later, at most 1m.
    #[schemars(with = "Time")]
    pub by: Option<Time>,
    /// For how long, such as `20s`.
    #[schemars(with = "Time")]
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
}

/// `{key: celebrity, share: 40%, for: 30s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct HotSpellFile {
    /// The partition key, of 1 to 256 characters; `hot` when left out.
    pub key: Option<String>,
    /// Which part of the documents, such as `40%`.
    #[schemars(with = "ShareText")]
    pub share: Option<ShareText>,
    /// For how long, such as `30s`.
    #[schemars(with = "Time")]
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum EventModeFile {
    /// Scaled by AWS.
    OnDemand,
}

/// `uniform`, `ticket`, `key`, or a map: `{field: customer.id}`, `{zipf: 1.1, keys: 100000}` or `{hot: {key: celebrity, share: 30%}}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum PartitionKeyFile {
    Word(PartitionKeyWord),
    Map(PartitionKeyMap),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum PartitionKeyWord {
    /// Explicit hash keys, every shard the same.
    Uniform,
    /// The ticket number: 8 to 16 documents of a ticket on one shard; `store_sales` only.
    Ticket,
    /// The declared key of your own documents.
    Key,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PartitionKeyMap {
    /// What this field of a document has; a document without it goes by what tells it from others.
    pub field: Option<PathText>,
    /// Keys of which the n-th comes up n to this power less often than the first, 0.1 to 10; with `keys`.
    #[schemars(range(min = 0.1, max = 10))]
    pub zipf: Option<f64>,
    /// How many keys `zipf` has.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keys: Option<u64>,
    /// A key that a share of the documents has; the others are spread as `uniform` spreads all.
    pub hot: Option<HotShareFile>,
}

/// `{key: celebrity, share: 30%}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct HotShareFile {
    /// The partition key, of 1 to 256 characters; `hot` when left out.
    pub key: Option<String>,
    /// Which part of the documents, such as `30%`.
    #[schemars(with = "ShareText")]
    pub share: Option<ShareText>,
}

/// `store_sales`, or a map of one: `{store_sales: …}`, `{json_lines: …}`, `{template: …}` or `{mix: …}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum WorkloadFile {
    Word(WorkloadWord),
    Map(Box<WorkloadMap>),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum WorkloadWord {
    /// Nested TPC-DS `store_sales` documents, at scale 1.
    StoreSales,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct WorkloadMap {
    /// Nested TPC-DS `store_sales` documents.
    pub store_sales: Option<StoreSalesFile>,
    /// Your own JSON lines, repeated as often as needed.
    pub json_lines: Option<JsonLinesFile>,
    /// Documents rendered from your own template.
    pub template: Option<TemplateFile>,
    /// Documents of several kinds that refer to each other, each from a template of its own.
    pub mix: Option<MixFile>,
}

/// `{scale: 1, seed: 1}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct StoreSalesFile {
    /// The TPC-DS scale factor: 240,000 tickets at 1, which is what you get when left out.
    #[schemars(range(min = 1, max = 100_000))]
    pub scale: Option<u32>,
    /// Of the generator: the same seed, the same documents; 1 when left out.
    pub seed: Option<u64>,
}

/// `{file: events.jsonl, key: [id]}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct JsonLinesFile {
    /// The file, one JSON object a line; a relative path starts where this is written.
    #[schemars(with = "String")]
    pub file: Option<String>,
    /// The fields that tell one document from another; the whole line when left out.
    pub key: Option<IdentityFile>,
    /// What becomes of lines that are no JSON object; `refuse` when left out.
    pub broken: Option<Broken>,
}

/// `{file: event.template, seed: 1, key: [id]}`, or with `text` in place of `file`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct TemplateFile {
    /// The file with the template; a relative path starts where this is written. This or `text`.
    pub file: Option<String>,
    /// The template itself: one JSON document with `{{ … }}` where values go. This or `file`.
    pub text: Option<String>,
    /// Of the values: the same seed, the same documents; 1 when left out.
    pub seed: Option<u64>,
    /// The fields that tell one document from another; the whole line when left out.
    pub key: Option<IdentityFile>,
}

/// `off`, `on`, or `{max_size: 25KiB}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum AggregationFile {
    Word(AggregationWord),
    Map(AggregationMap),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum AggregationWord {
    /// A document is a record.
    Off,
    /// Documents for one shard share records of up to 50KiB.
    On,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct AggregationMap {
    /// The largest aggregated record, 1KiB to 1MiB; 50KiB when left out.
    pub max_size: Option<Size>,
}

/// a whole number of at least 1, for processes of this machine, or `{fargate: {tasks: auto, cpu: 1, memory: 2GiB}}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum WorkersFile {
    /// So many processes of this machine.
    Processes(#[schemars(range(min = 1, max = 256))] u32),
    Map(WorkersMap),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct WorkersMap {
    /// Tasks of Amazon ECS on Fargate.
    pub fargate: FargateFile,
}

/// `{tasks: auto, cpu: 1, memory: 2GiB}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FargateFile {
    /// How many; `auto` when left out.
    pub tasks: Option<TasksFile>,
    /// vCPUs of each: 0.25, 0.5, 1, 2, 4, 8 or 16; 1 when left out.
    pub cpu: Option<f64>,
    /// Memory of each, by what goes with its vCPUs; the least when left out.
    pub memory: Option<Size>,
    /// An image with `sh`, `curl` and `sha256sum`; Amazon Linux 2023, minimal, of the public registry when left out.
    pub image: Option<String>,
    /// How long each may take until it is heard of, before another has its part; 10m when left out.
    pub start_timeout: Option<Time>,
}

/// a whole number of at least 1, or `auto`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum TasksFile {
    /// As many as this.
    Number(#[schemars(range(min = 1, max = 4_000))] u32),
    Word(TasksWord),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum TasksWord {
    /// As many as the load's rate needs, by what one was measured to carry.
    Auto,
}
