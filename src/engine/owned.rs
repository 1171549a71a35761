//! What carries our ownership tags, found without a journal: of one stack, or of all.

use serde::Serialize;

use super::{
    graph::Node,
    id::{self, StackId},
};

/// Whose resources are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One stack's, by the names that follow from its id.
    Stack(StackId),
    /// Every stack's of the account and region, whatever it is called.
    Account,
}

impl Scope {
    /// Whether something of this stack is looked for.
    pub fn covers(&self, stack: &str) -> bool {
        match self {
            Self::Stack(id) => id.as_str() == stack,
            Self::Account => true,
        }
    }

    /// Whether what is called so may be looked for; cheaper than to ask for its ownership tags.
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Self::Stack(id) => name.contains(id.suffix()),
            Self::Account => true,
        }
    }

    /// [`Self::may_be`] for what is called by its stack's id and nothing else.
    pub fn may_follow(&self, name: &str) -> bool {
        self.may_be(name) && name.split(['-', '_', '/']).any(id::is_suffix)
    }
}

/// Something that carries our ownership tags.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Owned {
    /// The id of the stack that it belongs to.
    pub stack: String,
    /// When that stack is to be gone, RFC 3339 in UTC, where that is known.
    pub expires: Option<String>,
    /// Its key, and all that reading and deleting it need; what it stands on is not known.
    pub node: Node,
    /// The command that removes it by hand.
    pub command: String,
}
