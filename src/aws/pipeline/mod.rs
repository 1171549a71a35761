//! From a stack to the resources that make it.

mod dynamodb;
mod redshift;
mod s3;

use serde::Serialize;
use serde_json::json;

use super::{
    bucket, clients::Clients, database, delivery, mark::Mark, names::Names, object, redshift as rs, role, stream,
    table, workgroup,
};
use crate::{
    engine::{Graph, GraphError, Node, Provider, Providers, ResourceKey, StackId},
    schema::Schema,
    spec::{Stack, StreamMode},
};

/// A stream takes records of up to 1 MiB unless it is told otherwise (Kinesis API reference, MaxRecordSizeInKiB).
const MAX_RECORD_KIB: u32 = 1024;

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

/// Every resource of the stack. `schema` is that of its documents.
pub fn graph(stack: &Stack, id: &StackId, schema: &Schema) -> Result<Graph, PipelineError> {
    let parts = Parts { stack, schema, names: &Names::of(stack, id), mark: &Mark::new(id, &stack.tags) };
    let mut nodes = vec![stream_node(&parts)];
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
    Ok(Graph::new(nodes)?)
}

/// What every node is made from.
struct Parts<'a> {
    stack: &'a Stack,
    schema: &'a Schema,
    names: &'a Names,
    mark: &'a Mark,
}

impl Parts<'_> {
    fn bucket(&self) -> &str {
        self.names.bucket.as_deref().expect("a stack with a delivery has a bucket")
    }
}

/// A provider of every kind.
pub fn providers(clients: &Clients) -> Providers {
    use std::sync::Arc;
    let all: [Arc<dyn Provider>; 13] = [
        Arc::new(stream::Streams(clients.clone())),
        Arc::new(bucket::Buckets(clients.clone())),
        Arc::new(role::Roles(clients.clone())),
        Arc::new(delivery::Deliveries(clients.clone())),
        Arc::new(database::Databases(clients.clone())),
        Arc::new(table::Tables(clients.clone())),
        Arc::new(workgroup::Workgroups(clients.clone())),
        Arc::new(object::Objects(clients.clone())),
        Arc::new(rs::namespace::Namespaces::new(clients.clone())),
        Arc::new(rs::workgroup::Workgroups::new(clients.clone())),
        Arc::new(rs::schema::Schemas::new(clients.clone())),
        Arc::new(rs::table::Tables::new(clients.clone())),
        Arc::new(rs::delivery::RedshiftDeliveries(clients.clone())),
    ];
    Providers::new(all)
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
    let max_record_kib = Some(stack.stream.max_record_kib).filter(|kib| *kib != MAX_RECORD_KIB);
    let name = names.stream.clone();
    let desired = stream::Desired { name, shards, retention_hours, max_record_kib, mark: (*mark).clone() };
    node(stream::KIND, &names.stream, &[], &desired, detail)
}

fn bucket_node(bucket: &str, parts: &Parts) -> Node {
    let desired = bucket::Desired { name: bucket.to_owned(), mark: parts.mark.clone() };
    node(bucket::KIND, bucket, &[], &desired, String::new())
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
