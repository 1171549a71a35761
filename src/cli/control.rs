//! `demo control STACK ACTION`.

use aws_stand_in::faults::SERVICES;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{context, errors, exit::Exit};
use crate::{
    load::{Done, Part},
    operations::{control::control, known},
    spec::{self, Action, Trouble},
};

/// Arguments of `demo control`.
#[derive(Args, Debug)]
pub struct Control {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// Print one JSON object: `stack`, and `done`, a list of `worker`, `at` (seconds since its load began) and `action`.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Asked,
}

/// What to do to the run. The number of its documents stays: a faster load ends sooner.
#[derive(Clone, Debug, Subcommand)]
enum Asked {
    /// Offer no more documents until `resume`.
    Pause,
    /// Go on after `pause`.
    Resume,
    /// Offer so many documents a second, over all workers, in place of the schedule.
    Rate {
        /// For example 5000/s.
        #[arg(value_parser = rate)]
        rate: f64,
    },
    /// Give the stream so many shards, at once; each step at most doubles or halves them.
    Reshard {
        /// At least 1.
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        shards: u32,
    },
    /// Let AWS scale the stream.
    OnDemand,
    /// Give a share of the documents one partition key for a while.
    HotKey {
        /// The partition key.
        key: String,
        /// For example 30%.
        #[arg(value_parser = share)]
        share: f64,
        /// For example 20s.
        #[arg(value_parser = seconds)]
        lasts: f64,
    },
    /// In the stand-in: have some shards of the stream refuse a share of their records for a while.
    Throttle {
        /// How many shards.
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        shards: u32,
        /// For example 50%.
        #[arg(value_parser = share)]
        share: f64,
        /// For example 15s.
        #[arg(value_parser = seconds)]
        lasts: f64,
    },
    /// In the stand-in: have a share of the calls to a service fail for a while.
    Errors {
        /// For example kinesis.
        #[arg(value_parser = SERVICES)]
        service: String,
        /// For example 20%.
        #[arg(value_parser = share)]
        share: f64,
        /// For example 20s.
        #[arg(value_parser = seconds)]
        lasts: f64,
    },
    /// In the stand-in: have a service answer later for a while.
    Slow {
        /// For example kinesis.
        #[arg(value_parser = SERVICES)]
        service: String,
        /// For example 500ms.
        #[arg(value_parser = seconds)]
        by: f64,
        /// For example 20s.
        #[arg(value_parser = seconds)]
        lasts: f64,
    },
    /// In the stand-in: have Firehose deliver nothing for a while.
    Stall {
        /// For example 20s.
        #[arg(value_parser = seconds)]
        lasts: f64,
    },
    /// End the load; what it sent is verified as always.
    Stop,
}

impl Control {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let home = context::home()?;
        let name = known::name_of(&self.stack).map_err(errors::find)?;
        let state = home.find(&name)?;
        let id = state.id().ok_or_else(|| known::FindError::EmptyJournal(self.stack.clone()))?;
        let done = control(&home, id, &self.action.into_action()).await?;
        context::print(&if self.json {
            let done: Vec<_> = done.iter().map(as_json).collect();
            format!("{}\n", json!({"stack": id.as_str(), "done": done}))
        } else {
            done.iter().map(line).collect()
        })?;
        Ok(Exit::Fine)
    }
}

impl Asked {
    fn into_action(self) -> Action {
        match self {
            Self::Pause => Action::Pause,
            Self::Resume => Action::Resume,
            Self::Rate { rate } => Action::Rate(rate),
            Self::Reshard { shards } => Action::Reshard(shards),
            Self::OnDemand => Action::OnDemand,
            Self::HotKey { key, share, lasts } => Action::HotKey { hot: spec::HotShare { key, share }, seconds: lasts },
            Self::Throttle { shards, share, lasts } => fault(Trouble::Throttle { shards, share }, lasts),
            Self::Errors { service, share, lasts } => fault(Trouble::Errors { service, share }, lasts),
            Self::Slow { service, by, lasts } => {
                fault(Trouble::Slow { service, millis: (by * 1e3).round() as u64 }, lasts)
            }
            Self::Stall { lasts } => fault(Trouble::Stall, lasts),
            Self::Stop => Action::Stop,
        }
    }
}

fn fault(trouble: Trouble, seconds: f64) -> Action {
    Action::Fault { trouble, seconds }
}

fn line((worker, Done { at, action }): &(Part, Done)) -> String {
    match worker.is_whole() {
        true => format!("{at:.1} s: {action}\n"),
        false => format!("{at:.1} s: {action}, by worker {worker}\n"),
    }
}

fn as_json((worker, Done { at, action }): &(Part, Done)) -> serde_json::Value {
    json!({"worker": worker.to_string(), "at": at, "action": action})
}

fn rate(text: &str) -> Result<f64, String> {
    spec::quantities::open_rate(text)
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    spec::quantities::share(text)
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let lasts = spec::quantities::time(text)?;
    if lasts.is_zero() { Err("that is no time at all".to_owned()) } else { Ok(lasts.as_secs_f64()) }
}
