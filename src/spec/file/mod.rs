//! A stack as it is written: what serde reads and what the JSON Schema says. `check` makes a `Stack` of it.
//!
//! The comments here are read by users: editors show them beside each key, and diagnostics quote them as what was
//! expected. So a type's comment is a noun phrase, and starts in lower case.

mod budget;
mod imperfect;
mod load;
mod mix;
mod thresholds;
pub(crate) mod values;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde::Deserialize;

pub(super) use budget::{BudgetFile, BudgetMap, ThenWord};
pub(super) use imperfect::{
    AmountFile, DelayAmountFile, DelayAmountMap, FieldAmountFile, FieldAmountMap, ImperfectFile,
};
pub(super) use load::{
    AggregationFile, AggregationWord, EventFile, FargateFile, HotShareFile, JsonLinesFile, LoadFile, PartitionKeyFile,
    PartitionKeyMap, PartitionKeyWord, ReplayFile, StageFile, TasksFile, TemplateFile, WorkersFile, WorkloadFile,
};
pub(super) use mix::{KindFile, MixFile, StatusFile};
pub(super) use thresholds::{LimitFile, ThresholdsFile};
pub(crate) use values::{IdentityFile, NameFile, OpenRate, PathText, RateRange, RateText, ShareText, Size, Time};

use crate::deliveries::spec::DeliverFile;

/// A Kinesis pipeline: a stream, where its records go, and the load that is put on it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A stack of kinesis-demo")]
pub(super) struct StackFile {
    /// The stem of every name: lower-case letters, digits and `-`, at most 40 characters.
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// Where it runs; the stand-in on this machine when left out.
    pub target: Option<TargetFile>,
    /// Tags for everything that is made, besides the stack's own.
    pub tags: Option<BTreeMap<String, String>>,
    /// How long it lives from its first `up`, 1m to 30d, until a schedule deletes its stream; for ever when left out.
    pub ttl: Option<Time>,
    /// The Kinesis data stream.
    #[schemars(with = "StreamFile")]
    pub stream: Option<StreamFile>,
    /// Where records go from the stream; nowhere when left out.
    pub deliver: Option<DeliverFile>,
    /// Whether the journal is kept in the stack's bucket too, so that another machine can take the stack down.
    pub mirror: Option<bool>,
    /// What is sent, how fast, for how long.
    #[schemars(with = "LoadFile")]
    pub load: Option<LoadFile>,
    /// What a run may cost at most, by an estimate: its load stops before; as much as it takes when left out.
    pub budget: Option<BudgetFile>,
    /// What a run must reach, or exit 99.
    pub thresholds: Option<ThresholdsFile>,
}

/// `local`, or `{aws: {region: us-east-1}}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum TargetFile {
    Word(TargetWord),
    Aws(AwsTargetFile),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TargetWord {
    /// The stand-in on this machine.
    Local,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AwsTargetFile {
    /// An AWS account; costs money.
    #[schemars(with = "AwsFile")]
    pub aws: Option<AwsFile>,
}

/// `{region: us-east-1}`, with a `profile` or without
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AwsFile {
    /// The region, such as `us-east-1`.
    #[schemars(with = "String")]
    pub region: Option<String>,
    /// A profile of the shared AWS configuration; the default credential chain when left out.
    pub profile: Option<String>,
}

/// `{shards: 4}`, or `{mode: on-demand}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamFile {
    /// The stream's name; the stack's name when left out.
    pub name: Option<NameFile>,
    /// How capacity is set; `provisioned` when left out.
    pub mode: Option<StreamModeFile>,
    /// Shards of a provisioned stream, 1 MB/s or 1,000 records/s each; `auto` when left out.
    pub shards: Option<ShardsFile>,
    /// How long records are kept, 24h to 8760h; 24h when left out.
    pub retention: Option<Time>,
    /// The largest record the stream takes, 1MiB to 10MiB; 1MiB when left out.
    pub max_record: Option<Size>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StreamModeFile {
    /// A fixed number of shards.
    Provisioned,
    /// Scaled by AWS, from 4 MB/s.
    OnDemand,
}

/// a whole number of at least 1, or `auto`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ShardsFile {
    /// As many as this.
    Number(#[schemars(range(min = 1, max = 2_147_483_647))] u32),
    Word(ShardsWord),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ShardsWord {
    /// As many as the load's rate needs, with 5 % to spare.
    Auto,
}

/// The JSON Schema of a stack file, for editors: `config/stack.schema.json`.
pub fn json_schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<StackFile>().to_value()
}

/// A key that may be left out may still not be `null`, which only overlays use.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(types) = object.get_mut("type")
        && let Some(names) = types.as_array_mut()
    {
        names.retain(|name| name != "null");
        if let [only] = names.as_slice() {
            *types = only.clone();
        }
    }
    if let Some(alternatives) = object.get_mut("anyOf").and_then(|any| any.as_array_mut()) {
        alternatives.retain(|one| one.get("type").is_none_or(|name| name != "null"));
        if let [only] = alternatives.as_slice()
            && let Some(only) = only.as_object().cloned()
        {
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}
