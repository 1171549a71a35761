//! Tags as EC2 has them: in a form's fields, and in an answer.

use serde::Deserialize;

use super::call::Fields;
use crate::aws::ownership::Tags;

/// A list in an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Items<T> {
    #[serde(default = "Vec::new")]
    pub(super) item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// A tag in an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// Tags that were found, as pairs.
pub(super) fn pairs(tags: &Items<Tag>) -> impl Iterator<Item = (&str, &str)> {
    tags.item.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

/// `NAME.1.Key`, `NAME.1.Value` and so on.
pub(super) fn fields(name: &str, tags: Tags) -> Fields {
    let numbered = tags.into_iter().zip(1..);
    let both = |((key, value), at): ((String, String), u32)| {
        [(format!("{name}.{at}.Key"), key), (format!("{name}.{at}.Value"), value)]
    };
    numbered.flat_map(both).collect()
}
