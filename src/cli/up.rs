//! `demo up FILE`.

use std::{sync::Arc, time::Instant};

use chrono::Utc;
use clap::Args;
use tokio::sync::watch;

use super::{
    Reach, StackFile,
    code::Code,
    context,
    documents::Documents,
    down,
    exit::{Exit, Stop},
    resources::Resources,
    screen::Screen,
    signals,
};
use crate::{
    aws::{
        Clients, lifecycle,
        pipeline::{self, Materials},
    },
    engine::{Cancel, Home, Journal, StackId},
    spec::{Checked, Stack},
};

/// Arguments.
#[derive(Args, Debug)]
pub struct Up {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Keep what was made when something cannot be made.
    #[arg(long)]
    keep: bool,
}

impl Up {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        let unfinished = if self.keep { Unfinished::Stays } else { Unfinished::StaysWhenInterrupted };
        let stood = stand_up(&checked, &self.reach, &self.code, unfinished, screen).await?;
        context::print(&format!("{}\n", stood.id))?;
        Ok(Exit::Fine)
    }
}

/// What becomes of a new stack that could not be made whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// It stays.
    Stays,
    /// It is taken back after a failure, and stays after Ctrl-C.
    StaysWhenInterrupted,
    /// It is taken back.
    Goes,
}

impl Unfinished {
    fn stays(self, exit: Exit) -> bool {
        match self {
            Self::Stays => true,
            Self::StaysWhenInterrupted => exit == Exit::Interrupted,
            Self::Goes => false,
        }
    }
}

/// A stack that is up, and locked while this lives.
pub struct Stood {
    /// The state folder.
    pub home: Home,
    /// Its id.
    pub id: StackId,
    /// Its journal.
    pub journal: Arc<Journal>,
    /// Where it lives.
    pub clients: Clients,
    /// What it sends.
    pub documents: Documents,
    /// Whether it was there before.
    pub was_known: bool,
    /// How long it took.
    pub seconds: f64,
    /// Turns true at Ctrl-C or SIGTERM.
    pub stop: watch::Receiver<bool>,
}

/// What stands in the way ends the command before anything is made, all of it at once; what could be better is told.
async fn look_over(
    home: &Home,
    stack: &Stack,
    materials: &Materials<'_>,
    clients: &Clients,
    screen: &Screen,
) -> anyhow::Result<()> {
    let (id, state) = context::id_and_state(home, &stack.name)?;
    let report = lifecycle::look(stack, &id, &state, materials, clients).await.map_err(context::stop)?;
    for warning in report.warnings() {
        screen.warning(&warning.to_string());
    }
    if let Err(refused) = report.accepted() {
        context::release_stand_in(home).await?;
        return Err(context::stop(refused.into()).into());
    }
    Ok(())
}

/// Makes everything of a stack, from wherever an earlier `up` was cut off.
pub async fn stand_up(
    checked: &Checked,
    reach: &Reach,
    code: &Code,
    unfinished: Unfinished,
    screen: &Screen,
) -> anyhow::Result<Stood> {
    let stack = &checked.stack;
    let documents = Documents::of(stack, screen).await?;
    let function = code.package(stack)?;
    let materials = Materials { schema: &documents.schema, function: function.as_ref() };
    // What cannot be made into resources is said before anything is touched.
    pipeline::graph(stack, &StackId::new(&stack.name), Utc::now(), &materials).map_err(Stop::usage)?;
    let home = context::home()?;
    let was_known = home.find(&stack.name).is_ok();
    let clients = context::clients(&home, &stack.target, reach).await?;
    look_over(&home, stack, &materials, &clients, screen).await?;
    if !was_known {
        let question = format!("Make {} on {}? It costs money while it is up.", stack.name, context::place(&clients));
        context::agree(screen, &clients, reach, &question)?;
    }
    let begun = Instant::now();
    let opened = lifecycle::open(&home, stack, checked.merged.clone(), &clients).await;
    let journal = Arc::new(opened.map_err(context::stop)?);
    let id = journal.id().clone();
    screen.line(&format!("{id} on {}\n", context::place(&clients)));
    let stop = signals::watch(format!(
        "{id} is as it was left: `demo up` or `demo run` goes on, `demo down {id}` removes it"
    ))?;
    let cancel = signals::cancel(stop.clone());
    let observer = Resources::on(screen);
    let made = lifecycle::make(&journal, stack, &materials, &clients, &observer, &cancel).await;
    if let Err(error) = made {
        let error = context::stop(error);
        if was_known || unfinished.stays(error.exit) {
            screen.line(&format!("\n  what was made stays: `demo up` goes on, `demo down {id}` removes it"));
        } else {
            screen.line("\n  taking back what was made");
            if let Err(left) = down::take_down(&home, &journal, &clients, &Cancel::new(), screen).await {
                screen.error(&format!("not all was taken back, `demo down {id}` goes on: {left:#}"));
            }
        }
        return Err(error.into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    screen.line(&format!("  up in {seconds:.1} s\n"));
    Ok(Stood { home, id, journal, clients, documents, was_known, seconds, stop })
}
