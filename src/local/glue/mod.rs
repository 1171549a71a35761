//! The Glue data catalog.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use bytes::Bytes;

use super::fault::Fault;

/// The service.
pub struct Glue {}

/// A table as a query engine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Name and Hive type, in order.
    pub columns: Vec<(String, String)>,
    /// Name and Hive type, in order.
    pub partition_keys: Vec<(String, String)>,
    /// `s3://bucket/prefix/`.
    pub location: String,
    /// The table's parameters, projection among them.
    pub parameters: BTreeMap<String, String>,
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
    /// Opens the catalog that lies in `folder`.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        let _ = folder;
        unimplemented!()
    }

    /// One call of the wire protocol, as `Kinesis::call`.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, Fault> {
        let _ = (operation, body);
        unimplemented!()
    }

    /// A table, for Athena.
    pub fn table(&self, database: &str, table: &str) -> Option<TableInfo> {
        let _ = (database, table);
        unimplemented!()
    }

    /// The registered partitions of a table, for Athena.
    pub fn partitions(&self, database: &str, table: &str) -> Vec<PartitionInfo> {
        let _ = (database, table);
        unimplemented!()
    }
}
