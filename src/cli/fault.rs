//! `demo local fault`: has something go wrong in the stand-in.

use aws_stand_in::{
    daemon::Daemon,
    faults::{Effect, Fault, SERVICES},
};
use clap::Subcommand;

use super::{
    context,
    control::{seconds, share},
};

/// What is to go wrong, or what does.
#[derive(Clone, Debug, Subcommand)]
pub enum Asked {
    /// Have some shards of a stream refuse a share of their records for a while.
    Throttle {
        /// The stream's name.
        stream: String,
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
    /// Have a share of the calls to a service fail for a while.
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
    /// Have a service answer later for a while.
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
    /// Have a delivery stream of Firehose deliver nothing for a while.
    Stall {
        /// The delivery stream's name.
        delivery: String,
        /// For example 20s.
        #[arg(value_parser = seconds)]
        lasts: f64,
    },
    /// Print what goes wrong now, and for how long still.
    List,
    /// End every fault.
    Clear,
}

impl Asked {
    pub(super) async fn run(self, stand_in: &Daemon) -> anyhow::Result<()> {
        let (effect, seconds) = match self {
            Self::Throttle { stream, shards, share, lasts } => (Effect::Throttle { stream, shards, share }, lasts),
            Self::Errors { service, share, lasts } => (Effect::Errors { service, share }, lasts),
            Self::Slow { service, by, lasts } => (Effect::Slow { service, millis: (by * 1e3).round() as u64 }, lasts),
            Self::Stall { delivery, lasts } => (Effect::Stall { delivery }, lasts),
            Self::Clear => return Ok(stand_in.clear_faults().await?),
            Self::List => {
                let lines = stand_in.faults().await?.iter().map(line).collect::<String>();
                return context::print(&lines);
            }
        };
        Ok(stand_in.inject(&Fault { effect, seconds }).await?)
    }
}

fn line(Fault { effect, seconds }: &Fault) -> String {
    format!("{effect}, for {seconds:.0} s\n")
}
