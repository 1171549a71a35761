//! `demo validate FILE`.

use clap::Args;

use super::{StackFile, context, documents::Documents, exit::Exit, screen::Screen};

/// Arguments.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    stack: StackFile,
}

impl Validate {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        Documents::of(&checked.stack, screen).await?;
        screen.line(&format!("{}: {} is a valid stack", self.stack.file.display(), checked.stack.name));
        Ok(Exit::Fine)
    }
}
