//! `demo run FILE --workers K/N --run NAME`: one part of a run that several processes or machines share.
//!
//! Whoever comes first reserves the tickets of the whole run under its name, and all find them there: in the journal, which
//! each holds for a moment only, or in its mirror. A worker sends its own part of the documents and notes in a log of
//! its own what was acknowledged; `demo verify` puts the logs together.

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

/// Another worker holds the journal for a moment; a `demo run` that is not shared, for longer.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(10);
const JOURNAL_AGAIN: Duration = Duration::from_millis(100);
/// Workers of one run are started together, and the one beside the journal may be the last.
const MIRROR_PATIENCE: Duration = Duration::from_secs(120);
const MIRROR_AGAIN: Duration = Duration::from_secs(2);
const LONGEST_NAME: usize = 64;

/// Arguments.
#[derive(Args, Clone, Debug)]
pub struct Worker {
    /// Send one part of a run that several processes or machines share, such as 2/3. The stack must be up; `demo verify`
    /// looks for the documents of all.
    #[arg(long, value_name = "K/N", requires = "name", conflicts_with = "rm")]
    workers: Option<Part>,
    /// With --workers: what all of them call the run.
    #[arg(long = "run", id = "name", value_name = "NAME", requires = "workers")]
    name: Option<String>,
    /// With --workers on another machine: the bucket of the stack, which has `mirror: true`.
    #[arg(long, value_name = "BUCKET", requires = "workers")]
    mirror: Option<String>,
}

/// A run that is shared.
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
        "run {run} has {} tickets, and this load needs {needed}; all its workers need the same stack file, and another \
         run another name", .tickets.end() - .tickets.start() + 1
    )]
    Another { run: String, tickets: RangeInclusive<u64>, needed: u64 },
}

impl Worker {
    /// What is asked for, if anything is.
    ///
    /// Errors end the command with exit code 2: nothing was touched.
    pub fn shared(&self, stack: &Stack) -> anyhow::Result<Option<Shared>> {
        let (Some(part), Some(run)) = (self.workers, &self.name) else { return Ok(None) };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if run.is_empty() || run.len() > LONGEST_NAME || !run.chars().all(fits) {
            let problem = format!("`{run}` cannot name a run: letters, digits, `-` and `_`, at most {LONGEST_NAME}");
            return Err(Stop::usage(problem).into());
        }
        if load::documents(stack.load.rate, stack.load.length).is_none() {
            return Err(Stop::usage(LoadError::Endless).into());
        }
        Ok(Some(Shared { part, run: run.clone(), mirror: self.mirror.clone() }))
    }
}

impl Shared {
    /// Sends the part.
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
        screen.line(&format!("\nwhen all workers have ended, `demo verify {id}` looks for the documents of all"));
        Ok(exit(&report, Exit::Fine))
    }

    /// The stack as its journal here, or the mirror of another machine's, has it, and where it lives.
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

    /// Where this worker's log will be.
    fn new_log(&self, home: &Home, id: &StackId) -> Result<PathBuf, Stop> {
        let log = Logs::of(home, id).path(&self.run, self.part);
        if log.exists() {
            let (run, part, path) = (&self.run, self.part, log.display());
            let problem = format!("worker {part} of run {run} has been here: {path}; another run needs another name");
            return Err(Stop::usage(problem));
        }
        Ok(log)
    }

    fn report(&self) -> RunReport {
        RunReport { run: self.run.clone(), worker: Some(self.part.to_string()), ..RunReport::default() }
    }

    /// The journal's mirror, once it knows the run.
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
                    format!("the journal in {bucket} has no run {run}; start a worker where the journal is, too");
                return Err(Stop::new(Exit::Error, problem).into());
            }
            if waited.is_zero() {
                screen.line(&format!("waiting for the worker of run {} that has the stack's journal", self.run));
            }
            sleep(MIRROR_AGAIN).await;
            waited += MIRROR_AGAIN;
        }
    }

    /// The run's tickets; reserved by whoever comes first.
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

    /// A share of the rate is expected of a part of the run.
    fn thresholds(&self, of_all: &Thresholds) -> Thresholds {
        let throughput = of_all.throughput.map(|limit| limit / f64::from(self.part.of));
        Thresholds { throughput, ..of_all.clone() }
    }

    /// Puts the log beside the journal's mirror, also of a load that failed.
    async fn keep_log(&self, log: &Path, clients: &Clients) -> anyhow::Result<()> {
        let Some(bucket) = self.mirror.as_deref().filter(|_| log.exists()) else { return Ok(()) };
        let name = log.file_name().expect("a log has a name").to_string_lossy();
        Ok(InBucket::named(clients, bucket).put_log(&name, fs::read(log)?).await?)
    }

    /// Notes the result where the journal is.
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
    let not_up = |what: &str| Stop::usage(format!("{what}; `demo up` makes it, and then workers may drive it"));
    match home.find(name) {
        Ok(state) if state.is_whole() => Ok(state),
        Ok(_) => Err(not_up(&format!("stack {name} is not whole")).into()),
        Err(HomeError::Unknown(_)) => Err(not_up(&format!("there is no stack {name}")).into()),
        Err(error) => Err(error.into()),
    }
}

/// Takes the journal as soon as another worker lets it go. Blocks.
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

/// Where workers on other machines look for the journal.
fn mirror(stack: &Stack, names: &Names, clients: &Clients) -> Option<InBucket> {
    names.bucket.as_deref().filter(|_| stack.mirror).map(|bucket| InBucket::new(clients, bucket))
}
