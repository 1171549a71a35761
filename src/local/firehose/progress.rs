//! How far a delivery has come, on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::redshift::Loads;

/// How far a delivery has come. An object is intended here before it is put, and its ranges are delivered afterwards: a
/// process that was killed in between puts the same object under the same key again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The position after the last delivered record of each shard; a shard that is not here is read from its beginning.
    pub(super) delivered: BTreeMap<String, u64>,
    /// The object that is being put.
    pub(super) intended: Option<Intended>,
    /// Objects that are to be loaded into Redshift, of a delivery stream that has it as its destination.
    #[serde(default)]
    pub(super) loads: Option<Loads>,
}

/// An object that is being put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intended {
    pub(super) key: String,
    pub(super) gzip: bool,
    /// What is appended to each record.
    pub(super) delimiter: String,
    pub(super) ranges: Vec<Range>,
}

/// Records of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) shard: String,
    /// The first position.
    pub(super) from: u64,
    /// The position after the last.
    pub(super) to: u64,
}

impl Progress {
    /// The intended object has landed.
    pub(super) fn land(&mut self) {
        let Some(object) = self.intended.take() else { return };
        for range in object.ranges {
            self.delivered.insert(range.shard, range.to);
        }
        if let Some(loads) = &mut self.loads {
            loads.landed.push(object.key);
        }
    }
}
