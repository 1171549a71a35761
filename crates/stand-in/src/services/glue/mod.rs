//! The Glue data catalog: databases, tables and partitions, kept as the objects that their creators sent.
//!
//! Names are folded to lower case, as Glue does. Databases lie in one file; every table, with its partitions, in a file
//! of its own, so that a change costs as much as its own table is large.

mod catalog;
mod database;
mod databases;
mod expression;
mod partition;
mod partitions;
mod table;
mod tables;
mod wire;

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use async_trait::async_trait;
use serde_json::{Value, json};

use self::catalog::Catalog;
use crate::{
    inventory::Inventory,
    protocol::{Json, Protocol},
    service::{self, Answer, Call, Operation::Immediate, Operations, Service},
    service_error::ServiceError,
};

/// The Glue data catalog over one folder.
pub(crate) struct Glue {
    catalog: Catalog,
}

/// A table as a query engine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableInfo {
    /// Name and Hive type, in order; names in lower case.
    pub(crate) columns: Vec<(String, String)>,
    /// Name and Hive type, in order; names in lower case.
    pub(crate) partition_keys: Vec<(String, String)>,
    /// `s3://bucket/prefix/`.
    pub(crate) location: String,
    /// The table's parameters, projection among them.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The SerDe's class, e.g. `org.openx.data.jsonserde.JsonSerDe`.
    pub(crate) serde: String,
    /// SerDe parameters.
    pub(crate) serde_parameters: BTreeMap<String, String>,
    /// `ViewOriginalText` of a view; nothing of a table.
    pub(crate) view: Option<String>,
}

/// A registered partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartitionInfo {
    /// In the order of the table's partition keys.
    pub(crate) values: Vec<String>,
    /// `s3://bucket/prefix/`.
    pub(crate) location: String,
}

impl Glue {
    /// Opens the catalog that lies in `folder`, making the folder where it is missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { catalog: Catalog::open(folder)? }))
    }

    /// A table, for Athena; names in any case.
    pub(crate) fn table(&self, database: &str, table: &str) -> Option<TableInfo> {
        self.catalog.with_table(database, table, |table| Ok(table.info())).ok()
    }

    /// The registered partitions of a table, for Athena.
    pub(crate) fn partitions(&self, database: &str, table: &str) -> Vec<PartitionInfo> {
        self.catalog.with_table(database, table, |table| Ok(table.partition_infos())).unwrap_or_default()
    }

    /// Creates a table as CreateTable does.
    pub(crate) fn create_table(&self, database: &str, input: Value) -> Result<(), ServiceError> {
        let request = wire::request(json!({"DatabaseName": database, "TableInput": input}))?;
        self.catalog.create_table(request).map(drop)
    }

    /// Replaces a table as UpdateTable does.
    pub(crate) fn update_table(&self, database: &str, input: Value) -> Result<(), ServiceError> {
        let request = wire::request(json!({"DatabaseName": database, "TableInput": input}))?;
        self.catalog.update_table(request).map(drop)
    }

    /// Deletes a table as DeleteTable does.
    pub(crate) fn delete_table(&self, database: &str, table: &str) -> Result<(), ServiceError> {
        let request = wire::request(json!({"DatabaseName": database, "Name": table}))?;
        self.catalog.delete_table(request).map(drop)
    }

    /// Creates partitions, all of them or none; one that exists is left as it is.
    pub(crate) fn create_partitions(
        &self,
        database: &str,
        table: &str,
        inputs: Vec<Value>,
    ) -> Result<(), ServiceError> {
        self.catalog.add_partitions(database, table, inputs)
    }

    /// Deletes a partition as DeletePartition does.
    pub(crate) fn delete_partition(&self, database: &str, table: &str, values: &[String]) -> Result<(), ServiceError> {
        let request = json!({"DatabaseName": database, "TableName": table, "PartitionValues": values});
        self.catalog.delete_partition(wire::request(request)?).map(drop)
    }

    /// Creates a database as CreateDatabase does.
    pub(crate) fn create_database(&self, input: Value) -> Result<(), ServiceError> {
        self.catalog.create_database(wire::request(json!({"DatabaseInput": input}))?).map(drop)
    }

    /// Deletes a database and its tables as DeleteDatabase does.
    pub(crate) fn delete_database(&self, name: &str) -> Result<(), ServiceError> {
        self.catalog.delete_database(wire::request(json!({"Name": name}))?).map(drop)
    }

    /// The names of all databases, in order.
    pub(crate) fn database_names(&self) -> Vec<String> {
        self.catalog.database_names()
    }

    /// The names of a database's tables, in order; `None` where there is no such database.
    pub(crate) fn table_names(&self, database: &str) -> Option<Vec<String>> {
        self.catalog.table_names(database)
    }
}

static OPERATIONS: Operations<Glue> = Operations(&[
    ("CreateDatabase", Immediate(|glue, call| service::json(glue.catalog.create_database(wire::parse(&call.body)?)))),
    ("GetDatabase", Immediate(|glue, call| service::json(glue.catalog.get_database(wire::parse(&call.body)?)))),
    ("GetDatabases", Immediate(|glue, call| service::json(glue.catalog.get_databases(wire::parse(&call.body)?)))),
    ("UpdateDatabase", Immediate(|glue, call| service::json(glue.catalog.update_database(wire::parse(&call.body)?)))),
    ("DeleteDatabase", Immediate(|glue, call| service::json(glue.catalog.delete_database(wire::parse(&call.body)?)))),
    ("TagResource", Immediate(|glue, call| service::json(glue.catalog.tag_resource(wire::parse(&call.body)?)))),
    ("UntagResource", Immediate(|glue, call| service::json(glue.catalog.untag_resource(wire::parse(&call.body)?)))),
    ("GetTags", Immediate(|glue, call| service::json(glue.catalog.get_tags(wire::parse(&call.body)?)))),
    ("CreateTable", Immediate(|glue, call| service::json(glue.catalog.create_table(wire::parse(&call.body)?)))),
    ("GetTable", Immediate(|glue, call| service::json(glue.catalog.get_table(wire::parse(&call.body)?)))),
    ("GetTables", Immediate(|glue, call| service::json(glue.catalog.get_tables(wire::parse(&call.body)?)))),
    ("UpdateTable", Immediate(|glue, call| service::json(glue.catalog.update_table(wire::parse(&call.body)?)))),
    ("DeleteTable", Immediate(|glue, call| service::json(glue.catalog.delete_table(wire::parse(&call.body)?)))),
    (
        "BatchDeleteTable",
        Immediate(|glue, call| service::json(glue.catalog.batch_delete_table(wire::parse(&call.body)?))),
    ),
    ("CreatePartition", Immediate(|glue, call| service::json(glue.catalog.create_partition(wire::parse(&call.body)?)))),
    (
        "BatchCreatePartition",
        Immediate(|glue, call| service::json(glue.catalog.batch_create_partition(wire::parse(&call.body)?))),
    ),
    ("GetPartition", Immediate(|glue, call| service::json(glue.catalog.get_partition(wire::parse(&call.body)?)))),
    ("GetPartitions", Immediate(|glue, call| service::json(glue.catalog.get_partitions(wire::parse(&call.body)?)))),
    (
        "BatchGetPartition",
        Immediate(|glue, call| service::json(glue.catalog.batch_get_partition(wire::parse(&call.body)?))),
    ),
    ("UpdatePartition", Immediate(|glue, call| service::json(glue.catalog.update_partition(wire::parse(&call.body)?)))),
    ("DeletePartition", Immediate(|glue, call| service::json(glue.catalog.delete_partition(wire::parse(&call.body)?)))),
    (
        "BatchDeletePartition",
        Immediate(|glue, call| service::json(glue.catalog.batch_delete_partition(wire::parse(&call.body)?))),
    ),
]);

#[async_trait]
impl Service for Glue {
    fn name(&self) -> &'static str {
        "glue"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("AWSGlue"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.catalog.inventory(into)
    }
}

#[cfg(test)]
mod tests;
