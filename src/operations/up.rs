//! Creates the resources of a stack, or continues where an earlier `up` was cut off.

use std::{io, path::Path, sync::Arc, time::Instant};

use super::{
    budget::{self, BudgetError},
    documents::{Documents, DocumentsError},
    down,
    host::{Event, Host, Question, Resources},
    known::state_folder,
    room::{self, RoomError},
    status::StackStatus,
    target::{self, ConnectError},
};
use crate::{
    aws::{
        Clients, cost,
        packaging::{Package, PackagingError},
        worker_program::{ProgramError, WorkerProgram},
    },
    deliveries,
    engine::{
        ApplyError, Cancel, Claim, Down, ForeignContents, Graph, Home, HomeError, Journal, JournalError, StackId,
        Survey, journal::Entry,
    },
    load::Part,
    pipeline::{
        Materials,
        lifecycle::{self, LifecycleError},
    },
    spec::{Checked, Stack, Target, Workers},
};

/// How to create a stack.
#[derive(Clone, Copy, Debug)]
pub struct UpOptions<'a> {
    /// Call this endpoint instead of the target's own.
    pub endpoint_url: Option<&'a str>,
    /// The binary of the Lambda function; by default the one beside this program.
    pub function_binary: Option<&'a Path>,
    /// What to do with a new stack that cannot be created completely.
    pub on_failure: OnFailure,
    /// Whether its load follows, which the stand-in's disk must have room for.
    pub loads: bool,
}

/// What to do with a new stack that cannot be created completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Keep it.
    Keep,
    /// Remove it after a failure; keep it after an interruption.
    RollBackUnlessInterrupted,
    /// Remove it.
    RollBack,
}

impl OnFailure {
    fn keeps(self, error: &LifecycleError) -> bool {
        match self {
            Self::Keep => true,
            Self::RollBackUnlessInterrupted => is_interrupted(error),
            Self::RollBack => false,
        }
    }
}

/// A stack that is up; it stays locked while this value lives.
pub struct StackUp {
    /// The state folder.
    pub home: Home,
    /// Its id.
    pub id: StackId,
    /// Its journal.
    pub journal: Arc<Journal>,
    /// Clients for its target.
    pub clients: Clients,
    /// What it sends.
    pub documents: Documents,
    /// Whether it existed before.
    pub existed_before: bool,
    /// How long it took.
    pub seconds: f64,
}

/// Why a stack is not up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// Its documents cannot be sent.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// Its budget would stop the load at once.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The code of its function is not fit.
    #[error(transparent)]
    Packaging(#[from] PackagingError),
    /// The program of its workers on Fargate is not fit.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The disk has no room for it.
    #[error(transparent)]
    Room(#[from] RoomError),
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
    /// The operation was cancelled before anything was created.
    #[error("interrupted")]
    Interrupted,
    /// The stack cannot be made into resources, is refused, or its journal cannot be opened. Nothing was created.
    #[error(transparent)]
    Refused(Box<LifecycleError>),
    /// A new stack was interrupted before its first resource.
    #[error("interrupted; nothing was created")]
    NothingCreated {
        /// Why the journal could not be closed.
        not_closed: Option<Box<UpError>>,
    },
    /// Its journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It could not be created completely, and what was created stays.
    #[error("{error}")]
    Kept {
        /// The state folder.
        home: Home,
        /// The stack.
        id: StackId,
        /// What failed.
        error: Box<LifecycleError>,
    },
    /// It could not be created completely, and was removed.
    #[error("{error}")]
    RolledBack {
        /// What failed.
        error: Box<LifecycleError>,
        /// What is gone and what is left; none if the removal failed.
        down: Option<Down>,
    },
}

impl From<LifecycleError> for UpError {
    fn from(error: LifecycleError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// Whether an `up` ended because it was cancelled.
pub fn is_interrupted(error: &LifecycleError) -> bool {
    matches!(error, LifecycleError::Apply(ApplyError::Interrupted))
}

/// Finds and checks the code of a stack's function; none for a stack without a function.
pub fn package(stack: &Stack, function_binary: Option<&Path>) -> Result<Option<Package>, PackagingError> {
    let needs_code = deliveries::of(&stack.deliver).iter().any(|delivery| delivery.needs_code());
    needs_code.then(|| Package::find(function_binary)).transpose()
}

/// Finds and checks the program of a stack's workers on Fargate; none for a stack without any.
pub fn worker_program(stack: &Stack) -> Result<Option<WorkerProgram>, ProgramError> {
    let has_tasks = stack.load.workers.as_ref().and_then(Workers::fargate).is_some();
    has_tasks.then(|| WorkerProgram::find(None)).transpose()
}

/// Creates all resources of a stack, or continues where an earlier `up` was cut off.
///
/// # Errors
/// After a failure or a cancellation, once the options' `on_failure` has been applied to a new stack.
pub async fn up(
    checked: &Checked,
    options: UpOptions<'_>,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<StackUp, UpError> {
    let stack = &checked.stack;
    let documents = Documents::check(stack).await?;
    host.notify(Event::DocumentsChecked { stack, documents: &documents });
    let function = package(stack, options.function_binary)?;
    let worker = worker_program(stack)?.map(|program| program.architecture);
    let materials = Materials { schema: &documents.schema, function: function.as_ref(), worker };
    room::refuse_full_disk()?;
    if options.loads {
        budget::refuse_small(stack, &documents).await?;
        room::refuse_load(stack, &documents, options.endpoint_url, Part::WHOLE).await?;
    }
    let home = state_folder()?;
    let begun = Instant::now();
    let claim = home.claim(&stack.name)?;
    let existed_before = claim.state.opened().is_some();
    // Reports what cannot become resources before anything is touched.
    let graph = lifecycle::graph_claimed(stack, &claim, &materials)?;
    let opening = Opening { home: &home, checked, cancel, host };
    let (journal, survey, clients) = match opening.open(claim, graph, options.endpoint_url).await {
        Ok(opened) => opened,
        Err(error) => {
            target::release_stand_in(&home).await?;
            return Err(error);
        }
    };
    let id = journal.id().clone();
    if let Err(error) = home.keep_room() {
        tracing::warn!(%error, "no room is kept for removals in {}", home.root().display());
    }
    host.notify(Event::Started { home: &home, id: &id });
    host.notify(Event::Locked { id: &id, clients: &clients });
    let made = lifecycle::make(&journal, stack, &survey, &clients, &Resources(host), cancel).await;
    let (journal, took) = (Arc::new(journal), begun.elapsed());
    let up = StackUp { home, id, journal, clients, documents, existed_before, seconds: took.as_secs_f64() };
    match made {
        Ok(applied) => {
            host.notify(Event::Created { applied: &applied, took });
            Ok(up)
        }
        Err(error) => Err(up.incomplete(error, options.on_failure, host).await),
    }
}

/// The way to a locked journal.
struct Opening<'a> {
    home: &'a Home,
    checked: &'a Checked,
    cancel: &'a Cancel,
    host: &'a dyn Host,
}

impl Opening<'_> {
    /// Reports what an earlier process left behind, runs the preflight checks, asks if a new stack costs money, and
    /// locks the stack's journal.
    async fn open(
        &self,
        claim: Claim,
        graph: Graph,
        endpoint_url: Option<&str>,
    ) -> Result<(Journal, Survey, Clients), UpError> {
        let Self { home, checked, cancel, host } = *self;
        let stack = &checked.stack;
        if stack.target == Target::Local {
            host.notify(Event::Preparing);
        }
        let clients = target::connect(home, &stack.target, endpoint_url).await?;
        host.notify(Event::StatusBefore(&StackStatus::of(home, &claim.state)?));
        let preparing = lifecycle::prepare(stack, &claim.id, &claim.state, graph, &clients);
        let prepared = cancel.unless_raised(preparing).await.map_err(|_| UpError::Interrupted)??;
        for warning in prepared.report().warnings() {
            host.notify(Event::Warning(&warning.to_string()));
        }
        let survey = prepared.accepted().map_err(LifecycleError::from)?;
        if claim.state.opened().is_none() && target::is_aws(&clients) {
            let costs = cost::per_hour(survey.graph().nodes(), clients.place());
            let question = Question::create(stack, &costs, &clients);
            if !host.confirm(&question).await? {
                return Err(UpError::Declined(question));
            }
        }
        host.notify(Event::Preparing);
        let opened = lifecycle::open_claimed(home, claim, checked.merged.clone(), &clients);
        let journal = cancel.unless_raised(opened).await.map_err(|_| UpError::Interrupted)??;
        Ok((journal, survey, clients))
    }
}

impl StackUp {
    /// Keeps or removes a stack that could not be created completely.
    async fn incomplete(self, error: LifecycleError, on_failure: OnFailure, host: &dyn Host) -> UpError {
        let nothing = self.journal.state().live().next().is_none();
        if !self.existed_before && nothing && is_interrupted(&error) {
            return UpError::NothingCreated { not_closed: self.forget().await.err().map(Box::new) };
        }
        let (keeps, error) = (on_failure.keeps(&error), Box::new(error));
        let Self { home, id, .. } = self;
        if self.existed_before || keeps {
            return UpError::Kept { home, id, error };
        }
        host.notify(Event::RollingBack);
        match down::remove(&home, &self.journal, &self.clients, ForeignContents::Keep, &Cancel::new(), host).await {
            Ok(down) => UpError::RolledBack { error, down: Some(down) },
            Err(left) => {
                host.notify(Event::RollbackFailed { home: &home, id: &id, error: &left });
                UpError::RolledBack { error, down: None }
            }
        }
    }

    /// Closes the journal of a stack without any resources.
    async fn forget(&self) -> Result<(), UpError> {
        self.journal.record(Entry::Closed)?;
        Ok(target::release_stand_in(&self.home).await?)
    }
}
