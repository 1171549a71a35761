//! `deliver.dynamodb`, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::file::values::{NameFile, Size, Time};

/// `{table: store_sales, key: [ss_ticket_number, ss_item_sk]}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DynamoDbFile {
    /// The table, made by `up`; the stack's name when left out.
    pub table: Option<NameFile>,
    /// The partition key and, if there are two, the sort key; what tells the documents apart when left out.
    pub key: Option<KeyFile>,
    /// The Lambda function that writes the items.
    pub function: Option<FunctionFile>,
    /// How Lambda feeds the function from the stream.
    pub mapping: Option<MappingFile>,
}

/// one or two fields of the document's top level, such as `[id]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct KeyFile(#[schemars(length(min = 1, max = 2))] pub Vec<String>);

/// `{memory: 512MiB, timeout: 60s}`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionFile {
    /// 128MiB to 10240MiB, and processor time with it; 512MiB when left out.
    pub memory: Option<Size>,
    /// How long one batch may take, 1s to 900s; 60s when left out.
    pub timeout: Option<Time>,
}

/// `{batch: 100, window: 1s, parallel: 1, retries: 3, max_age: 1h, from: trim-horizon}`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingFile {
    /// The most records a batch; 100 when left out.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch: Option<u32>,
    /// How long a batch is gathered, 0s to 300s; 1s when left out.
    pub window: Option<Time>,
    /// Batches of one shard at a time; 1 when left out.
    #[schemars(range(min = 1, max = 10))]
    pub parallel: Option<u32>,
    /// How often a failed batch is tried again before its records go to the bucket; 3 when left out.
    #[schemars(range(min = 0, max = 10_000))]
    pub retries: Option<u32>,
    /// Records older than this go to the bucket instead, 60s to 7d; 1h when left out.
    pub max_age: Option<Time>,
    /// Where in the stream it starts; `trim-horizon`, and nothing else would lose nothing.
    pub from: Option<FromFile>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("x-note" = "`latest` would pass over what is sent before the mapping reads"))]
pub(crate) enum FromFile {
    /// The oldest record that the stream holds.
    TrimHorizon,
}
