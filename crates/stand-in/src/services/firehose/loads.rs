//! Objects that wait to be loaded into Redshift.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Objects on their way into Redshift.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Loads {
    /// The keys that have landed and are in no batch yet.
    pub(super) landed: Vec<String>,
    /// What is being loaded.
    pub(super) batch: Option<Batch>,
}

/// The objects of one COPY.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    /// Redshift knows by it a COPY that it has committed already.
    pub(super) id: String,
    pub(super) keys: Vec<String>,
    pub(super) begun: DateTime<Utc>,
}

impl Loads {
    /// Whether everything that has landed is loaded, or given up.
    pub(super) fn is_empty(&self) -> bool {
        self.landed.is_empty() && self.batch.is_none()
    }
}

impl Batch {
    /// As COPY reads it.
    pub(super) fn manifest(&self, bucket: &str) -> Bytes {
        let entry = |key: &String| json!({"url": format!("s3://{bucket}/{key}"), "mandatory": true});
        let entries: Vec<_> = self.keys.iter().map(entry).collect();
        Bytes::from(json!({"entries": entries}).to_string())
    }
}
