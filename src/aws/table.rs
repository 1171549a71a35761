//! The Glue table over the delivered objects: JSON lines or Parquet, partitioned by the `key=` folders of the prefix.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_glue::types::{Column, SerDeInfo, StorageDescriptor, Table, TableInput};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    clients::Clients,
    database,
    failure::{broken, desired, failure, is},
    mark::{self, Mark, parameters},
};
use crate::{
    engine::{Cause, Difference, Node, Observed, Owned, Progress, Provider, ProviderError, Scope},
    spec::Format,
};

/// The kind of its keys; their names are `database/table`.
pub const KIND: &str = "table";

/// The name of a table's key.
pub fn key_name(database: &str, table: &str) -> String {
    format!("{database}/{table}")
}

/// What Hive reads a format by (Athena user guide, "Choose a SerDe for your data").
struct Classes {
    serde: &'static str,
    input: &'static str,
    output: &'static str,
    /// What Glue calls it.
    classification: &'static str,
}

const JSON: Classes = Classes {
    serde: "org.openx.data.jsonserde.JsonSerDe",
    input: "org.apache.hadoop.mapred.TextInputFormat",
    output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    classification: "json",
};

const PARQUET: Classes = Classes {
    serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    classification: "parquet",
};

/// A table as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Names and Hive types.
    pub columns: Vec<(String, String)>,
    /// What the objects hold.
    pub format: Format,
    /// Names of the partition keys; strings, since the folders are padded with zeros. None for a table over everything.
    pub partition_keys: Vec<String>,
    /// `s3://bucket/prefix/`.
    pub location: String,
    /// The `projection.*` parameters, where Athena computes partitions; else they are registered.
    pub projection: BTreeMap<String, String>,
    /// Whose it is; in its parameters, since tables take no tags.
    pub mark: Mark,
}

/// Knows tables.
pub struct Tables(pub Clients);

#[async_trait]
impl Provider for Tables {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let wanted: Desired = desired(node)?;
        let Some(found) = self.get(&wanted).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.mark.is_on(parameters(found.parameters())) {
            return Ok(Observed::Foreign { why });
        }
        let identity = self.0.arn("glue", &format!("table/{}/{}", wanted.database, wanted.name)).await?;
        Ok(Observed::Ours { identity, ready: true, differs: differences(&wanted, &found) })
    }

    async fn create(&self, node: &Node, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let wanted: Desired = desired(node)?;
        let input = input(&wanted).map_err(|error| {
            broken(Cause::Other, "glue CreateTable", &wanted.title(), error.to_string(), "change the table's columns")
        })?;
        let call = self.0.glue.create_table().database_name(&wanted.database).table_input(input);
        call.send().await.map_err(|error| failure("glue CreateTable", &wanted.title(), &error))?;
        self.0.arn("glue", &format!("table/{}/{}", wanted.database, wanted.name)).await
    }

    async fn make_ready(&self, _node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Its partitions go with it.
    async fn delete(&self, node: &Node, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let wanted: Desired = desired(node)?;
        match self.0.glue.delete_table().database_name(&wanted.database).name(&wanted.name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("glue DeleteTable", &wanted.title(), &error)),
        }
    }

    /// Our tables lie in our databases.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        for database in database::all(&self.0).await? {
            let (name, ours) = (database.name(), Mark::found(scope, parameters(database.parameters())).is_some());
            if ours || scope.may_follow(name) {
                found.extend(self.owned_in(name, scope).await?);
            }
        }
        Ok(found)
    }
}

impl Tables {
    async fn get(&self, wanted: &Desired) -> Result<Option<Table>, ProviderError> {
        match self.0.glue.get_table().database_name(&wanted.database).name(&wanted.name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(None),
            Err(error) => Err(failure("glue GetTable", &wanted.title(), &error)),
        }
    }

    async fn owned_in(&self, database: &str, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        let mut pages = self.0.glue.get_tables().database_name(database).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("glue GetTables", database, &error));
            let Some(page) = mark::unless_gone(page)? else { break };
            found.extend(page.table_list().iter().filter_map(|table| {
                let (name, mark) = (table.name(), Mark::found(scope, parameters(table.parameters()))?);
                let command = format!("glue delete-table --database-name {database} --name {name}");
                let desired = json!({"database": database, "name": name});
                Some(mark::owned(KIND, &key_name(database, name), mark, desired, self.0.cli(&command)))
            }));
        }
        Ok(found)
    }
}

impl Desired {
    fn title(&self) -> String {
        key_name(&self.database, &self.name)
    }

    fn classes(&self) -> &'static Classes {
        match self.format {
            Format::Json => &JSON,
            Format::Parquet => &PARQUET,
        }
    }
}

fn input(wanted: &Desired) -> Result<TableInput, aws_smithy_types::error::operation::BuildError> {
    let column = |(name, kind): (&str, &str)| Column::builder().name(name).r#type(kind).build();
    let columns = wanted.columns.iter().map(|(name, kind)| column((name, kind))).collect::<Result<_, _>>()?;
    let keys = wanted.partition_keys.iter().map(|name| column((name, "string"))).collect::<Result<_, _>>()?;
    let classes = wanted.classes();
    let serde = SerDeInfo::builder().serialization_library(classes.serde).parameters("serialization.format", "1");
    let storage = StorageDescriptor::builder()
        .set_columns(Some(columns))
        .location(&wanted.location)
        .input_format(classes.input)
        .output_format(classes.output)
        .serde_info(serde.build())
        .build();
    let mut parameters: HashMap<String, String> = wanted.mark.all().into_iter().collect();
    parameters.extend(wanted.projection.clone());
    let fixed = [("EXTERNAL", "TRUE"), ("classification", classes.classification)];
    parameters.extend(fixed.map(|(key, value)| (key.to_owned(), value.to_owned())));
    TableInput::builder()
        .name(&wanted.name)
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(storage)
        .set_partition_keys(Some(keys))
        .set_parameters(Some(parameters))
        .build()
}

fn differences(wanted: &Desired, found: &Table) -> Vec<Difference> {
    let storage = found.storage_descriptor();
    let columns = |columns: &[Column]| -> Vec<(String, String)> {
        columns.iter().map(|c| (c.name().to_owned(), c.r#type().unwrap_or_default().to_owned())).collect()
    };
    let mut differences = Vec::new();
    let location = storage.and_then(|storage| storage.location()).unwrap_or_default();
    if location != wanted.location {
        differences.push(Difference::replace("location", location, &wanted.location));
    }
    if columns(storage.map(|storage| storage.columns()).unwrap_or_default()) != wanted.columns {
        differences.push(Difference::replace("list of columns", "another", "that of the workload"));
    }
    let serde = storage.and_then(|storage| storage.serde_info()).and_then(|serde| serde.serialization_library());
    if serde != Some(wanted.classes().serde) {
        differences.push(Difference::replace("SerDe", serde.unwrap_or("none"), wanted.classes().serde));
    }
    if !found.partition_keys().iter().map(|key| key.name()).eq(&wanted.partition_keys) {
        let wanted = if wanted.partition_keys.is_empty() { "none" } else { &wanted.partition_keys.join(", ") };
        differences.push(Difference::replace(
            "list of partition keys",
            found.partition_keys().iter().map(|key| key.name()).collect::<Vec<_>>().join(", "),
            wanted,
        ));
    }
    let projected = |map: Option<&HashMap<String, String>>| {
        map.is_some_and(|map| map.get("projection.enabled").is_some_and(|value| value == "true"))
    };
    if projected(found.parameters()) == wanted.projection.is_empty() {
        differences.push(Difference::replace("way of learning partitions", "the other", "registered or projected"));
    }
    differences
}
