//! `demo control STACK ACTION`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{context, errors, exit::Exit, trouble};
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
        #[arg(value_parser = trouble::share)]
        share: f64,
        #[command(flatten)]
        lasts: trouble::Lasts,
    },
    /// In the stand-in: have some shards of the stream refuse a share of their records for a while.
    Throttle(trouble::Throttle),
    /// In the stand-in: have a share of the calls to a service fail for a while.
    Errors(trouble::Errors),
    /// In the stand-in: have a service answer later for a while.
    Slow(trouble::Slow),
    /// In the stand-in: have every iterator of the stream's shards be expired for a while.
    Expire(trouble::Lasts),
    /// In the stand-in: have the stack's function be killed whenever it works, for a while.
    Kill(trouble::Lasts),
    /// In the stand-in: have Firehose deliver nothing for a while.
    Stall(trouble::Lasts),
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
            Self::HotKey { key, share, lasts } => {
                Action::HotKey { hot: spec::HotShare { key, share }, seconds: lasts.seconds }
            }
            Self::Throttle(trouble::Throttle { shards, share, lasts }) => {
                fault(Trouble::Throttle { shards, share }, lasts)
            }
            Self::Errors(trouble::Errors { service, share, lasts }) => fault(Trouble::Errors { service, share }, lasts),
            Self::Slow(slow) => fault(Trouble::Slow { millis: slow.millis(), service: slow.service }, slow.lasts),
            Self::Expire(lasts) => fault(Trouble::Expire, lasts),
            Self::Kill(lasts) => fault(Trouble::Kill, lasts),
            Self::Stall(lasts) => fault(Trouble::Stall, lasts),
            Self::Stop => Action::Stop,
        }
    }
}

fn fault(trouble: Trouble, lasts: trouble::Lasts) -> Action {
    Action::Fault { trouble, seconds: lasts.seconds }
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
