//! What is sent: the documents, how many, how fast.

use std::{path::PathBuf, time::Duration};

use demo_formats::schema::FieldPath;
use demo_workload::{mix::Kind, template};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    action::Event, imperfect::Imperfect, partition_key::PartitionKey, schedule::Schedule, sending::Sending,
    workers::Workers,
};

/// The mean length of a `store_sales` document, in bytes.
pub const MEAN_DOCUMENT_BYTES: u64 = 8_170;

/// What is sent, and when.
#[derive(Clone, Debug)]
pub struct Load {
    /// What documents.
    pub workload: Workload,
    /// How many are offered when.
    pub schedule: Schedule,
    /// It ends early when documents wait for so long and none is acknowledged, at least 1 s.
    pub give_up: Duration,
    /// How documents are spread over shards.
    pub partition_key: PartitionKey,
    /// Which documents are wrong on purpose, if any are.
    pub imperfect: Option<Imperfect>,
    /// What is done while it goes on, in the order of their times. A rate is part of the schedule already.
    pub events: Vec<Event>,
    /// How they travel.
    pub sending: Sending,
    /// Who shares it; none where this process sends it all.
    pub workers: Option<Workers>,
}

/// The documents to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// Nested TPC-DS `store_sales`.
    StoreSales {
        /// TPC-DS scale factor, at least 1; 240,000 tickets at 1.
        scale: u32,
        /// Of the generator.
        seed: u64,
    },
    /// The lines of a file, over and over.
    JsonLines {
        /// JSON lines.
        file: PathBuf,
        /// The fields that tell one document from another; by the whole line when `None`.
        key: Option<Vec<FieldPath>>,
        /// What becomes of lines that are no JSON object.
        broken: Broken,
    },
    /// Documents rendered from a template.
    Template {
        /// The template itself.
        text: String,
        /// Of the values.
        seed: u64,
        /// The fields that tell one document from another; by the whole line when `None`.
        key: Option<Vec<FieldPath>>,
    },
    /// Documents of several kinds that refer to each other.
    Mix {
        /// The kinds.
        kinds: Vec<Kind>,
        /// Of the values.
        seed: u64,
    },
}

/// What becomes of lines of a user's file that are no JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Broken {
    /// They are reported, and nothing is made or sent.
    #[default]
    Refuse,
    /// They are counted, reported with their line numbers, and left out; with them lines with a key twice in one object.
    Skip,
}

impl Workload {
    /// Whether its documents have event times.
    pub(crate) fn has_event_times(&self) -> bool {
        match self {
            Self::Template { text, .. } => uses_times(text),
            Self::Mix { kinds, .. } => kinds.iter().any(|kind| uses_times(&kind.template)),
            Self::StoreSales { .. } | Self::JsonLines { .. } => false,
        }
    }

    /// The mean length of its documents, where it is known before they are made.
    pub(crate) fn mean_bytes(&self) -> Option<f64> {
        match self {
            Self::StoreSales { .. } => Some(MEAN_DOCUMENT_BYTES as f64),
            Self::JsonLines { .. } | Self::Template { .. } | Self::Mix { .. } => None,
        }
    }
}

fn uses_times(template: &str) -> bool {
    !template::uses(template, &template::TIMES).is_empty()
}
