//! A partition.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{Object, invalid, now};
use crate::{ACCOUNT, service_error::ServiceError};

/// A partition as it was given, and when.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Partition {
    values: Vec<String>,
    input: Object,
    created: f64,
}

/// What a table's partitions are sorted and paged by.
pub(super) fn key(values: &[String]) -> String {
    serde_json::to_string(values).expect("strings are JSON")
}

impl Partition {
    pub(super) fn new(input: Object) -> Result<Self, ServiceError> {
        let values = input.get("Values").cloned().unwrap_or_default();
        let values = serde_json::from_value(values).map_err(|e| invalid(format!("PartitionInput.Values: {e}")))?;
        Ok(Self { values, input, created: now() })
    }

    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// The location that its creator gave it.
    pub(super) fn given_location(&self) -> Option<&str> {
        self.input.get("StorageDescriptor").and_then(|storage| storage["Location"].as_str())
    }

    /// Describes it as part of a table.
    pub(super) fn describe(&self, database: &str, table: &str) -> Value {
        let mut object = self.input.clone();
        object.insert("DatabaseName".into(), database.into());
        object.insert("TableName".into(), table.into());
        object.insert("CatalogId".into(), ACCOUNT.into());
        object.insert("CreationTime".into(), self.created.into());
        object.into()
    }
}
