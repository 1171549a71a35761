//! What the delivery to DynamoDB uses.

use super::DynamoDbDelivery;
use crate::{
    aws::cost::Prices,
    deliveries::usage::{Sent, Used},
};

/// A write request unit (DynamoDB pricing, on-demand capacity).
const WRITE_UNIT_BYTES: f64 = 1_024.0;

/// What the table takes, and how often the function is called.
pub(super) fn used(to: &DynamoDbDelivery, sent: Sent, prices: &Prices) -> Vec<Used> {
    let batches = sent.documents / f64::from(to.mapping.batch);
    vec![
        Used::million("DynamoDB write units", sent.units(WRITE_UNIT_BYTES), "units", prices.million_write_units),
        Used::million("Lambda invocations, at least", batches.ceil(), "calls", prices.million_requests),
    ]
}
