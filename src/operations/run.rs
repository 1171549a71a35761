//! Creates a stack if needed, loads it, verifies that every record arrived, queries it, and removes it if asked to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    down::{self, DownError},
    fleet::{FleetLoad, Lead},
    host::{Event, Host},
    load::{StackLoad, StackLoadError, StackLoadResult, new_run},
    logs::{Logs, LogsError},
    query::{self, QueryError},
    recording::{Recording, Subject},
    target::location,
    up::{StackUp, UpError, UpOptions, up},
    verification::{SearchError, search},
};
use crate::{
    aws::Names,
    deliveries::{Beside, query::Table},
    engine::{Cancel, Down, ForeignContents, Journal, JournalError, journal::Entry},
    load::{Part, ReserveTickets},
    pipeline::meter::Meter,
    report::{RunReport, thresholds::Abort},
    spec::{Checked, Stack, Workers},
};

/// The most rows of the demo query to fetch.
const MOST_ROWS: usize = 20;

/// How to run a stack.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions<'a> {
    /// How to create it.
    pub up: UpOptions<'a>,
    /// Whether to remove it afterwards, if it was not up before.
    pub remove: bool,
    /// Whether to run the demo query.
    pub query: bool,
    /// Whether to leave the load to its tasks once all of them send.
    pub detach: bool,
}

/// How a run ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Afterwards {
    /// Whether to remove the stack.
    pub(super) remove: bool,
    /// Whether to run the demo query.
    pub(super) query: bool,
}

/// The result of a run.
pub struct RunOutcome {
    /// Its counts and times; without an id if nothing was loaded.
    pub report: RunReport,
    /// What is gone and what is left, if the stack was removed.
    pub down: Option<Down>,
    /// Why the load or the verification ended early.
    pub error: Option<RunError>,
    /// Whether its tasks go on without this process.
    pub goes_on: bool,
}

/// Why a run has no result, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The stack is not up.
    #[error(transparent)]
    Up(#[from] UpError),
    /// Nobody could lead the run's workers in place of this process.
    #[error(transparent)]
    Detach(#[from] DetachError),
    /// The load ended early.
    #[error(transparent)]
    Load(#[from] StackLoadError),
    /// The load has no acknowledged document.
    #[error("no document was acknowledged, of {offered} that were offered: {why}")]
    NothingAcknowledged {
        /// Documents that the producer took.
        offered: u64,
        /// Why the first of them failed.
        why: String,
    },
    /// The acknowledgement logs of this run or of earlier ones cannot be read.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// The verification failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The demo query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The result cannot be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The report cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The stack cannot be removed.
    #[error(transparent)]
    Down(#[from] DownError),
}

/// Why nobody could lead a load in place of the process that starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetachError {
    /// It is sent by this machine.
    #[error("--detach needs tasks that go on without this process: set `load.workers.fargate`")]
    NoTasks,
    /// Something is to be done meanwhile.
    #[error("--detach leaves nobody to do what `load.events` asks for: take it out, or do not detach")]
    Events,
    /// Something is to be watched meanwhile.
    #[error("--detach leaves nobody to stop the load at its `budget`: take it out, or do not detach")]
    Budget,
    /// Something is to end it meanwhile.
    #[error("--detach leaves nobody to stop the load where a threshold has `abort`: take it out, or do not detach")]
    Abort,
}

/// Runs a stack.
///
/// # Errors
/// When the stack cannot be created, and when it cannot be removed. Other errors are in the outcome.
pub async fn run(
    checked: &Checked,
    options: RunOptions<'_>,
    cancel: &Cancel,
    host: &dyn Host,
) -> Result<RunOutcome, RunError> {
    let Checked { stack, merged: spec, .. } = checked;
    if options.detach {
        may_be_left(stack)?;
    }
    let stack_up = up(checked, options.up, cancel, host).await?;
    let run = UpRun { up: &stack_up, stack, spec, endpoint_url: options.up.endpoint_url };
    let lead = if options.detach { Lead::UntilStarted } else { Lead::Whole };
    let then = Afterwards { remove: options.remove, query: options.query };
    run.lead(new_run(), lead, then, cancel, host).await
}

/// Refuses a load that needs a process beside its workers.
fn may_be_left(stack: &Stack) -> Result<(), DetachError> {
    match () {
        () if stack.load.workers.as_ref().and_then(Workers::fargate).is_none() => Err(DetachError::NoTasks),
        () if !stack.load.events.is_empty() => Err(DetachError::Events),
        () if stack.budget.is_some() => Err(DetachError::Budget),
        () if stack.thresholds.0.iter().any(|threshold| threshold.aborts) => Err(DetachError::Abort),
        () => Ok(()),
    }
}

/// A stack that is up, and what it is to run.
pub(super) struct UpRun<'a> {
    pub(super) up: &'a StackUp,
    pub(super) stack: &'a Stack,
    /// The stack file with its overlays and overrides.
    pub(super) spec: &'a Value,
    /// Called in place of the target's own endpoint.
    pub(super) endpoint_url: Option<&'a str>,
}

impl UpRun<'_> {
    /// Loads the stack as far as it is led, and verifies that.
    pub(super) async fn lead(
        self,
        run_id: String,
        lead: Lead,
        then: Afterwards,
        cancel: &Cancel,
        host: &dyn Host,
    ) -> Result<RunOutcome, RunError> {
        let Self { up, stack, spec, endpoint_url } = self;
        let mut report = RunReport { stack: up.id.to_string(), target: location(&up.clients), ..RunReport::default() };
        report.seconds.up = (!matches!(lead, Lead::TakenOver(_))).then_some(up.seconds);
        let state = up.journal.state();
        let took = Duration::from_secs_f64(up.seconds);
        let nodes = state.live().map(|resource| &resource.node);
        let meter = Meter::new(stack, nodes, up.clients.place(), took, Part::WHOLE);
        let subject = Subject {
            home: &up.home,
            id: &up.id,
            stack,
            spec,
            state: &state,
            clients: &up.clients,
            run: &run_id,
            part: Part::WHOLE,
            meter: &meter,
        };
        let recording = Recording::begin(host, subject).await;
        let run = Run { stack, spec, endpoint_url, up, cancel, host: &recording, recording: &recording, meter: &meter };
        let result = run.load_and_verify(run_id, lead, &mut report, then.query).await;
        if let Ok(Loaded::GoesOn) = result {
            return Ok(RunOutcome { report, down: None, error: None, goes_on: true });
        }
        let result = match result.map(drop) {
            // Nothing is removed under them.
            Err(RunError::Load(error)) if error.leaves_workers() => return Err(error.into()),
            result => result,
        };
        let ended = run.end(&mut report, then.remove, &result).await;
        let error = ended.as_ref().err().or(result.as_ref().err()).map(ToString::to_string);
        recording.end(&mut report, error);
        Ok(RunOutcome { report, down: ended?, error: result.err(), goes_on: false })
    }
}

/// What became of a load.
enum Loaded {
    /// It has ended.
    Ended,
    /// Its tasks go on without this process.
    GoesOn,
}

/// A run of a stack that is up.
struct Run<'a> {
    stack: &'a Stack,
    spec: &'a Value,
    endpoint_url: Option<&'a str>,
    up: &'a StackUp,
    cancel: &'a Cancel,
    host: &'a dyn Host,
    recording: &'a Recording<'a>,
    meter: &'a Meter,
}

impl Run<'_> {
    async fn load_and_verify(
        &self,
        run: String,
        lead: Lead,
        report: &mut RunReport,
        asks: bool,
    ) -> Result<Loaded, RunError> {
        let Self { stack, up, cancel, host, recording, .. } = *self;
        let names = Names::of(stack, &up.id);
        let logs = Logs::of(&up.home, &up.id);
        let sent = self.send(&names, &run, lead).await?;
        report.run = run;
        let Some(sent) = sent else { return Ok(Loaded::GoesOn) };
        report.record_load(&sent.load);
        report.problems.extend(sent.problems);
        report.aborted = sent.aborted;
        sent.freshness.iter().for_each(|freshness| report.record_freshness(freshness));
        if sent.load.acknowledged == 0 && !report.interrupted {
            let first = sent.load.failures.into_iter().next();
            let why = first.map_or("nothing was offered".to_owned(), |first| first.reason);
            return Err(RunError::NothingAcknowledged { offered: report.offered, why });
        }
        if !report.interrupted {
            let begun = Instant::now();
            let others = logs.of_runs(&up.journal.state(), Some(&report.run))?;
            let own = logs.of_run(&report.run)?;
            report.problems.extend(own.missing);
            let logs = (own.logs, others.logs);
            let beside = Beside { read: sent.read, watches: sent.watches };
            let searched = search(stack, (&names, &up.clients), logs, beside, cancel, host).await;
            report.seconds.verify = Some(begun.elapsed().as_secs_f64());
            match searched {
                Err(error) if cancel.is_raised() => report.problems.push(format!("verification: {error}")),
                Err(error) => {
                    // What the load has reached is known all the same.
                    report.cost = Some(recording.cost());
                    report.check_thresholds(&stack.thresholds.before_removal());
                    recording.save(report);
                    host.notify(Event::Reported(report));
                    return Err(error.into());
                }
                Ok((acknowledged, verification)) => {
                    report.record_verification(&verification);
                    report.compare_with_log(acknowledged);
                }
            }
            report.interrupted |= cancel.is_raised();
        }
        report.cost = Some(recording.cost());
        report.check_thresholds(&stack.thresholds.before_removal());
        recording.save(report);
        host.notify(Event::Reported(report));
        let table = query::table(stack, &names, &up.clients, None).filter(|_| asks && !report.interrupted);
        if let Some(table) = table {
            self.query(table.as_ref()).await?;
        }
        Ok(Loaded::Ended)
    }

    /// Sends the load, by this process or by the workers that the stack file asks for.
    async fn send(&self, names: &Names, run: &str, lead: Lead) -> Result<Option<StackLoadResult>, StackLoadError> {
        let Self { stack, spec, up, cancel, host, endpoint_url, meter, .. } = *self;
        let StackUp { home, id, journal, clients, documents, .. } = up;
        if let Some(workers) = &stack.load.workers {
            let fleet =
                FleetLoad { home, id, stack, spec, names, clients, endpoint_url, documents, journal, run, workers };
            return fleet.send(lead, meter, cancel, host).await;
        }
        let load = StackLoad {
            home,
            id,
            stack,
            names,
            clients,
            documents,
            run: run.to_owned(),
            part: Part::WHOLE,
            log: Logs::of(home, id).path(run, Part::WHOLE),
            tickets: reserve(journal.clone(), run.to_owned()),
        };
        load.send(meter, cancel, host).await.map(Some)
    }

    /// Runs the demo query. A cancellation ends it, but the run stays verified.
    async fn query(&self, table: &dyn Table) -> Result<(), RunError> {
        let Self { stack, cancel, host, .. } = *self;
        let (name, sql) = query::default_query(stack, table);
        let result = query::run(table, &sql, MOST_ROWS, cancel).await;
        if !cancel.is_raised() {
            host.notify(Event::Queried { name, rows: &result?.rows });
        }
        Ok(())
    }

    /// Writes the result to the journal, and removes the stack if it is to go.
    async fn end(
        &self,
        report: &mut RunReport,
        removes: bool,
        result: &Result<(), RunError>,
    ) -> Result<Option<Down>, RunError> {
        let StackUp { home, id, journal, existed_before, .. } = self.up;
        report.interrupted |= self.cancel.is_raised();
        let spent = self.recording.cost();
        report.cost.get_or_insert(spent);
        report.check_thresholds(&self.stack.thresholds.before_removal());
        if result.is_ok() {
            let summary = serde_json::to_value(&*report)?;
            journal.record(Entry::Finished { run: report.run.clone(), summary })?;
        }
        if (removes && !existed_before) || self.is_taken_down(report) {
            let down = self.remove(report, result.as_ref().err()).await?;
            self.check_removal(report);
            return Ok(Some(down));
        }
        report.check_thresholds(&self.stack.thresholds);
        self.host.notify(Event::Stays { home, id, was_up_before: removes });
        Ok(None)
    }

    /// Whether the budget stopped the load, and is to remove the stack.
    fn is_taken_down(&self, report: &RunReport) -> bool {
        let takes_down = self.stack.budget.is_some_and(|budget| budget.takes_down);
        takes_down && report.aborted.as_ref().is_some_and(Abort::is_of_budget)
    }

    /// Holds the run against all its thresholds, and tells those that the removal crossed: the summary is out already.
    fn check_removal(&self, report: &mut RunReport) {
        let before = report.crossed.clone();
        report.check_thresholds(&self.stack.thresholds);
        for crossed in report.crossed.iter().filter(|crossed| !before.contains(crossed)) {
            self.host.notify(Event::Warning(&format!("threshold crossed: {crossed}")));
        }
    }

    /// Removes the stack, even after a cancellation.
    async fn remove(&self, report: &mut RunReport, failed: Option<&RunError>) -> Result<Down, RunError> {
        let StackUp { home, journal, clients, .. } = self.up;
        self.host.notify(Event::RemovingAfterRun);
        let begun = Instant::now();
        let down = down::remove(home, journal, clients, ForeignContents::Keep, &Cancel::new(), self.host).await;
        if let (Some(failed), Err(_)) = (failed, &down) {
            self.host.notify(Event::RunFailed(failed));
        }
        let down = down?;
        report.seconds.down = Some(begun.elapsed().as_secs_f64());
        report.leftovers = Some(down.leftovers.len() as u64);
        report.interrupted |= self.cancel.is_raised();
        Ok(down)
    }
}

/// Reserves tickets of the stack, each for one run only.
fn reserve(journal: Arc<Journal>, run: String) -> ReserveTickets {
    Box::new(move |count| Ok(journal.reserve(&run, count)?))
}
