//! `demo completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Demo, exit::Exit};

/// Arguments.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        clap_complete::generate(self.shell, &mut Demo::command(), "demo", &mut std::io::stdout());
        Ok(Exit::Fine)
    }
}
