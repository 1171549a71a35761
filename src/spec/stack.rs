//! What a stack file says, once it is known to be right.

use std::{collections::BTreeMap, time::Duration};

use crate::prefix::Prefix;

/// A validated stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The stem of every name: lower-case letters, digits and `-`, at most 40 characters.
    pub name: String,
    /// Where it runs.
    pub target: Target,
    /// Tags the user wants on everything, besides the stack's own.
    pub tags: BTreeMap<String, String>,
    /// The Kinesis data stream.
    pub stream: Stream,
    /// Where records go from the stream.
    pub deliver: Deliver,
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
    /// 1–128 MiB.
    pub buffer_mib: u32,
    /// 0–900 s.
    pub buffer_interval: Duration,
    /// Of the objects.
    pub compression: Compression,
    /// The Glue table over the objects.
    pub catalog: Option<Catalog>,
}

/// Compression of delivered objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Plain JSON lines.
    None,
    /// GZIP.
    Gzip,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// Added to the catalog as data lands.
    Registered,
    /// Computed by Athena from the table's `projection.*` parameters.
    Projected,
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
    /// How documents are spread over shards.
    pub partition_key: PartitionKey,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionKey {
    /// Explicit hash keys, every shard the same.
    Uniform,
    /// The ticket number: 8 to 16 documents of a ticket on one shard.
    Ticket,
}

/// What a run must reach, or exit 99.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// At most so many acknowledged records missing.
    pub lost: Option<u64>,
    /// At most this 99th percentile from intended send time to acknowledgement.
    pub p99_ack: Option<Duration>,
    /// At least so many acknowledged records a second.
    pub throughput: Option<f64>,
}
