//! How many shards a stream has, and the way from one number to another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::Difference;

/// Calls of UpdateShardCount for a stream in 24 hours (Kinesis API reference, UpdateShardCount).
const STEPS_A_DAY: usize = 10;

/// How a stream scales. A journal has its shards, or null for on demand, or nothing where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<u32>", into = "Option<u32>")]
pub enum Capacity {
    /// Not known: the stream was found by its tags.
    #[default]
    Unknown,
    /// AWS scales it.
    OnDemand,
    /// So many open shards.
    Provisioned(u32),
}

impl Capacity {
    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    pub(super) fn shards(self) -> Option<i32> {
        Option::<u32>::from(self).map(|shards| shards as i32)
    }
}

impl From<Option<u32>> for Capacity {
    fn from(shards: Option<u32>) -> Self {
        shards.map_or(Self::OnDemand, Self::Provisioned)
    }
}

impl From<Capacity> for Option<u32> {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Provisioned(shards) => Some(shards),
            Capacity::OnDemand | Capacity::Unknown => None,
        }
    }
}

/// For example `20 shards`.
impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provisioned(1) => f.write_str("1 shard"),
            Self::Provisioned(shards) => write!(f, "{shards} shards"),
            Self::OnDemand => f.write_str("on demand"),
            Self::Unknown => f.write_str("an unknown shards"),
        }
    }
}

/// What it takes to get from one shards to another; more steps than a day allows are too many, whatever calls
/// were made before.
pub(super) fn reach(from: i32, to: i32) -> Option<Difference> {
    const WHAT: &str = "shards";
    let steps = std::iter::successors(step(from, to), |now| step(*now, to)).count();
    match steps {
        0 => None,
        _ if steps <= STEPS_A_DAY => Some(Difference::in_place(WHAT, from, to)),
        _ => {
            let wanted =
                format!("{to}, which takes {steps} calls of UpdateShardCount where {STEPS_A_DAY} a day are allowed");
            Some(Difference::replace(WHAT, from, wanted))
        }
    }
}

/// The next shards on the way: at most twice and at least half as many as now (Kinesis API reference,
/// UpdateShardCount). None where there is no way to go.
pub(super) fn step(now: i32, to: i32) -> Option<i32> {
    let half = now - now / 2;
    (now > 0 && now != to).then(|| to.clamp(half, now.saturating_mul(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(from: i32, to: i32) -> Vec<i32> {
        std::iter::successors(step(from, to), |now| step(*now, to)).collect()
    }

    #[test]
    fn no_step_is_more_than_double_or_less_than_half() {
        assert!(steps(4, 4).is_empty());
        assert_eq!(steps(2, 3), [3]);
        assert_eq!(steps(3, 20), [6, 12, 20]);
        assert_eq!(steps(20, 3), [10, 5, 3]);
        assert_eq!(steps(7, 1), [4, 2, 1]);
        assert_eq!(steps(1, 500).len(), 9);
    }

    #[test]
    fn more_steps_than_a_day_allows_need_another_stream() {
        assert_eq!(reach(5, 5), None);
        assert_eq!(reach(1, 1024), Some(Difference::in_place("shards", 1, 1024)));
        let wanted = "1025, which takes 11 calls of UpdateShardCount where 10 a day are allowed";
        assert_eq!(reach(1, 1025), Some(Difference::replace("shards", 1, wanted)));
        assert_eq!(reach(1025, 1).map(|far| far.change), Some(crate::engine::Change::Replace));
    }
}
