//! `load.workload.mix`, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ShareText, Time, values::IdentityFile};

/// `{seed: 1, kinds: […]}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct MixFile {
    /// Of the values: the same seed, the same documents; 1 when left out.
    pub seed: Option<u64>,
    /// The kinds of documents.
    #[schemars(with = "KindsFile")]
    pub kinds: Option<KindsFile>,
}

/// a list of kinds, such as `[{kind: customers, share: 10%, file: customers.template, key: [customer_id]}]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(in super::super) struct KindsFile(#[schemars(length(min = 1, max = 20))] pub Vec<KindFile>);

/// `{kind: customers, share: 10%, file: customers.template, key: [customer_id]}`, or with `text` in place of `file`, or with `follows` in place of `share`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct KindFile {
    /// What its documents say as their `kind`: lower-case letters, digits, `_` and `-`.
    #[schemars(with = "String")]
    pub kind: Option<String>,
    /// Which part of the documents it has, such as `10%`, with the kinds that follow it; this or `follows`.
    pub share: Option<ShareText>,
    /// The kind of which each entity has one of these documents; this or `share`.
    pub follows: Option<FollowsFile>,
    /// The statuses that an entity goes through, a document in each; one document without a status when left out.
    pub statuses: Option<StatusesFile>,
    /// The file with the template; a relative path starts where this is written. This or `text`.
    pub file: Option<String>,
    /// The template itself: one JSON document with `{{ … }}` where values go. This or `file`.
    pub text: Option<String>,
    /// The fields that tell one of its documents from another; the first is the id that others refer to.
    #[schemars(with = "IdentityFile")]
    pub key: Option<IdentityFile>,
}

/// `{kind: orders, status: paid}`, or without `status` where that kind has none
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FollowsFile {
    /// A kind with a share.
    #[schemars(with = "String")]
    pub kind: Option<String>,
    /// The status of it that these come right after.
    pub status: Option<String>,
}

/// a list of statuses, such as `[{status: placed}, {status: paid, after: 5s}]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(in super::super) struct StatusesFile(#[schemars(length(min = 1, max = 50))] pub Vec<StatusFile>);

/// `{status: paid, after: 5s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct StatusFile {
    /// What `{{ status }}` gives.
    #[schemars(with = "String")]
    pub status: Option<String>,
    /// How long after the first status on average, at the load's mean rate; at once when left out.
    pub after: Option<Time>,
}
