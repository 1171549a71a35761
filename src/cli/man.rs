//! `demo man`.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::{context, exit::Exit, help};

/// Arguments of `demo man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Write a page for each command to this folder instead of printing the first one.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Some(folder) = self.to else {
            let mut page = Vec::new();
            clap_mangen::Man::new(help::command()).render(&mut page)?;
            context::print(&String::from_utf8_lossy(&page))?;
            return Ok(Exit::Fine);
        };
        let problem = || format!("cannot write man pages to {}", folder.display());
        fs::create_dir_all(&folder).with_context(problem)?;
        clap_mangen::generate_to(help::command(), &folder).with_context(problem)?;
        context::print(&format!("read them with `man {}`\n", folder.join("demo.1").display()))?;
        Ok(Exit::Fine)
    }
}
