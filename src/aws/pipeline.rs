//! From a stack to the resources that make it.

use std::collections::BTreeMap;

use chrono::{Datelike, Utc};
use serde::Serialize;
use serde_json::json;

use super::{bucket, clients::Clients, database, delivery, mark::Mark, names::Names, role, stream, table, workgroup};
use crate::{
    engine::{Graph, GraphError, Node, Provider, Providers, ResourceKey, StackId},
    spec::{Catalog, Compression, Partitions, S3Delivery, Stack, StreamMode},
};

/// A query that would scan more is cancelled; about half a dollar's worth.
const SCAN_LIMIT_BYTES: i64 = 100 << 30;
/// A stream takes records of up to 1 MiB unless it is told otherwise (Kinesis API reference, MaxRecordSizeInKiB).
const MAX_RECORD_KIB: u32 = 1024;
/// Years that projected partitions reach around now: Athena looks into every folder that a query does not rule out.
const YEARS_BACK: i32 = 1;
const YEARS_AHEAD: i32 = 3;

/// Why a stack cannot be made into a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// A bug: the nodes made here do not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A partition key whose values Athena cannot compute.
    #[error(
        "partitions cannot be projected over the key '{0}', only over year, month, day and hour; \
         take `partitions: registered`"
    )]
    Projection(String),
}

/// Every resource of the stack. `columns` are the table's: names and Hive types.
pub fn graph(stack: &Stack, id: &StackId, columns: Vec<(String, String)>) -> Result<Graph, PipelineError> {
    let names = Names::of(stack, id);
    let mark = Mark::new(id, &stack.tags);
    let mut nodes = vec![stream_node(stack, &names, &mark)];
    if let (Some(s3), Some(bucket)) = (&stack.deliver.s3, &names.bucket) {
        nodes.extend(delivery_nodes(s3, bucket, &names, &mark));
        if let (Some(catalog), Some(database), Some(name)) = (&s3.catalog, &names.database, &names.table) {
            let table = table::Desired {
                database: database.clone(),
                name: name.clone(),
                columns,
                partition_keys: s3.prefix.partition_keys(),
                location: format!("s3://{bucket}/{}", s3.prefix.fixed()),
                projection: projection(catalog, s3, bucket)?,
                mark: mark.clone(),
            };
            nodes.extend(catalog_nodes(table, s3, bucket, &names, &mark));
        }
    }
    Ok(Graph::new(nodes)?)
}

/// A provider of every kind.
pub fn providers(clients: &Clients) -> Providers {
    use std::sync::Arc;
    let all: [Arc<dyn Provider>; 7] = [
        Arc::new(stream::Streams(clients.clone())),
        Arc::new(bucket::Buckets(clients.clone())),
        Arc::new(role::Roles(clients.clone())),
        Arc::new(delivery::Deliveries(clients.clone())),
        Arc::new(database::Databases(clients.clone())),
        Arc::new(table::Tables(clients.clone())),
        Arc::new(workgroup::Workgroups(clients.clone())),
    ];
    Providers::new(all)
}

fn stream_node(stack: &Stack, names: &Names, mark: &Mark) -> Node {
    let shards = match stack.stream.mode {
        StreamMode::Provisioned { shards } => Some(shards),
        StreamMode::OnDemand => None,
    };
    let detail = match shards {
        Some(1) => "1 shard".to_owned(),
        Some(shards) => format!("{shards} shards"),
        None => "on demand".to_owned(),
    };
    let retention_hours = stack.stream.retention.as_secs().div_ceil(3600) as u32;
    let max_record_kib = Some(stack.stream.max_record_kib).filter(|kib| *kib != MAX_RECORD_KIB);
    let name = names.stream.clone();
    let desired = stream::Desired { name, shards, retention_hours, max_record_kib, mark: mark.clone() };
    node(stream::KIND, &names.stream, &[], &desired, detail)
}

fn delivery_nodes(s3: &S3Delivery, bucket: &str, names: &Names, mark: &Mark) -> [Node; 3] {
    let desired = bucket::Desired { name: bucket.to_owned(), mark: mark.clone() };
    let bucket_node = node(bucket::KIND, bucket, &[], &desired, String::new());
    let desired = role::Desired {
        name: names.role.clone(),
        path: names.role_path.clone(),
        stream: names.stream.clone(),
        bucket: bucket.to_owned(),
        mark: mark.clone(),
    };
    let role_node = node(role::KIND, &names.role, &[], &desired, format!("under {}", names.role_path));
    let desired = delivery::Desired {
        name: names.delivery.clone(),
        stream: names.stream.clone(),
        role: format!("{}{}", names.role_path, names.role),
        bucket: bucket.to_owned(),
        prefix: s3.prefix_text.clone(),
        error_prefix: s3.error_prefix_text.clone(),
        buffer_mib: s3.buffer_mib,
        buffer_seconds: s3.buffer_interval.as_secs() as u32,
        gzip: s3.compression == Compression::Gzip,
        mark: mark.clone(),
    };
    let on = [(stream::KIND, names.stream.as_str()), (bucket::KIND, bucket), (role::KIND, names.role.as_str())];
    let detail = format!("stream → s3://{bucket}/{}", s3.prefix.fixed());
    [bucket_node, role_node, node(delivery::KIND, &names.delivery, &on, &desired, detail)]
}

fn catalog_nodes(table: table::Desired, s3: &S3Delivery, bucket: &str, names: &Names, mark: &Mark) -> [Node; 3] {
    let desired = database::Desired { name: table.database.clone(), mark: mark.clone() };
    let database_node = node(database::KIND, &table.database, &[], &desired, String::new());
    let desired = workgroup::Desired {
        name: names.workgroup.clone(),
        output: results_location(bucket, s3.prefix.fixed()),
        scan_limit_bytes: SCAN_LIMIT_BYTES,
        mark: mark.clone(),
    };
    let on = [(bucket::KIND, bucket)];
    let detail = format!("results in {}", desired.output);
    let workgroup_node = node(workgroup::KIND, &names.workgroup, &on, &desired, detail);
    let name = format!("{}/{}", table.database, table.name);
    let detail = format!("{} columns", table.columns.len());
    let table_node = node(table::KIND, &name, &[(database::KIND, table.database.as_str())], &table, detail);
    [database_node, table_node, workgroup_node]
}

fn node(kind: &str, name: &str, on: &[(&str, &str)], desired: &impl Serialize, detail: String) -> Node {
    Node {
        key: ResourceKey::new(kind, name),
        depends_on: on.iter().map(|(kind, name)| ResourceKey::new(*kind, *name)).collect(),
        desired: json!(desired),
        detail,
    }
}

/// Where query results go: never inside the table.
fn results_location(bucket: &str, table_prefix: &str) -> String {
    let folder = if table_prefix.starts_with("athena/") { "athena-results" } else { "athena" };
    format!("s3://{bucket}/{folder}/")
}

/// Athena user guide, "Supported types for partition projection" and "Set up partition projection".
fn projection(catalog: &Catalog, s3: &S3Delivery, bucket: &str) -> Result<BTreeMap<String, String>, PipelineError> {
    let mut parameters = BTreeMap::new();
    if catalog.partitions == Partitions::Registered {
        return Ok(parameters);
    }
    let mut template = format!("s3://{bucket}/{}", s3.prefix.fixed());
    for key in s3.prefix.partition_keys() {
        let this_year = Utc::now().year();
        let (first, last, digits) = match key.as_str() {
            "year" => (this_year - YEARS_BACK, this_year + YEARS_AHEAD, 4),
            "month" => (1, 12, 2),
            "day" => (1, 31, 2),
            "hour" => (0, 23, 2),
            _ => return Err(PipelineError::Projection(key)),
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
mod tests;
