//! The contents of the services' own stores, which tests compare before and after.

use std::{collections::BTreeMap, fmt::Display};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::service_error::ServiceError;

/// Names everything that the services store, by kind and name, with a digest of the content: no value shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory(BTreeMap<String, String>);

impl Inventory {
    /// Returns each kind and name, in order, for example `kinesis stream store-sales-7f3a91c2`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Lists what was added, removed or changed since `before`; nothing if every byte is the same.
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let found = self.0.iter().filter_map(|(name, digest)| match before.0.get(name) {
            Some(same) if same == digest => None,
            Some(_) => Some(format!("changed: {name}")),
            None => Some(format!("new: {name}")),
        });
        let gone = before.0.keys().filter(|name| !self.0.contains_key(*name)).map(|name| format!("gone: {name}"));
        found.chain(gone).collect()
    }

    /// Adds what is stored under a name.
    pub(crate) fn add(&mut self, kind: &str, name: impl Display, content: &impl Serialize) -> Result<(), ServiceError> {
        self.add_bytes(kind, name, &serde_json::to_vec(content).map_err(ServiceError::internal)?);
        Ok(())
    }

    /// Adds what is stored as these bytes.
    pub(crate) fn add_bytes(&mut self, kind: &str, name: impl Display, content: &[u8]) {
        let digest = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.insert(format!("{kind} {name}"), digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lists_what_was_added_removed_and_changed() {
        let of = |things: &[(&str, u32)]| {
            let mut inventory = Inventory::default();
            things.iter().for_each(|(name, thing)| inventory.add("thing", name, thing).expect("a number is JSON"));
            inventory
        };
        let (before, after) = (of(&[("a", 1), ("b", 1), ("c", 1)]), of(&[("b", 2), ("c", 1), ("d", 1)]));
        assert_eq!(after.changes_since(&before), ["changed: thing b", "new: thing d", "gone: thing a"]);
        assert_eq!(after.changes_since(&after), [""; 0]);
        assert_eq!(after.names().collect::<Vec<_>>(), ["thing b", "thing c", "thing d"]);
    }
}
