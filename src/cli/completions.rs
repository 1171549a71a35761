//! `demo completions SHELL`.

use clap::Args;
use clap_complete::Shell;

use super::{context, exit::Exit, help};

/// Arguments of `demo completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// Shell to print completions for.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut help::command(), "demo", &mut script);
        context::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Fine)
    }
}
