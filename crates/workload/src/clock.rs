//! Event times.

use std::fmt::Debug;

use chrono::Utc;

/// When documents happened, as they say themselves.
pub trait Clock: Debug + Send + Sync {
    /// The event time of document `number` of a stack, in milliseconds since 1970: the same whenever it is asked for.
    fn at(&self, number: u64) -> i64;
}

/// The clock of documents that are made to be looked at: from the present on, a millisecond each.
#[derive(Debug)]
pub struct FromNow {
    started: i64,
}

impl FromNow {
    /// From the present on.
    pub fn new() -> Self {
        Self { started: Utc::now().timestamp_millis() }
    }
}

impl Default for FromNow {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FromNow {
    fn at(&self, number: u64) -> i64 {
        self.started.saturating_add_unsigned(number)
    }
}
