//! The delivery to S3: Firehose, and the catalog over what it writes.

use std::collections::BTreeMap;

use chrono::{Datelike, Utc};

use super::{Catalog, Partitions, S3Delivery, S3Names};
use crate::{
    aws::{
        bucket::Buckets,
        database::{self, Databases},
        delivery::{self, Deliveries},
        kind::{Kind, node},
        permission::Statement,
        role::{self, Roles},
        stream::Streams,
        table::{self, Tables},
        workgroup::{self, Workgroups},
    },
    deliveries::parts::Parts,
    engine::Node,
    spec::Format,
};

/// A query that would scan more is cancelled; about half a dollar's worth.
const SCAN_LIMIT_BYTES: i64 = 100 << 30;
/// Years that projected partitions reach around now: Athena looks into every folder that a query does not rule out.
const YEARS_BACK: i32 = 1;
const YEARS_AHEAD: i32 = 3;

/// Why a delivery to S3 cannot be made into resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// A partition key whose values Athena cannot compute.
    #[error(
        "partitions cannot be projected over the key '{0}', only over year, month, day and hour; \
         take `partitions: registered`"
    )]
    Projection(String),
    /// A partition key that the documents have a column for.
    #[error(
        "the partition key '{0}' is a column of the documents too, and a table has each name once; \
         call the folder otherwise"
    )]
    PartitionKey(String),
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

fn partition_keys(catalog: &Catalog, s3: &S3Delivery, parts: &Parts) -> Result<Vec<String>, S3Error> {
    if catalog.partitions == Partitions::None {
        return Ok(Vec::new());
    }
    let keys = s3.prefix.partition_keys();
    match keys.iter().find(|key| parts.materials.schema.names().any(|column| column.eq_ignore_ascii_case(key))) {
        Some(taken) => Err(S3Error::PartitionKey(taken.clone())),
        None => Ok(keys),
    }
}

/// The table whose columns Parquet takes.
fn parquet(s3: &S3Delivery, names: &S3Names) -> Result<Option<delivery::Columns>, S3Error> {
    match (s3.format, &names.table) {
        (Format::Json, _) => Ok(None),
        (Format::Parquet, Some(named)) => {
            Ok(Some(delivery::Columns { database: named.database.clone(), table: named.table.clone() }))
        }
        (Format::Parquet, None) => Err(S3Error::Parquet),
    }
}

fn delivery_nodes(s3: &S3Delivery, names: &S3Names, parts: &Parts) -> Result<[Node; 2], S3Error> {
    let (Parts { names: of_stack, ownership, .. }, bucket) = (parts, parts.bucket());
    let parquet = parquet(s3, names)?;
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
    let folder = if table_prefix.starts_with("athena/") { "athena-results" } else { "athena" };
    format!("s3://{bucket}/{folder}/")
}

/// Athena user guide, "Supported types for partition projection" and "Set up partition projection".
fn projection(catalog: &Catalog, s3: &S3Delivery, bucket: &str) -> Result<BTreeMap<String, String>, S3Error> {
    let mut parameters = BTreeMap::new();
    if catalog.partitions != Partitions::Projected {
        return Ok(parameters);
    }
    let times: Vec<String> = s3.prefix.partition_patterns().into_iter().map(|(key, _)| key).collect();
    let mut template = format!("s3://{bucket}/{}", s3.prefix.fixed());
    for key in s3.prefix.partition_keys() {
        let this_year = Utc::now().year();
        let (first, last, digits) = match key.as_str() {
            _ if !times.contains(&key) => return Err(S3Error::Projection(key)),
            "year" => (this_year - YEARS_BACK, this_year + YEARS_AHEAD, 4),
            "month" => (1, 12, 2),
            "day" => (1, 31, 2),
            "hour" => (0, 23, 2),
            _ => return Err(S3Error::Projection(key)),
        };
        parameters.insert(format!("projection.{key}.type"), "integer".to_owned());
        parameters.insert(format!("projection.{key}.range"), format!("{first},{last}"));
        parameters.insert(format!("projection.{key}.digits"), digits.to_string());
        template.push_str(&format!("{key}=${{{key}}}/"));
    }
    parameters.insert("projection.enabled".to_owned(), "true".to_owned());
    parameters.insert("storage.location.template".to_owned(), template);
    Ok(parameters)
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
