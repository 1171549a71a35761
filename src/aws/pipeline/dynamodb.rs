//! The delivery to DynamoDB: table, function and what feeds it.

use super::{Parts, PipelineError};
use crate::{engine::Node, spec::DynamoDbDelivery};

pub(super) fn nodes(_to: &DynamoDbDelivery, _parts: &Parts) -> Result<Vec<Node>, PipelineError> {
    Ok(Vec::new())
}
