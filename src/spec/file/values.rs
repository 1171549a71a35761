//! Values as they are written, wherever they stand in a stack file.

use schemars::JsonSchema;
use serde::Deserialize;

/// a stem, which the stack's id is added to, or `{exact: the-whole-name}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum NameFile {
    /// Joined with the stack's id, so that two stacks never collide.
    Stem(String),
    Exact(ExactNameFile),
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExactNameFile {
    /// The name as it is; refused when it is taken already.
    #[schemars(with = "String")]
    pub exact: Option<String>,
}

/// a time with its unit (ms, s, m, h or d), such as `30s`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^[0-9]+(ms|s|m|h|d)$"))]
pub(crate) struct Time(pub String);

/// a size with its unit (KiB, MiB or GiB), such as `64MiB`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^[0-9]+(KiB|MiB|GiB)$"))]
pub(crate) struct Size(pub String);

/// records a second, such as `2000/s`, or `max`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?/s|max)$"))]
pub(crate) struct RateText(pub String);

/// records a second, such as `2000/s`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^[0-9]+(\.[0-9]+)?/s$"))]
pub(crate) struct OpenRate(pub String);

/// from one rate to another, such as `0/s..2000/s`, or `2000/s`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?/s\.\.)?[0-9]+(\.[0-9]+)?/s$"))]
pub(crate) struct RateRange(pub String);

/// a part of the documents, such as `30%`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^[0-9]+(\.[0-9]+)? ?%$"))]
pub(crate) struct ShareText(pub String);

/// a field, or keys from the outside in: `ss_item.i_category`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct PathText(pub String);

/// a list of fields, such as `[id]` or `[order.number, line]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct IdentityFile(#[schemars(length(min = 1))] pub Vec<PathText>);

/// `{size: 64MiB, interval: 60s}`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BufferFile {
    /// 1MiB to 128MiB; 64MiB when left out.
    pub size: Option<Size>,
    /// 0s to 900s; 60s when left out.
    pub interval: Option<Time>,
}
