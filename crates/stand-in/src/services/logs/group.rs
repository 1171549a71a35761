//! What is known of a log group besides its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ACCOUNT, REGION};

/// Streams that a group remembers; the oldest are forgotten, as functions make a new one with every process.
const MOST_STREAMS: usize = 500;

/// Every group, by name.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// How many groups there have ever been.
    pub(super) made: u64,
    pub(super) groups: BTreeMap<String, Group>,
}

/// Times are milliseconds since the epoch.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Group {
    /// Tells it from others that had the same name.
    pub(super) id: u64,
    pub(super) created: u64,
    pub(super) retention_days: Option<u32>,
    pub(super) tags: BTreeMap<String, String>,
    /// When each stream was made.
    pub(super) streams: BTreeMap<String, u64>,
}

impl Group {
    pub(super) fn new(id: u64, created: u64, tags: BTreeMap<String, String>) -> Self {
        Self { id, created, retention_days: None, tags, streams: BTreeMap::new() }
    }

    pub(super) fn add_stream(&mut self, name: &str, now: u64) {
        self.streams.entry(name.to_owned()).or_insert(now);
        if self.streams.len() > MOST_STREAMS
            && let Some(oldest) = self.streams.iter().min_by_key(|(_, made)| **made).map(|(name, _)| name.clone())
        {
            self.streams.remove(&oldest);
        }
    }

    /// The oldest moment whose events are still shown.
    pub(super) fn horizon(&self, now: u64) -> u64 {
        self.retention_days.map_or(0, |days| now.saturating_sub(u64::from(days) * 86_400_000))
    }

    /// As DescribeLogGroups shows it.
    pub(super) fn describe(&self, name: &str, stored_bytes: u64) -> Value {
        let mut description = json!({
            "logGroupName": name,
            "creationTime": self.created,
            "metricFilterCount": 0,
            "arn": format!("{}:*", arn(name)),
            "logGroupArn": arn(name),
            "storedBytes": stored_bytes,
            "logGroupClass": "STANDARD",
        });
        if let Some(days) = self.retention_days {
            description["retentionInDays"] = json!(days);
        }
        description
    }
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}")
}

/// The name in a group's ARN, or the text itself where it is none.
pub(super) fn name_in(arn_or_name: &str) -> &str {
    let name = arn_or_name.split_once(":log-group:").map_or(arn_or_name, |(_, name)| name);
    name.strip_suffix(":*").unwrap_or(name)
}
