//! The kinds of resources that a stack is made of: one line for each.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::json;

use super::{
    bucket::Buckets,
    clients::Clients,
    database::Databases,
    delivery::Deliveries,
    ec2::security_group::SecurityGroups,
    ecs::{cluster::Clusters, task_definition::TaskDefinitions},
    function::Functions,
    item_table::ItemTables,
    kind::{self, Hourly, Kind, Layer, Typed},
    log_group::LogGroups,
    mapping::Mappings,
    object::Objects,
    permission::Statement,
    prices::Prices,
    redshift as rs,
    retrying::retrying,
    role::Roles,
    schedule::Schedules,
    stream::Streams,
    table::Tables,
    workgroup::Workgroups,
};
use crate::engine::{Node, Provider, ProviderError, Providers, StackId};

static KINDS: &[KindInfo] = &[
    KindInfo::of::<Schedules>(),
    KindInfo::of::<Streams>(),
    KindInfo::of::<Buckets>(),
    KindInfo::of::<Roles>(),
    KindInfo::of::<Deliveries>(),
    KindInfo::of::<Databases>(),
    KindInfo::of::<Tables>(),
    KindInfo::of::<Workgroups>(),
    KindInfo::of::<ItemTables>(),
    KindInfo::of::<LogGroups>(),
    KindInfo::of::<Functions>(),
    KindInfo::of::<Mappings>(),
    KindInfo::of::<Objects>(),
    KindInfo::of::<rs::namespace::Namespaces>(),
    KindInfo::of::<rs::workgroup::Workgroups>(),
    KindInfo::of::<rs::schema::Schemas>(),
    KindInfo::of::<rs::table::Tables>(),
    KindInfo::of::<rs::delivery::RedshiftDeliveries>(),
    KindInfo::of::<SecurityGroups>(),
    KindInfo::of::<TaskDefinitions>(),
    KindInfo::of::<Clusters>(),
];

/// What is known of a kind without its type.
pub(crate) struct KindInfo {
    pub(crate) kind: &'static str,
    pub(crate) layer: Layer,
    pub(super) named_by_user: bool,
    provider: fn(&Clients) -> Arc<dyn Provider>,
    permissions: fn(&Node, &StackId) -> Option<Vec<Statement>>,
    hourly: fn(&Node, &Prices) -> Option<Hourly>,
    measured: for<'a> fn(&'a Clients, Node) -> BoxFuture<'a, Result<Node, ProviderError>>,
}

impl KindInfo {
    const fn of<K: Kind>() -> Self {
        Self {
            kind: K::KIND,
            layer: K::LAYER,
            named_by_user: K::NAMED_BY_USER,
            provider: |clients| Arc::new(Typed(K::new(clients))),
            permissions: |node, id| K::of(node).map(|wanted| K::permissions(&wanted, id)),
            hourly: |node, prices| K::of(node).map(|wanted| K::hourly(&wanted, prices)),
            measured: |clients, node| Box::pin(measured::<K>(clients, node)),
        }
    }
}

/// The kind of this name.
pub(crate) fn named(kind: &str) -> Option<&'static KindInfo> {
    KINDS.iter().find(|known| known.kind == kind)
}

/// A provider of every kind, retrying with what passes by itself.
pub fn providers(clients: &Clients) -> Providers {
    Providers::new(KINDS.iter().map(|kind| retrying((kind.provider)(clients), clients)))
}

/// What a person needs for a resource of a graph, from its creation to its deletion.
pub(super) fn permissions(node: &Node, id: &StackId) -> Vec<Statement> {
    let needed = named(&node.key.kind).and_then(|kind| (kind.permissions)(node, id));
    needed.expect("a graph is made of the kinds listed here, each with its own type")
}

/// What a resource costs while it exists.
pub(super) fn hourly(node: &Node, prices: &Prices) -> Hourly {
    named(&node.key.kind).and_then(|kind| (kind.hourly)(node, prices)).unwrap_or(Hourly::Unknown)
}

/// A resource that was found, with what its cost follows from.
pub(super) async fn with_size(clients: &Clients, node: Node) -> Result<Node, ProviderError> {
    match named(&node.key.kind) {
        Some(kind) => (kind.measured)(clients, node).await,
        None => Ok(node),
    }
}

async fn measured<K: Kind>(clients: &Clients, node: Node) -> Result<Node, ProviderError> {
    let wanted = K::new(clients).measured(kind::desired::<K>(&node)?).await?;
    Ok(Node { desired: json!(wanted), ..node })
}
