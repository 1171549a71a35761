//! The Glue data catalog: databases, tables and partitions, kept as the objects that their creators sent.
//!
//! Names are folded to lower case, as Glue does. Databases lie in one file; every table, with its partitions, in a file
//! of its own, so that a change costs as much as its own table is large.

mod catalog;
mod database;
mod expression;
mod partition;
mod table;
mod wire;

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use bytes::Bytes;

use self::catalog::Catalog;
use super::{kept::Kept, service_error::ServiceError};

/// The service.
pub struct Glue {
    catalog: Catalog,
}

/// A table as a query engine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Name and Hive type, in order; names in lower case.
    pub columns: Vec<(String, String)>,
    /// Name and Hive type, in order; names in lower case.
    pub partition_keys: Vec<(String, String)>,
    /// `s3://bucket/prefix/`.
    pub location: String,
    /// The table's parameters, projection among them.
    pub parameters: BTreeMap<String, String>,
    /// The SerDe's class, e.g. `org.openx.data.jsonserde.JsonSerDe`.
    pub serde: String,
    /// SerDe parameters.
    pub serde_parameters: BTreeMap<String, String>,
}

/// A registered partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    /// In the order of the table's partition keys.
    pub values: Vec<String>,
    /// `s3://bucket/prefix/`.
    pub location: String,
}

impl Glue {
    /// Opens the catalog that lies in `folder`, making the folder where it is missing.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { catalog: Catalog::open(folder)? }))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        self.catalog.note(kept)
    }

    /// One call of the wire protocol: the operation's name as in `X-Amz-Target: AWSGlue.<operation>`, its JSON body,
    /// and the JSON answer.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        let catalog = &self.catalog;
        let answer = match operation {
            "CreateDatabase" => catalog.create_database(wire::parse(&body)?),
            "GetDatabase" => catalog.get_database(wire::parse(&body)?),
            "GetDatabases" => catalog.get_databases(wire::parse(&body)?),
            "UpdateDatabase" => catalog.update_database(wire::parse(&body)?),
            "DeleteDatabase" => catalog.delete_database(wire::parse(&body)?),
            "TagResource" => catalog.tag_resource(wire::parse(&body)?),
            "UntagResource" => catalog.untag_resource(wire::parse(&body)?),
            "GetTags" => catalog.get_tags(wire::parse(&body)?),
            "CreateTable" => catalog.create_table(wire::parse(&body)?),
            "GetTable" => catalog.get_table(wire::parse(&body)?),
            "GetTables" => catalog.get_tables(wire::parse(&body)?),
            "UpdateTable" => catalog.update_table(wire::parse(&body)?),
            "DeleteTable" => catalog.delete_table(wire::parse(&body)?),
            "BatchDeleteTable" => catalog.batch_delete_table(wire::parse(&body)?),
            "CreatePartition" => catalog.create_partition(wire::parse(&body)?),
            "BatchCreatePartition" => catalog.batch_create_partition(wire::parse(&body)?),
            "GetPartition" => catalog.get_partition(wire::parse(&body)?),
            "GetPartitions" => catalog.get_partitions(wire::parse(&body)?),
            "BatchGetPartition" => catalog.batch_get_partition(wire::parse(&body)?),
            "UpdatePartition" => catalog.update_partition(wire::parse(&body)?),
            "DeletePartition" => catalog.delete_partition(wire::parse(&body)?),
            "BatchDeletePartition" => catalog.batch_delete_partition(wire::parse(&body)?),
            _ => Err(ServiceError::client(
                "UnknownOperationException",
                format!("the stand-in's Glue has no operation {operation}"),
            )),
        }?;
        Ok(Bytes::from(answer.to_string()))
    }

    /// A table, for Athena; names in any case.
    pub fn table(&self, database: &str, table: &str) -> Option<TableInfo> {
        self.catalog.with_table(database, table, |table| Ok(table.info())).ok()
    }

    /// The registered partitions of a table, for Athena.
    pub fn partitions(&self, database: &str, table: &str) -> Vec<PartitionInfo> {
        self.catalog.with_table(database, table, |table| Ok(table.partition_infos())).unwrap_or_default()
    }

    /// The names of all databases, in order.
    pub fn database_names(&self) -> Vec<String> {
        self.catalog.database_names()
    }

    /// The names of a database's tables, in order; `None` where there is no such database.
    pub fn table_names(&self, database: &str) -> Option<Vec<String>> {
        self.catalog.table_names(database)
    }
}

#[cfg(test)]
mod tests;
