//! Which of a destination's documents the search expects, and how it identifies them.

use std::ops::RangeInclusive;

use demo_workload::{Id, Identity, IdentityError, Key};

/// The documents that a search expects.
#[derive(Clone, Debug)]
pub struct Expected {
    /// How to identify a document.
    pub identity: Identity,
    /// Which documents.
    pub scope: Scope,
}

/// Some or all documents of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of `store_sales` in these ranges of tickets.
    Tickets(Vec<RangeInclusive<u64>>),
    /// All of them: a user's own documents do not say which run sent them.
    All,
}

impl Expected {
    /// The id of a document; `None` if it is not expected.
    ///
    /// # Errors
    /// The document has no id, so the run did not send it.
    pub fn id_of(&self, document: &[u8]) -> Result<Option<Id>, IdentityError> {
        let id = self.identity.of_document(document)?;
        Ok(self.scope.contains(id).then_some(id))
    }
}

impl Scope {
    /// Whether the document with this id is expected.
    pub fn contains(&self, id: Id) -> bool {
        match self {
            Self::Tickets(tickets) => tickets.iter().any(|range| range.contains(&Key::from(id).ticket)),
            Self::All => true,
        }
    }
}
