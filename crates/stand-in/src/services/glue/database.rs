//! A database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::Object;
use crate::ACCOUNT;

/// A database as it was given, and what Glue adds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Database {
    pub(super) input: Object,
    pub(super) created: f64,
    pub(super) tags: BTreeMap<String, String>,
}

impl Database {
    pub(super) fn describe(&self, name: &str) -> Value {
        let mut object = self.input.clone();
        object.insert("Name".into(), name.into());
        object.insert("CreateTime".into(), self.created.into());
        object.insert("CatalogId".into(), ACCOUNT.into());
        object.into()
    }
}
