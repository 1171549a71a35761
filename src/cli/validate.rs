//! `demo validate FILE`.

use clap::Args;

use super::{StackFile, context, documents, errors, exit::Exit, screen::Screen};
use crate::operations::budget;

/// Arguments of `demo validate`.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    stack: StackFile,
}

impl Validate {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        let documents = documents::check(&checked.stack, screen).await?;
        budget::refuse_small(&checked.stack, &documents).await.map_err(errors::budget)?;
        let (file, stack) = (self.stack.file.display(), &checked.stack);
        screen.line(&format!("{file}: {} is a valid stack; transport: {}", stack.name, stack.load.sending));
        Ok(Exit::Fine)
    }
}
