//! `demo doctor [FILE]`.

use clap::Args;

use super::{exit::Exit, screen::Screen};

/// Arguments.
#[derive(Args, Debug)]
pub struct Doctor {}

impl Doctor {
    pub(super) async fn run(self, _screen: &Screen) -> anyhow::Result<Exit> {
        Ok(Exit::Fine)
    }
}
