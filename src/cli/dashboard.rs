//! `demo dashboard [STACK|RUN]`, and the page beside `demo run --dashboard`.

use std::io;

use async_trait::async_trait;
use clap::Args;

use super::{
    context, errors,
    exit::{Exit, Stop},
    screen::Screen,
    signals::Signals,
    terminal::Terminal,
};
use crate::{
    operations::{Event, Host, Question, known},
    page::Page,
    record::folders::{Kept, Records},
};

/// Arguments of `demo dashboard`.
#[derive(Args, Debug)]
pub struct Dashboard {
    /// The run, as `demo runs` lists it, or a stack: its id, its name, or its stack file, for its newest run. Without one, the
    /// newest run of all. A run that is over can be played back.
    #[arg(value_name = "STACK|RUN")]
    run: Option<String>,
    /// Port of 127.0.0.1 to serve the page on; a free one without it.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Options for the page beside a run.
#[derive(Args, Clone, Debug)]
pub struct Beside {
    /// Serve a live page of the run on this machine, and print its addresses: one to look on, one to act on the run.
    #[arg(long)]
    dashboard: bool,
    /// With --dashboard: port of 127.0.0.1 to serve the page on; a free one without it.
    #[arg(long, default_value_t = 0, requires = "dashboard")]
    port: u16,
}

impl Dashboard {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let kept = find(self.run.as_deref())?;
        let page = open(self.port, screen).await?;
        screen.say("press Ctrl-C to end");
        page.show(&kept.folder);
        signals.begun(|| "ended".to_owned());
        signals.cancel().raised().await;
        page.close().await;
        Ok(Exit::Fine)
    }
}

impl Beside {
    /// The page, if one is asked for. A port that is taken ends the command before anything is created.
    pub(super) async fn open(&self, screen: &Screen) -> anyhow::Result<Option<Page>> {
        if self.dashboard { open(self.port, screen).await.map(Some) } else { Ok(None) }
    }
}

/// The record that a name stands for: that of a run, or the newest of a stack.
fn find(asked: Option<&str>) -> anyhow::Result<Kept> {
    let records = Records::of(&context::home()?);
    let Some(asked) = asked else { return Ok(records.find(None)?) };
    let of_stack = records.list(Some(&known::name_of(asked).map_err(errors::find)?))?.0.into_iter().next();
    of_stack.map_or_else(|| Ok(records.find(Some(asked))?), Ok)
}

async fn open(port: u16, screen: &Screen) -> anyhow::Result<Page> {
    let page = Page::open(&context::home()?, port).await.map_err(|error| {
        Stop::usage(format!("cannot serve the page on port {port} of 127.0.0.1: {error}\n  choose another --port"))
    })?;
    screen.say(&format!("look on at  {}", page.address()));
    screen.say(&format!("present at  {}", page.presenter_address()));
    Ok(page)
}

/// A terminal, and a page beside it.
pub struct WithPage<'a> {
    /// Shows everything.
    pub terminal: &'a Terminal,
    /// Shows the run from its record.
    pub page: Option<&'a Page>,
}

#[async_trait]
impl Host for WithPage<'_> {
    fn notify(&self, event: Event<'_>) {
        if let (Event::RecordStarted(folder), Some(page)) = (&event, self.page) {
            page.show(folder);
        }
        self.terminal.notify(event);
    }

    async fn confirm(&self, question: &Question) -> io::Result<bool> {
        self.terminal.confirm(question).await
    }
}
