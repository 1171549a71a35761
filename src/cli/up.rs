//! `demo up FILE`.

use clap::Args;

use super::{
    Reach, StackFile, code::Code, context, errors, exit::Exit, screen::Screen, signals::Signals, terminal::Terminal,
};
use crate::operations::{OnFailure, UpOptions, up::up};

/// Arguments of `demo up`.
#[derive(Args, Debug)]
pub struct Up {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Keep what was created when something cannot be created.
    #[arg(long)]
    keep: bool,
}

impl Up {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let checked = context::read(&self.stack, screen)?;
        let on_failure = if self.keep { OnFailure::Keep } else { OnFailure::RollBackUnlessInterrupted };
        let options = up_options(&self.reach, &self.code, on_failure, false);
        let terminal = Terminal::new(screen, &signals, &self.reach);
        let stack = up(&checked, options, signals.cancel(), &terminal).await.map_err(errors::up)?;
        context::print(&format!("{}\n", stack.id))?;
        Ok(Exit::Fine)
    }
}

/// The options of `up` that the command line says; `loads` if the load follows.
pub fn up_options<'a>(reach: &'a Reach, code: &'a Code, on_failure: OnFailure, loads: bool) -> UpOptions<'a> {
    let function_binary = code.function_binary.as_deref();
    UpOptions { endpoint_url: reach.endpoint_url.as_deref(), function_binary, on_failure, loads }
}
