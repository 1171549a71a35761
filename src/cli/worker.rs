//! `demo run FILE --workers K/N --run NAME`: one part of a run that several processes or machines share.
//!
//! The first worker reserves the tickets of the whole run under the run's name. The others read them from the journal,
//! which each worker locks only for a moment, or from its mirror. Each worker sends its own part of the documents and
//! records the acknowledgements in its own log; `demo verify` combines the logs.

use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use clap::Args;
use tokio::{runtime::Handle, task::spawn_blocking, time::sleep};

use super::{
    Reach, context,
    documents::Documents,
    drive::Drive,
    exit::{Exit, Stop},
    logs::Logs,
    run::{exit, note_load},
    screen::Screen,
    signals::Signals,
};
use crate::{
    aws::{Clients, Names, lifecycle, mirror::InBucket},
    engine::{Home, HomeError, Journal, JournalError, StackId, State, journal::Entry},
    load::{self, LoadError, Part, ReserveTickets},
    report::{RunReport, terminal},
    spec::{Stack, Thresholds},
};

/// Another worker locks the journal for a moment; a `demo run` that is not shared, for longer.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(10);
const JOURNAL_AGAIN: Duration = Duration::from_millis(100);
/// Workers of one run start together, and the one that has the journal may be the last.
const MIRROR_PATIENCE: Duration = Duration::from_secs(120);
const MIRROR_AGAIN: Duration = Duration::from_secs(2);
const LONGEST_NAME: usize = 64;

/// Options for one worker of a shared run.
#[derive(Args, Clone, Debug)]
pub struct Worker {
    /// Send one part of a run that several processes or machines share, for example 2/3. The stack must be up; run
    /// `demo verify` afterwards to verify the documents of all workers.
    #[arg(long, value_name = "K/N", requires = "name", conflicts_with = "rm")]
    workers: Option<Part>,
    /// With --workers: name of the run, the same for all workers.
    #[arg(long = "run", id = "name", value_name = "NAME", requires = "workers")]
    name: Option<String>,
    /// With --workers on another machine: bucket of the stack, which must have `mirror: true`.
    #[arg(long, value_name = "BUCKET", requires = "workers")]
    mirror: Option<String>,
}

/// One worker's part of a shared run.
pub struct Shared {
    part: Part,
    run: String,
    mirror: Option<String>,
}

/// Why a worker has no tickets.
#[derive(Debug, thiserror::Error)]
enum ShareError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "run {run} has {} tickets, but this load needs {needed}; give all its workers the same stack file, or use \
         another --run name", .tickets.end() - .tickets.start() + 1
    )]
    Another { run: String, tickets: RangeInclusive<u64>, needed: u64 },
}

impl Worker {
    /// The part that the command line asks for, if any.
    ///
    /// Errors end the command with exit code 2: nothing was touched.
    pub fn shared(&self, stack: &Stack) -> anyhow::Result<Option<Shared>> {
        let (Some(part), Some(run)) = (self.workers, &self.name) else { return Ok(None) };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if run.is_empty() || run.len() > LONGEST_NAME || !run.chars().all(fits) {
            let problem = format!("invalid run name `{run}`: use letters, digits, `-` and `_`, at most {LONGEST_NAME}");
            return Err(Stop::usage(problem).into());
        }
        if load::documents(stack.load.rate, stack.load.length).is_none() {
            return Err(Stop::usage(LoadError::Endless).into());
        }
        Ok(Some(Shared { part, run: run.clone(), mirror: self.mirror.clone() }))
    }
}

impl Shared {
    /// Sends this worker's part of the load.
    pub async fn run(
        self,
        stack: &Stack,
        reach: &Reach,
        json: bool,
        signals: &Signals,
        screen: &Screen,
    ) -> anyhow::Result<Exit> {
        let documents = Documents::of(stack, screen).await?;
        let home = context::home()?;
        let (state, clients) = self.find(stack, &home, reach, signals, screen).await?;
        let id = state.id().expect("a stack that is up has an id").clone();
        let names = Names::of(stack, &id);
        let log = self.new_log(&home, &id)?;
        signals.begun_with(&home, &id);
        screen.line(&format!("{id} on {}: worker {} of run {}\n", context::place(&clients), self.part, self.run));
        let drive = Drive {
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
        let sent = drive.send(signals, screen).await;
        let kept = self.keep_log(&log, &clients).await;
        let mut report = RunReport { stack: id.to_string(), target: context::place(&clients), ..self.report() };
        note_load(&mut report, &sent?.loaded);
        kept?;
        report.interrupted |= signals.is_stopped();
        report.judge(&self.thresholds(&stack.thresholds));
        self.finish(&home, &id, &report).await?;
        context::print(&match json {
            true => format!("{}\n", serde_json::to_string(&report)?),
            false => terminal::summary(&report),
        })?;
        screen.line(&format!("\nwhen all workers have ended, run `demo verify {id}` to verify the documents of all"));
        Ok(exit(&report, Exit::Fine))
    }

    /// The stack's state, from its journal here or from another machine's mirror, and clients for its target.
    async fn find(
        &self,
        stack: &Stack,
        home: &Home,
        reach: &Reach,
        signals: &Signals,
        screen: &Screen,
    ) -> anyhow::Result<(State, Clients)> {
        let Some(bucket) = &self.mirror else {
            let state = known(home, &stack.name)?;
            return Ok((state, context::clients(home, &stack.target, reach).await?));
        };
        let clients = context::clients(home, &stack.target, reach).await?;
        let state = signals.unless_stopped(self.reflected(stack, bucket, &clients, screen)).await??;
        Ok((state, clients))
    }

    /// The path of this worker's log, which must not exist yet.
    fn new_log(&self, home: &Home, id: &StackId) -> Result<PathBuf, Stop> {
        let log = Logs::of(home, id).path(&self.run, self.part);
        if log.exists() {
            let (run, part, path) = (&self.run, self.part, log.display());
            let problem = format!("worker {part} of run {run} has already run: {path} exists; use another --run name");
            return Err(Stop::usage(problem));
        }
        Ok(log)
    }

    fn report(&self) -> RunReport {
        RunReport { run: self.run.clone(), worker: Some(self.part.to_string()), ..RunReport::default() }
    }

    /// Reads the journal's mirror once it has the run.
    async fn reflected(
        &self,
        stack: &Stack,
        bucket: &str,
        clients: &Clients,
        screen: &Screen,
    ) -> anyhow::Result<State> {
        let mut waited = Duration::ZERO;
        loop {
            let state = lifecycle::reflected(&stack.name, bucket, clients).await.map_err(context::stop)?;
            if state.runs().iter().any(|run| run.id == self.run) {
                return Ok(state);
            }
            if waited >= MIRROR_PATIENCE {
                let run = &self.run;
                let problem =
                    format!("the journal in {bucket} has no run {run}; also start a worker where the journal is");
                return Err(Stop::new(Exit::Error, problem).into());
            }
            if waited.is_zero() {
                screen.line(&format!("waiting for the worker of run {} that has the stack's journal", self.run));
            }
            sleep(MIRROR_AGAIN).await;
            waited += MIRROR_AGAIN;
        }
    }

    /// The run's tickets; the first worker reserves them.
    fn journal_tickets(&self, home: &Home, id: &StackId, mirror: Option<InBucket>) -> ReserveTickets {
        let (home, id, run) = (home.clone(), id.clone(), self.run.clone());
        let mut mirror = mirror;
        Box::new(move |needed| {
            let journal = journal(&home, &id)?;
            if let Some(tickets) = tickets(&journal.state(), &run, needed)? {
                return Ok(tickets);
            }
            let tickets = journal.reserve(&run, needed)?;
            if let Some(mirror) = mirror.take() {
                journal.reflect_in(Arc::new(mirror));
                Handle::current().block_on(journal.reflect())?;
            }
            Ok(tickets)
        })
    }

    fn mirrored_tickets(&self, state: &State) -> ReserveTickets {
        let (state, run) = (state.clone(), self.run.clone());
        Box::new(move |needed| {
            let tickets = tickets(&state, &run, needed)?;
            tickets.ok_or_else(|| format!("the journal's mirror has no run {run}").into())
        })
    }

    /// Thresholds for one part of the run, with its share of the throughput.
    fn thresholds(&self, of_all: &Thresholds) -> Thresholds {
        let throughput = of_all.throughput.map(|limit| limit / f64::from(self.part.of));
        Thresholds { throughput, ..of_all.clone() }
    }

    /// Uploads the log beside the journal's mirror, even after a load that failed.
    async fn keep_log(&self, log: &Path, clients: &Clients) -> anyhow::Result<()> {
        let Some(bucket) = self.mirror.as_deref().filter(|_| log.exists()) else { return Ok(()) };
        let name = log.file_name().expect("a log has a name").to_string_lossy();
        Ok(InBucket::named(clients, bucket).put_log(&name, fs::read(log)?).await?)
    }

    /// Records the result if the journal is on this machine.
    async fn finish(&self, home: &Home, id: &StackId, report: &RunReport) -> anyhow::Result<()> {
        if self.mirror.is_some() {
            return Ok(());
        }
        let entry = Entry::Finished { run: self.run.clone(), summary: serde_json::to_value(report)? };
        let (home, id) = (home.clone(), id.clone());
        Ok(spawn_blocking(move || journal(&home, &id)?.record(entry)).await??)
    }
}

/// The journal of a stack that is up.
fn known(home: &Home, name: &str) -> anyhow::Result<State> {
    let not_up = |what: &str| Stop::usage(format!("{what}; run `demo up` first"));
    match home.find(name) {
        Ok(state) if state.is_whole() => Ok(state),
        Ok(_) => Err(not_up(&format!("stack {name} is incomplete")).into()),
        Err(HomeError::Unknown(_)) => Err(not_up(&format!("no stack {name} on this machine")).into()),
        Err(error) => Err(error.into()),
    }
}

/// Locks the journal as soon as another worker releases it. Blocks.
fn journal(home: &Home, id: &StackId) -> Result<Journal, JournalError> {
    let mut waited = Duration::ZERO;
    loop {
        match Journal::open(home, id) {
            Err(JournalError::Locked { .. }) if waited < JOURNAL_PATIENCE => thread::sleep(JOURNAL_AGAIN),
            opened => return opened,
        }
        waited += JOURNAL_AGAIN;
    }
}

/// The tickets that a run has, if it has any.
fn tickets(state: &State, run: &str, needed: u64) -> Result<Option<RangeInclusive<u64>>, ShareError> {
    let Some(known) = state.runs().iter().find(|known| known.id == run) else { return Ok(None) };
    let tickets = known.tickets.clone();
    if tickets.end() - tickets.start() + 1 == needed {
        return Ok(Some(tickets));
    }
    Err(ShareError::Another { run: run.to_owned(), tickets, needed })
}

/// The mirror where workers on other machines read the journal.
fn mirror(stack: &Stack, names: &Names, clients: &Clients) -> Option<InBucket> {
    names.bucket.as_deref().filter(|_| stack.mirror).map(|bucket| InBucket::new(clients, bucket))
}
