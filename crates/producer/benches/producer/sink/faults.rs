//! What the sink does wrong on purpose.

use std::{collections::HashMap, time::Duration};

/// Faults of a run; none by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Positions refused, of a hundred.
    pub fail_percent: u64,
    /// With which error.
    pub error: String,
    /// Before each answer.
    pub delay: Duration,
    /// Every so many requests, one is taken and its connection closed without an answer.
    pub reset_every: Option<u64>,
    /// After so many requests, no answer is given for `stall`.
    pub stall_after: Option<u64>,
    pub stall: Duration,
    positions: u64,
}

impl Faults {
    pub fn from_query(query: &HashMap<String, String>) -> Self {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
        Self {
            fail_percent: number("fail").unwrap_or(0),
            error: query.get("error").cloned().unwrap_or_else(|| "ProvisionedThroughputExceededException".to_owned()),
            delay: Duration::from_millis(number("delay_ms").unwrap_or(0)),
            reset_every: number("reset_every"),
            stall_after: number("stall_after"),
            stall: Duration::from_secs(number("stall_s").unwrap_or(0)),
            positions: 0,
        }
    }

    /// Whether the next position is refused: scattered, and the same in every run.
    pub fn refuses(&mut self) -> bool {
        self.positions += 1;
        self.fail_percent > 0 && scattered(self.positions) % 100 < self.fail_percent
    }
}

/// SplitMix64.
fn scattered(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
