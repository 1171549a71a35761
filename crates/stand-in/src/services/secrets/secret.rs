//! One secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{json::now, protocol::uuid};

/// A value that no `Debug` text shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A secret, its present value and how it came about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) version: String,
    pub(super) current: Text,
    created: f64,
    pub(super) changed: f64,
    pub(super) tags: Vec<Tag>,
}

/// A resource's tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

impl Secret {
    /// One whose first version is named by the caller's token, if there is one.
    pub(super) fn new(arn: String, token: Option<String>, value: Text, tags: Vec<Tag>) -> Self {
        let (now, version) = (now(), token.unwrap_or_else(uuid));
        Self { arn, description: None, version, current: value, created: now, changed: now, tags }
    }

    /// Whether an id, a name or an ARN, means this secret.
    pub(super) fn is(&self, name: &str, id: &str) -> bool {
        id == name || id == self.arn
    }

    /// Whether a version of this name would be the present one again.
    pub(super) fn is_version(&self, token: &str, value: &Text) -> bool {
        self.version == token && self.current == *value
    }

    /// A new version, named by the caller's token, if there is one.
    pub(super) fn put(&mut self, token: Option<String>, value: Text) {
        self.current = value;
        self.version = token.unwrap_or_else(uuid);
        self.changed = now();
    }

    /// As DescribeSecret and ListSecrets show it, which have different names for its versions.
    pub(super) fn describe(&self, name: &str, versions: &str) -> Value {
        json!({
            "ARN": self.arn, "Name": name, "Description": self.description, "Tags": self.tags,
            "CreatedDate": self.created, "LastChangedDate": self.changed, "RotationEnabled": false,
            versions: {&self.version: ["AWSCURRENT"]},
        })
    }
}
