//! `demo worker`: what `demo run` starts for each part of a load that several processes share.

use std::path::PathBuf;

use clap::Args;

use super::{exit::Exit, screen::Screen, signals::Signals};
use crate::{fleet::Seat, load::Part, operations::process};

/// Arguments of `demo worker`.
#[derive(Args, Debug)]
pub struct Worker {
    /// Folder where the run's workers meet.
    #[arg(long, value_name = "FOLDER")]
    at: PathBuf,
    /// Its part of the load, for example 2/3.
    #[arg(long, value_name = "K/N")]
    part: Part,
    /// How many workers have had the part, this one included.
    #[arg(long, value_name = "NUMBER")]
    generation: u32,
}

impl Worker {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        signals.begun(|| "the worker ended at once; its coordinator has another finish its part".to_owned());
        let seat = Seat { part: self.part, generation: self.generation };
        process::work(&self.at, seat, signals.cancel()).await?;
        Ok(Exit::Fine)
    }
}
