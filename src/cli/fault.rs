//! `demo local fault`: has something go wrong in the stand-in.

use aws_stand_in::{
    daemon::Daemon,
    faults::{Effect, Fault},
};
use clap::Subcommand;

use super::{context, trouble};

/// What is to go wrong, or what does.
#[derive(Clone, Debug, Subcommand)]
pub enum Asked {
    /// Have some shards of a stream refuse a share of their records for a while.
    Throttle {
        /// The stream's name.
        stream: String,
        /// How, and for how long.
        #[command(flatten)]
        throttle: trouble::Throttle,
    },
    /// Have a share of the calls to a service fail for a while.
    Errors(trouble::Errors),
    /// Have a service answer later for a while.
    Slow(trouble::Slow),
    /// Have every iterator of a stream's shards be expired for a while.
    Expire {
        /// The stream's name.
        stream: String,
        /// For how long.
        #[command(flatten)]
        lasts: trouble::Lasts,
    },
    /// Have a function be killed whenever it works, for a while.
    Kill {
        /// The function's name.
        function: String,
        /// For how long.
        #[command(flatten)]
        lasts: trouble::Lasts,
    },
    /// Have a delivery stream of Firehose deliver nothing for a while.
    Stall {
        /// The delivery stream's name.
        delivery: String,
        /// For how long.
        #[command(flatten)]
        lasts: trouble::Lasts,
    },
    /// Have no capacity for new tasks of a cluster for a while.
    Exhaust {
        /// The cluster's name.
        cluster: String,
        /// For how long.
        #[command(flatten)]
        lasts: trouble::Lasts,
    },
    /// Print what goes wrong now, and for how long still.
    List,
    /// End every fault.
    Clear,
}

impl Asked {
    pub(super) async fn run(self, stand_in: &Daemon) -> anyhow::Result<()> {
        let (effect, lasts) = match self {
            Self::Throttle { stream, throttle: trouble::Throttle { shards, share, lasts } } => {
                (Effect::Throttle { stream, shards, share }, lasts)
            }
            Self::Errors(trouble::Errors { service, share, lasts }) => (Effect::Errors { service, share }, lasts),
            Self::Slow(slow) => (Effect::Slow { millis: slow.millis(), service: slow.service }, slow.lasts),
            Self::Expire { stream, lasts } => (Effect::Expire { stream }, lasts),
            Self::Kill { function, lasts } => (Effect::Kill { function }, lasts),
            Self::Stall { delivery, lasts } => (Effect::Stall { delivery }, lasts),
            Self::Exhaust { cluster, lasts } => (Effect::Exhaust { cluster }, lasts),
            Self::Clear => return Ok(stand_in.clear_faults().await?),
            Self::List => {
                let lines = stand_in.faults().await?.iter().map(line).collect::<String>();
                return context::print(&lines);
            }
        };
        Ok(stand_in.inject(&Fault { effect, seconds: lasts.seconds }).await?)
    }
}

fn line(Fault { effect, seconds }: &Fault) -> String {
    format!("{effect}, for {seconds:.0} s\n")
}
