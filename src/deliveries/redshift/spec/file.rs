//! `deliver.redshift`, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::file::values::{BufferFile, Time};

/// a map with `table`, and one of `workgroup`, `cluster` and `create`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedshiftFile {
    /// A Serverless workgroup that is there already; this, `cluster` or `create`.
    pub workgroup: Option<String>,
    /// A cluster that is there already; this, `workgroup` or `create`.
    pub cluster: Option<String>,
    /// Whether to make a Serverless workgroup of the stack's own, the smallest there is; `load: copy` only.
    pub create: Option<bool>,
    /// The cluster's database user, where there is no `secret`; the caller's own when left out.
    pub user: Option<String>,
    /// The cluster's `host:port`, which Firehose connects to; `load: firehose` only.
    pub endpoint: Option<String>,
    /// The database; `dev` when left out.
    pub database: Option<String>,
    /// The table, made by `up`: `schema.table`, and the stack's id is added to the schema.
    #[schemars(with = "RedshiftTableFile")]
    pub table: Option<RedshiftTableFile>,
    /// How the table is loaded; `copy` when left out.
    pub load: Option<RedshiftLoadFile>,
    /// How often what has landed in S3 is loaded, 1s to 1h; `load: copy` only; 10s when left out.
    pub every: Option<Time>,
    /// The ARN of the role that COPY assumes; Redshift's default role when left out.
    pub role: Option<String>,
    /// The Secrets Manager secret with the database user: a name or an ARN; `load: firehose` needs one.
    pub secret: Option<String>,
    /// What nested values become; `varchar` when left out.
    pub structs: Option<StructsFile>,
    /// Where objects lie on their way, in the stack's bucket; made from the table's name when left out; without expressions
    /// with `load: firehose`.
    pub prefix: Option<String>,
    /// Where records go that could not be delivered; made from the table's name when left out; `load: copy` only.
    pub error_prefix: Option<String>,
    /// How much Firehose gathers before it writes an object; whichever is reached first.
    pub buffer: Option<BufferFile>,
    /// How many documents one COPY may leave out because it cannot load them, at most 100000; 0 when left out: one such
    /// document then refuses the batch.
    #[schemars(range(max = 100_000))]
    pub max_errors: Option<u32>,
}

/// `schema.table`, where the stack's id is added to the schema, or `{exact: schema.table}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RedshiftTableFile {
    /// The schema is joined with the stack's id, so that two stacks never collide.
    Stem(String),
    Exact(ExactTableFile),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExactTableFile {
    /// `schema.table` as it is; refused when it is taken already.
    #[schemars(with = "String")]
    pub exact: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RedshiftLoadFile {
    /// By COPY through the Data API, of what Firehose has landed in S3; needs no inbound network.
    Copy,
    /// By Firehose's own Redshift destination, which connects to the endpoint.
    Firehose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StructsFile {
    /// Their JSON text.
    Varchar,
    /// `SUPER`, which SQL navigates.
    Super,
}
