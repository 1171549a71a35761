//! What the resources of the delivery to DynamoDB are called.

use super::DynamoDbDelivery;
use crate::{
    aws::names::{joined, log_group},
    engine::StackId,
};

/// The names of a delivery to DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamoDbNames {
    /// The table.
    pub table: String,
    /// The Lambda function.
    pub function: String,
    /// The role that it assumes.
    pub role: String,
    /// Its log group.
    pub log_group: String,
}

impl DynamoDbDelivery {
    /// The names of its resources.
    pub fn names(&self, id: &StackId) -> DynamoDbNames {
        DynamoDbNames {
            table: joined(&self.table, id, '-'),
            function: id.to_string(),
            role: format!("{id}-function"),
            log_group: log_group(id),
        }
    }
}
