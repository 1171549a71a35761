//! What the stand-in holds, as a look into its own store finds it.

use std::{collections::BTreeMap, fmt::Display};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::service_error::ServiceError;

/// Everything that the services hold, each by kind and name, with a digest of how it is kept: no value shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(BTreeMap<String, String>);

impl Kept {
    /// For example `kinesis stream store-sales-7f3a91c2`, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What has come, gone or become otherwise since `before`; nothing where all is as it was, byte for byte.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let found = self.0.iter().filter_map(|(name, digest)| match before.0.get(name) {
            Some(same) if same == digest => None,
            Some(_) => Some(format!("changed: {name}")),
            None => Some(format!("new: {name}")),
        });
        let gone = before.0.keys().filter(|name| !self.0.contains_key(*name)).map(|name| format!("gone: {name}"));
        found.chain(gone).collect()
    }

    /// Adds what is kept under a name.
    pub(super) fn note(&mut self, kind: &str, name: impl Display, kept: &impl Serialize) -> Result<(), ServiceError> {
        self.note_bytes(kind, name, &serde_json::to_vec(kept).map_err(ServiceError::internal)?);
        Ok(())
    }

    /// Adds what is kept as these bytes.
    pub(super) fn note_bytes(&mut self, kind: &str, name: impl Display, kept: &[u8]) {
        let digest = Sha256::digest(kept).iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.insert(format!("{kind} {name}"), digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_and_changed_is_told() {
        let of = |things: &[(&str, u32)]| {
            let mut kept = Kept::default();
            things.iter().for_each(|(name, thing)| kept.note("thing", name, thing).expect("a number is JSON"));
            kept
        };
        let (before, after) = (of(&[("a", 1), ("b", 1), ("c", 1)]), of(&[("b", 2), ("c", 1), ("d", 1)]));
        assert_eq!(after.since(&before), ["changed: thing b", "new: thing d", "gone: thing a"]);
        assert_eq!(after.since(&after), [""; 0]);
        assert_eq!(after.names().collect::<Vec<_>>(), ["thing b", "thing c", "thing d"]);
    }
}
