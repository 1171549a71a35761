//! `demo attach RUN`: leads the tasks of a run that go on by themselves, and verifies what they sent.

use clap::Args;

use super::{
    Reach, context,
    dashboard::{Beside, WithPage},
    errors,
    exit::{Exit, Stop},
    run::Shown,
    screen::Screen,
    search_target::SearchTarget,
    signals::Signals,
    terminal::Terminal,
};
use crate::operations::attach::{AttachOptions, attach};

/// Arguments of `demo attach`.
#[derive(Args, Debug)]
pub struct Attach {
    /// The run, as `demo run --detach` has named it, or as the run was named whose process is gone.
    run: String,
    /// On another machine: bucket of the stack, which must have `mirror: true` (a name or an s3:// URL).
    #[arg(long, value_name = "BUCKET")]
    mirror: Option<String>,
    /// Remove the stack when the run ends, even after a failure.
    #[arg(long)]
    rm: bool,
    /// Print one JSON object instead of the summary.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    beside: Beside,
    #[command(flatten)]
    search: SearchTarget,
    #[command(flatten)]
    reach: Reach,
}

impl Attach {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        if self.mirror.is_none() && self.search.is_given(&self.reach) {
            let problem = "--region, --profile, --local and --endpoint-url need --mirror; else the journal says where \
                           the stack is";
            return Err(Stop::usage(problem).into());
        }
        let signals = Signals::watch(screen)?;
        context::make_room(screen)?;
        let terminal = Terminal::new(screen, &signals, &self.reach).with_summary(!self.json);
        let page = self.beside.open(screen).await?;
        let host = WithPage { terminal: &terminal, page: page.as_ref() };
        let mirror = self.mirror.as_deref().map(|bucket| (bucket, self.search.search_in(&self.reach)));
        let options = AttachOptions { remove: self.rm, query: !self.json, mirror };
        let ended = attach(&self.run, options, signals.cancel(), &host).await;
        if let Some(page) = page {
            page.close().await;
        }
        let exit = Shown { json: self.json, screen }.outcome(ended.map_err(errors::attach)?)?;
        terminal.printed()?;
        Ok(exit)
    }
}
