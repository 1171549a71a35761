//! A pipeline of a stream and its deliveries: the resources that make a stack, what its load costs, and its lifecycle.

pub mod discover;
mod fleet;
pub mod lifecycle;
pub mod load_bytes;
pub mod load_cost;
pub mod meter;
pub mod ttl;

use chrono::{DateTime, Utc};

use crate::{
    aws::{
        Names,
        bucket::{self, Buckets},
        kind::{Kind, node},
        ownership::Ownership,
        schedule::Schedules,
        stream::{self, Capacity, Streams},
    },
    deliveries::{
        self,
        parts::{NodesError, Parts},
    },
    engine::{Graph, GraphError, Node, StackId},
    spec::{Stack, StreamMode},
};

pub use crate::deliveries::parts::Materials;
pub use fleet::NoProgram;

/// Why a stack cannot be made into a graph.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A bug: the nodes made here do not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The documents or the stack file do not allow a delivery.
    #[error(transparent)]
    Delivery(#[from] NodesError),
    /// Its workers have nothing to run.
    #[error(transparent)]
    Fleet(#[from] NoProgram),
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
    for delivery in deliveries::of(&stack.deliver) {
        nodes.extend(delivery.nodes(&parts)?);
    }
    nodes.extend(fleet::nodes(&parts)?);
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
