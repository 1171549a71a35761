//! Removes a stack and checks what is left: by its journal, by the journal that another machine mirrors, or by a search
//! for its ownership tags.

use std::{io, time::Instant};

use super::{
    fleet,
    host::{Event, Host, Question, Resources},
    known::{FindError, JournaledStack, name_of, state_folder},
    status::StackStatus,
    target::{self, ConnectError},
};
use crate::{
    aws::{
        Clients,
        inventory::{self, Found},
        redshift,
    },
    engine::{
        Cancel, Down, ForeignContents, Home, HomeError, Journal, JournalError, Journals, StackId, State, journal,
    },
    pipeline::{
        discover,
        lifecycle::{self, LifecycleError, Told},
    },
    spec::Target,
};

/// Where to search for a stack.
#[derive(Clone, Debug)]
pub struct SearchIn {
    /// AWS in a region, or the stand-in.
    pub target: Target,
    /// Call this endpoint instead of the target's own.
    pub endpoint_url: Option<String>,
}

/// How a removal ended.
pub enum DownOutcome {
    /// The stack was gone before.
    AlreadyGone(String),
    /// The search found nothing.
    NothingFound {
        /// The stack.
        id: StackId,
        /// Clients for the target that was searched.
        clients: Box<Clients>,
        /// What could not be read.
        found: Found,
    },
    /// It was removed, as far as the result says.
    Removed(Down),
}

/// Why a stack is not removed.
#[derive(Debug, thiserror::Error)]
pub enum DownError {
    /// It is not found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The id is wrong, and no stack of that name is known.
    #[error("{0}")]
    InvalidId(String),
    /// The state folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There are no clients for its target.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The person cannot be asked.
    #[error(transparent)]
    Ask(#[from] io::Error),
    /// The person does not agree.
    #[error("{0} Not done")]
    Declined(Question),
    /// The operation was cancelled before anything was removed.
    #[error("interrupted")]
    Interrupted,
    /// Its journal exists and cannot be read.
    #[error("{error}\n  make it readable, or move it away, then run `demo down --discover {id}` again")]
    UnreadableJournal {
        /// The stack.
        id: StackId,
        /// Why.
        error: JournalError,
    },
    /// Its journal cannot be opened or written.
    #[error(transparent)]
    Lifecycle(Box<LifecycleError>),
}

impl From<LifecycleError> for DownError {
    fn from(error: LifecycleError) -> Self {
        Self::Lifecycle(Box::new(error))
    }
}

/// Removes the stack that `asked` names, by its journal.
pub async fn down(
    asked: &str,
    foreign: ForeignContents,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<DownOutcome, DownError> {
    if let Some(id) = closed_id(asked)? {
        return Ok(DownOutcome::AlreadyGone(id));
    }
    let JournaledStack { home, state, id, clients } = JournaledStack::find(asked).await?;
    agree(&id, &clients, host).await?;
    host.notify(Event::StatusBefore(&StackStatus::of(&home, &state)?));
    host.notify(Event::Started { home: &home, id: &id });
    let opened = lifecycle::open_known(&home, &state, &clients);
    let journal = cancel.unless_raised(opened).await.map_err(|_| DownError::Interrupted)??;
    locked(&home, &journal, &clients, foreign, cancel, host).await
}

/// Removes a stack without a journal, or with one that may be incomplete. Searches the journal's own target unless
/// `search_in` is given.
pub async fn down_discovered(
    asked: &str,
    search_in: SearchIn,
    is_target_given: bool,
    foreign: ForeignContents,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<DownOutcome, DownError> {
    let home = state_folder()?;
    let id = match asked.parse::<StackId>() {
        Ok(id) => id,
        Err(not) => known_id(&home, asked)?.ok_or_else(|| DownError::InvalidId(not.to_string()))?,
    };
    let known = known_state(&home, &id, host)?;
    let is_known = known.as_ref().is_some_and(|state| !state.is_closed());
    let clients = match is_known && !is_target_given {
        true => JournaledStack::find(id.as_str()).await?.clients,
        false => target::connect(&home, &search_in.target, search_in.endpoint_url.as_deref()).await?,
    };
    let found = search(&id, known.as_ref(), &clients, host).await;
    for (kind, why) in &found.hidden {
        host.notify(Event::Warning(&format!("cannot tell whether {id} has any {kind}: {why}")));
    }
    if found.owned.is_empty() && !is_known {
        target::release_stand_in(&home).await?;
        return Ok(DownOutcome::NothingFound { id, clients: Box::new(clients), found });
    }
    for owned in &found.owned {
        host.notify(Event::Found(&owned.node.key));
    }
    agree(&id, &clients, host).await?;
    host.notify(Event::Started { home: &home, id: &id });
    let journal = discover::journal(&home, &id, &found, &clients).await?;
    locked(&home, &journal, &clients, foreign, cancel, host).await
}

/// Removes a stack with the journal that another machine mirrors to a bucket.
pub async fn down_mirrored(
    asked: &str,
    bucket: &str,
    search_in: SearchIn,
    foreign: ForeignContents,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<DownOutcome, DownError> {
    let home = state_folder()?;
    let clients = target::connect(&home, &search_in.target, search_in.endpoint_url.as_deref()).await?;
    let asked = name_of(asked)?;
    agree(&asked, &clients, host).await?;
    let journal = lifecycle::take_over(&home, &asked, bucket, &clients).await?;
    host.notify(Event::Started { home: &home, id: journal.id() });
    locked(&home, &journal, &clients, foreign, cancel, host).await
}

/// Removes a stack of an account, by its journal; without one here, writes one from the resources found.
pub async fn down_present(
    home: &Home,
    id: &StackId,
    clients: &Clients,
    foreign: ForeignContents,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<Down, DownError> {
    let known = known_state(home, id, host)?;
    let found = search(id, known.as_ref(), clients, host).await;
    let journal = discover::journal(home, id, &found, clients).await?;
    remove(home, &journal, clients, foreign, cancel, host).await
}

async fn agree(stack: &dyn std::fmt::Display, clients: &Clients, host: &dyn Host) -> Result<(), DownError> {
    let question = Question::delete(stack, clients);
    if !target::is_aws(clients) || host.confirm(&question).await? {
        return Ok(());
    }
    Err(DownError::Declined(question))
}

async fn locked(
    home: &Home,
    journal: &Journal,
    clients: &Clients,
    foreign: ForeignContents,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<DownOutcome, DownError> {
    host.notify(Event::Locked { id: journal.id(), clients });
    Ok(DownOutcome::Removed(remove(home, journal, clients, foreign, cancel, host).await?))
}

/// Removes everything that the journal knows and reports what is left; stops the stand-in after its last stack.
pub async fn remove(
    home: &Home,
    journal: &Journal,
    clients: &Clients,
    foreign: ForeignContents,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<Down, DownError> {
    let begun = Instant::now();
    if let Err(error) = fleet::forget(home, journal.id()).await {
        host.notify(Event::Warning(&error.to_string()));
    }
    let down = lifecycle::down_with(journal, clients, foreign, &Resources(host), cancel).await?;
    host.notify(Event::Removed { home, journal, down: &down, took: begun.elapsed() });
    if down.is_clean() {
        target::release_stand_in(home).await?;
    }
    Ok(down)
}

/// Searches for everything that carries the stack's ownership tags, also where its journal tells that something may be.
async fn search(id: &StackId, known: Option<&State>, clients: &Clients, host: &dyn Host) -> Found {
    let told = known.map(Told::by).unwrap_or_default();
    let found = inventory::thorough_told(clients, id, &told.nodes).await;
    let nodes = found.owned.iter().map(|owned| &owned.node).chain(&told.nodes);
    if !told.has_stack_file && !nodes.into_iter().any(redshift::is_told) {
        let warning = format!(
            "nothing left of {id} tells which Redshift it used, if any, so none was searched for its schema and tables"
        );
        host.notify(Event::Warning(&warning));
    }
    found
}

/// What this machine's journal of a stack says, if it has one. A damaged one is set aside later.
fn known_state(home: &Home, id: &StackId, host: &dyn Host) -> Result<Option<State>, DownError> {
    match journal::read(&home.journal(id)) {
        Ok(state) => Ok(Some(state).filter(|state| state.opened().is_some())),
        Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(damaged @ JournalError::Corrupt { .. }) => {
            host.notify(Event::Warning(&damaged.to_string()));
            Ok(None)
        }
        Err(error) => Err(DownError::UnreadableJournal { id: id.clone(), error }),
    }
}

/// The id of a stack that this machine knows by this name.
fn known_id(home: &Home, asked: &str) -> Result<Option<StackId>, DownError> {
    match home.find(&name_of(asked)?) {
        Ok(state) => Ok(state.id().cloned()),
        Err(HomeError::Unknown(_)) => Ok(None),
        Err(HomeError::Damaged(journal)) => Ok(Some(journal.id)),
        Err(error) => Err(error.into()),
    }
}

/// The id of the stack that was asked for, if it is gone and no other stack of that name is left. A damaged journal of that
/// name may be of one that is left.
fn closed_id(asked: &str) -> Result<Option<String>, DownError> {
    let (home, name) = (state_folder()?, name_of(asked)?);
    let Journals { readable, damaged } = home.journals()?;
    let mut meant =
        readable.iter().filter(|state| state.name() == Some(&name) || state.id().is_some_and(|id| id.as_str() == name));
    let all_closed = meant.clone().all(|state| state.is_closed());
    let may_be_left = damaged.iter().any(|journal| journal.id.as_str() == name || journal.id.name() == name);
    Ok(meant.next().filter(|_| all_closed && !may_be_left).and_then(|state| state.id().map(ToString::to_string)))
}
