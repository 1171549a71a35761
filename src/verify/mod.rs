//! Offered = acknowledged = landed = queried: what must be there, against what is.

pub mod keys;
pub mod objects;
pub mod sql;
pub mod stream;

pub use keys::{KeyBag, Tally};

use std::time::Duration;

/// Looks at a destination again and again until it holds what is expected, or has stood still for too long.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two looks.
    pub every: Duration,
    /// Without a single new document for this long, what is missing is called lost.
    pub standstill: Duration,
}

impl Patience {
    /// For a delivery that buffers for `interval`: three of them and a minute, since the service may be late.
    pub fn for_buffer(interval: Duration) -> Self {
        let every = (interval / 10).clamp(Duration::from_millis(200), Duration::from_secs(5));
        Self { every, standstill: interval * 3 + Duration::from_secs(60) }
    }
}

/// How far a destination has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Documents found so far, doubled ones included.
    pub documents: u64,
    /// Documents that must be there.
    pub expected: u64,
}
