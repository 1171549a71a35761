//! Under which key the SerDe looks for a field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The keys of fields that are called otherwise, at any depth: `mapping.NAME` of the OpenX SerDe (Athena user guide, "OpenX
/// JSON SerDe"), `ColumnToJsonKeyMappings` of Firehose (API reference, OpenXJsonSerDe).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeyMappings(BTreeMap<String, String>);

impl KeyMappings {
    /// Of a SerDe with these parameters.
    pub(crate) fn of_serde<'a>(parameters: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let mapped = parameters.into_iter();
        Self(mapped.filter_map(|(name, key)| Some((name.strip_prefix("mapping.")?.to_owned(), key.clone()))).collect())
    }

    /// A field's key: its name where nothing else is said.
    pub(crate) fn key<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }
}
