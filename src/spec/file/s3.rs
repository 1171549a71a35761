//! `deliver.s3`, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::stack::{Format, Partitions},
    NameFile, PathText, Size, Time,
};

/// a map with at least `prefix` and `error_prefix`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct S3File {
    /// The bucket's name; the stack's name when left out.
    pub bucket: Option<NameFile>,
    /// Where objects go: text with `!{timestamp:…}` expressions, ending in `/`.
    #[schemars(with = "String")]
    pub prefix: Option<String>,
    /// Where records go that could not be delivered; must hold `!{firehose:error-output-type}`.
    #[schemars(with = "String")]
    pub error_prefix: Option<String>,
    /// The field that each of the prefix's `!{partitionKeyFromQuery:…}` keys takes its value from.
    pub partition_by: Option<BTreeMap<String, PathText>>,
    /// How much Firehose gathers before it writes an object; whichever is reached first.
    pub buffer: Option<BufferFile>,
    /// What the objects hold; `json` when left out.
    pub format: Option<Format>,
    /// Compression; when left out, `gzip` of JSON lines, `snappy` inside Parquet.
    pub compression: Option<CompressionFile>,
    /// A Glue table over the objects, for SQL.
    pub catalog: Option<CatalogFile>,
}

/// `{size: 64MiB, interval: 60s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct BufferFile {
    /// 1MiB to 128MiB; 64MiB when left out.
    pub size: Option<Size>,
    /// 0s to 900s; 60s when left out.
    pub interval: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum CompressionFile {
    /// None.
    None,
    /// GZIP, which Athena reads.
    Gzip,
    /// ZIP archives, which Athena does not read.
    Zip,
    /// Snappy; of JSON lines in a framing that Athena does not read.
    Snappy,
    /// Snappy in Hadoop's framing, of JSON lines, which Athena reads.
    HadoopSnappy,
}

/// `{database: tpcds, table: store_sales}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct CatalogFile {
    /// The Glue database.
    #[schemars(with = "NameFile")]
    pub database: Option<NameFile>,
    /// The table in it: lower-case letters, digits and `_`.
    #[schemars(with = "String")]
    pub table: Option<String>,
    /// How Athena learns of partitions; `registered` when left out.
    pub partitions: Option<Partitions>,
}
