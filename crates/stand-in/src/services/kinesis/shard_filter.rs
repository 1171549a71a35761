//! Which shards a listing shows.

use serde::{Deserialize, Serialize};

/// The `ShardFilter` of ListShards, which its token holds too.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ShardFilter {
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) shard_id: Option<String>,
    pub(super) timestamp: Option<f64>,
}
