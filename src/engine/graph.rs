//! What is wanted: resources and what each stands on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

/// Which resource: its kind (which provider knows it) and its name there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceKey {
    /// For example `bucket`.
    pub kind: String,
    /// The name that the service knows it by; where a name alone is not unique, the path, such as `database/table`.
    pub name: String,
}

impl ResourceKey {
    /// A key.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// A resource as it is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Which resource.
    pub key: ResourceKey,
    /// What must be ready before it is made, and gone only after it.
    pub depends_on: Vec<ResourceKey>,
    /// The provider's own properties, all that making and deleting need. No secrets: it goes into the journal.
    pub desired: serde_json::Value,
    /// For people, for example `20 shards`; may be empty.
    pub detail: String,
}

/// Resources without cycles and with every dependency among them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
}

/// Why nodes are not a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two nodes of one key.
    #[error("{0} occurs twice")]
    Twice(ResourceKey),
    /// A dependency that is not among the nodes.
    #[error("{from} depends on {to}, which is not part of the stack")]
    Unknown {
        /// Who depends.
        from: ResourceKey,
        /// On what.
        to: ResourceKey,
    },
    /// Resources that wait for each other.
    #[error("these depend on each other: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<ResourceKey>),
}

impl Graph {
    /// Checks and keeps the nodes.
    pub fn new(nodes: Vec<Node>) -> Result<Self, GraphError> {
        let mut keys = BTreeSet::new();
        for node in &nodes {
            if !keys.insert(&node.key) {
                return Err(GraphError::Twice(node.key.clone()));
            }
        }
        for node in &nodes {
            if let Some(to) = node.depends_on.iter().find(|to| !keys.contains(to)) {
                return Err(GraphError::Unknown { from: node.key.clone(), to: to.clone() });
            }
        }
        layers(&nodes)?;
        Ok(Self { nodes })
    }

    /// Every node, in the order given.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Every node, what it stands on before it.
    pub fn ordered(&self) -> Vec<&Node> {
        self.layers().into_iter().flatten().collect()
    }

    /// Layers: each node stands only on nodes of earlier layers.
    pub fn layers(&self) -> Vec<Vec<&Node>> {
        layers(&self.nodes).expect("checked when the graph was made")
    }
}

fn layers(nodes: &[Node]) -> Result<Vec<Vec<&Node>>, GraphError> {
    let mut waiting: BTreeMap<&ResourceKey, &Node> = nodes.iter().map(|node| (&node.key, node)).collect();
    let mut layers = Vec::new();
    while !waiting.is_empty() {
        let free = |node: &&Node| node.depends_on.iter().all(|on| !waiting.contains_key(on));
        let layer: Vec<&Node> = nodes.iter().filter(|node| waiting.contains_key(&node.key)).filter(free).collect();
        if layer.is_empty() {
            return Err(GraphError::Cycle(waiting.into_keys().cloned().collect()));
        }
        for node in &layer {
            waiting.remove(&node.key);
        }
        layers.push(layer);
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, on: &[&str]) -> Node {
        Node {
            key: ResourceKey::new("thing", name),
            depends_on: on.iter().map(|name| ResourceKey::new("thing", *name)).collect(),
            desired: serde_json::Value::Null,
            detail: String::new(),
        }
    }

    #[test]
    fn layers_put_what_is_stood_on_first() {
        let graph = Graph::new(vec![node("d", &["b", "c"]), node("b", &["a"]), node("c", &[]), node("a", &[])]);
        let names: Vec<Vec<String>> = graph
            .expect("a graph")
            .layers()
            .iter()
            .map(|layer| layer.iter().map(|node| node.key.name.clone()).collect())
            .collect();
        assert_eq!(names, [vec!["c", "a"], vec!["b"], vec!["d"]]);
    }

    #[test]
    fn what_is_not_a_graph_is_refused() {
        let key = |name| ResourceKey::new("thing", name);
        let twice = Graph::new(vec![node("a", &[]), node("a", &[])]).map(drop);
        assert_eq!(twice, Err(GraphError::Twice(key("a"))));
        let unknown = Graph::new(vec![node("a", &["b"])]).map(drop);
        assert_eq!(unknown, Err(GraphError::Unknown { from: key("a"), to: key("b") }));
        let cycle = Graph::new(vec![node("a", &["b"]), node("b", &["a"]), node("c", &[])]).map(drop);
        assert_eq!(cycle, Err(GraphError::Cycle(vec![key("a"), key("b")])));
    }
}
