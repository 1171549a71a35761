//! Tables.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    PartitionInfo, TableInfo,
    catalog::Catalog,
    partition::Partition,
    wire::{Object, Paging, check_batch, error_detail, invalid, listing, name_of, now},
};
use crate::{ACCOUNT, service_error::ServiceError};

/// A table as it was given, what Glue adds, and its partitions by [`super::partition::key`].
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Table {
    pub(super) database: String,
    pub(super) name: String,
    input: Object,
    created: f64,
    updated: f64,
    version: u64,
    pub(super) partitions: BTreeMap<String, Partition>,
}

impl Table {
    fn new(database: &str, input: Object) -> Result<Self, ServiceError> {
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

    pub(super) fn location(&self) -> &str {
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
        }
    }

    pub(super) fn partition_infos(&self) -> Vec<PartitionInfo> {
        self.partitions.values().map(|partition| partition.info(self)).collect()
    }

    fn storage(&self) -> &Value {
        self.input.get("StorageDescriptor").unwrap_or(&Value::Null)
    }

    fn replace(&mut self, input: Object) -> Result<(), ServiceError> {
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

    fn describe(&self) -> Value {
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
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    database_name: String,
    table_input: Object,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    database_name: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    database_name: String,
    expression: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchDelete {
    database_name: String,
    tables_to_delete: Vec<String>,
}

impl Catalog {
    pub(super) fn create_table(&self, request: Create) -> Result<Value, ServiceError> {
        self.add_table(Table::new(&request.database_name, request.table_input)?)?;
        Ok(json!({}))
    }

    pub(super) fn get_table(&self, request: Named) -> Result<Value, ServiceError> {
        self.with_table(&request.database_name, &request.name, |table| Ok(json!({"Table": table.describe()})))
    }

    pub(super) fn get_tables(&self, request: List) -> Result<Value, ServiceError> {
        let wanted = request.expression.as_deref().map(whole_name).transpose()?;
        let all = self.each_table(&request.database_name.to_lowercase(), Table::describe)?;
        let matching = all.into_iter().filter(|(name, _)| wanted.as_ref().is_none_or(|regex| regex.is_match(name)));
        let (page, token) = request.paging.page(matching, 100)?;
        Ok(listing("TableList", page, token))
    }

    pub(super) fn update_table(&self, request: Create) -> Result<Value, ServiceError> {
        let name = name_of(&request.table_input, "TableInput")?;
        self.change_table(&request.database_name, &name, |table| table.replace(request.table_input))?;
        Ok(json!({}))
    }

    pub(super) fn delete_table(&self, request: Named) -> Result<Value, ServiceError> {
        self.remove_table(&request.database_name, &request.name)?;
        Ok(json!({}))
    }

    pub(super) fn batch_delete_table(&self, request: BatchDelete) -> Result<Value, ServiceError> {
        check_batch(request.tables_to_delete.len(), 100, "tables")?;
        self.check_database(&request.database_name.to_lowercase())?;
        let mut errors = Vec::new();
        for name in &request.tables_to_delete {
            if let Err(error) = self.remove_table(&request.database_name, name) {
                errors.push(json!({"TableName": name, "ErrorDetail": error_detail(&error)}));
            }
        }
        Ok(json!({"Errors": errors}))
    }
}

fn whole_name(pattern: &str) -> Result<Regex, ServiceError> {
    Regex::new(&format!("(?i)^(?:{pattern})$")).map_err(|e| invalid(format!("Expression: {e}")))
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
