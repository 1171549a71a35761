//! Faults on purpose: what a pipeline has to survive, and a demonstration wants to show.
//!
//! Whoever has the stand-in's key asks for them by a call of the stand-in's own (`StandIn.InjectFault`, signed for the
//! service `stand-in`); each ends by itself.

mod active;
mod service;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

pub(crate) use self::{active::Faults, service::FaultService};

/// The service that these calls are signed for.
pub(crate) const SERVICE: &str = "stand-in";
/// What stands before the dot in their `X-Amz-Target`.
pub(crate) const TARGET: &str = "StandIn";

/// The services of the stand-in, as requests are signed for them.
pub const SERVICES: [&str; 17] = [
    "athena",
    "dynamodb",
    "ec2",
    "ecs",
    "firehose",
    "glue",
    "iam",
    "kinesis",
    "lambda",
    "logs",
    "redshift-data",
    "redshift-serverless",
    "s3",
    "scheduler",
    "secretsmanager",
    "servicequotas",
    "sts",
];

/// A day: longer ones would be forgotten.
const LONGEST: Duration = Duration::from_secs(86_400);
/// What clients wait for before they give up.
const SLOWEST: Duration = Duration::from_secs(60);

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What.
    pub effect: Effect,
    /// For so many seconds: more than 0, at most a day.
    pub seconds: f64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Shards of a stream refuse records with `ProvisionedThroughputExceededException`.
    Throttle {
        /// The stream's name.
        stream: String,
        /// How many of its shards: those that get records first.
        shards: u32,
        /// Of their records: more than 0, at most 1.
        share: f64,
    },
    /// Calls to a service are answered with status 500, and nothing is done.
    Errors {
        /// As requests are signed for it, for example `kinesis`.
        service: String,
        /// Of the calls: more than 0, at most 1.
        share: f64,
    },
    /// Calls to a service are answered later.
    Slow {
        /// As requests are signed for it, for example `kinesis`.
        service: String,
        /// By so many milliseconds: at most a minute.
        millis: u64,
    },
    /// Each iterator of a stream's shards that a reader has is expired.
    Expire {
        /// The stream's name.
        stream: String,
    },
    /// The process of each invocation of a function is killed while it works.
    Kill {
        /// The function's name.
        function: String,
    },
    /// A delivery stream of Firehose reads nothing from its stream.
    Stall {
        /// The delivery stream's name.
        delivery: String,
    },
    /// There is no capacity for new tasks of a cluster: RunTask answers with failures.
    Exhaust {
        /// The cluster's name.
        cluster: String,
    },
}

impl Fault {
    /// For how long.
    pub(crate) fn lasts(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or(Duration::MAX)
    }

    /// What is wrong with its numbers, if anything is.
    pub(crate) fn mistake(&self) -> Option<&'static str> {
        let is_share = |share: f64| share > 0.0 && share <= 1.0;
        let lasts = self.seconds > 0.0 && self.lasts() <= LONGEST;
        match self.effect {
            _ if !lasts => Some("a fault lasts more than 0 seconds and at most a day"),
            Effect::Throttle { share, .. } | Effect::Errors { share, .. } if !is_share(share) => {
                Some("a share is more than 0 and at most 1")
            }
            Effect::Throttle { shards: 0, .. } => Some("at least 1 shard is throttled"),
            Effect::Slow { millis, .. } if Duration::from_millis(millis) > SLOWEST => {
                Some("an answer is at most a minute late")
            }
            _ => None,
        }
    }
}

/// Such as `2 shards of orders throttle 50 % of their records`.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttle { stream, shards: 1, share } => {
                write!(f, "1 shard of {stream} throttles {:.0} % of its records", share * 100.0)
            }
            Self::Throttle { stream, shards, share } => {
                write!(f, "{shards} shards of {stream} throttle {:.0} % of their records", share * 100.0)
            }
            Self::Errors { service, share } => write!(f, "{:.0} % of the calls to {service} fail", share * 100.0),
            Self::Slow { service, millis } => write!(f, "{service} answers {millis} ms later"),
            Self::Expire { stream } => write!(f, "every iterator of {stream} is expired"),
            Self::Kill { function } => write!(f, "{function} is killed whenever it works"),
            Self::Stall { delivery } => write!(f, "{delivery} delivers nothing"),
            Self::Exhaust { cluster } => write!(f, "there is no capacity for tasks of {cluster}"),
        }
    }
}
