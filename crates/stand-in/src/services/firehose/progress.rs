//! How far a delivery has come, on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    loads::Loads,
    recipe::{Group, Recipe},
};

/// How far a delivery has come. Objects are intended here before they are put, and their ranges are delivered afterwards: a
/// process that was killed in between puts the same objects under the same keys again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The position after the last delivered record of each shard; a shard that is not here is read from its beginning.
    pub(super) delivered: BTreeMap<String, u64>,
    /// The objects that are being put.
    pub(super) intended: Option<Intended>,
    /// Objects that are to be loaded into Redshift, of a delivery stream that has it as its destination.
    #[serde(default)]
    pub(super) loads: Option<Loads>,
}

/// Objects that are being put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intended {
    /// How the records become objects.
    pub(super) recipe: Recipe,
    /// The key of each group's object; of one that may yet get records too.
    pub(super) keys: Vec<(Group, String)>,
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
    /// The intended objects have landed.
    pub(super) fn land(&mut self) {
        let Some(objects) = self.intended.take() else { return };
        for range in objects.ranges {
            self.delivered.insert(range.shard, range.to);
        }
        if let Some(loads) = &mut self.loads {
            let delivered = objects.keys.into_iter().filter(|(group, _)| matches!(group, Group::Partition(_)));
            loads.landed.extend(delivered.map(|(_, key)| key));
        }
    }
}
