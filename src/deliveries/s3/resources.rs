//! The delivery to S3: Firehose, and the catalog over what it writes.

use std::collections::BTreeMap;

use chrono::{Datelike, Utc};
use demo_formats::schema::{CatalogError, Schema, hive_name};

use super::{Catalog, NotProjected, Partitions, S3Delivery, S3Names, spec::projection};
use crate::{
    aws::{
        bucket::Buckets,
        database::{self, Databases},
        delivery::{self, Deliveries},
        folders,
        kind::{Kind, node},
        permission::Statement,
        role::{self, Roles},
        stream::Streams,
        table::{self, Tables},
        workgroup::{self, Workgroups},
    },
    deliveries::parts::Parts,
    engine::Node,
    spec::{Flaw, Format, Stack},
};

/// A query that would scan more is cancelled; about half a dollar's worth.
const SCAN_LIMIT_BYTES: i64 = 100 << 30;

/// Why a delivery to S3 cannot be made into resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// A partition key whose values Athena cannot compute.
    #[error("{0}; take `partitions: registered`")]
    Projection(#[from] NotProjected),
    /// A partition key that the documents have a column for.
    #[error(
        "the partition key '{0}' is a column of the documents too, and a table has each name once; \
         call the folder otherwise"
    )]
    PartitionKey(String),
    /// Columns that no table of Glue can have.
    #[error("{0}\n  rename the key, or remove `deliver.s3.catalog`")]
    Columns(#[from] CatalogError),
    /// Parquet without a catalog.
    #[error("Firehose reads the columns of Parquet from a Glue table; add a `catalog`, or use `format: json`")]
    Parquet,
}

/// The role, the delivery stream and, with a catalog, database, table and workgroup.
pub(super) fn nodes(s3: &S3Delivery, parts: &Parts) -> Result<Vec<Node>, S3Error> {
    let names = s3.names(&parts.names.id);
    let mut nodes = delivery_nodes(s3, &names, parts)?.to_vec();
    let Parts { ownership, materials, .. } = parts;
    if let (Some(catalog), Some(named)) = (&s3.catalog, names.table) {
        let table = table::Desired {
            database: named.database,
            name: named.table,
            columns: materials.schema.glue_columns(),
            key_mappings: materials.schema.key_mappings()?,
            ignore_malformed: sends_malformed(parts.stack),
            format: s3.format,
            partition_keys: partition_keys(catalog, s3, parts)?,
            location: format!("s3://{}/{}", parts.bucket(), s3.prefix.fixed()),
            projection: projection(catalog, s3, parts.bucket())?,
            ownership: (*ownership).clone(),
        };
        nodes.extend(catalog_nodes(table, named.workgroup, s3, parts));
    }
    Ok(nodes)
}

/// Whether the load has documents that are no JSON.
fn sends_malformed(stack: &Stack) -> bool {
    let imperfect = stack.load.imperfect.as_ref();
    imperfect.is_some_and(|imperfect| imperfect.amounts.iter().any(|(flaw, _)| *flaw == Flaw::Malformed))
}

fn partition_keys(catalog: &Catalog, s3: &S3Delivery, parts: &Parts) -> Result<Vec<String>, S3Error> {
    if catalog.partitions == Partitions::None {
        return Ok(Vec::new());
    }
    let keys = s3.prefix.partition_keys();
    match keys.iter().find(|key| parts.materials.schema.names().any(|column| hive_name(column) == **key)) {
        Some(taken) => Err(S3Error::PartitionKey(taken.clone())),
        None => Ok(keys),
    }
}

/// The table whose columns Parquet takes.
fn parquet(s3: &S3Delivery, names: &S3Names, schema: &Schema) -> Result<Option<delivery::Columns>, S3Error> {
    match (s3.format, &names.table) {
        (Format::Json, _) => Ok(None),
        (Format::Parquet, Some(named)) => {
            let (database, table, key_mappings) = (named.database.clone(), named.table.clone(), schema.key_mappings()?);
            Ok(Some(delivery::Columns { database, table, key_mappings }))
        }
        (Format::Parquet, None) => Err(S3Error::Parquet),
    }
}

fn delivery_nodes(s3: &S3Delivery, names: &S3Names, parts: &Parts) -> Result<[Node; 2], S3Error> {
    let (Parts { names: of_stack, ownership, .. }, bucket) = (parts, parts.bucket());
    let parquet = parquet(s3, names, parts.materials.schema)?;
    let mut statements = vec![Statement::read_stream(&of_stack.stream)];
    statements.extend(Statement::write_bucket(bucket));
    statements.extend(parquet.as_ref().map(|columns| Statement::read_table(&columns.database, &columns.table)));
    let role_node = parts.role_node(&parts.role(&names.role, &[role::FIREHOSE], statements));
    let route = delivery::Route {
        name: names.delivery.clone(),
        stream: of_stack.stream.clone(),
        role: format!("{}{}", of_stack.role_path, names.role),
        bucket: bucket.to_owned(),
        prefix: s3.prefix_text.clone(),
        error_prefix: s3.error_prefix_text.clone(),
        buffer_mib: s3.buffer.mib,
        buffer_seconds: s3.buffer.interval.as_secs() as u32,
        ownership: (*ownership).clone(),
    };
    let (compression, partition_by) = (s3.compression, s3.partition_by.clone());
    let desired = delivery::Desired { route, compression, parquet, partition_by };
    let table = desired.parquet.as_ref().map(|columns| table::key_name(&columns.database, &columns.table));
    let mut on = vec![Streams::key(&of_stack.stream), Buckets::key(bucket), Roles::key(&names.role)];
    on.extend(table.as_deref().map(Tables::key));
    let detail = format!("stream → s3://{bucket}/{}", s3.prefix.fixed());
    Ok([role_node, node::<Deliveries>(&names.delivery, &on, &desired, detail)])
}

fn catalog_nodes(table: table::Desired, workgroup: String, s3: &S3Delivery, parts: &Parts) -> [Node; 3] {
    let (ownership, bucket) = (parts.ownership, parts.bucket());
    let desired = database::Desired { name: table.database.clone(), ownership: (*ownership).clone() };
    let database_node = node::<Databases>(&table.database, &[], &desired, String::new());
    let desired = workgroup::Desired {
        name: workgroup,
        output: results_location(bucket, s3.prefix.fixed()),
        scan_limit_bytes: SCAN_LIMIT_BYTES,
        ownership: (*ownership).clone(),
    };
    let on = [Buckets::key(bucket)];
    let detail = format!("results in {}", desired.output);
    let workgroup_node = node::<Workgroups>(&desired.name, &on, &desired, detail);
    let name = table::key_name(&table.database, &table.name);
    let detail = format!("{} columns", table.columns.len());
    let table_node = node::<Tables>(&name, &[Databases::key(&table.database)], &table, detail);
    [database_node, table_node, workgroup_node]
}

/// Where query results go: never inside the table.
fn results_location(bucket: &str, table_prefix: &str) -> String {
    let folder = if table_prefix.starts_with(folders::RESULTS) { folders::OTHER_RESULTS } else { folders::RESULTS };
    format!("s3://{bucket}/{folder}")
}

fn projection(catalog: &Catalog, s3: &S3Delivery, bucket: &str) -> Result<BTreeMap<String, String>, S3Error> {
    match catalog.partitions {
        Partitions::Projected => Ok(projection::parameters(&s3.prefix, bucket, Utc::now().year())?),
        Partitions::Registered | Partitions::None => Ok(BTreeMap::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_never_lie_in_the_table() {
        assert_eq!(results_location("b", "tpcds/sales/"), "s3://b/athena/");
        assert_eq!(results_location("b", "athena/sales/"), "s3://b/athena-results/");
    }
}
