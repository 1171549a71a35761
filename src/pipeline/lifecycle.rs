//! The lifecycle of a stack, for whoever has a stack, a state folder and clients: open, plan, up, status, down.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::Value;

use super::{Materials, PipelineError, ttl};
use crate::{
    aws::{
        Clients, Names,
        bucket::Buckets,
        kind::Kind,
        kinds::providers,
        mirror::InBucket,
        ownership::Ownership,
        preflight::{self, Finding, Intent, Refused, Report},
        schedule::Schedules,
    },
    deliveries,
    engine::{
        Applied, ApplyError, Cancel, Claim, Down, Fingerprint, ForeignContents, Graph, Home, HomeError, Journal,
        JournalError, Node, Observer, ProviderError, ResourceKey, StackId, State, Step, Survey, apply, destroy,
        plan::{self, Status},
        takeover,
    },
    spec::{self, Stack},
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
        "stack {id} expired at {}, and its schedule deletes its stream\n  \
         run `demo down {id}` to remove the rest, then `demo up` to create a new stack; or raise `ttl`, which counts from \
         {}: `demo up` then creates the stream again, without its records",
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
        "the schedule of stack {0} would still delete its stream, although the stack file no longer has a `ttl`\n  \
         raise it instead (`ttl: 30d`), or remove the stack with `demo down {0}`"
    )]
    StillScheduled(StackId),
    /// The journal would have somebody else's things deleted.
    #[error(
        "the journal of {id} lists {key} with the tags of {stack}, so someone edited it; nothing was touched\n  \
         move that journal away, then run `demo down --discover {id}`, which works from what exists"
    )]
    Forged {
        /// Whose journal.
        id: StackId,
        /// Which resource.
        key: ResourceKey,
        /// Whose ownership tags.
        stack: String,
    },
    /// The stack lives elsewhere.
    #[error(
        "stack {id} is in {lives}, but this command would act in {here}; use the stack's account, region and endpoint"
    )]
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
    open_claimed(home, home.claim(&stack.name)?, spec, clients).await
}

/// [`open`] for a caller that has claimed the name.
pub async fn open_claimed(
    home: &Home,
    claim: Claim,
    spec: Value,
    clients: &Clients,
) -> Result<Journal, LifecycleError> {
    let here = clients.fingerprint().await?;
    match claim.state.opened() {
        Some(_) => reopen(home, &claim.state, &here),
        None => Ok(Journal::create_at(home, &claim.id, claim.opened_at, here, spec)?),
    }
}

/// What [`down`] may work from: every resource carries the ownership tags of the journal's own stack.
fn only_its_own(journal: &Journal) -> Result<(), LifecycleError> {
    let id = journal.id();
    for resource in journal.state().live() {
        let stack = Ownership::in_node(&resource.node).map_or_else(|| "nobody".to_owned(), |ownership| ownership.stack);
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

/// A stack before it is planned or created: every preflight finding, and each resource of its graph read once.
#[derive(Debug)]
pub struct Prepared {
    findings: Report,
    /// Who is not known cannot read either.
    survey: Result<Survey, Refused>,
}

impl Prepared {
    /// All findings, also about names that are taken.
    pub fn report(&self) -> Report {
        let names = self.survey.iter().flat_map(preflight::names);
        Report(self.findings.0.iter().cloned().chain(names).collect())
    }

    /// The resources and what exists of them, for [`make`].
    ///
    /// # Errors
    /// Everything that stands in the way.
    pub fn accepted(self) -> Result<Survey, Refused> {
        self.report().accepted()?;
        self.survey
    }

    /// What [`make`] would do. `state` is what the journal says.
    ///
    /// # Errors
    /// Everything that stands in the way, besides what the steps themselves tell.
    pub fn plan(self, state: &State) -> Result<Vec<Step>, LifecycleError> {
        self.findings.accepted()?;
        Ok(self.survey?.plan(state)?)
    }
}

/// The resources that make a stack. `state` is what the journal says, or `State::default()` if there is none; `id` is
/// then the id that the stack will have.
///
/// # Errors
/// The stack cannot be made into resources, or its time to live does not allow it any more.
pub fn graph(stack: &Stack, id: &StackId, state: &State, materials: &Materials<'_>) -> Result<Graph, LifecycleError> {
    alive(stack, id, state)?;
    Ok(super::graph(stack, id, ttl::opened_at(state), materials)?)
}

/// [`graph`] for a caller that has claimed the name.
///
/// # Errors
/// The same.
pub fn graph_claimed(stack: &Stack, claim: &Claim, materials: &Materials<'_>) -> Result<Graph, LifecycleError> {
    match claim.state.opened() {
        Some(_) => graph(stack, &claim.id, &claim.state, materials),
        None => Ok(super::graph(stack, &claim.id, claim.opened_at, materials)?),
    }
}

/// Runs all preflight checks and reads every resource of a stack's [`graph`].
///
/// # Errors
/// The stack lives elsewhere. What stands in the way is in the report.
pub async fn prepare(
    stack: &Stack,
    id: &StackId,
    state: &State,
    graph: Graph,
    clients: &Clients,
) -> Result<Prepared, LifecycleError> {
    if let (Some(_), Ok(here)) = (state.opened(), clients.fingerprint().await) {
        same_place(state, &here)?;
    }
    let (providers, intent) = (providers(clients), Intent { stack, graph: &graph, id, state });
    let referred = referred(stack, id, state, clients);
    let (findings, survey) = preflight::check(&intent, clients, referred, Survey::of(&graph, &providers)).await;
    let survey = survey.ok_or_else(|| Refused(findings.wrong().cloned().collect()));
    Ok(Prepared { findings, survey })
}

/// What the deliveries find of what they refer to and do not make, and what the schedule cannot delete.
async fn referred(stack: &Stack, id: &StackId, state: &State, clients: &Clients) -> Vec<Finding> {
    let (names, deliveries) = (Names::of(stack, id), deliveries::of(&stack.deliver));
    let found = join_all(deliveries.iter().map(|delivery| delivery.preflight(&names, clients)));
    let (found, undeletable) = futures::join!(found, ttl::findings(stack, &names, state, clients));
    [found.concat(), undeletable].concat()
}

/// Every finding about a stack, with the arguments of [`graph`] and [`prepare`].
///
/// # Errors
/// Theirs.
pub async fn check(
    stack: &Stack,
    id: &StackId,
    state: &State,
    materials: &Materials<'_>,
    clients: &Clients,
) -> Result<Report, LifecycleError> {
    Ok(prepare(stack, id, state, graph(stack, id, state, materials)?, clients).await?.report())
}

/// What [`make`] would do, with the arguments of [`graph`] and [`prepare`].
///
/// # Errors
/// Theirs, and everything that stands in the way besides what the steps themselves tell.
pub async fn plan(
    stack: &Stack,
    id: &StackId,
    state: &State,
    materials: &Materials<'_>,
    clients: &Clients,
) -> Result<Vec<Step>, LifecycleError> {
    prepare(stack, id, state, graph(stack, id, state, materials)?, clients).await?.plan(state)
}

/// [`prepare`], and if nothing stands in the way [`make`].
pub async fn up(
    journal: &Journal,
    stack: &Stack,
    materials: &Materials<'_>,
    clients: &Clients,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Applied, LifecycleError> {
    let (id, state) = (journal.id(), journal.state());
    let prepared = prepare(stack, id, &state, graph(stack, id, &state, materials)?, clients).await?;
    make(journal, stack, &prepared.accepted()?, clients, observer, cancel).await
}

/// Creates and changes what a surveyed stack lacks; again, and from any point of an earlier attempt.
pub async fn make(
    journal: &Journal,
    stack: &Stack,
    survey: &Survey,
    clients: &Clients,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Applied, LifecycleError> {
    let bucket = Names::of(stack, journal.id()).bucket;
    if let Some(bucket) = bucket.filter(|_| stack.mirror) {
        journal.reflect_in(Arc::new(InBucket::new(clients, bucket)));
    }
    Ok(apply::up(survey, &providers(clients), journal, observer, cancel).await?)
}

/// What is there of everything that the journal knows.
pub async fn status(state: &State, clients: &Clients) -> Vec<Status> {
    plan::status(state, &providers(clients)).await
}

/// Takes over a stack whose journal another machine keeps in its bucket: brings it here, locks it, and lets the other
/// see it. `asked` is the stack's id or name; `bucket` a bucket's name or an `s3://` URL.
pub async fn take_over(home: &Home, asked: &str, bucket: &str, clients: &Clients) -> Result<Journal, LifecycleError> {
    let (here, mirror) = (clients.fingerprint().await?, Arc::new(InBucket::named(clients, bucket)));
    Ok(takeover::take_over(home, asked, &here, mirror).await?)
}

/// What a journal tells about where a stack's resources may be.
#[derive(Debug, Default)]
pub struct Told {
    /// Nodes that name a place.
    pub nodes: Vec<Node>,
    /// Whether the stack file in it can be read: what that does not mention, the stack did not have when it was opened.
    pub has_stack_file: bool,
}

impl Told {
    /// By this journal.
    pub fn by(state: &State) -> Self {
        let mut nodes: Vec<Node> = state.resources().iter().map(|resource| resource.node.clone()).collect();
        // One that another version wrote may be unreadable; then the nodes tell what there is to tell.
        let stack = state.opened().and_then(|opened| spec::from_value(&opened.spec).ok());
        if let (Some(stack), Some(id)) = (&stack, state.id()) {
            nodes.extend(deliveries::of(&stack.deliver).into_iter().filter_map(|delivery| delivery.inside(id)));
        }
        Self { nodes, has_stack_file: stack.is_some() }
    }
}

/// Takes everything away that the journal knows, and says what is left. What contains something of others stays.
pub async fn down(
    journal: &Journal,
    clients: &Clients,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Down, LifecycleError> {
    down_with(journal, clients, ForeignContents::Keep, observer, cancel).await
}

/// [`down`], also of what contains something of others.
pub async fn down_with(
    journal: &Journal,
    clients: &Clients,
    foreign: ForeignContents,
    observer: &dyn Observer,
    cancel: &Cancel,
) -> Result<Down, LifecycleError> {
    only_its_own(journal)?;
    if let Some(bucket) = mirrored_in(&journal.state()) {
        journal.reflect_in(Arc::new(InBucket::new(clients, bucket)));
    }
    let providers = providers(clients);
    providers.note(&Told::by(&journal.state()).nodes);
    Ok(destroy::down(&providers, journal, foreign, observer, cancel).await?)
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
    Ok(takeover::read(asked, &here, &InBucket::named(clients, bucket)).await?)
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
