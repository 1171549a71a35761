//! `deliver.s3`, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Partitions;
use crate::spec::{
    file::values::{BufferFile, NameFile, PathText},
    objects::{Compression, Format},
};

/// a map with at least `prefix` and `error_prefix`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct S3File {
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
    pub compression: Option<Compression>,
    /// A Glue table over the objects, for SQL.
    pub catalog: Option<CatalogFile>,
}

/// `{database: tpcds, table: store_sales}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogFile {
    /// The Glue database.
    #[schemars(with = "NameFile")]
    pub database: Option<NameFile>,
    /// The table in it: lower-case letters, digits and `_`.
    #[schemars(with = "String")]
    pub table: Option<String>,
    /// How Athena learns of partitions; `registered` when left out.
    pub partitions: Option<Partitions>,
}
