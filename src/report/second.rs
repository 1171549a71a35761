//! A run second by second, and what happened in it: the rows of its record, which a page can show as they come.

use serde::{Deserialize, Serialize};

use crate::load::{Done, LoadSecond};

/// One row a second of a run's record, from the beginning of the load until everything was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Its end, in seconds since the load began.
    pub at: f64,
    /// What the load did in it; null once the load is over.
    pub load: Option<LoadSecond>,
    /// What is known of each destination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<DestinationSecond>,
    /// An estimate of what the run costs by now, in US dollars; null in records of earlier versions.
    #[serde(default)]
    pub cost: Option<f64>,
    /// What this process used in it; null where the system does not tell.
    pub demo: Option<Usage>,
    /// What the stand-in used in it; null without one.
    pub stand_in: Option<Usage>,
}

/// What is known of one destination.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DestinationSecond {
    /// Which, such as `S3`.
    pub name: String,
    /// Documents found by now, of this run; null where nobody has looked.
    pub landed: Option<u64>,
    /// Documents that are acknowledged and not found yet.
    pub behind: Option<u64>,
    /// Objects that have landed since the load began, while it goes on and objects are what lands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<ObjectsSecond>,
    /// Tracked documents that could be read by now, where single ones are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked: Option<u64>,
    /// From the intended send time until the latest tracked document could be read.
    pub freshness_ms: Option<f64>,
}

/// Objects that have landed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectsSecond {
    /// How many.
    pub count: u64,
    /// Their bytes, as they are stored.
    pub bytes: u64,
    /// How many of them nobody has read yet: `landed` has none of their documents.
    pub unread: u64,
}

impl DestinationSecond {
    /// Says what is behind so many acknowledged documents, where it is known what has landed.
    pub fn hold_against(&mut self, acknowledged: u64) {
        self.behind = self.landed.map(|landed| acknowledged.saturating_sub(landed));
    }
}

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processors, on average since the row before: 1.5 is one and a half.
    pub cpu: f64,
    /// Bytes of resident memory.
    pub memory: u64,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds since the load began.
    pub at: f64,
    /// Of what kind it is.
    pub kind: MomentKind,
    /// In a person's words.
    pub text: String,
    /// What was done to the load, if that is it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// Kinds of what happens in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// A phase of the run begins or ends.
    Phase,
    /// Something is done to the load or its stream, by hand or as an event of the stack.
    Action,
    /// Something that did not stop the run.
    Warning,
}
