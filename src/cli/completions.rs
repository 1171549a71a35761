//! `demo completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Demo, context, exit::Exit};

/// Arguments of `demo completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// Shell to print completions for.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Demo::command(), "demo", &mut script);
        context::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Fine)
    }
}
