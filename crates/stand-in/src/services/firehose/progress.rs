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
    /// The objects that are being put, in the order of their records.
    #[serde(default)]
    pub(super) landing: Vec<Intended>,
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
    /// They are there, and wait for those before them.
    #[serde(default)]
    pub(super) landed: bool,
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
    /// The position after the last record of each shard that is delivered or in an object that is being put.
    pub(super) fn taken(&self) -> BTreeMap<String, u64> {
        let mut taken = self.delivered.clone();
        taken.extend(self.landing.iter().flat_map(|objects| &objects.ranges).map(|of| (of.shard.clone(), of.to)));
        taken
    }

    /// These objects have landed. Returns what is delivered by that: nothing while others before them have not landed.
    pub(super) fn land(&mut self, keys: &[(Group, String)]) -> Vec<Range> {
        if let Some(objects) = self.landing.iter_mut().find(|objects| objects.keys == keys) {
            objects.landed = true;
        }
        let landed = self.landing.iter().take_while(|objects| objects.landed).count();
        let mut delivered = Vec::new();
        for objects in self.landing.drain(..landed) {
            if let Some(loads) = &mut self.loads {
                let of_table = objects.keys.into_iter().filter(|(group, _)| matches!(group, Group::Partition(_)));
                loads.landed.extend(of_table.map(|(_, key)| key));
            }
            delivered.extend(objects.ranges);
        }
        self.delivered.extend(delivered.iter().map(|range| (range.shard.clone(), range.to)));
        delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::firehose::codec::Codec;

    fn objects(number: u64) -> Intended {
        let recipe = Recipe {
            bucket: "b".to_owned(),
            delimiter: String::new(),
            codec: Codec::Uncompressed,
            query: None,
            prefix: String::new(),
            conversion: None,
        };
        let keys = vec![(Group::Partition(BTreeMap::new()), format!("object-{number}"))];
        let ranges = vec![Range { shard: "s".to_owned(), from: 10 * number, to: 10 * number + 10 }];
        Intended { recipe, keys, ranges, landed: false }
    }

    #[test]
    fn what_landed_is_delivered_once_all_before_it_landed() {
        let mut progress = Progress { landing: (0..3).map(objects).collect(), ..Progress::default() };
        progress.loads = Some(Loads::default());
        let delivered = |progress: &Progress| progress.delivered.get("s").copied();
        assert_eq!(progress.taken()["s"], 30);
        assert_eq!(progress.land(&objects(1).keys), []);
        assert_eq!((delivered(&progress), progress.landing.len()), (None, 3));
        assert_eq!(progress.land(&objects(0).keys), [objects(0).ranges, objects(1).ranges].concat());
        assert_eq!((delivered(&progress), progress.landing.len()), (Some(20), 1));
        assert_eq!(progress.land(&objects(1).keys), [], "it is known already");
        assert_eq!(progress.land(&objects(2).keys), objects(2).ranges);
        assert_eq!(progress.loads.expect("loads").landed, ["object-0", "object-1", "object-2"]);
    }
}
