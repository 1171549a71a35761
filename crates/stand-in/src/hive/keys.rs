//! Under which key the SerDe looks for a field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The keys of fields that are called otherwise, at any depth: `mapping.NAME` and `dots.in.keys` of the OpenX SerDe (Athena user
/// guide, "OpenX JSON SerDe"), `ColumnToJsonKeyMappings` and `ConvertDotsInJsonKeysToUnderscores` of Firehose (API reference,
/// OpenXJsonSerDe).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeyMappings {
    keys: BTreeMap<String, String>,
    /// Whether a key `a.b` is one for a field `a_b`.
    #[serde(skip)]
    pub(super) dots_in_keys: bool,
}

impl KeyMappings {
    /// Of a SerDe with these parameters.
    pub(crate) fn of_serde(parameters: &BTreeMap<String, String>) -> Self {
        let mapped = parameters.iter().filter_map(|(name, key)| Some((name.strip_prefix("mapping.")?, key)));
        let keys = mapped.map(|(name, key)| (name.to_owned(), key.clone())).collect();
        let dots_in_keys = parameters.get("dots.in.keys").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self { keys, dots_in_keys }
    }

    /// With a key `a.b` as one for a field `a_b`, or not.
    pub(crate) fn with_dots_in_keys(self, dots_in_keys: bool) -> Self {
        Self { dots_in_keys, ..self }
    }

    /// A field's key: its name where nothing else is said.
    pub(crate) fn key<'a>(&'a self, name: &'a str) -> &'a str {
        self.keys.get(name).map_or(name, String::as_str)
    }
}
