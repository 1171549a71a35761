//! `load.imperfect`, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ShareText, Time};

/// a map of flaws, each with a share or a number of the documents, such as `{duplicates: 0.5%, malformed: 120}`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ImperfectFile {
    /// The same seed, the same documents; 1 when left out.
    pub seed: Option<u64>,
    /// Documents that are sent once more.
    pub duplicates: Option<AmountFile>,
    /// Documents of a template or mix whose event time is well before the time at which they are sent.
    pub late: Option<DelayAmountFile>,
    /// Documents of a template or mix whose event time is a little before those of documents that were sent earlier.
    pub out_of_order: Option<DelayAmountFile>,
    /// Documents that are no JSON: cut short, a bare word, or with a byte that is no UTF-8.
    pub malformed: Option<AmountFile>,
    /// Documents with a text where their schema has a number.
    pub wrong_type: Option<FieldAmountFile>,
    /// Documents that lack a field.
    pub missing: Option<FieldAmountFile>,
    /// Documents with a field that their schema does not have.
    pub unknown: Option<AmountFile>,
    /// Documents longer than the stream takes, which the producer refuses.
    pub oversize: Option<AmountFile>,
    /// Documents that are an object without fields.
    pub empty: Option<AmountFile>,
}

/// a share of the documents, such as `0.5%`, or how many of them
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum AmountFile {
    /// So many.
    Count(#[schemars(range(min = 1))] u64),
    Share(ShareText),
}

/// a share of the documents, such as `0.5%`, how many of them, or `{share: 0.5%, by: 5m}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum DelayAmountFile {
    /// So many.
    Count(#[schemars(range(min = 1))] u64),
    Share(ShareText),
    Delay(DelayAmountMap),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct DelayAmountMap {
    /// Which part of the documents, such as `0.5%`; this or `count`.
    pub share: Option<ShareText>,
    /// How many documents; this or `share`.
    #[schemars(range(min = 1))]
    pub count: Option<u64>,
    /// How far their event time is back: the mean of `late`, 1m when left out; the most of `out_of_order`, 5s when left out.
    pub by: Option<Time>,
}

/// a share of the documents, such as `0.5%`, how many of them, or `{share: 0.5%, field: price}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum FieldAmountFile {
    /// So many.
    Count(#[schemars(range(min = 1))] u64),
    Share(ShareText),
    Field(FieldAmountMap),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct FieldAmountMap {
    /// Which part of the documents, such as `0.5%`; this or `count`.
    pub share: Option<ShareText>,
    /// How many documents; this or `share`.
    #[schemars(range(min = 1))]
    pub count: Option<u64>,
    /// Which field, at the top of the documents; the first that nothing else needs when left out.
    pub field: Option<String>,
}
