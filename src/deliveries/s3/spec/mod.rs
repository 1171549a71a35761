//! `deliver.s3` of a stack file.

mod check;
mod file;
mod partitions;
pub(crate) mod projection;

use std::collections::BTreeMap;

use demo_formats::{prefix::Prefix, schema::FieldPath};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    deliveries::spec::section::{OwnedPrefix, Section},
    spec::{
        names::Name,
        objects::{Buffer, Compression, Format},
    },
};

pub(crate) use file::S3File;
pub use projection::NotProjected;

/// Firehose from the stream to S3.
#[derive(Clone, Debug)]
pub struct S3Delivery {
    /// The bucket; defaults to the stem `Stack::name`.
    pub bucket: Name,
    /// Key prefix with expressions.
    pub prefix: Prefix,
    /// `prefix` as it was written.
    pub prefix_text: String,
    /// Key prefix of what could not be delivered.
    pub error_prefix: Prefix,
    /// `error_prefix` as it was written.
    pub error_prefix_text: String,
    /// The values of the prefix's `!{partitionKeyFromQuery:…}` keys.
    pub partition_by: BTreeMap<String, FieldPath>,
    /// When an object is written.
    pub buffer: Buffer,
    /// Of the objects.
    pub format: Format,
    /// Of the objects; inside them where they are Parquet.
    pub compression: Compression,
    /// The Glue table over the objects.
    pub catalog: Option<Catalog>,
}

impl S3Delivery {
    /// The partition columns of its Glue table; none where there is no table, or one without partitions.
    pub fn partition_columns(&self) -> Vec<String> {
        match &self.catalog {
            Some(catalog) if catalog.partitions != Partitions::None => self.prefix.partition_keys(),
            _ => Vec::new(),
        }
    }
}

/// The Glue database and table over a delivery.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Database.
    pub database: Name,
    /// Table, inside that database; never suffixed.
    pub table: String,
    /// How Athena learns of partitions.
    pub partitions: Partitions,
}

/// How Athena learns of partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(extend("x-note" = "not both at once: Athena ignores registered partitions where they are projected"))]
pub enum Partitions {
    /// Added to the catalog as data lands.
    #[default]
    Registered,
    /// Computed by Athena from the prefix.
    Projected,
    /// None: every query reads every object.
    None,
}

impl Section for S3Delivery {
    fn bucket(&self) -> Option<&Name> {
        Some(&self.bucket)
    }

    fn prefixes(&self) -> Vec<OwnedPrefix<'_>> {
        let own = |path, key| OwnedPrefix { owner: "those of `deliver.s3`", path, key };
        // The answers of Athena, which keep out of the table by themselves.
        let answers = ["athena/", "athena-results/"].map(|key| own("", key));
        let mut prefixes: Vec<_> = answers.into_iter().filter(|_| self.catalog.is_some()).collect();
        prefixes.push(own("deliver.s3.prefix", self.prefix.fixed()));
        prefixes.push(own("deliver.s3.error_prefix", self.error_prefix.fixed()));
        prefixes
    }
}
