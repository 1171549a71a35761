//! One worker's part of a run that several processes or machines share.
//!
//! The first worker reserves the tickets of the whole run under the run's name. The others read them from the journal,
//! which each worker locks only for a moment, or from its mirror. Each worker sends its own part of the documents and
//! records the acknowledgements in its own log; the verification combines the logs.

use std::{
    fs, io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{JoinError, spawn_blocking},
    time::sleep,
};

use super::{
    budget::{self, BudgetError},
    documents::{Documents, DocumentsError},
    host::{Event, Host},
    known::state_folder,
    load::{StackLoad, StackLoadError},
    logs::Logs,
    recording::{Recording, Subject},
    room::{self, RoomError},
    target::{self, ConnectError, location},
};
use crate::{
    aws::{Clients, Names, mirror::InBucket},
    engine::{Cancel, Home, HomeError, Journal, JournalError, ProviderError, Run, StackId, State, journal::Entry},
    load::{LoadError, Part, ReserveTickets},
    pipeline::{
        lifecycle::{self, LifecycleError},
        meter::Meter,
    },
    report::RunReport,
    spec::{Schedule, Stack, Threshold, Thresholds, Timetable},
};

/// How long a worker waits for the journal: another worker locks it for a moment, an unshared run for longer.
const JOURNAL_TIMEOUT: Duration = Duration::from_secs(10);
const JOURNAL_INTERVAL: Duration = Duration::from_millis(100);
/// How long a worker waits for the mirror: the worker that has the journal may start last.
const MIRROR_TIMEOUT: Duration = Duration::from_secs(120);
const MIRROR_INTERVAL: Duration = Duration::from_secs(2);
const LONGEST_NAME: usize = 64;

/// One worker's part of a shared run.
pub struct SharedRun {
    part: Part,
    run: String,
    mirror: Option<String>,
}

/// Why a worker has no result.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The name of the run is wrong.
    #[error("invalid run name `{0}`: use letters, digits, `-` and `_`, at most {LONGEST_NAME}")]
    RunName(String),
    /// The stack file says already who sends its load.
    #[error(
        "the stack file shares its load by `load.workers`, among {0}: leave out --workers, or add --set load.workers=null"
    )]
    SharesItself(u32),
    /// Each document of a replay has its own time, and workers have documents next to each other.
    #[error("workers cannot share a replay: run it without --workers")]
    Replay,
    /// The load cannot be shared.
    #[error(transparent)]
    Endless(LoadError),
    /// The stack is not up, or only partly.
    #[error("{0}; run `demo up` first")]
    NotUp(String),
    /// This worker has run before.
    #[error("worker {part} of run {run} has already run: {} exists; use another --run name", .log.display())]
    LogExists {
        /// The worker's part.
        part: Part,
        /// The run.
        run: String,
        /// The worker's log.
        log: PathBuf,
    },
    /// The run is another one, or shared otherwise.
    #[error(transparent)]
    OtherWorkers(#[from] OtherWorkers),
    /// The operation was cancelled before the load began.
    #[error("interrupted")]
    Interrupted,
    /// The mirror does not have the run.
    #[error("the journal in {bucket} has no run {run}; also start a worker where the journal is")]
    NotMirrored {
        /// The bucket of the mirror.
        bucket: String,
        /// The run.
        run: String,
    },
    /// The mirror cannot be read.
    #[error(transparent)]
    Lifecycle(Box<LifecycleError>),
    /// The documents cannot be sent.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// The budget would stop the load at once.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// Others may be at work on the stack that a worker would remove.
    #[error("workers cannot remove their stack: run it without --workers, or with `--set budget.then=null`")]
    ThenDown,
    /// The disk has no room for its part.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The state folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There are no clients for the stack's target.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The load ended early.
    #[error(transparent)]
    Load(#[from] StackLoadError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] io::Error),
    /// The log cannot be uploaded.
    #[error(transparent)]
    Upload(#[from] ProviderError),
    /// The result cannot be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The report cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The recording panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
}

/// Why a worker has no tickets.
#[derive(Debug, thiserror::Error)]
enum TicketsError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "run {run} has {} tickets, but this load needs {needed}; give all its workers the same stack file, or use \
         another --run name", .tickets.end() - .tickets.start() + 1
    )]
    OtherCount { run: String, tickets: RangeInclusive<u64>, needed: u64 },
    #[error(transparent)]
    OtherWorkers(#[from] OtherWorkers),
}

/// A run that is another one, or shared otherwise: documents that two workers both take for theirs would be sent twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "run {run} is not shared by {} workers, but by {}; give all its workers the same number, or use another --run name", .part.of,
    .workers.map_or("none".to_owned(), |workers| workers.to_string())
)]
pub struct OtherWorkers {
    /// The worker's part.
    pub part: Part,
    /// The run.
    pub run: String,
    /// By how many it is shared, if it is.
    pub workers: Option<u32>,
}

impl SharedRun {
    /// A part of the run of this name. `mirror` is the bucket of the journal's mirror, if the journal is on another
    /// machine.
    pub fn new(stack: &Stack, part: Part, run: &str, mirror: Option<&str>) -> Result<Self, WorkerError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if run.is_empty() || run.len() > LONGEST_NAME || !run.chars().all(fits) {
            return Err(WorkerError::RunName(run.to_owned()));
        }
        if let Some(workers) = &stack.load.workers {
            return Err(WorkerError::SharesItself(workers.count()));
        }
        if stack.load.schedule.documents().is_none() {
            return Err(WorkerError::Endless(LoadError::Endless));
        }
        if matches!(stack.load.schedule, Schedule::Open(Timetable::Replay(_))) {
            return Err(WorkerError::Replay);
        }
        if stack.budget.is_some_and(|budget| budget.takes_down) {
            return Err(WorkerError::ThenDown);
        }
        Ok(Self { part, run: run.to_owned(), mirror: mirror.map(str::to_owned) })
    }

    /// Sends this worker's part of the load.
    pub async fn send(
        self,
        stack: &Stack,
        endpoint_url: Option<&str>,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<RunReport, WorkerError> {
        let documents = Documents::check(stack).await?;
        host.notify(Event::DocumentsChecked { stack, documents: &documents });
        budget::refuse_small(stack, &documents).await?;
        room::refuse_full_disk()?;
        room::refuse_load(stack, &documents, endpoint_url, self.part).await?;
        let home = state_folder()?;
        let (state, clients) = self.find(stack, &home, endpoint_url, cancel, host).await?;
        of_run(&state, &self.run, self.part)?;
        let id = state.id().expect("a stack that is up has an id").clone();
        let names = Names::of(stack, &id);
        let log = self.new_log(&home, &id)?;
        host.notify(Event::Started { home: &home, id: &id });
        host.notify(Event::WorkerStarted { id: &id, clients: &clients, part: self.part, run: &self.run });
        let nodes = state.live().map(|resource| &resource.node);
        let meter = Meter::new(stack, nodes, clients.place(), Duration::ZERO, self.part);
        let subject = Subject {
            home: &home,
            id: &id,
            stack,
            spec: &state.opened().expect("a stack that is up was opened").spec,
            state: &state,
            clients: &clients,
            run: &self.run,
            part: self.part,
            meter: &meter,
        };
        let recording = Recording::begin(host, subject).await;
        let load = StackLoad {
            home: &home,
            id: &id,
            stack,
            names: &names,
            clients: &clients,
            documents: &documents,
            run: self.run.clone(),
            part: self.part,
            log: log.clone(),
            tickets: match &self.mirror {
                None => self.journal_tickets(&home, &id, mirror(stack, &names, &clients)),
                Some(_) => self.mirrored_tickets(&state),
            },
        };
        let sent = load.send(&meter, cancel, &recording).await;
        let uploaded = self.upload_log(&log, &clients).await;
        let mut report = RunReport { stack: id.to_string(), target: location(&clients), ..self.report() };
        if let Ok(sent) = &sent {
            report.record_load(&sent.load);
            report.problems.extend(sent.problems.iter().cloned());
            report.interrupted |= cancel.is_raised();
            report.aborted = sent.aborted.clone();
            report.cost = Some(recording.cost());
            report.check_thresholds(&self.thresholds(&stack.thresholds));
        }
        let ended = match (sent, uploaded) {
            (Ok(_), Ok(())) => self.record(&home, &id, &report).await,
            (Err(error), _) => Err(error.into()),
            (_, Err(error)) => Err(error),
        };
        recording.end(&mut report, ended.as_ref().err().map(ToString::to_string));
        ended.map(|()| report)
    }

    /// The stack's state, from its journal here or from another machine's mirror, and clients for its target.
    async fn find(
        &self,
        stack: &Stack,
        home: &Home,
        endpoint_url: Option<&str>,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<(State, Clients), WorkerError> {
        let Some(bucket) = &self.mirror else {
            let state = state_of(home, &stack.name)?;
            return Ok((state, target::connect(home, &stack.target, endpoint_url).await?));
        };
        let clients = target::connect(home, &stack.target, endpoint_url).await?;
        let mirrored = self.mirrored_state(stack, bucket, &clients, host);
        let state = cancel.unless_raised(mirrored).await.map_err(|_| WorkerError::Interrupted)??;
        Ok((state, clients))
    }

    /// The path of this worker's log, which must not exist yet.
    fn new_log(&self, home: &Home, id: &StackId) -> Result<PathBuf, WorkerError> {
        let log = Logs::of(home, id).path(&self.run, self.part);
        if log.exists() {
            return Err(WorkerError::LogExists { part: self.part, run: self.run.clone(), log });
        }
        Ok(log)
    }

    fn report(&self) -> RunReport {
        RunReport { run: self.run.clone(), worker: Some(self.part.to_string()), ..RunReport::default() }
    }

    /// Reads the journal's mirror once it has the run.
    async fn mirrored_state(
        &self,
        stack: &Stack,
        bucket: &str,
        clients: &Clients,
        host: &dyn Host,
    ) -> Result<State, WorkerError> {
        let mut waited = Duration::ZERO;
        loop {
            let state = lifecycle::reflected(&stack.name, bucket, clients).await;
            let state = state.map_err(|error| WorkerError::Lifecycle(Box::new(error)))?;
            if state.runs().iter().any(|run| run.id == self.run) {
                return Ok(state);
            }
            if waited >= MIRROR_TIMEOUT {
                return Err(WorkerError::NotMirrored { bucket: bucket.to_owned(), run: self.run.clone() });
            }
            if waited.is_zero() {
                host.notify(Event::WaitingForRun(&self.run));
            }
            sleep(MIRROR_INTERVAL).await;
            waited += MIRROR_INTERVAL;
        }
    }

    /// The run's tickets; the first worker reserves them.
    fn journal_tickets(&self, home: &Home, id: &StackId, mirror: Option<InBucket>) -> ReserveTickets {
        let (home, id, run, part) = (home.clone(), id.clone(), self.run.clone(), self.part);
        let mut mirror = mirror;
        Box::new(move |needed| {
            let journal = journal(&home, &id)?;
            if let Some(tickets) = tickets(&journal.state(), &run, part, needed)? {
                return Ok(tickets);
            }
            let tickets = journal.reserve_shared(&run, needed, part.of)?;
            if let Some(mirror) = mirror.take() {
                journal.reflect_in(Arc::new(mirror));
                Handle::current().block_on(journal.reflect())?;
            }
            Ok(tickets)
        })
    }

    fn mirrored_tickets(&self, state: &State) -> ReserveTickets {
        let (state, run, part) = (state.clone(), self.run.clone(), self.part);
        Box::new(move |needed| {
            let tickets = tickets(&state, &run, part, needed)?;
            tickets.ok_or_else(|| format!("the journal's mirror has no run {run}").into())
        })
    }

    /// Thresholds for one part of the run, with its share of what the parts must reach together.
    fn thresholds(&self, of_all: &Thresholds) -> Thresholds {
        let part = |threshold: &Threshold| {
            let is_shared = threshold.metric.adds_up && !threshold.side.is_upper();
            let of = if is_shared { f64::from(self.part.of) } else { 1.0 };
            Threshold { limit: threshold.limit / of, ..threshold.clone() }
        };
        Thresholds(of_all.0.iter().map(part).collect())
    }

    /// Uploads the log beside the journal's mirror, even after a load that failed.
    async fn upload_log(&self, log: &Path, clients: &Clients) -> Result<(), WorkerError> {
        let Some(bucket) = self.mirror.as_deref().filter(|_| log.exists()) else { return Ok(()) };
        let name = log.file_name().expect("a log has a name").to_string_lossy();
        Ok(InBucket::named(clients, bucket).put_log(&name, fs::read(log)?).await?)
    }

    /// Records the result if the journal is on this machine.
    async fn record(&self, home: &Home, id: &StackId, report: &RunReport) -> Result<(), WorkerError> {
        if self.mirror.is_some() {
            return Ok(());
        }
        let entry = Entry::Finished { run: self.run.clone(), summary: serde_json::to_value(report)? };
        let (home, id) = (home.clone(), id.clone());
        Ok(spawn_blocking(move || journal(&home, &id)?.record(entry)).await??)
    }
}

/// The journal of a stack that is up.
fn state_of(home: &Home, name: &str) -> Result<State, WorkerError> {
    match home.find(name) {
        Ok(state) if state.is_whole() => Ok(state),
        Ok(_) => Err(WorkerError::NotUp(format!("stack {name} is incomplete"))),
        Err(HomeError::Unknown(_)) => Err(WorkerError::NotUp(format!("no stack {name} on this machine"))),
        Err(error) => Err(error.into()),
    }
}

/// Locks the journal as soon as another worker releases it. Blocks.
fn journal(home: &Home, id: &StackId) -> Result<Journal, JournalError> {
    let mut waited = Duration::ZERO;
    loop {
        match Journal::open(home, id) {
            Err(JournalError::Locked { .. }) if waited < JOURNAL_TIMEOUT => thread::sleep(JOURNAL_INTERVAL),
            opened => return opened,
        }
        waited += JOURNAL_INTERVAL;
    }
}

/// The run, if it is known and shared as this part of it says. Another worker may have begun it at any moment.
fn of_run<'a>(state: &'a State, run: &str, part: Part) -> Result<Option<&'a Run>, OtherWorkers> {
    match state.runs().iter().find(|known| known.id == run) {
        Some(known) if known.workers != Some(part.of) => {
            Err(OtherWorkers { part, run: run.to_owned(), workers: known.workers })
        }
        known => Ok(known),
    }
}

/// The tickets that a run has, if it has any.
fn tickets(state: &State, run: &str, part: Part, needed: u64) -> Result<Option<RangeInclusive<u64>>, TicketsError> {
    let Some(known) = of_run(state, run, part)? else { return Ok(None) };
    let tickets = known.tickets.clone();
    if tickets.end() - tickets.start() + 1 == needed {
        return Ok(Some(tickets));
    }
    Err(TicketsError::OtherCount { run: run.to_owned(), tickets, needed })
}

/// The mirror where workers on other machines read the journal.
fn mirror(stack: &Stack, names: &Names, clients: &Clients) -> Option<InBucket> {
    names.bucket.as_deref().filter(|_| stack.mirror).map(|bucket| InBucket::new(clients, bucket))
}
