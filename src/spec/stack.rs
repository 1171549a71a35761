//! What a stack file says, once it is known to be right.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use demo_formats::prefix::Prefix;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sending::Sending;
pub use demo_formats::schema::{FieldPath, Structs};

/// A validated stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The stem of every name: lower-case letters, digits and `-`, at most 40 characters.
    pub name: String,
    /// Where it runs.
    pub target: Target,
    /// Tags the user wants on everything, besides the stack's own.
    pub tags: BTreeMap<String, String>,
    /// How long it may live from when it was opened, 1 minute to 30 days; for as long as nobody takes it down when `None`.
    pub ttl: Option<Duration>,
    /// The Kinesis data stream.
    pub stream: Stream,
    /// Where records go from the stream.
    pub deliver: Deliver,
    /// Whether the journal is kept in the stack's bucket too, which every stack then has.
    pub mirror: bool,
    /// What is sent, how fast, for how long.
    pub load: Load,
    /// What the run must reach, or exit 99.
    pub thresholds: Thresholds,
}

/// Where a stack runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The stand-in on this machine.
    Local,
    /// AWS.
    Aws {
        /// For example `us-east-1`.
        region: String,
        /// A profile of the shared configuration, else the default chain.
        profile: Option<String>,
    },
}

/// How a resource is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Joined with the stack's id, so that two stacks never collide.
    Stem(String),
    /// Taken as it is; refused when it exists already.
    Exact(String),
}

/// The Kinesis data stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Defaults to the stem `Stack::name`.
    pub name: Name,
    /// Capacity mode.
    pub mode: StreamMode,
    /// 24 h to 8,760 h.
    pub retention: Duration,
    /// The largest record it takes, 1,024 KiB (as every new stream) to 10,240 KiB.
    pub max_record_kib: u32,
}

/// Capacity mode of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMode {
    /// A fixed number of shards, 1 MB/s or 1,000 records/s each.
    Provisioned {
        /// At least 1. `shards: auto` is resolved by validation from the load's rate.
        shards: u32,
    },
    /// Scaled by AWS.
    OnDemand,
}

/// Where records go; any subset, none too.
#[derive(Clone, Debug, Default)]
pub struct Deliver {
    /// Firehose to S3.
    pub s3: Option<S3Delivery>,
    /// To a Redshift table, through S3.
    pub redshift: Option<RedshiftDelivery>,
    /// To a DynamoDB table, by a Lambda function.
    pub dynamodb: Option<DynamoDbDelivery>,
}

impl Deliver {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let Self { s3, redshift, dynamodb } = self;
        s3.is_none() && redshift.is_none() && dynamodb.is_none()
    }
}

/// Firehose from the stream to S3.
#[derive(Clone, Debug)]
pub struct S3Delivery {
    /// The bucket; defaults to the stem `Stack::name`.
    pub bucket: Name,
    /// Key prefix with expressions.
    pub prefix: Prefix,
    /// `prefix` as it was written.
    pub prefix_text: String,
    /// Key prefix of what could not be delivered.
    pub error_prefix: Prefix,
    /// `error_prefix` as it was written.
    pub error_prefix_text: String,
    /// The values of the prefix's `!{partitionKeyFromQuery:…}` keys.
    pub partition_by: BTreeMap<String, FieldPath>,
    /// When an object is written.
    pub buffer: Buffer,
    /// Of the objects.
    pub format: Format,
    /// Of the objects; inside them where they are Parquet.
    pub compression: Compression,
    /// The Glue table over the objects.
    pub catalog: Option<Catalog>,
}

impl S3Delivery {
    /// The partition columns of its Glue table; none where there is no table, or one without partitions.
    pub fn partition_columns(&self) -> Vec<String> {
        match &self.catalog {
            Some(catalog) if catalog.partitions != Partitions::None => self.prefix.partition_keys(),
            _ => Vec::new(),
        }
    }
}

/// How much Firehose gathers before it writes an object; whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// 1–128 MiB.
    pub mib: u32,
    /// 0–900 s.
    pub interval: Duration,
}

/// What delivered objects hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON lines, as they were sent.
    #[default]
    Json,
    /// Parquet, made by Firehose after the columns of the catalog's table.
    Parquet,
}

/// Compression of delivered objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// None.
    #[default]
    None,
    /// GZIP.
    Gzip,
    /// A ZIP archive.
    Zip,
    /// Snappy.
    Snappy,
    /// Snappy in Hadoop's framing.
    HadoopSnappy,
}

/// The Glue database and table over a delivery.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Database.
    pub database: Name,
    /// Table, inside that database; never suffixed.
    pub table: String,
    /// How Athena learns of partitions.
    pub partitions: Partitions,
}

/// How Athena learns of partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(extend("x-note" = "not both at once: Athena ignores registered partitions where they are projected"))]
pub enum Partitions {
    /// Added to the catalog as data lands.
    #[default]
    Registered,
    /// Computed by Athena from the prefix.
    Projected,
    /// None: every query reads every object.
    None,
}

/// The table beside the one that COPY loads, in which the loads are noted.
pub const REDSHIFT_LOADS: &str = "demo_loads";

/// To a Redshift table, through S3.
#[derive(Clone, Debug)]
pub struct RedshiftDelivery {
    /// Which Redshift.
    pub at: RedshiftAt,
    /// The database.
    pub database: String,
    /// The schema; made by `up`.
    pub schema: Name,
    /// The table in it; made by `up`.
    pub table: String,
    /// How the table is loaded.
    pub load: RedshiftLoad,
    /// The role that COPY assumes: an ARN; Redshift's default role when `None`. Unused where Redshift itself is ours.
    pub role: Option<String>,
    /// The secret with the database user: a name or an ARN, of Secrets Manager.
    pub secret: Option<String>,
    /// What a struct becomes.
    pub structs: Structs,
    /// Key prefix of the objects on their way, with expressions.
    pub prefix: Prefix,
    /// `prefix` as it was written.
    pub prefix_text: String,
    /// Key prefix of what could not be delivered.
    pub error_prefix: Prefix,
    /// `error_prefix` as it was written.
    pub error_prefix_text: String,
    /// When an object is written.
    pub buffer: Buffer,
}

/// Which Redshift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedshiftAt {
    /// A Serverless workgroup that exists; never changed or deleted.
    Workgroup {
        /// Its name.
        name: String,
    },
    /// A cluster that exists; never changed or deleted.
    Cluster {
        /// Its identifier.
        identifier: String,
        /// The database user, where there is no secret.
        user: Option<String>,
        /// `host:port`, which Firehose connects to.
        endpoint: Option<String>,
    },
    /// A namespace and a workgroup of our own, at the smallest base capacity.
    Created,
}

/// How a Redshift table is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedshiftLoad {
    /// By COPY through the Data API, of what has landed in S3 since the last time.
    Copy {
        /// How often.
        every: Duration,
    },
    /// By Firehose's own Redshift destination.
    Firehose,
}

/// To a DynamoDB table, by a Lambda function.
#[derive(Clone, Debug)]
pub struct DynamoDbDelivery {
    /// The table; made by `up`.
    pub table: Name,
    /// Top-level fields: the partition key and, if there are two, the sort key.
    pub key: Vec<String>,
    /// The function.
    pub function: FunctionSettings,
    /// How it is fed.
    pub mapping: MappingSettings,
}

/// A Lambda function's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionSettings {
    /// 128–10,240 MiB.
    pub memory_mib: u32,
    /// 1–900 s.
    pub timeout: Duration,
}

/// How Lambda feeds a function from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingSettings {
    /// Records a batch, 1–10,000.
    pub batch: u32,
    /// How long a batch is gathered, 0–300 s.
    pub window: Duration,
    /// Batches of a shard at a time, 1–10.
    pub parallel: u32,
    /// How often a failed batch is tried again, 0–10,000.
    pub retries: u32,
    /// Records older than this are given up, 60 s to 7 days.
    pub max_age: Duration,
}

/// What is sent, how fast, for how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// What documents.
    pub workload: Workload,
    /// Open loop, or as fast as it goes.
    pub rate: Rate,
    /// When it ends.
    pub length: Length,
    /// It ends early when documents wait for so long and none is acknowledged, at least 1 s.
    pub give_up: Duration,
    /// How documents are spread over shards.
    pub partition_key: PartitionKey,
    /// How they travel.
    pub sending: Sending,
}

/// The documents to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// Nested TPC-DS `store_sales`.
    StoreSales {
        /// TPC-DS scale factor, at least 1; 240,000 tickets at 1.
        scale: u32,
        /// Of the generator.
        seed: u64,
    },
    /// The lines of a file, over and over.
    JsonLines {
        /// JSON lines.
        file: PathBuf,
        /// The fields that tell one document from another; by the whole line when `None`.
        key: Option<Vec<FieldPath>>,
        /// What becomes of lines that are no JSON object.
        broken: Broken,
    },
    /// Documents rendered from a template.
    Template {
        /// The template itself.
        text: String,
        /// Of the values.
        seed: u64,
        /// The fields that tell one document from another; by the whole line when `None`.
        key: Option<Vec<FieldPath>>,
    },
}

/// What becomes of lines of a user's file that are no JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Broken {
    /// They are reported, and nothing is made or sent.
    #[default]
    Refuse,
    /// They are counted, reported with their line numbers, and left out.
    Skip,
}

/// Records offered a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Open loop.
    PerSecond(f64),
    /// Closed by backpressure alone.
    Max,
}

/// When the load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After a time.
    Duration(Duration),
    /// After a number of records.
    Records(u64),
}

/// How documents are spread over shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartitionKey {
    /// Explicit hash keys, every shard the same.
    #[default]
    Uniform,
    /// The ticket number: 8 to 16 documents of a ticket on one shard; `store_sales` only.
    Ticket,
    /// The declared key of your own documents.
    Key,
}

/// What a run must reach, or exit 99.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// At most so many acknowledged records missing.
    pub lost: Option<u64>,
    /// At most this 99th percentile from intended send time to acknowledgement.
    pub p99_ack: Option<Duration>,
    /// At least so many acknowledged records a second: what the file says, else what a load comes to that keeps its rate.
    pub throughput: Option<f64>,
}
