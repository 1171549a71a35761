//! A table and its partitions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    PartitionInfo, TableInfo,
    partition::{Partition, key},
    wire::{Object, already_exists, invalid, name_of, not_found, now},
};
use crate::{ACCOUNT, service_error::ServiceError};

/// A table as it was given, what Glue adds, and its partitions by [`super::partition::key`].
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Table {
    database: String,
    name: String,
    input: Object,
    created: f64,
    updated: f64,
    version: u64,
    pub(super) partitions: BTreeMap<String, Partition>,
}

impl Table {
    pub(super) fn new(database: &str, input: Object) -> Result<Self, ServiceError> {
        let name = name_of(&input, "TableInput")?;
        check_columns(&input)?;
        let now = now();
        Ok(Self {
            database: database.to_lowercase(),
            name,
            input,
            created: now,
            updated: now,
            version: 0,
            partitions: BTreeMap::new(),
        })
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.database.clone(), self.name.clone())
    }

    /// Names (in lower case) and Hive types.
    pub(super) fn partition_keys(&self) -> Vec<(String, String)> {
        columns(self.input.get("PartitionKeys"))
    }

    fn location(&self) -> &str {
        self.storage()["Location"].as_str().unwrap_or_default()
    }

    pub(super) fn info(&self) -> TableInfo {
        let storage = self.storage();
        TableInfo {
            columns: columns(storage.get("Columns")),
            partition_keys: self.partition_keys(),
            location: self.location().to_owned(),
            parameters: strings(self.input.get("Parameters")),
            serde: storage["SerdeInfo"]["SerializationLibrary"].as_str().unwrap_or_default().to_owned(),
            serde_parameters: strings(storage["SerdeInfo"].get("Parameters")),
            view: self.view_text().map(str::to_owned),
        }
    }

    fn view_text(&self) -> Option<&str> {
        let is_view = self.input.get("TableType").and_then(Value::as_str) == Some("VIRTUAL_VIEW");
        let text = self.input.get("ViewOriginalText").and_then(Value::as_str).unwrap_or_default();
        is_view.then_some(text)
    }

    pub(super) fn partition_infos(&self) -> Vec<PartitionInfo> {
        self.partitions.values().map(|partition| self.partition_info(partition)).collect()
    }

    fn storage(&self) -> &Value {
        self.input.get("StorageDescriptor").unwrap_or(&Value::Null)
    }

    pub(super) fn replace(&mut self, input: Object) -> Result<(), ServiceError> {
        if name_of(&input, "TableInput")? != self.name {
            return Err(invalid("a table cannot be renamed by UpdateTable"));
        }
        check_columns(&input)?;
        if !self.partitions.is_empty() && columns(input.get("PartitionKeys")) != self.partition_keys() {
            return Err(invalid("the partition keys of a table that has partitions cannot be changed"));
        }
        self.input = input;
        self.updated = now();
        self.version += 1;
        Ok(())
    }

    pub(super) fn describe(&self) -> Value {
        let mut object = self.input.clone();
        object.insert("Name".into(), self.name.as_str().into());
        object.insert("DatabaseName".into(), self.database.as_str().into());
        object.insert("CatalogId".into(), ACCOUNT.into());
        object.insert("CreateTime".into(), self.created.into());
        object.insert("UpdateTime".into(), self.updated.into());
        object.insert("VersionId".into(), self.version.to_string().into());
        object.insert("IsRegisteredWithLakeFormation".into(), false.into());
        object.entry("Retention").or_insert(0.into());
        object.into()
    }

    pub(super) fn add(&mut self, partition: Partition) -> Result<(), ServiceError> {
        self.check_values(partition.values())?;
        let key = key(partition.values());
        if self.partitions.contains_key(&key) {
            return Err(already_exists("Partition already exists."));
        }
        self.partitions.insert(key, partition);
        Ok(())
    }

    pub(super) fn drop(&mut self, values: &[String]) -> Result<(), ServiceError> {
        self.check_values(values)?;
        self.partitions.remove(&key(values)).map(|_| ()).ok_or_else(|| not_found("Cannot find partition."))
    }

    pub(super) fn check_values(&self, values: &[String]) -> Result<(), ServiceError> {
        let keys = self.partition_keys().len();
        if keys == values.len() {
            return Ok(());
        }
        Err(invalid(format!(
            "The number of partition keys do not match the number of partition values: table {} has {keys} keys, the call {} values",
            self.name,
            values.len()
        )))
    }

    fn partition_info(&self, partition: &Partition) -> PartitionInfo {
        let location = match partition.given_location() {
            Some(location) => location.to_owned(),
            None => self.default_location(partition.values()),
        };
        PartitionInfo { values: partition.values().to_vec(), location }
    }

    /// `<table>/key=value/…/`, as Hive lays partitions out.
    fn default_location(&self, values: &[String]) -> String {
        let mut location = self.location().trim_end_matches('/').to_owned();
        for ((name, _), value) in self.partition_keys().iter().zip(values) {
            location.push_str(&format!("/{name}={value}"));
        }
        location + "/"
    }

    pub(super) fn describe_partition(&self, partition: &Partition) -> Value {
        partition.describe(&self.database, &self.name)
    }
}

fn columns(list: Option<&Value>) -> Vec<(String, String)> {
    let text = |column: &Value, key: &str| column[key].as_str().unwrap_or_default().to_lowercase();
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|column| (text(column, "Name"), text(column, "Type"))).collect()
}

fn strings(object: Option<&Value>) -> BTreeMap<String, String> {
    let entries = object.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// A column has a name, once in the table.
fn check_columns(input: &Object) -> Result<(), ServiceError> {
    let of_data = columns(input.get("StorageDescriptor").and_then(|storage| storage.get("Columns")));
    let of_partitions = columns(input.get("PartitionKeys"));
    let mut seen = BTreeSet::new();
    for (name, _) in of_data.into_iter().chain(of_partitions) {
        if name.is_empty() {
            return Err(invalid("a column of the TableInput has no Name"));
        }
        if !seen.insert(name.clone()) {
            return Err(invalid(format!("column {name} is there twice")));
        }
    }
    Ok(())
}
