//! What a journal is made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    graph::{Node, ResourceKey},
    id::StackId,
};

/// One line of a journal. It holds no secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// The stack exists from here on.
    Opened(Opened),
    /// An `up` has looked at everything, and begins.
    Began {
        /// All that it wants to be there.
        wanted: Vec<ResourceKey>,
    },
    /// The next call makes this resource.
    Intended {
        /// All that deleting it will need.
        node: Node,
    },
    /// The service says that it exists, or will.
    Accepted {
        /// Which.
        key: ResourceKey,
        /// Such as an ARN.
        identity: String,
    },
    /// It is usable.
    Ready {
        /// Which.
        key: ResourceKey,
    },
    /// The next calls change it in place to what is wanted now.
    Changing {
        /// As it is wanted now.
        node: Node,
    },
    /// It was there, and was not there any more when `up` looked: someone else has deleted it.
    Lost {
        /// Which.
        key: ResourceKey,
    },
    /// The next call deletes it.
    Deleting {
        /// Which.
        key: ResourceKey,
    },
    /// It is known not to be there.
    Gone {
        /// Which.
        key: ResourceKey,
    },
    /// A run has these tickets for itself, 1-based and inclusive.
    Reserved {
        /// The run's id.
        run: String,
        /// First ticket.
        first: u64,
        /// Last ticket.
        last: u64,
        /// How many workers share it; none where it is one process's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workers: Option<u32>,
    },
    /// A run has ended.
    Finished {
        /// The run's id.
        run: String,
        /// What it ended with.
        summary: Value,
    },
    /// For people.
    Note {
        /// What happened.
        text: String,
    },
    /// Nothing is left of the stack.
    Closed,
}

impl Entry {
    pub(super) fn title(&self) -> String {
        match self {
            Self::Opened(opened) => format!("opened {}", opened.stack),
            Self::Began { wanted } => format!("began with {} resources", wanted.len()),
            Self::Intended { node } => format!("intended {}", node.key),
            Self::Accepted { key, .. } => format!("accepted {key}"),
            Self::Ready { key } => format!("ready {key}"),
            Self::Changing { node } => format!("changing {}", node.key),
            Self::Lost { key } => format!("lost {key}"),
            Self::Deleting { key } => format!("deleting {key}"),
            Self::Gone { key } => format!("gone {key}"),
            Self::Reserved { run, first, last, .. } => format!("reserved {first}..={last} for run {run}"),
            Self::Finished { run, .. } => format!("finished run {run}"),
            Self::Note { .. } => "note".to_owned(),
            Self::Closed => "closed".to_owned(),
        }
    }
}

/// What the first entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The stack's id.
    pub stack: String,
    /// Its name.
    pub name: String,
    /// Where it lives.
    pub target: Fingerprint,
    /// The stack file's value, for whoever asks what it was made from.
    pub spec: Value,
}

impl Opened {
    pub(super) fn id(&self) -> Result<StackId, String> {
        self.stack.parse().map_err(|not: super::id::NotAnId| not.to_string())
    }
}

/// Where a stack lives. A journal is refused where this differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The account's number.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
    /// Other than AWS's own: `local`, or a URL.
    pub endpoint: Option<String>,
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "account {} in {}", self.account, self.region)?;
        match self.endpoint.as_deref() {
            Some("local") => f.write_str(" at the stand-in"),
            Some(endpoint) => write!(f, " at {endpoint}, in place of AWS"),
            None => Ok(()),
        }
    }
}
