//! `demo gc`: the stacks of an account, whoever created them and wherever their journals are.

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Reach, context,
    down::exit_of,
    errors,
    exit::{Exit, Stop},
    screen::Screen,
    search_target::SearchTarget,
    signals::Signals,
    terminal::Terminal,
};
use crate::{
    aws::{
        Clients,
        account::{self, Account, Present},
    },
    engine::{ForeignContents, Home, StackId},
    operations::{
        down::{SearchIn, down_present},
        target::{self, location},
    },
    pipeline::ttl,
    report::numbers::time_left,
};

/// Arguments of `demo gc`.
#[derive(Args, Debug)]
pub struct Gc {
    /// Ids of stacks to remove; without ids and without --expired, only list all stacks.
    #[arg(value_name = "ID", group = "removal")]
    stacks: Vec<StackId>,
    /// Remove the expired stacks, and no others.
    #[arg(long, group = "removal", conflicts_with = "stacks")]
    expired: bool,
    /// Also delete what others put into the resources of these stacks, such as objects in a bucket and tables in a database.
    #[arg(long, requires = "removal")]
    with_foreign: bool,
    /// Print one JSON array of the stacks found.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    search: SearchTarget,
    #[command(flatten)]
    reach: Reach,
}

impl Gc {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let home = context::home()?;
        let SearchIn { target, endpoint_url } = self.search.search_in(&self.reach);
        let connected = target::connect(&home, &target, endpoint_url.as_deref()).await;
        let clients = connected.map_err(errors::connect)?;
        let ended = self.collect(&home, &clients, &signals, screen).await;
        target::release_stand_in(&home).await?;
        ended
    }

    async fn collect(
        &self,
        home: &Home,
        clients: &Clients,
        signals: &Signals,
        screen: &Screen,
    ) -> anyhow::Result<Exit> {
        let (account, now) = (account::look(clients).await?, Utc::now());
        for (kind, why) in &account.hidden {
            screen.warning(&format!("cannot tell whether any stack has a {kind}: {why}"));
        }
        let chosen = self.chosen(&account, now)?;
        if !self.json {
            context::print(&listed(&account, clients, now))?;
            self.hint(&account, &chosen, now, screen);
        }
        let exits = match chosen.as_slice() {
            [] => Vec::new(),
            chosen => {
                context::agree(screen, clients, &self.reach, &question(chosen, clients))?;
                let terminal = Terminal::new(screen, signals, &self.reach);
                remove_all(chosen, home, clients, self.foreign(), signals, &terminal, screen).await?
            }
        };
        if self.json {
            let rows: Vec<Value> = account.stacks.iter().map(|stack| as_json(stack, clients, now, &exits)).collect();
            context::print(&format!("{}\n", Value::from(rows)))?;
        }
        let hidden = (!account.hidden.is_empty()).then_some(Exit::Error);
        Ok(worst(exits.into_iter().map(|(_, exit)| exit).chain(hidden)))
    }

    fn foreign(&self) -> ForeignContents {
        if self.with_foreign { ForeignContents::Delete } else { ForeignContents::Keep }
    }

    /// The stacks to remove.
    fn chosen<'a>(&self, account: &'a Account, now: DateTime<Utc>) -> anyhow::Result<Vec<&'a Present>> {
        let is_there = |id: &StackId| account.stacks.iter().any(|stack| stack.id == *id);
        if let Some(unknown) = self.stacks.iter().find(|id| !is_there(id)) {
            let problem = format!("no resources of stack {unknown} found; run `demo gc` to list the stacks");
            return Err(Stop::usage(problem).into());
        }
        let is_chosen = |stack: &&Present| (self.expired && stack.is_past(now)) || self.stacks.contains(&stack.id);
        Ok(account.stacks.iter().filter(is_chosen).collect())
    }

    fn hint(&self, account: &Account, chosen: &[&Present], now: DateTime<Utc>, screen: &Screen) {
        let past = account.stacks.iter().filter(|stack| stack.is_past(now)).count();
        match (self.expired || !self.stacks.is_empty(), chosen.len(), past) {
            (true, 0, _) => screen.line("no stack has expired; nothing was touched"),
            (false, _, 0) => {}
            (false, _, past) => {
                screen.line(&format!("nothing was touched; run `demo gc --expired` to remove {past} of them"))
            }
            (true, ..) => {}
        }
    }
}

fn question(chosen: &[&Present], clients: &Clients) -> String {
    let named = chosen.iter().map(|stack| match stack.owner.as_str() {
        "" => stack.id.to_string(),
        owner => format!("{} (owner {owner})", stack.id),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    format!("Delete {named} on {} with everything in them?", location(clients))
}

/// Removes one stack after the other; continues after a failure.
async fn remove_all(
    chosen: &[&Present],
    home: &Home,
    clients: &Clients,
    foreign: ForeignContents,
    signals: &Signals,
    terminal: &Terminal,
    screen: &Screen,
) -> anyhow::Result<Vec<(StackId, Exit)>> {
    signals.begun(|| "some stacks are not removed yet; run the same `demo gc` again to continue".to_owned());
    let mut exits = Vec::new();
    for stack in chosen {
        let cancel = signals.cancel();
        screen.line(&format!("\n{} on {}\n", stack.id, location(clients)));
        let exit = match down_present(home, &stack.id, clients, foreign, cancel, terminal).await {
            Ok(down) => exit_of(&down),
            Err(error) => {
                let error = errors::down(error, stack.id.as_str());
                screen.error(&format!("{}: {error:#}", stack.id));
                error.downcast_ref::<Stop>().map_or(Exit::Error, |stop| stop.exit)
            }
        };
        exits.push((stack.id.clone(), exit));
        if cancel.is_raised() {
            break;
        }
    }
    Ok(exits)
}

fn listed(account: &Account, clients: &Clients, now: DateTime<Utc>) -> String {
    if account.stacks.is_empty() {
        return format!("no stacks on {}\n", location(clients));
    }
    let line = |stack: &Present| {
        let owner = if stack.owner.is_empty() { "owner unknown" } else { &stack.owner };
        let left = time_left(stack.expires.map(|expires| expires - now));
        format!("{:<34} {owner}, {left}, costs {}: {}\n", stack.id, stack.cost(clients), stack.kinds())
    };
    account.stacks.iter().map(line).collect()
}

fn as_json(stack: &Present, clients: &Clients, now: DateTime<Utc>, exits: &[(StackId, Exit)]) -> Value {
    let cost = stack.cost(clients);
    let taken = exits.iter().find(|(id, _)| *id == stack.id).map(|(_, exit)| *exit);
    let resources: Vec<String> = stack.nodes.iter().map(|node| node.key.to_string()).collect();
    json!({"id": stack.id.as_str(), "owner": stack.owner, "expires": stack.expires.map(ttl::written),
           "seconds_left": stack.expires.map(|expires| (expires - now).num_seconds()), "past": stack.is_past(now),
           "dollars_an_hour": cost.always(), "costs": cost.to_string(), "resources": resources,
           "taken_away": taken.map(|exit| exit == Exit::Fine)})
}

/// The exit code to return: leftovers outrank an interruption, which outranks any other failure.
fn worst(exits: impl Iterator<Item = Exit>) -> Exit {
    let weight = |exit: &Exit| match exit {
        Exit::Fine => 0,
        Exit::Interrupted => 2,
        Exit::LeftOver => 3,
        _ => 1,
    };
    exits.max_by_key(weight).unwrap_or(Exit::Fine)
}
