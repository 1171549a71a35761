//! A kind of documents, as a stack file and a run's log have it.

use demo_formats::schema::FieldPath;
use serde::{Deserialize, Serialize};

/// A kind of documents in a mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// What its documents say as their `kind`.
    pub name: String,
    /// The template of its documents.
    pub template: String,
    /// The fields that tell one of its documents from another; the first of them is its id.
    pub key: Vec<FieldPath>,
    /// How many of the documents it has.
    pub part: Part,
}

/// How many documents a kind has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A share of all, in thousandths; those of kinds that follow it are among them.
    Share {
        /// Of a thousand documents, so many.
        thousandths: u64,
        /// The documents of each entity, one after the other. Without any, an entity has one document.
        statuses: Vec<Status>,
    },
    /// One document for each entity of another kind.
    Follows {
        /// That kind, which has a share.
        kind: String,
        /// The status that it comes right after, if that kind has any.
        status: Option<String>,
    },
}

/// A status of an entity, in which it has one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What `status` gives.
    pub name: String,
    /// How long after the entity's first document, in milliseconds of the schedule.
    pub after_ms: u64,
}

impl Kind {
    /// Its statuses in their order.
    pub fn statuses(&self) -> &[Status] {
        match &self.part {
            Part::Share { statuses, .. } => statuses,
            Part::Follows { .. } => &[],
        }
    }
}
