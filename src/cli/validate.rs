//! `demo validate FILE`.

use clap::Args;

use super::{StackFile, context, documents, exit::Exit, screen::Screen};

/// Arguments of `demo validate`.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    stack: StackFile,
}

impl Validate {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        documents::check(&checked.stack, screen).await?;
        let (file, stack) = (self.stack.file.display(), &checked.stack);
        screen.line(&format!("{file}: {} is a valid stack; transport: {}", stack.name, stack.load.sending));
        Ok(Exit::Fine)
    }
}
