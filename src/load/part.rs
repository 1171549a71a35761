//! Which documents of a run a worker sends, where several processes or machines share it.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize};

/// A worker's part of a run: documents next to each other, as many as every other worker's or one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    /// Which worker, from 1.
    pub worker: u32,
    /// Of how many.
    pub of: u32,
}

/// Text that names no part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid worker `{0}`: use its number from 1 and the number of workers, for example 2/3")]
pub struct NotAPart(String);

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { worker: 1, of: 1 };

    /// Whether it is all of the run.
    pub fn is_whole(&self) -> bool {
        *self == Self::WHOLE
    }

    /// Its documents among those of the whole run, numbered from 0.
    pub fn documents(self, whole: u64) -> Range<u64> {
        let until = |workers: u32| {
            let share = u128::from(whole) * u128::from(workers) / u128::from(self.of);
            u64::try_from(share).expect("a share is no more than the whole")
        };
        until(self.worker - 1)..until(self.worker)
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.worker, self.of)
    }
}

impl FromStr for Part {
    type Err = NotAPart;

    fn from_str(text: &str) -> Result<Self, NotAPart> {
        let parsed = text.split_once('/').and_then(|(worker, of)| Some((worker.parse().ok()?, of.parse().ok()?)));
        match parsed {
            Some((worker, of)) if (1..=of).contains(&worker) => Ok(Self { worker, of }),
            _ => Err(NotAPart(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_miss_nothing() {
        for whole in [0, 1, 2, 7, 60_000, u64::MAX] {
            for of in [1, 2, 3, 7] {
                let parts: Vec<_> = (1..=of).map(|worker| Part { worker, of }.documents(whole)).collect();
                assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, whole));
                assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start), "{parts:?}");
                let lengths = parts.iter().map(|part| part.end - part.start);
                assert!(lengths.clone().max() <= lengths.min().map(|least| least.saturating_add(1)), "{parts:?}");
            }
        }
        assert_eq!(Part::WHOLE.documents(5), 0..5);
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        assert_eq!("2/3".parse(), Ok(Part { worker: 2, of: 3 }));
        assert_eq!(Part { worker: 2, of: 3 }.to_string(), "2/3");
        for wrong in ["", "2", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b"] {
            let said = wrong.parse::<Part>().expect_err("no part").to_string();
            assert!(said.starts_with(&format!("invalid worker `{wrong}`: use ")), "{said}");
        }
    }
}
