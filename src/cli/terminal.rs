//! The terminal as the host of an operation: shows events as lines and progress bars, and asks questions.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Reach, context, documents,
    errors::with_causes,
    live::{self, Ahead, LiveLoad},
    resource_lines::{self, ResourceLines},
    screen::{Bar, Screen},
    signals::Signals,
    stack_status,
    workers::WorkerLines,
};
use crate::{
    aws::cost::Billed,
    deliveries::destinations,
    engine::{Cause, Down, Home, Journal, Owned},
    load::{Done, LoadResult},
    operations::{Event, Host, Question, target::location},
    report::{
        numbers::{bytes, grouped, rate},
        table::Rows,
        terminal,
    },
    spec::Stack,
    verify::{Destination, SearchProgress, Verification},
};

/// Before each line of the demo query's answer.
const INDENT: &str = "  ";

/// Shows an operation on a screen, and tells the signals what an exit at once would leave.
pub struct Terminal {
    screen: Screen,
    signals: Signals,
    answers_yes: bool,
    shows_summary: bool,
    resources: ResourceLines,
    ahead: Mutex<Ahead>,
    load: Mutex<Option<LiveLoad>>,
    workers: Mutex<WorkerLines>,
    searches: Mutex<BTreeMap<Destination, Bar>>,
    print_error: Mutex<Option<anyhow::Error>>,
}

impl Terminal {
    /// Shows an operation on this screen. `reach` says whether the person has agreed to everything.
    pub fn new(screen: &Screen, signals: &Signals, reach: &Reach) -> Self {
        Self {
            screen: screen.clone(),
            signals: signals.clone(),
            answers_yes: reach.yes,
            shows_summary: false,
            resources: ResourceLines::on(screen),
            ahead: Mutex::default(),
            load: Mutex::default(),
            workers: Mutex::default(),
            searches: Mutex::default(),
            print_error: Mutex::default(),
        }
    }

    /// Prints the summary of a run and the answer to its demo query to stdout.
    pub fn with_summary(self, shows_summary: bool) -> Self {
        Self { shows_summary, ..self }
    }

    /// Whether everything could be printed to stdout.
    pub fn printed(self) -> anyhow::Result<()> {
        self.print_error.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn print(&self, text: &str) {
        if let Err(error) = context::print(text) {
            lock(&self.print_error).get_or_insert(error);
        }
    }

    fn start_searches(&self, destinations: &[Destination], expected: u64) {
        let bar = |destination: &Destination| (*destination, self.screen.bar(destination.label, Some(expected)));
        *lock(&self.searches) = destinations.iter().map(bar).collect();
    }

    fn show_search(&self, progress: SearchProgress) {
        if let Some(bar) = lock(&self.searches).get(&progress.destination) {
            bar.set(progress.documents, &search_parts(progress));
        }
    }

    fn end_search(&self, progress: SearchProgress) {
        if let Some(bar) = lock(&self.searches).remove(&progress.destination) {
            bar.finish(&search_parts(progress));
        }
    }

    fn show_query(&self, name: &str, rows: &Rows) {
        let width = context::width().map(|width| width.saturating_sub(INDENT.len()));
        let table: String = rows.pretty(width).lines().map(|line| format!("{INDENT}{line}\n")).collect();
        self.print(&format!("\n  {name}\n{table}"));
    }

    fn show_removal(&self, home: &Home, journal: &Journal, down: &Down, took: Duration) {
        let screen = &self.screen;
        let left = match (down.leftovers.len(), down.is_clean()) {
            (0, true) => "nothing left".to_owned(),
            (0, false) => "not known whether anything is left".to_owned(),
            (n, _) => format!("{n} left"),
        };
        screen.line(&format!("  down in {:.1} s: {} removed, {left}", took.as_secs_f64(), down.removed.len()));
        if let Some(why) = journal.unreflected() {
            screen.warning(&why.to_string());
        }
        for (key, why) in down.failed.iter().filter(|(_, why)| why.cause != Cause::Interrupted) {
            screen.error(&format!("{key}: {why}"));
        }
        // After an interruption, the rest is expected to be left, and one command continues.
        let told = |left: &&Owned| !down.interrupted && !down.keeps(&left.node.key);
        for left in down.leftovers.iter().filter(told) {
            screen.error(&format!("{} is still there; remove it with:\n  {}", left.node.key, left.command));
        }
        if !down.is_clean() {
            screen.say(&format!("\n{}", stack_status::text(home, journal.id())));
        }
    }
}

#[async_trait]
impl Host for Terminal {
    fn notify(&self, event: Event<'_>) {
        let screen = &self.screen;
        match event {
            Event::DocumentsChecked { stack, documents } => {
                *lock(&self.ahead) = ahead(stack);
                documents::show(stack, documents, screen);
            }
            Event::Preparing => self.signals.begun(|| "interrupted; nothing was created".to_owned()),
            Event::StatusBefore(status) => stack_status::show_if_left_behind(status, screen),
            Event::Warning(warning) => screen.warning(warning),
            Event::Started { home, id } => self.signals.begun_with(home, id),
            Event::Locked { id, clients } => {
                lock(&self.ahead).is_billed = clients.place().billed().is_some();
                screen.line(&format!("{id} on {}\n", location(clients)));
            }
            Event::Found(key) => screen.line(&format!("  found {key}")),
            Event::Resource(event) => self.resources.show(event),
            Event::Created { applied, took } => {
                screen.line(&format!("  up in {:.1} s{}\n", took.as_secs_f64(), resource_lines::summary(applied)));
            }
            Event::RollingBack => {
                screen.line("\n  removing what was created");
                self.signals.goes_on("what was created is still being removed");
            }
            Event::RollbackFailed { home, id, error } => {
                let error = with_causes(error);
                screen.error(&format!("cannot remove everything: {error}\n{}", stack_status::text(home, id)));
            }
            Event::WorkerStarted { id, clients, part, run } => {
                lock(&self.ahead).is_billed = clients.place().billed().is_some();
                screen.line(&format!("{id} on {}: worker {part} of run {run}\n", location(clients)));
            }
            Event::WaitingForRun(run) => {
                screen.line(&format!("waiting for the worker of run {run} that has the stack's journal"));
            }
            Event::LoadStarted { total } => {
                *lock(&self.load) = Some(LiveLoad::start(screen, lock(&self.ahead).clone(), total));
            }
            Event::Loading(progress) => lock(&self.load).iter().for_each(|load| load.progress(progress)),
            Event::Second(row) => lock(&self.load).iter().for_each(|load| load.row(row)),
            Event::Workers(states) => lock(&self.workers).show(states, screen),
            Event::LogOpened(_) | Event::RecordStarted(_) | Event::LoadSecond(_) => {}
            // The rows have it.
            Event::Read { .. } | Event::Arrived { .. } => {}
            Event::Acted(Done { at, action }) => screen.line(&format!("  {at:.1} s: {action}")),
            Event::Aborted(abort) => screen.warning(&format!("the load is stopped: {abort}")),
            Event::StreamChanged { action, took } => {
                screen.line(&format!("  {action}: done in {:.1} s", took.as_secs_f64()));
            }
            Event::Loaded(load) => {
                lock(&self.workers).finish();
                drop(lock(&self.load).take());
                screen.line(&format!("  {:8} {}", "load", load_parts(load).join("   ")));
                // Without an acknowledgement, this ends the run and is its error.
                if load.gave_up && load.acknowledged > 0 {
                    let reason = load.failures.first().map_or("", |failure| failure.reason.as_str());
                    let (acknowledged, offered) = (grouped(load.acknowledged), grouped(load.offered));
                    screen.error(&format!(
                        "the load ended early, with {acknowledged} of {offered} offered documents acknowledged: {reason}"
                    ));
                }
            }
            Event::SearchStarted { destinations, expected } => self.start_searches(destinations, expected),
            Event::Searching(progress) => self.show_search(progress),
            Event::Searched(progress) => self.end_search(progress),
            Event::Verified(verification) => show_missing(verification, screen),
            Event::Reported(report) => {
                if self.shows_summary {
                    screen.line("");
                    self.print(&terminal::summary(report));
                }
            }
            Event::Queried { name, rows } => self.show_query(name, rows),
            Event::RemovingAfterRun => {
                // A load that failed has no end of its own.
                drop(lock(&self.load).take());
                screen.line("");
                self.signals.goes_on("the stack is still being removed");
            }
            Event::Stays { home, id, was_up_before } => {
                drop(lock(&self.load).take());
                let why = if was_up_before { "the stack was up before this run, so it stays\n" } else { "" };
                screen.line(&format!("\n{why}{}", stack_status::text(home, id)));
            }
            Event::RunFailed(error) => screen.error(&with_causes(error)),
            Event::Removed { home, journal, down, took } => self.show_removal(home, journal, down, took),
        }
    }

    async fn confirm(&self, question: &Question) -> io::Result<bool> {
        Ok(self.answers_yes || self.screen.confirm(&question.to_string())?)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load_parts(load: &LoadResult) -> Vec<String> {
    let mut parts = vec![
        format!("{:.1} s", load.seconds),
        rate(load.records_per_second, load.asked_per_second),
        format!("{}/s", bytes(load.bytes_per_second)),
    ];
    parts.extend(load.ack_latency_ms().map(|ms| format!("p99 {:.1} ms", ms.p99)));
    parts.extend(live::retries(load.retried, load.throttled, &load.hot_keys));
    parts
}

/// What the terminal can say of a load before it begins.
fn ahead(stack: &Stack) -> Ahead {
    let events = stack.load.events.iter().map(|event| (event.at.as_secs_f64(), event.action.to_string()));
    let destinations = destinations(stack).iter().map(|destination| destination.label).collect();
    Ahead { destinations, events: events.collect(), is_billed: false }
}

fn search_parts(progress: SearchProgress) -> [String; 2] {
    let SearchProgress { documents, expected, waited, .. } = progress;
    [format!("{} of {}", grouped(documents), grouped(expected)), format!("{:.1} s behind", waited.as_secs_f64())]
}

/// Prints the missing documents for a person, one a line.
fn show_missing(verification: &Verification, screen: &Screen) {
    if verification.stopped {
        return screen.line("  stopped before everything was found; missing documents may still arrive");
    }
    for landed in &verification.landed {
        let (destination, lost) = (landed.destination, landed.tally.lost);
        for name in &landed.missing {
            screen.error(&format!("lost in {destination}: {name}"));
        }
        let more = lost.saturating_sub(landed.missing.len() as u64);
        if more > 0 && !landed.missing.is_empty() {
            screen.error(&format!("lost in {destination}: and {} more", grouped(more)));
        }
    }
}
