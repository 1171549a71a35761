//! The price list that is built in: `config/prices.yaml`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

/// The list; its own test reads it.
static LIST: LazyLock<List> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("../../config/prices.yaml")).expect("the list is a price list"));

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    as_of: String,
    sources: String,
    otherwise: String,
    regions: BTreeMap<String, Prices>,
}

/// What AWS charges in a region, in US dollars.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// A shard of a provisioned stream.
    pub shard_hour: f64,
    /// Added to it where records stay for more than 24 hours.
    pub shard_hour_extended: f64,
    /// A million PUT payload units of 25 KB, of a provisioned stream.
    pub million_put_units: f64,
    /// An on-demand stream.
    pub stream_hour: f64,
    /// A GB into an on-demand stream, its records rounded up to 1 KB.
    pub gb_in: f64,
    /// A GB out of an on-demand stream.
    pub gb_out: f64,
    /// A GB into Firehose, its records rounded up to 5 KB.
    pub firehose_gb: f64,
    /// Added to it where it is converted.
    pub firehose_gb_converted: f64,
    /// Added to it where it is partitioned by fields.
    pub firehose_gb_partitioned: f64,
    /// A Redshift Processing Unit that computes.
    pub rpu_hour: f64,
    /// A million write request units of DynamoDB, of 1 KB.
    pub million_write_units: f64,
    /// A million invocations of a Lambda function.
    pub million_requests: f64,
    /// A thousand objects put to S3.
    pub thousand_puts: f64,
    /// A thousand objects read from S3.
    pub thousand_gets: f64,
    /// A vCPU of a task on Fargate.
    pub vcpu_hour: f64,
    /// A GB of memory of a task on Fargate.
    pub memory_gb_hour: f64,
    /// A public IPv4 address.
    pub ipv4_hour: f64,
}

/// Where the figures are from, in a few words.
pub fn sources() -> &'static str {
    &LIST.sources
}

/// When the list was put together, for example `2026-11`.
pub fn as_of() -> &'static str {
    &LIST.as_of
}

/// The prices of a region, and the region whose prices they are: another one where the list does not have it.
pub(crate) fn of(region: &str) -> (&'static str, &'static Prices) {
    let (name, prices) = LIST
        .regions
        .get_key_value(region)
        .or_else(|| LIST.regions.get_key_value(&LIST.otherwise))
        .expect("the list has the region that it falls back to");
    (name, prices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_every_region_has_a_price() {
        assert_eq!(of("us-east-1").0, "us-east-1");
        assert_eq!(of("us-west-2").0, "us-west-2");
        assert_eq!(of("eu-central-1"), of("us-east-1"));
        assert!(as_of().starts_with("20") && sources().contains("from memory"), "{}: {}", as_of(), sources());
        for prices in LIST.regions.values() {
            assert!(prices.shard_hour > 0.0 && prices.rpu_hour > 0.0 && prices.firehose_gb > 0.0, "{prices:?}");
        }
    }
}
