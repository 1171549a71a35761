//! What became of the documents that were imperfect on purpose.

use serde::{Deserialize, Serialize};

use super::due::Ended;
use crate::spec::Flaw;

/// What became of the documents with one flaw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// What is wrong with them.
    pub flaw: Flaw,
    /// How many of them were acknowledged; of those too long on purpose, how many the producer refused.
    pub documents: u64,
    /// How many were found in each destination, and where; none of those that the producer refused.
    pub ends: Vec<LedgerEnd>,
    /// Of documents that were sent once more, how many others are there more than once, in the destination that has most.
    pub others: Option<u64>,
}

/// What was found in one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEnd {
    /// The destination, such as `S3`.
    pub destination: String,
    /// Where they are, such as `error prefix`; null for the destination itself.
    pub place: Option<String>,
    /// How many; null where it cannot be told which documents are missing.
    pub found: Option<u64>,
    /// Whether they are not among those that `landed_…` counts: no key tells them, or the service has given them up.
    pub apart: bool,
}

impl LedgerEnd {
    /// Of what the search of a destination found.
    pub fn of(ended: &Ended) -> Self {
        let Ended { is_apart, destination, place, found, .. } = *ended;
        Self { destination: destination.to_owned(), place: place.map(str::to_owned), found, apart: is_apart }
    }
}
