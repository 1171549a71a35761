//! `demo down STACK`.

use clap::Args;

use super::{
    Reach, context, errors,
    exit::{Exit, Stop},
    screen::Screen,
    search_target::SearchTarget,
    signals::Signals,
    terminal::Terminal,
};
use crate::{
    engine::{self, ForeignContents},
    operations::{
        DownOutcome,
        down::{down, down_discovered, down_mirrored},
        target::location,
    },
};

/// Arguments of `demo down`.
#[derive(Args, Debug)]
pub struct Down {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// Find everything that carries the ownership tags of this id, when its journal is lost.
    #[arg(long)]
    discover: bool,
    /// Take over the stack with the journal that another machine mirrors to this bucket (a name or an s3:// URL).
    #[arg(long, value_name = "BUCKET", conflicts_with = "discover")]
    mirror: Option<String>,
    #[command(flatten)]
    contents: Contents,
    #[command(flatten)]
    search: SearchTarget,
    #[command(flatten)]
    reach: Reach,
}

/// What becomes of what others have put into a stack's resources.
#[derive(Args, Clone, Copy, Debug)]
pub struct Contents {
    /// Also delete what others put into the stack's resources, such as objects in its bucket and tables in its database.
    #[arg(long)]
    with_foreign: bool,
}

impl Contents {
    /// As the engine takes it.
    pub fn foreign(self) -> ForeignContents {
        if self.with_foreign { ForeignContents::Delete } else { ForeignContents::Keep }
    }
}

impl Down {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        context::make_room(screen)?;
        let (terminal, cancel) = (Terminal::new(screen, &signals, &self.reach), signals.cancel());
        let (search_in, foreign) = (self.search.search_in(&self.reach), self.contents.foreign());
        let outcome = if self.discover {
            let is_target_given = self.search.is_given(&self.reach);
            down_discovered(&self.stack, search_in, is_target_given, foreign, cancel, &terminal).await
        } else if let Some(bucket) = &self.mirror {
            down_mirrored(&self.stack, bucket, search_in, foreign, cancel, &terminal).await
        } else if self.search.is_given(&Reach::default()) {
            let problem = "--region, --profile and --local need --discover or --mirror; else the journal says where \
                           the stack is";
            return Err(Stop::usage(problem).into());
        } else {
            down(&self.stack, foreign, cancel, &terminal).await
        };
        Ok(match outcome.map_err(|error| errors::down(error, &self.stack))? {
            DownOutcome::AlreadyGone(id) => {
                screen.line(&format!("{id} is already gone; nothing to do"));
                Exit::Fine
            }
            DownOutcome::NothingFound { id, clients, found } => {
                let but = if found.hidden.is_empty() { "" } else { ", but some could not be read" };
                screen.line(&format!("no resources of {id} found on {}{but}", location(&clients)));
                screen.line("pass --region REGION to search AWS, --local to search the stand-in");
                if found.hidden.is_empty() { Exit::Fine } else { Exit::Error }
            }
            DownOutcome::Removed(down) => exit_of(&down),
        })
    }
}

/// The exit code after a removal.
pub fn exit_of(down: &engine::Down) -> Exit {
    match down {
        down if down.interrupted => Exit::Interrupted,
        down if !down.leftovers.is_empty() || down.has_kept() => Exit::LeftOver,
        down if !down.failed.is_empty() => Exit::Error,
        _ => Exit::Fine,
    }
}
