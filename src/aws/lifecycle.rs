//! The lifecycle of a stack, for whoever has a stack, a state folder and clients: open, plan, up, status, down.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    bucket::Buckets,
    clients::Clients,
    kind::Kind,
    kinds::{self, providers},
    mirror::InBucket,
    names::Names,
    pipeline::{Materials, PipelineError, graph, ttl},
    preflight::{self, Intent, Refused, Report},
    schedule::Schedules,
};
use crate::{
    engine::{
        Applied, ApplyError, Cancel, Down, Fingerprint, Home, HomeError, Journal, JournalError, Observer,
        ProviderError, ResourceKey, StackId, State, Step, apply, destroy, mirror,
        plan::{self, Status},
    },
    spec::Stack,
};

/// Why a stack could not be opened, planned, brought up or taken down.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The state folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The stack cannot be made into resources.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Something stands in the way; nothing was made.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A call.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// `up` did not get there.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The stack's time is over: its stream was deleted by schedule, or will be at any moment.
    #[error(
        "the time of stack {id} was over at {}: its stream is deleted by schedule; `demo down {id}` takes the rest away, \
         and then `demo up` makes a new one; or raise `ttl`, which counts from {}, and `demo up` makes the stream anew, \
         without the records that were in it",
        ttl::written(*.expired), ttl::written(*.opened)
    )]
    Expired {
        /// The stack.
        id: StackId,
        /// When it was opened.
        opened: DateTime<Utc>,
        /// When its time was over.
        expired: DateTime<Utc>,
    },
    /// The stack file has no time to live any more, but the stack has a schedule.
    #[error(
        "the schedule of stack {0} would still delete its stream, though the stack file has no `ttl` any more; raise it \
         instead (`ttl: 30d`), or take the stack away with `demo down {0}`"
    )]
    StillScheduled(StackId),
    /// The journal would have somebody else's things deleted.
    #[error(
        "the journal of {id} has {key} with the mark of {stack}, so it was changed by hand; nothing was touched\n  \
         `demo down --discover {id}` works from what is there, once that journal is out of the way"
    )]
    Forged {
        /// Whose journal.
        id: StackId,
        /// Which resource.
        key: ResourceKey,
        /// Whose mark.
        stack: String,
    },
    /// The stack lives elsewhere.
    #[error("stack {id} lives in {lives}, but this would act in {here}; use its own account, region and endpoint")]
    Elsewhere {
        /// The stack.
        id: StackId,
        /// What its journal says.
        lives: Box<Fingerprint>,
        /// What the clients say.
        here: Box<Fingerprint>,
    },
}

/// Opens the stack of this name that is not gone, or a new one, and locks it. `spec` is kept in a new journal.
pub async fn open(home: &Home, stack: &Stack, spec: Value, clients: &Clients) -> Result<Journal, LifecycleError> {
    let here = clients.fingerprint().await?;
    match home.find(&stack.name) {
        Ok(state) => reopen(home, &state, &here),
        Err(HomeError::Unknown(_)) => Ok(Journal::create(home, &StackId::new(&stack.name), here, spec)?),
        Err(error) => Err(error.into()),
    }
}

/// What [`down`] may work from: every resource carries the mark of the journal's own stack.
fn only_its_own(journal: &Journal) -> Result<(), LifecycleError> {
    let id = journal.id();
    for resource in journal.state().live() {
        let stack = kinds::mark(&resource.node).map_or_else(|| "nobody".to_owned(), |mark| mark.stack);
        if stack != id.as_str() {
            let key = resource.node.key.clone();
            return Err(LifecycleError::Forged { id: id.clone(), key, stack });
        }
    }
    Ok(())
}

/// Opens and locks a stack that is known here, such as [`Home::find`] has found.
pub async fn open_known(home: &Home, state: &State, clients: &Clients) -> Result<Journal, LifecycleError> {
    reopen(home, state, &clients.fingerprint().await?)
}

/// Looks at everything that can be known before anything is made. `state` is what the journal says, or `State::default()`
/// where there is none; `id` may then be a new one.
///
/// # Errors
/// When the stack cannot be made into resources, or lives elsewhere. What stands in the way is in the report.
pub async fn look(
    stack: &Stack,
    id: &StackId,
    state: &State,
    materials: &Materials<'_>,
    clients: &Clients,
) -> Result<Report, LifecycleError> {
    alive(stack, id, state)?;
    let graph = graph(stack, id, ttl::opened_at(state), materials)?;
    if let (Some(_), Ok(here)) = (state.opened(), clients.fingerprint().await) {
        same_place(state, &here)?;
    }
    Ok(preflight::look(&Intent { stack, graph: &graph, id, state }, clients).await)
}

/// What [`up`] would do, with the arguments of [`look`].
///
/// # Errors
/// All that stands in the way, besides what the steps themselves tell.
pub async fn plan(
    stack: &Stack,
    id: &StackId,
    state: &State,
    materials: &Materials<'_>,
    clients: &Clients,
) -> Result<Vec<Step>, LifecycleError> {
    alive(stack, id, state)?;
    let graph = graph(stack, id, ttl::opened_at(state), materials)?;
    preflight::look_around(&Intent { stack, graph: &graph, id, state }, clients).await.accepted()?;
    Ok(plan::plan(&graph, state, &providers(clients)).await?)
}

/// Looks, and where nothing stands in the way makes everything ready; again and from any point of an earlier try.
pub async fn up(
    journal: &Journal,
    stack: &Stack,
    materials: &Materials<'_>,
    clients: &Clients,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Applied, LifecycleError> {
    look(stack, journal.id(), &journal.state(), materials, clients).await?.accepted()?;
    make(journal, stack, materials, clients, observer, cancel).await
}

/// [`up`] for who has looked already.
pub async fn make(
    journal: &Journal,
    stack: &Stack,
    materials: &Materials<'_>,
    clients: &Clients,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Applied, LifecycleError> {
    let state = journal.state();
    alive(stack, journal.id(), &state)?;
    let (graph, providers) = (graph(stack, journal.id(), ttl::opened_at(&state), materials)?, providers(clients));
    let bucket = Names::of(stack, journal.id()).bucket;
    if let Some(bucket) = bucket.filter(|_| stack.mirror) {
        journal.reflect_in(Arc::new(InBucket::new(clients, bucket)));
    }
    Ok(apply::up(&graph, &providers, journal, observer, cancel).await?)
}

/// What is there of everything that the journal knows.
pub async fn status(state: &State, clients: &Clients) -> Vec<Status> {
    plan::status(state, &providers(clients)).await
}

/// Takes over a stack whose journal another machine keeps in its bucket: brings it here, locks it, and lets the other see
/// it. `asked` is the stack's id or name; `bucket` a bucket's name or an `s3://` URL.
pub async fn take_over(home: &Home, asked: &str, bucket: &str, clients: &Clients) -> Result<Journal, LifecycleError> {
    let (here, mirror) = (clients.fingerprint().await?, Arc::new(InBucket::named(clients, bucket)));
    Ok(mirror::take_over(home, asked, &here, mirror).await?)
}

/// Takes everything away that the journal knows, and says what is left.
pub async fn down(
    journal: &Journal,
    clients: &Clients,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Down, LifecycleError> {
    only_its_own(journal)?;
    if let Some(bucket) = mirrored_in(&journal.state()) {
        journal.reflect_in(Arc::new(InBucket::new(clients, bucket)));
    }
    Ok(destroy::down(&providers(clients), journal, observer, cancel).await?)
}

/// Refuses a stack whose time is over, and one whose time to live was taken out of its file.
fn alive(stack: &Stack, id: &StackId, state: &State) -> Result<(), LifecycleError> {
    let opened = ttl::opened_at(state);
    match ttl::expires(stack, opened) {
        Some(expired) if expired <= Utc::now() => Err(LifecycleError::Expired { id: id.clone(), opened, expired }),
        None if state.live().any(|resource| resource.node.key.kind == Schedules::KIND) => {
            Err(LifecycleError::StillScheduled(id.clone()))
        }
        _ => Ok(()),
    }
}

/// The journal of another machine's stack, as its mirror in this bucket has it.
pub async fn reflected(asked: &str, bucket: &str, clients: &Clients) -> Result<State, LifecycleError> {
    let here = clients.fingerprint().await?;
    Ok(mirror::look(asked, &here, &InBucket::named(clients, bucket)).await?)
}

/// The bucket that the journal's mirror is in, while it may be there.
fn mirrored_in(state: &State) -> Option<String> {
    let mut buckets = state.live().filter_map(|resource| Buckets::of(&resource.node));
    buckets.find(|bucket| bucket.mirror).map(|bucket| bucket.name)
}

fn reopen(home: &Home, state: &State, here: &Fingerprint) -> Result<Journal, LifecycleError> {
    Ok(Journal::open(home, same_place(state, here)?)?)
}

/// The id of a stack that lives where the clients call.
fn same_place<'a>(state: &'a State, here: &Fingerprint) -> Result<&'a StackId, LifecycleError> {
    let (Some(id), Some(opened)) = (state.id(), state.opened()) else {
        return Err(HomeError::Unknown("(an empty journal)".to_owned()).into());
    };
    if opened.target != *here {
        let (lives, here) = (Box::new(opened.target.clone()), Box::new(here.clone()));
        return Err(LifecycleError::Elsewhere { id: id.clone(), lives, here });
    }
    Ok(id)
}
