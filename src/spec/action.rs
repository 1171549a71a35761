//! What is done to a load while it goes on.

use std::{fmt, time::Duration};

use aws_stand_in::faults::SERVICES;
use kinesis_producer::limits::PARTITION_KEY_CHARS;
use serde::{Deserialize, Serialize};

use super::{partition_key::HotShare, quantity::MOST_PER_SECOND};

/// Seconds of a day.
const LONGEST_FAULT: f64 = 86_400.0;
const SLOWEST_MS: u64 = 60_000;

/// What can be done to a load while it goes on. The number of its documents stays: a faster load ends sooner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// No document is offered until it is resumed; those that were due by then still are.
    Pause,
    /// It goes on where it was paused.
    Resume,
    /// Documents a second from now on, over all workers, in place of the schedule: more than 0.
    Rate(f64),
    /// A share of the documents has one partition key for a while.
    HotKey {
        /// Which, and how much of the load.
        #[serde(flatten)]
        hot: HotShare,
        /// For how long.
        seconds: f64,
    },
    /// The stream gets so many shards, at least 1. The load takes note of it; whoever asks does it.
    Reshard(u32),
    /// AWS scales the stream from now on. The load takes note of it; whoever asks does it.
    OnDemand,
    /// Something goes wrong in the stand-in for a while. The load takes note of it; whoever asks does it.
    Fault {
        /// What.
        trouble: Trouble,
        /// For how long.
        seconds: f64,
    },
    /// No more documents are offered; those in flight are waited for, and the load is over.
    Stop,
}

/// An action, and when it is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// After the load began.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What can go wrong in the stand-in on purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Shards of the stream refuse records.
    Throttle {
        /// How many of its shards, at least 1.
        shards: u32,
        /// Of their records: more than 0, at most 1.
        share: f64,
    },
    /// Calls to a service fail.
    Errors {
        /// One of [`SERVICES`].
        service: String,
        /// Of the calls: more than 0, at most 1.
        share: f64,
    },
    /// Calls to a service are answered later.
    Slow {
        /// One of [`SERVICES`].
        service: String,
        /// By how much, at most a minute.
        millis: u64,
    },
    /// Each iterator of the stream's shards that a reader has is expired.
    Expire,
    /// The stack's function is killed whenever it works.
    Kill,
    /// Firehose delivers nothing of the stack.
    Stall,
}

impl Action {
    /// Whether it can be done at all.
    ///
    /// # Errors
    /// What it would have to be.
    pub fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Rate(rate) if !(*rate > 0.0 && *rate <= MOST_PER_SECOND) => Err("a rate is more than 0/s"),
            Self::Reshard(0) => Err("a stream has at least 1 shard"),
            Self::HotKey { hot, .. } if !(hot.share > 0.0 && hot.share <= 1.0) => {
                Err("a share is more than 0% and at most 100%")
            }
            Self::HotKey { hot, .. } if !PARTITION_KEY_CHARS.contains(&hot.key.chars().count()) => {
                Err("a partition key has 1 to 256 characters")
            }
            Self::HotKey { seconds, .. } if !(*seconds > 0.0 && seconds.is_finite()) => {
                Err("a key is hot for more than no time")
            }
            Self::Fault { seconds, .. } if !(*seconds > 0.0 && *seconds <= LONGEST_FAULT) => {
                Err("a fault lasts more than no time and at most a day")
            }
            Self::Fault { trouble, .. } => trouble.check(),
            _ => Ok(()),
        }
    }

    /// Whether it changes when documents are offered, or how many.
    pub fn changes_the_schedule(&self) -> bool {
        matches!(self, Self::Pause | Self::Resume | Self::Rate(_) | Self::Stop)
    }

    /// Whether it is done to what all workers share, so that one worker does it for all.
    pub fn is_shared(&self) -> bool {
        self.changes_the_stream() || matches!(self, Self::Fault { .. })
    }

    /// Whether the stream is on its way for a while.
    pub fn changes_the_stream(&self) -> bool {
        matches!(self, Self::Reshard(_) | Self::OnDemand)
    }

    /// How long a hot key stays.
    pub(crate) fn lasts(seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// Such as `rate 5000/s`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::Rate(rate) => write!(f, "rate {rate}/s"),
            Self::HotKey { hot: HotShare { key, share }, seconds } => {
                write!(f, "hot key {key}: {:.1} % of the documents for {seconds:.0} s", share * 100.0)
            }
            Self::Reshard(1) => f.write_str("reshard to 1 shard"),
            Self::Reshard(shards) => write!(f, "reshard to {shards} shards"),
            Self::OnDemand => f.write_str("on demand"),
            Self::Fault { trouble, seconds } => write!(f, "fault: {trouble} for {seconds:.0} s"),
            Self::Stop => f.write_str("stop"),
        }
    }
}

impl Trouble {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Throttle { shards: 0, .. } => Err("at least 1 shard is throttled"),
            Self::Throttle { share, .. } | Self::Errors { share, .. } if !(*share > 0.0 && *share <= 1.0) => {
                Err("a share is more than 0% and at most 100%")
            }
            Self::Errors { service, .. } | Self::Slow { service, .. } if !SERVICES.contains(&service.as_str()) => {
                Err("there is no such service in the stand-in")
            }
            Self::Slow { millis, .. } if *millis > SLOWEST_MS => Err("an answer is at most a minute late"),
            _ => Ok(()),
        }
    }
}

/// Such as `2 shards throttle 50 % of their records`.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttle { shards: 1, share } => write!(f, "1 shard throttles {:.0} % of its records", share * 100.0),
            Self::Throttle { shards, share } => {
                write!(f, "{shards} shards throttle {:.0} % of their records", share * 100.0)
            }
            Self::Errors { service, share } => write!(f, "{:.0} % of the calls to {service} fail", share * 100.0),
            Self::Slow { service, millis } => write!(f, "{service} answers {millis} ms later"),
            Self::Expire => f.write_str("every iterator of the stream is expired"),
            Self::Kill => f.write_str("the function is killed whenever it works"),
            Self::Stall => f.write_str("Firehose delivers nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let hot = HotShare { key: "celebrity".into(), share: 0.3 };
        let trouble = Trouble::Errors { service: "kinesis".into(), share: 0.2 };
        let all = [
            Action::Pause,
            Action::Rate(2.5),
            Action::HotKey { hot, seconds: 20.0 },
            Action::Reshard(4),
            Action::OnDemand,
            Action::Fault { trouble, seconds: 2.0 },
            Action::Fault { trouble: Trouble::Stall, seconds: 2.0 },
            Action::Fault { trouble: Trouble::Expire, seconds: 2.0 },
            Action::Fault { trouble: Trouble::Kill, seconds: 2.0 },
        ];
        for action in all {
            let text = serde_json::to_string(&action).expect("JSON");
            assert_eq!(serde_json::from_str::<Action>(&text).expect("an action"), action, "{text}");
        }
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e10] {
            assert!(Action::Rate(wrong).check().is_err(), "{wrong}");
        }
        let hot = |key: &str, share, seconds| Action::HotKey { hot: HotShare { key: key.into(), share }, seconds };
        assert!(hot("k", 1.0, 0.1).check().is_ok());
        let wrong = [hot("", 0.5, 1.0), hot("k", 0.0, 1.0), hot("k", 1.1, 1.0), hot("k", 0.5, 0.0), Action::Reshard(0)];
        assert!(wrong.iter().all(|action| action.check().is_err()));
        assert_eq!(Action::Rate(5_000.0).to_string(), "rate 5000/s");
    }
}
