//! Takes the lead of a run whose tasks go on without a coordinator: of one that was detached, or whose coordinator is gone.

use std::sync::Arc;

use super::{
    documents::{Documents, DocumentsError},
    down::SearchIn,
    fleet::Lead,
    host::{Event, Host},
    known::{FindError, JournaledStack, bucket_of, state_folder},
    run::{Afterwards, RunError, RunOutcome, UpRun},
    target::{self, ConnectError},
    up::StackUp,
};
use crate::{
    aws::Clients,
    engine::{Cancel, Home, HomeError, Journal, State},
    fleet::{FleetError, InBucket, RendezvousError, RunPlan, Unled, plan_of, until_unled},
    pipeline::lifecycle::{self, LifecycleError},
    record::{RecordError, folders::Records},
    spec::{self, SpecErrors, Stack},
};

/// How to lead a run.
#[derive(Clone, Debug)]
pub struct AttachOptions<'a> {
    /// Whether to remove the stack afterwards.
    pub remove: bool,
    /// Whether to run the demo query.
    pub query: bool,
    /// The bucket of the journal's mirror, and where it is, if the journal is on another machine.
    pub mirror: Option<(&'a str, SearchIn)>,
}

/// Why the lead of a run cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// No stack of this machine has it.
    #[error(
        "no stack of this machine has a run {0} under way\n  \
         on another machine, name the stack's bucket with --mirror; `demo runs` lists the runs of this machine"
    )]
    Unknown(String),
    /// The stack has no bucket.
    #[error("stack {stack} has no bucket, so its run {run} has no tasks to lead")]
    NoTasks {
        /// The stack.
        stack: String,
        /// The run.
        run: String,
    },
    /// The stack cannot be found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The state folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There are no clients for its target.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// What its workers were told cannot be read.
    #[error(transparent)]
    Rendezvous(#[from] RendezvousError),
    /// Another process leads it.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// What its workers were told names no stack.
    #[error("cannot read the stack that the workers were told: {0}")]
    Spec(SpecErrors),
    /// Its documents cannot be read.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Lifecycle(Box<LifecycleError>),
    /// The record of whoever led it before cannot be set aside.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The operation was cancelled before anything was led.
    #[error("interrupted")]
    Interrupted,
    /// It is led, and cannot be removed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<LifecycleError> for AttachError {
    fn from(error: LifecycleError) -> Self {
        Self::Lifecycle(Box::new(error))
    }
}

/// Leads the tasks of a run to its end, and verifies it.
///
/// # Errors
/// Nobody can lead it, or the stack cannot be removed. Other errors are in the outcome.
pub async fn attach(
    run: &str,
    options: AttachOptions<'_>,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<RunOutcome, AttachError> {
    let finding = find(run, &options);
    let found = cancel.unless_raised(finding).await.map_err(|_| AttachError::Interrupted)??;
    let Found { up, stack, unled, plan } = found;
    host.notify(Event::Started { home: &up.home, id: &up.id });
    host.notify(Event::Locked { id: &up.id, clients: &up.clients });
    Records::of(&up.home).set_aside(&up.id, run)?;
    let (spec, endpoint_url) = (plan.spec.clone(), plan.endpoint_url.clone());
    let driven = UpRun { up: &up, stack: &stack, spec: &spec, endpoint_url: endpoint_url.as_deref() };
    let then = Afterwards { remove: options.remove, query: options.query };
    Ok(driven.lead(run.to_owned(), Lead::TakenOver(Box::new((unled, plan))), then, cancel, host).await?)
}

/// A locked stack, and what the workers of its run were told.
struct Found {
    up: StackUp,
    stack: Stack,
    unled: Unled,
    plan: RunPlan,
}

async fn find(run: &str, options: &AttachOptions<'_>) -> Result<Found, AttachError> {
    let home = state_folder()?;
    let Left { journal, clients, unled, plan } = match &options.mirror {
        Some((bucket, search)) => mirrored(run, &home, bucket, search).await?,
        None => journaled(run, &home).await?,
    };
    let stack = spec::from_value(&plan.spec).map_err(AttachError::Spec)?;
    let documents = Documents::check(&stack).await?;
    let id = journal.id().clone();
    let journal = Arc::new(journal);
    // What it created before is this run's to remove.
    let up = StackUp { home, id, journal, clients, documents, existed_before: false, seconds: 0.0 };
    Ok(Found { up, stack, unled, plan })
}

/// A run that nobody leads, and its stack's journal.
struct Left {
    journal: Journal,
    clients: Clients,
    unled: Unled,
    plan: RunPlan,
}

/// By the journal of this machine.
async fn journaled(run: &str, home: &Home) -> Result<Left, AttachError> {
    let journals = home.journals()?.readable;
    let has_run = |state: &&State| !state.is_closed() && state.runs().iter().any(|known| known.id == run);
    let state = journals.iter().find(has_run).ok_or_else(|| AttachError::Unknown(run.to_owned()))?;
    let id = state.id().ok_or_else(|| AttachError::Unknown(run.to_owned()))?;
    let JournaledStack { state, clients, .. } = JournaledStack::find(id.as_str()).await?;
    let bucket =
        bucket_of(&state).ok_or_else(|| AttachError::NoTasks { stack: id.to_string(), run: run.to_owned() })?;
    let journal = lifecycle::open_known(home, &state, &clients).await?;
    let place = InBucket::new(&clients.s3, &bucket, run);
    let (unled, plan) = (until_unled(&place).await?, plan_of(&place).await?);
    Ok(Left { journal, clients, unled, plan })
}

/// By the mirror of another machine's journal.
async fn mirrored(
    run: &str,
    home: &Home,
    bucket: &str,
    SearchIn { target, endpoint_url }: &SearchIn,
) -> Result<Left, AttachError> {
    let clients = target::connect(home, target, endpoint_url.as_deref()).await?;
    let name = bucket.trim_start_matches("s3://").split('/').next().unwrap_or_default();
    let place = InBucket::new(&clients.s3, name, run);
    // Before anything is taken: the journal of whoever leads it stays whole.
    let (unled, plan) = (until_unled(&place).await?, plan_of(&place).await?);
    let journal = lifecycle::take_over(home, &plan.stack, bucket, &clients).await?;
    Ok(Left { journal, clients, unled, plan })
}
