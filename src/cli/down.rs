//! `demo down STACK`.

use std::time::Instant;

use clap::Args;

use super::{
    Reach,
    context::{self, Known},
    exit::Exit,
    resources::Resources,
    screen::Screen,
    signals,
};
use crate::{
    aws::{Clients, lifecycle},
    engine::{Cancel, Down as Removed, Home, Journal},
};

/// Arguments.
#[derive(Args, Debug)]
pub struct Down {
    /// The stack's id, its name, or the file that it was made from.
    stack: String,
    #[command(flatten)]
    reach: Reach,
}

impl Down {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        if let Some(gone) = gone(&self.stack)? {
            screen.line(&format!("{gone} is gone already; nothing to do"));
            return Ok(Exit::Fine);
        }
        let known = Known::find(&self.stack).await?;
        let question = format!("Delete {} on {}, and all that is in it?", known.id, context::place(&known.clients));
        context::agree(screen, &known.clients, &self.reach, &question)?;
        let journal = lifecycle::open_known(&known.home, &known.state, &known.clients).await.map_err(context::stop)?;
        screen.line(&format!("{} on {}\n", known.id, context::place(&known.clients)));
        let stop = signals::watch(format!("{} is half gone: `demo down {}` goes on", known.id, known.id))?;
        let gone = take_down(&known.home, &journal, &known.clients, &signals::cancel(stop), screen).await?;
        Ok(exit_of(&gone))
    }
}

/// Removes everything and says what is left; stops the stand-in after its last stack.
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
    for (key, why) in &down.failed {
        screen.error(&format!("{key}: {why}"));
    }
    for left in &down.leftovers {
        screen.error(&format!("{} is still there; remove it with: {}", left.node.key, left.command));
    }
    if down.interrupted {
        screen.line(&format!("  stopped on the way: `demo down {}` goes on", journal.id()));
    }
    if down.is_clean() {
        context::release_stand_in(home).await?;
    }
    Ok(down)
}

/// How a command ends after this.
pub fn exit_of(down: &Removed) -> Exit {
    match down {
        down if !down.leftovers.is_empty() => Exit::LeftOver,
        down if down.interrupted => Exit::Interrupted,
        down if !down.failed.is_empty() => Exit::Error,
        _ => Exit::Fine,
    }
}

/// The id of a stack that was asked for and is gone, where no other of that name is up.
fn gone(asked: &str) -> anyhow::Result<Option<String>> {
    let (home, name) = (context::home()?, context::name_of(asked)?);
    let states = home.list()?;
    let mut meant =
        states.iter().filter(|state| state.name() == Some(&name) || state.id().is_some_and(|id| id.as_str() == name));
    let all_closed = meant.clone().all(|state| state.is_closed());
    Ok(meant.next().filter(|_| all_closed).and_then(|state| state.id().map(ToString::to_string)))
}
