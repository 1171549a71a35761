//! `demo down STACK`.

use std::time::Instant;

use clap::Args;

use super::{
    Reach,
    context::{self, Located},
    exit::{Exit, Stop},
    place::Place,
    resources::Resources,
    screen::Screen,
    signals::Signals,
    standing::{Standing, standing},
};
use crate::{
    aws::{Clients, discover, inventory, lifecycle},
    engine::{Cancel, Cause, Down as Removed, Home, HomeError, Journal, StackId, journal},
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
    place: Place,
    #[command(flatten)]
    reach: Reach,
}

impl Down {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        if self.discover {
            return self.discovered(&signals, screen).await;
        }
        if let Some(bucket) = &self.mirror {
            return self.taken_over(bucket, &signals, screen).await;
        }
        if self.place.is_said(&Reach::default()) {
            let said = "--region, --profile and --local need --discover or --mirror; else the journal says where the \
                        stack is";
            return Err(Stop::usage(said).into());
        }
        if let Some(gone) = gone(&self.stack)? {
            screen.line(&format!("{gone} is already gone; nothing to do"));
            return Ok(Exit::Fine);
        }
        let known = Located::find(&self.stack).await.map_err(|error| self.lost(error))?;
        self.agree(&known.id, &known.clients, screen)?;
        Standing::of(&known.home, &known.state)?.tell(screen);
        signals.begun_with(&known.home, &known.id);
        let opened = lifecycle::open_known(&known.home, &known.state, &known.clients);
        let journal = signals.unless_stopped(opened).await?.map_err(context::stop)?;
        finish(&known.home, &journal, &known.clients, &signals, screen).await
    }

    /// Removes a stack without a journal, or with one that may be incomplete.
    async fn discovered(&self, signals: &Signals, screen: &Screen) -> anyhow::Result<Exit> {
        let home = context::home()?;
        let id = match self.stack.parse::<StackId>() {
            Ok(id) => id,
            Err(not) => known_id(&home, &self.stack)?.ok_or_else(|| Stop::usage(not))?,
        };
        let is_here = self.knows(&home, &id, screen);
        let clients = match is_here && !self.place.is_said(&self.reach) {
            true => Located::find(id.as_str()).await?.clients,
            false => self.place.clients(&home, &self.reach).await?,
        };
        let found = inventory::thorough(&clients, &id).await;
        for (kind, why) in &found.hidden {
            screen.warning(&format!("cannot tell whether {id} has any {kind}: {why}"));
        }
        if found.owned.is_empty() && !is_here {
            return nothing(&home, &id, &found, &clients, screen).await;
        }
        for owned in &found.owned {
            screen.line(&format!("  found {}", owned.node.key));
        }
        self.agree(&id, &clients, screen)?;
        signals.begun_with(&home, &id);
        let journal = discover::journal(&home, &id, &found, &clients).await.map_err(context::stop)?;
        finish(&home, &journal, &clients, signals, screen).await
    }

    /// Whether this machine has a readable journal of a stack that is not closed. A damaged one is set aside later.
    fn knows(&self, home: &Home, id: &StackId, screen: &Screen) -> bool {
        let path = home.journal(id);
        match path.exists().then(|| journal::read(&path)) {
            None => false,
            Some(Ok(state)) => state.opened().is_some() && !state.is_closed(),
            Some(Err(damaged)) => {
                screen.warning(&damaged.to_string());
                false
            }
        }
    }

    /// Removes a stack with another machine's journal.
    async fn taken_over(&self, bucket: &str, signals: &Signals, screen: &Screen) -> anyhow::Result<Exit> {
        let home = context::home()?;
        let clients = self.place.clients(&home, &self.reach).await?;
        let asked = context::name_of(&self.stack)?;
        self.agree(&asked, &clients, screen)?;
        let taken = lifecycle::take_over(&home, &asked, bucket, &clients).await;
        let journal = taken.map_err(context::stop)?;
        signals.begun_with(&home, journal.id());
        finish(&home, &journal, &clients, signals, screen).await
    }

    /// Adds advice to the error if the stack has no journal here.
    fn lost(&self, error: anyhow::Error) -> anyhow::Error {
        let unknown = matches!(error.downcast_ref::<HomeError>(), Some(HomeError::Unknown(_)));
        if !unknown || self.stack.parse::<StackId>().is_err() {
            return error;
        }
        let help =
            format!("run `demo down --discover {}` to find it without a journal; on AWS, add --region", self.stack);
        anyhow::anyhow!("{error}\n  {help}")
    }

    fn agree(&self, id: &dyn std::fmt::Display, clients: &Clients, screen: &Screen) -> anyhow::Result<()> {
        let question = format!("Delete {id} on {} with everything in it?", context::place(clients));
        context::agree(screen, clients, &self.reach, &question)
    }
}

/// The id of a stack that this machine knows by this name.
fn known_id(home: &Home, asked: &str) -> anyhow::Result<Option<StackId>> {
    match home.find(&context::name_of(asked)?) {
        Ok(state) => Ok(state.id().cloned()),
        Err(HomeError::Unknown(_)) => Ok(None),
        Err(HomeError::Damaged { id, .. }) => Ok(Some(id)),
        Err(error) => Err(error.into()),
    }
}

async fn nothing(
    home: &Home,
    id: &StackId,
    found: &inventory::Found,
    clients: &Clients,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    let place = context::place(clients);
    let but = if found.hidden.is_empty() { "" } else { ", but some could not be read" };
    screen.line(&format!("no resources of {id} found on {place}{but}"));
    screen.line("pass --region REGION to search AWS, --local to search the stand-in");
    context::release_stand_in(home).await?;
    Ok(if found.hidden.is_empty() { Exit::Fine } else { Exit::Error })
}

async fn finish(
    home: &Home,
    journal: &Journal,
    clients: &Clients,
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    screen.line(&format!("{} on {}\n", journal.id(), context::place(clients)));
    Ok(exit_of(&take_down(home, journal, clients, &signals.cancel(), screen).await?))
}

/// Removes everything and reports what is left; stops the stand-in after its last stack.
pub async fn take_down(
    home: &Home,
    journal: &Journal,
    clients: &Clients,
    cancel: &Cancel,
    screen: &Screen,
) -> anyhow::Result<Removed> {
    let begun = Instant::now();
    let observer = Resources::on(screen);
    let down = lifecycle::down(journal, clients, &observer, cancel).await.map_err(context::stop)?;
    let left = match (down.leftovers.len(), down.is_clean()) {
        (0, true) => "nothing left".to_owned(),
        (0, false) => "not known whether anything is left".to_owned(),
        (n, _) => format!("{n} left"),
    };
    screen.line(&format!("  down in {:.1} s: {} removed, {left}", begun.elapsed().as_secs_f64(), down.removed.len()));
    if let Some(why) = journal.unreflected() {
        screen.warning(&why.to_string());
    }
    for (key, why) in down.failed.iter().filter(|(_, why)| why.cause != Cause::Interrupted) {
        screen.error(&format!("{key}: {why}"));
    }
    // After an interruption, the rest is expected to be left, and one command continues.
    for left in down.leftovers.iter().filter(|_| !down.interrupted) {
        screen.error(&format!("{} is still there; remove it with:\n  {}", left.node.key, left.command));
    }
    if !down.is_clean() {
        screen.say(&format!("\n{}", standing(home, journal.id())));
    }
    if down.is_clean() {
        context::release_stand_in(home).await?;
    }
    Ok(down)
}

/// The exit code after a removal.
pub fn exit_of(down: &Removed) -> Exit {
    match down {
        down if down.interrupted => Exit::Interrupted,
        down if !down.leftovers.is_empty() => Exit::LeftOver,
        down if !down.failed.is_empty() => Exit::Error,
        _ => Exit::Fine,
    }
}

/// The id of the stack that was asked for, if it is gone and no other stack of that name is left.
fn gone(asked: &str) -> anyhow::Result<Option<String>> {
    let (home, name) = (context::home()?, context::name_of(asked)?);
    let states = home.list()?;
    let mut meant =
        states.iter().filter(|state| state.name() == Some(&name) || state.id().is_some_and(|id| id.as_str() == name));
    let all_closed = meant.clone().all(|state| state.is_closed());
    Ok(meant.next().filter(|_| all_closed).and_then(|state| state.id().map(ToString::to_string)))
}
