//! What the resources of the delivery to S3 are called.

use super::S3Delivery;
use crate::{aws::names::joined, engine::StackId, verify::sql::Table};

/// The names of a delivery to S3.
#[derive(Clone, Debug)]
pub struct S3Names {
    /// The role that Firehose assumes.
    pub role: String,
    /// The delivery stream.
    pub delivery: String,
    /// The Glue table and who asks for it, where there is a catalog.
    pub table: Option<Table>,
}

impl S3Delivery {
    /// The names of its resources.
    pub fn names(&self, id: &StackId) -> S3Names {
        let table = self.catalog.as_ref().map(|catalog| Table {
            workgroup: id.to_string(),
            database: joined(&catalog.database, id, '_'),
            table: catalog.table.clone(),
        });
        S3Names { role: format!("{id}-firehose"), delivery: id.to_string(), table }
    }
}
