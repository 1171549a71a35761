//! Which of a destination's documents the search expects, and how it identifies them.

use std::{collections::HashSet, ops::RangeInclusive};

use demo_workload::{Id, Identity, IdentityError, Key};

/// The documents that a search expects.
#[derive(Clone, Debug)]
pub struct Expected {
    /// How to identify a document.
    pub identity: Identity,
    /// Which documents.
    pub scope: Scope,
    /// The ids of the lines of those that lie apart from the others.
    apart: HashSet<Id>,
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
    /// Documents that are all told by what identifies them.
    pub fn new(identity: Identity, scope: Scope) -> Self {
        Self { identity, scope, apart: HashSet::new() }
    }

    /// With others, told by their whole lines alone: no key tells them, or a service has given them up.
    pub fn with_apart(mut self, lines: HashSet<Id>) -> Self {
        self.apart = lines;
        self
    }

    /// Whether some lie apart.
    pub fn has_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    /// The id of the line of a document that lies apart; `None` of any other.
    pub fn apart(&self, document: &[u8]) -> Option<Id> {
        if self.apart.is_empty() {
            return None;
        }
        let id = line_id(document);
        self.lies_apart(id).then_some(id)
    }

    /// Whether a document lies apart whose line has this id.
    pub fn lies_apart(&self, line: Id) -> bool {
        self.apart.contains(&line)
    }

    /// The id of a document; `None` if it is not expected.
    ///
    /// # Errors
    /// The document has no id, so the run did not send it.
    pub fn id_of(&self, document: &[u8]) -> Result<Option<Id>, IdentityError> {
        let id = self.identity.of_document(document)?;
        Ok(self.scope.contains(id).then_some(id))
    }
}

/// The id of a whole line, with or without its newline.
pub fn line_id(document: &[u8]) -> Id {
    Identity::Line.of_document(document).expect("a line has an id whatever it says")
}

impl Scope {
    /// Those of `store_sales` in these ranges of tickets, which become as few as they can: queries name each.
    pub fn of_tickets(mut ranges: Vec<RangeInclusive<u64>>) -> Self {
        ranges.sort_by_key(|range| *range.start());
        let mut merged: Vec<RangeInclusive<u64>> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=*last.end().max(range.end());
                }
                _ => merged.push(range),
            }
        }
        Self::Tickets(merged)
    }

    /// Whether the document with this id is expected.
    pub fn contains(&self, id: Id) -> bool {
        match self {
            Self::Tickets(tickets) => tickets.iter().any(|range| range.contains(&Key::from(id).ticket)),
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_one_after_the_other_are_one_range() {
        let runs = (0..1_000).rev().map(|run| run * 10 + 1..=run * 10 + 10).collect();
        assert_eq!(Scope::of_tickets(runs), Scope::Tickets(vec![1..=10_000]));
        assert_eq!(Scope::of_tickets(vec![5..=9, 1..=3]), Scope::Tickets(vec![1..=3, 5..=9]));
        assert_eq!(Scope::of_tickets(vec![1..=9, 3..=4]), Scope::Tickets(vec![1..=9]));
        assert_eq!(Scope::of_tickets(Vec::new()), Scope::Tickets(Vec::new()));
    }
}
