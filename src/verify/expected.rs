//! Which of the documents that lie somewhere are looked for, and how they are told apart.

use std::ops::RangeInclusive;

use demo_workload::{Id, Identity, IdentityError, Key};

/// Which documents are looked for, and how they are told apart.
#[derive(Clone, Debug)]
pub struct Expected {
    /// By what they are told apart.
    pub identity: Identity,
    /// Which.
    pub scope: Scope,
}

/// Some or all of the documents that lie somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of `store_sales` in these ranges of tickets.
    Tickets(Vec<RangeInclusive<u64>>),
    /// All: a user's own documents do not say of which run they are.
    All,
}

impl Expected {
    /// The id of a document; `None` where it is not looked for.
    ///
    /// # Errors
    /// It has none, so it is not what was sent.
    pub fn id_of(&self, document: &[u8]) -> Result<Option<Id>, IdentityError> {
        let id = self.identity.of_document(document)?;
        Ok(self.scope.contains(id).then_some(id))
    }
}

impl Scope {
    /// Whether the document of this id is looked for.
    pub fn contains(&self, id: Id) -> bool {
        match self {
            Self::Tickets(tickets) => tickets.iter().any(|range| range.contains(&Key::from(id).ticket)),
            Self::All => true,
        }
    }
}
