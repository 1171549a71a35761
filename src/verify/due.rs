//! What must be in one destination, and what was found of the imperfect documents there.

use std::{collections::HashSet, sync::Arc};

use demo_workload::Id;

use super::{
    expected::Expected,
    keys::{KeyBag, Tally},
};
use crate::spec::{End, Flaw};

/// What must be in one destination.
#[derive(Clone, Debug)]
pub struct Due {
    /// How its documents are told.
    pub expected: Arc<Expected>,
    /// The ids of those that land there, settled.
    pub documents: Arc<KeyBag>,
    /// The ids of the lines of those that lie apart, settled.
    pub apart: KeyBag,
    /// How many of the documents are of earlier runs.
    pub earlier: u64,
    /// How many keys only earlier runs have, where one document of a key is kept.
    pub earlier_keys: u64,
    pub(super) of_flaws: Vec<FlawDue>,
}

/// The documents with one flaw that the runs in question had acknowledged.
#[derive(Clone, Debug)]
pub(super) struct FlawDue {
    pub(super) flaw: Flaw,
    /// Where they are, such as `error prefix`; none for the destination itself.
    pub(super) place: Option<&'static str>,
    pub(super) is_apart: bool,
    /// Of the documents, or of the lines where they lie apart.
    pub(super) ids: Vec<Id>,
}

/// What was found of the documents with one flaw in one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What is wrong with them.
    pub flaw: Flaw,
    /// Whether no key tells them, or the service has given them up.
    pub is_apart: bool,
    /// The destination, such as `S3`.
    pub destination: &'static str,
    /// Where they are, such as `error prefix`; none for the destination itself.
    pub place: Option<&'static str>,
    /// How many; none where it cannot be told which documents are missing.
    pub found: Option<u64>,
}

impl Due {
    /// Documents that are all perfect.
    pub fn perfect(expected: Arc<Expected>, mut documents: KeyBag) -> Self {
        documents.settle();
        Self {
            expected,
            documents: Arc::new(documents),
            apart: KeyBag::default(),
            earlier: 0,
            earlier_keys: 0,
            of_flaws: Vec::new(),
        }
    }

    /// What the tally of a destination, and the lines that lie apart, say of its imperfect documents.
    pub fn ended(&self, destination: &'static str, tally: &Tally, apart: &KeyBag) -> Vec<Ended> {
        let missing: HashSet<Id> = tally.missing.iter().copied().collect();
        let found = |due: &FlawDue| {
            if due.is_apart {
                return Some(apart.copies_of(&due.ids));
            }
            let lost = due.ids.iter().filter(|id| missing.contains(id)).count();
            tally.names_all_missing().then(|| (due.ids.len() - lost) as u64)
        };
        let ended = |due: &FlawDue| {
            let FlawDue { flaw, place, is_apart, .. } = *due;
            Ended { flaw, is_apart, destination, place, found: found(due) }
        };
        self.of_flaws.iter().map(ended).collect()
    }
}

impl FlawDue {
    /// With no document yet.
    pub(super) fn new(flaw: Flaw, end: End, is_apart: bool) -> Self {
        let place = match end {
            End::Kept | End::Line => None,
            End::Nulls => Some("rows of NULLs"),
            End::Rejected(place) => Some(place),
        };
        Self { flaw, place, is_apart, ids: Vec::new() }
    }
}
