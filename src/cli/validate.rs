//! `demo validate FILE`.

use clap::Args;

use super::{StackFile, context, exit::Exit, screen::Screen};

/// Arguments.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    stack: StackFile,
}

impl Validate {
    pub(super) fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        screen.line(&format!("{}: {} is a valid stack", self.stack.file.display(), checked.stack.name));
        Ok(Exit::Fine)
    }
}
