//! What the delivery to Redshift uses.

use super::{RedshiftAt, RedshiftDelivery};
use crate::{
    aws::{cost::Prices, redshift::workgroup::BASE_CAPACITY},
    deliveries::usage::{Sent, Used},
};

/// Firehose, and the objects on their way.
pub(super) fn used(to: &RedshiftDelivery, sent: Sent, prices: &Prices) -> Vec<Used> {
    vec![sent.through_firehose("Firehose to Redshift", prices.firehose_gb), sent.objects(to.buffer.mib, prices)]
}

/// A Redshift of our own, which computes for as long as the load goes on.
pub(super) fn used_meanwhile(to: &RedshiftDelivery, seconds: f64, prices: &Prices) -> Option<Used> {
    let hours = f64::from(BASE_CAPACITY) * seconds / 3_600.0;
    (to.at == RedshiftAt::Created).then(|| Used::each("Redshift while it loads", hours, "RPU-hours", prices.rpu_hour))
}

/// The objects on their way, and the rows, which the stand-in stores as Parquet.
pub(super) fn stored(sent: Sent) -> f64 {
    2.0 * sent.compressed_bytes()
}
