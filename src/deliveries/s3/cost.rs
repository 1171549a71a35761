//! What the delivery to S3 uses.

use super::S3Delivery;
use crate::{
    aws::cost::Prices,
    deliveries::usage::{Sent, Used},
    spec::{Compression, Format},
};

/// Firehose, what it does besides, and the objects.
pub(super) fn used(s3: &S3Delivery, sent: Sent, prices: &Prices) -> Vec<Used> {
    let mut used = vec![sent.through_firehose("Firehose to S3", prices.firehose_gb)];
    if s3.format == Format::Parquet {
        used.push(sent.through_firehose("Firehose to Parquet", prices.firehose_gb_converted));
    }
    if !s3.partition_by.is_empty() {
        used.push(sent.through_firehose("Firehose by fields", prices.firehose_gb_partitioned));
    }
    used.push(sent.objects(s3.buffer.mib, prices));
    used
}

/// The objects; those of Parquet are small even without compression.
pub(super) fn stored(s3: &S3Delivery, sent: Sent) -> f64 {
    match (s3.format, s3.compression) {
        (Format::Json, Compression::None) => sent.bytes(),
        _ => sent.compressed_bytes(),
    }
}
