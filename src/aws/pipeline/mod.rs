//! From a stack to the resources that make it.

mod dynamodb;
mod redshift;
mod s3;
pub mod ttl;

use chrono::{DateTime, Utc};
use demo_formats::schema::Schema;
use serde::Serialize;
use serde_json::json;

use super::{
    bucket, clients::Clients, database, delivery, function, item_table, log_group, mapping, mark::Mark, names::Names,
    object, packaging::Package, redshift as rs, retry::patient, role, schedule, stream, table, workgroup,
};
use crate::{
    engine::{Graph, GraphError, Node, Provider, Providers, ResourceKey, StackId},
    spec::{Stack, StreamMode},
};

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
    /// A key of the DynamoDB table that no document has.
    #[error("deliver.dynamodb.key: documents have no field '{0}' at the top; take one that they have")]
    KeyMissing(String),
    /// A key of the DynamoDB table that is no key.
    #[error("deliver.dynamodb.key: field '{0}' is neither a whole number nor text, so it cannot be a key")]
    KeyKind(String),
    /// There is no code for the function.
    #[error("the function has no code: it needs the binary demo-function; pass it with --function-binary FILE")]
    NoCode,
    /// A partition key that the documents have a column for.
    #[error(
        "the partition key '{0}' is a column of the documents too, and a table has each name once; \
         call the folder otherwise"
    )]
    PartitionKey(String),
    /// Parquet without a catalog.
    #[error("Firehose takes the columns of Parquet from a Glue table; add a `catalog`, or take `format: json`")]
    Parquet,
}

/// What a stack is made from, besides its file.
#[derive(Clone, Copy, Debug)]
pub struct Materials<'a> {
    /// Of its documents.
    pub schema: &'a Schema,
    /// The code of its function, for a delivery to DynamoDB.
    pub function: Option<&'a Package>,
}

/// Every resource of the stack. Its time to live, if it has one, counts from `opened_at`, when the stack was opened.
pub fn graph(
    stack: &Stack,
    id: &StackId,
    opened_at: DateTime<Utc>,
    materials: &Materials,
) -> Result<Graph, PipelineError> {
    let mark = Mark { expires: ttl::expires(stack, opened_at).map(ttl::written), ..Mark::new(id, &stack.tags) };
    let parts = Parts { stack, materials, names: &Names::of(stack, id), mark: &mark };
    let mut nodes = ttl::nodes(&parts);
    nodes.push(stream_node(&parts));
    nodes.extend(parts.names.bucket.as_ref().map(|bucket| bucket_node(bucket, &parts)));
    if let Some(to) = &stack.deliver.s3 {
        nodes.extend(s3::nodes(to, &parts)?);
    }
    if let Some(to) = &stack.deliver.redshift {
        nodes.extend(redshift::nodes(to, &parts)?);
    }
    if let Some(to) = &stack.deliver.dynamodb {
        nodes.extend(dynamodb::nodes(to, &parts)?);
    }
    if stack.mirror {
        stand_on_bucket(&mut nodes);
    }
    Ok(Graph::new(nodes)?)
}

/// Makes the bucket the first that is made and the last that goes: what another machine needs is there all the while.
fn stand_on_bucket(nodes: &mut [Node]) {
    let bucket = nodes.iter().map(|node| &node.key).find(|key| key.kind == bucket::KIND).cloned();
    let bucket = bucket.expect("a stack with a mirror has a bucket");
    for node in nodes.iter_mut().filter(|node| node.key != bucket && !node.depends_on.contains(&bucket)) {
        node.depends_on.push(bucket.clone());
    }
}

/// What every node is made from.
struct Parts<'a> {
    stack: &'a Stack,
    materials: &'a Materials<'a>,
    names: &'a Names,
    mark: &'a Mark,
}

impl Parts<'_> {
    fn bucket(&self) -> &str {
        self.names.bucket.as_deref().expect("a stack with a delivery or a mirror has a bucket")
    }
}

/// A provider of every kind.
pub fn providers(clients: &Clients) -> Providers {
    use std::sync::Arc;
    let all: [Arc<dyn Provider>; 18] = [
        Arc::new(schedule::Schedules(clients.clone())),
        Arc::new(stream::Streams(clients.clone())),
        Arc::new(bucket::Buckets(clients.clone())),
        Arc::new(role::Roles(clients.clone())),
        Arc::new(delivery::Deliveries(clients.clone())),
        Arc::new(database::Databases(clients.clone())),
        Arc::new(table::Tables(clients.clone())),
        Arc::new(workgroup::Workgroups(clients.clone())),
        Arc::new(item_table::ItemTables(clients.clone())),
        Arc::new(log_group::LogGroups(clients.clone())),
        Arc::new(function::Functions(clients.clone())),
        Arc::new(mapping::Mappings(clients.clone())),
        Arc::new(object::Objects(clients.clone())),
        Arc::new(rs::namespace::Namespaces::new(clients.clone())),
        Arc::new(rs::workgroup::Workgroups::new(clients.clone())),
        Arc::new(rs::schema::Schemas::new(clients.clone())),
        Arc::new(rs::table::Tables::new(clients.clone())),
        Arc::new(rs::delivery::RedshiftDeliveries(clients.clone())),
    ];
    Providers::new(all.map(|provider| patient(provider, clients)))
}

fn stream_node(Parts { stack, names, mark, .. }: &Parts) -> Node {
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
    let max_record_kib = Some(stack.stream.max_record_kib).filter(|kib| *kib != stream::MAX_RECORD_KIB);
    let name = names.stream.clone();
    let desired = stream::Desired { name, shards, retention_hours, max_record_kib, mark: (*mark).clone() };
    // What ends it is there before the first thing that costs money.
    let on: Vec<_> = mark.expires.iter().map(|_| (schedule::KIND, names.schedule.as_str())).collect();
    node(stream::KIND, &names.stream, &on, &desired, detail)
}

fn bucket_node(bucket: &str, parts: &Parts) -> Node {
    let mirror = parts.stack.mirror;
    let desired = bucket::Desired { name: bucket.to_owned(), mirror, mark: parts.mark.clone() };
    let detail = if mirror { "with a copy of the journal" } else { "" };
    node(bucket::KIND, bucket, &[], &desired, detail.to_owned())
}

fn node(kind: &str, name: &str, on: &[(&str, &str)], desired: &impl Serialize, detail: String) -> Node {
    Node {
        key: ResourceKey::new(kind, name),
        depends_on: on.iter().map(|(kind, name)| ResourceKey::new(*kind, *name)).collect(),
        desired: json!(desired),
        detail,
    }
}

#[cfg(test)]
mod tests;
