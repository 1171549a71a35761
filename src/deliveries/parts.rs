//! What the resources of a stack are made from.

use std::error::Error;

use demo_formats::schema::Schema;

use crate::{
    aws::{
        Names,
        kind::node,
        ownership::Ownership,
        packaging::{Architecture, Package},
        permission::Statement,
        role::{self, Roles},
    },
    engine::Node,
    spec::Stack,
};

/// Why a delivery cannot be made into resources: the delivery's own error.
pub type NodesError = Box<dyn Error + Send + Sync>;

/// Why a user's own documents cannot be delivered, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}\n  {advice}")]
pub struct Unfit {
    /// What is wrong with them.
    pub problem: String,
    /// What to change.
    pub advice: String,
}

impl Unfit {
    /// From its parts.
    pub fn new(problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { problem: problem.into(), advice: advice.into() }
    }
}

/// What a stack is made from, besides its file.
#[derive(Clone, Copy, Debug)]
pub struct Materials<'a> {
    /// Of its documents.
    pub schema: &'a Schema,
    /// The code of its function, for a delivery that needs it.
    pub function: Option<&'a Package>,
    /// What the program of its workers on Fargate runs on, for a stack that has some.
    pub worker: Option<Architecture>,
}

/// What every node is made from.
pub struct Parts<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// What it is made from, besides its file.
    pub materials: &'a Materials<'a>,
    /// What its resources are called.
    pub names: &'a Names,
    /// Whose they are.
    pub ownership: &'a Ownership,
}

impl Parts<'_> {
    /// The bucket, which every delivery and workers on Fargate have.
    pub(crate) fn bucket(&self) -> &str {
        self.names.bucket.as_deref().expect("a stack with a delivery, a mirror or workers on Fargate has a bucket")
    }

    /// A role under the stack's path.
    pub(crate) fn role(&self, name: &str, services: &[&str], statements: Vec<Statement>) -> role::Desired {
        role::Desired {
            name: name.to_owned(),
            path: self.names.role_path.clone(),
            services: services.iter().map(|&service| service.to_owned()).collect(),
            statements,
            ownership: self.ownership.clone(),
        }
    }

    /// The node of such a role.
    pub(crate) fn role_node(&self, desired: &role::Desired) -> Node {
        node::<Roles>(&desired.name, &[], desired, format!("under {}", self.names.role_path))
    }
}
