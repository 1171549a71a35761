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
        imperfect::{End, Flaw},
        names::Name,
        objects::{Buffer, Compression, Format},
        quantity::Refusal,
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
    /// Firehose gives up what it cannot convert to Parquet, and what it finds no partition in (Firehose developer guide,
    /// "Handle errors for data format conversion" and "Dynamic partitioning error handling"). Of an object without a field
    /// our own partitions are those without a value.
    fn end_of(&self, flaw: Flaw) -> Result<End, Refusal> {
        const ERRORS: End = End::Rejected("error prefix");
        let is_parquet = self.format == Format::Parquet;
        Ok(match flaw {
            Flaw::Malformed if is_parquet || !self.partition_by.is_empty() => ERRORS,
            Flaw::WrongType if is_parquet => ERRORS,
            Flaw::WrongType if self.catalog.is_some() => {
                let problem = "Athena fails each query that reads the field (HIVE_BAD_DATA)";
                return Err(Refusal::new(problem, "`deliver.s3.format: parquet`, or no `catalog`"));
            }
            Flaw::Malformed | Flaw::Empty => End::Line,
            Flaw::Duplicates
            | Flaw::Late
            | Flaw::OutOfOrder
            | Flaw::WrongType
            | Flaw::Missing
            | Flaw::Unknown
            | Flaw::Oversize => End::Kept,
        })
    }

    fn fields(&self) -> Vec<&str> {
        self.partition_by.values().filter_map(|path| path.0.first()).map(String::as_str).collect()
    }

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
