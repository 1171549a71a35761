//! Documents that are wrong on purpose: what can be wrong with them, how many there are, and where they end.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// What is wrong with a document on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It is the document before it, sent once more.
    Duplicates,
    /// Its event time is well before the time at which it is sent.
    Late,
    /// Its event time is a little before those of documents that were sent earlier.
    OutOfOrder,
    /// It is no JSON: cut short, a bare word, or with a byte that is no UTF-8.
    Malformed,
    /// It has a text where its schema has a number.
    WrongType,
    /// It lacks a field.
    Missing,
    /// It has a field that its schema does not have.
    Unknown,
    /// It is longer than the stream takes, so the producer refuses it.
    Oversize,
    /// It is an object without fields.
    Empty,
}

/// Every flaw, in the order in which they are told.
pub const FLAWS: [Flaw; 9] = [
    Flaw::Duplicates,
    Flaw::Late,
    Flaw::OutOfOrder,
    Flaw::Malformed,
    Flaw::WrongType,
    Flaw::Missing,
    Flaw::Unknown,
    Flaw::Oversize,
    Flaw::Empty,
];

impl Flaw {
    /// Its key in a stack file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Duplicates => "duplicates",
            Self::Late => "late",
            Self::OutOfOrder => "out_of_order",
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Oversize => "oversize",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The imperfect documents of a load.
#[derive(Clone, Debug, PartialEq)]
pub struct Imperfect {
    /// Of the choice which documents they are.
    pub seed: u64,
    /// How many there are of each; at most half of all documents together.
    pub amounts: Vec<(Flaw, Amount)>,
    /// How late those are whose event time is well before: exponentially distributed with this mean.
    pub late_by: Duration,
    /// How far back those are that are out of order: evenly distributed up to this.
    pub out_of_order_by: Duration,
    /// The field that has a text in place of a number; the first number that nothing else needs when `None`.
    pub wrong_type: Option<String>,
    /// The field that is left out; the first one that nothing else needs when `None`.
    pub missing: Option<String>,
}

impl Imperfect {
    /// How many of so many documents the producer is to refuse.
    pub(crate) fn refused(&self, documents: f64) -> f64 {
        let oversize = self.amounts.iter().find(|(flaw, _)| *flaw == Flaw::Oversize);
        oversize.map_or(0.0, |(_, amount)| match amount {
            Amount::Share(share) => share * documents,
            Amount::Count(count) => *count as f64,
        })
    }
}

/// How many documents have a flaw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// This part of all: more than 0.
    Share(f64),
    /// So many of them.
    Count(u64),
}

/// Where a destination has the documents with a flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// They land as any other document.
    Kept,
    /// Their lines land as they were sent, and no key tells them from others; a row of NULLs, where SQL reads them.
    Line,
    /// Rows without a value, where nothing but their number is left.
    Nulls,
    /// The service gives them up: they are here, such as `error prefix`.
    Rejected(&'static str),
}
