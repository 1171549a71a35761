//! From a stack to the resources that make it.

mod dynamodb;
mod redshift;
mod s3;
pub mod ttl;

use chrono::{DateTime, Utc};
use demo_formats::schema::Schema;

use super::{
    bucket::{self, Buckets},
    kind::{Kind, node},
    names::Names,
    ownership::Ownership,
    packaging::Package,
    schedule::Schedules,
    stream::{self, Capacity, Streams},
};
use crate::{
    engine::{Graph, GraphError, Node, StackId},
    spec::{Deliver, Stack, StreamMode},
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
    #[error("deliver.dynamodb.key: documents have no top-level field '{0}'; use a field that they have")]
    KeyMissing(String),
    /// A key of the DynamoDB table that is no key.
    #[error("deliver.dynamodb.key: field '{0}' is neither a whole number nor text, so it cannot be a key")]
    KeyKind(String),
    /// There is no code for the function.
    #[error("no code for the function; pass the binary demo-function with --function-binary FILE")]
    NoCode,
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
    let ownership =
        Ownership { expires: ttl::expires(stack, opened_at).map(ttl::written), ..Ownership::new(id, &stack.tags) };
    let parts = Parts { stack, materials, names: &Names::of(stack, id), ownership: &ownership };
    let mut nodes = ttl::nodes(&parts);
    nodes.push(stream_node(&parts));
    nodes.extend(parts.names.bucket.as_ref().map(|bucket| bucket_node(bucket, &parts)));
    let Deliver { s3, redshift, dynamodb } = &stack.deliver;
    if let Some(to) = s3 {
        nodes.extend(s3::nodes(to, &parts)?);
    }
    if let Some(to) = redshift {
        nodes.extend(redshift::nodes(to, &parts)?);
    }
    if let Some(to) = dynamodb {
        nodes.extend(dynamodb::nodes(to, &parts)?);
    }
    if stack.mirror {
        stand_on_bucket(&mut nodes);
    }
    Ok(Graph::new(nodes)?)
}

/// Makes the bucket the first that is made and the last that goes: what another machine needs is there all the while.
fn stand_on_bucket(nodes: &mut [Node]) {
    let bucket = nodes.iter().map(|node| &node.key).find(|key| key.kind == Buckets::KIND).cloned();
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
    ownership: &'a Ownership,
}

impl Parts<'_> {
    fn bucket(&self) -> &str {
        self.names.bucket.as_deref().expect("a stack with a delivery or a mirror has a bucket")
    }
}

fn stream_node(Parts { stack, names, ownership, .. }: &Parts) -> Node {
    let capacity = match stack.stream.mode {
        StreamMode::Provisioned { shards } => Capacity::Provisioned(shards),
        StreamMode::OnDemand => Capacity::OnDemand,
    };
    let retention_hours = stack.stream.retention.as_secs().div_ceil(3600) as u32;
    let max_record_kib = Some(stack.stream.max_record_kib).filter(|kib| *kib != stream::MAX_RECORD_KIB);
    let name = names.stream.clone();
    let desired = stream::Desired { name, capacity, retention_hours, max_record_kib, ownership: (*ownership).clone() };
    // What ends it is there before the first thing that costs money.
    let on: Vec<_> = ownership.expires.iter().map(|_| Schedules::key(&names.schedule)).collect();
    node::<Streams>(&names.stream, &on, &desired, capacity.to_string())
}

fn bucket_node(bucket: &str, parts: &Parts) -> Node {
    let mirror = parts.stack.mirror;
    let desired = bucket::Desired { name: bucket.to_owned(), mirror, ownership: parts.ownership.clone() };
    let detail = if mirror { "with a copy of the journal" } else { "" };
    node::<Buckets>(bucket, &[], &desired, detail.to_owned())
}

#[cfg(test)]
mod tests;
