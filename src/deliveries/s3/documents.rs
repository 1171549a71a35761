//! Which documents can be delivered to S3, and the DDL of the table over them.

use demo_formats::schema::{Schema, Stored};
use demo_workload::Identity;

use super::S3Delivery;
use crate::{deliveries::parts::Unfit, spec::Format};

/// Parquet keeps values, not lines, so its documents need a key.
pub(super) fn check_identity(s3: &S3Delivery, identity: &Identity) -> Result<(), Unfit> {
    if s3.format != Format::Parquet || *identity != Identity::Line {
        return Ok(());
    }
    Err(Unfit(
        "`deliver.s3.format: parquet` does not keep lines as they were sent, so lines cannot identify documents; \
         declare the fields that do, for example `key: [id]` in the workload"
            .to_owned(),
    ))
}

/// A table has each name once.
pub(super) fn check_columns(s3: &S3Delivery, columns: &Schema) -> Result<(), Unfit> {
    let partitions = s3.partition_columns();
    match columns.columns.iter().find(|column| partitions.contains(&column.name.to_lowercase())) {
        None => Ok(()),
        Some(taken) => Err(Unfit(format!(
            "the documents have a field `{}`, and `deliver.s3.prefix` has a partition key of the same name; \
             rename one of them",
            taken.name
        ))),
    }
}

/// Nothing without a catalog.
pub(super) fn ddl(s3: &S3Delivery, columns: &Schema) -> String {
    let stored = match s3.format {
        Format::Json => Stored::JsonLines,
        Format::Parquet => Stored::Parquet,
    };
    let table = s3.catalog.as_ref().map(|catalog| catalog.table.as_str());
    table.map_or_else(String::new, |table| columns.athena_ddl_of(table, "${location}", stored, &s3.partition_columns()))
}
