//! The delivery to Redshift: through S3, by COPY or by Firehose itself.

use super::{Parts, PipelineError};
use crate::{engine::Node, spec::RedshiftDelivery};

pub(super) fn nodes(_to: &RedshiftDelivery, _parts: &Parts) -> Result<Vec<Node>, PipelineError> {
    Ok(Vec::new())
}
