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
    resource_lines::{self, ResourceLines},
    screen::{Bar, Screen},
    signals::Signals,
    stack_status,
    workers::WorkerLines,
};
use crate::{
    engine::{Cause, Down, Home, Journal, Owned},
    load::{Done, HotKey, LoadResult, Progress},
    operations::{Event, Host, Question, target::location},
    report::{
        numbers::{bytes, grouped, rate},
        table::Rows,
        terminal,
    },
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
    load: Mutex<Option<Bar>>,
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
            bar.set(progress.documents, &search_text(progress));
        }
    }

    fn end_search(&self, progress: SearchProgress) {
        if let Some(bar) = lock(&self.searches).remove(&progress.destination) {
            bar.finish(&search_text(progress));
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
            Event::DocumentsChecked { stack, documents } => documents::show(stack, documents, screen),
            Event::Preparing => self.signals.begun(|| "interrupted; nothing was created".to_owned()),
            Event::StatusBefore(status) => stack_status::show_if_left_behind(status, screen),
            Event::Warning(warning) => screen.warning(warning),
            Event::Started { home, id } => self.signals.begun_with(home, id),
            Event::Locked { id, clients } => screen.line(&format!("{id} on {}\n", location(clients))),
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
                screen.line(&format!("{id} on {}: worker {part} of run {run}\n", location(clients)));
            }
            Event::WaitingForRun(run) => {
                screen.line(&format!("waiting for the worker of run {run} that has the stack's journal"));
            }
            Event::LoadStarted { total } => *lock(&self.load) = Some(screen.bar("load", total)),
            Event::Loading(progress) => {
                if let Some(bar) = &*lock(&self.load) {
                    bar.set(progress.acknowledged, &progress_text(progress));
                }
            }
            Event::Workers(states) => lock(&self.workers).show(states, screen),
            Event::LogOpened(_) | Event::LoadSecond(_) | Event::Read { .. } | Event::Second(_) => {}
            Event::Acted(Done { at, action }) => screen.line(&format!("  {at:.1} s: {action}")),
            Event::StreamChanged { action, took } => {
                screen.line(&format!("  {action}: done in {:.1} s", took.as_secs_f64()));
            }
            Event::Loaded(load) => {
                lock(&self.workers).finish();
                if let Some(bar) = lock(&self.load).take() {
                    bar.finish(&load_text(load));
                }
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
                screen.line("");
                self.signals.goes_on("the stack is still being removed");
            }
            Event::Stays { home, id, was_up_before } => {
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

fn progress_text(progress: &Progress) -> String {
    if let Some(silence) = &progress.silence {
        let retries = retries_text(progress.retried, progress.throttled, &progress.hot_keys);
        return format!("{} acknowledged   {retries}   {silence}", grouped(progress.acknowledged));
    }
    if progress.is_paused {
        return format!("{} acknowledged   paused by hand", grouped(progress.acknowledged));
    }
    let left = progress.total.map(|total| total.saturating_sub(progress.acknowledged) as f64);
    let remaining = left.filter(|_| progress.records_per_second > 0.0).map(|left| left / progress.records_per_second);
    let remaining = remaining.map_or(String::new(), |seconds| format!("   {seconds:.0} s left"));
    let p99 = progress.p99_ms.map_or(String::new(), |ms| format!("   p99 {ms:.1} ms"));
    format!(
        "{} acknowledged   {}/s   {}/s{p99}   {}{remaining}",
        grouped(progress.acknowledged),
        grouped(progress.records_per_second.round() as u64),
        bytes(progress.bytes_per_second),
        retries_text(progress.retried, progress.throttled, &progress.hot_keys),
    )
}

fn load_text(load: &LoadResult) -> String {
    let p99 = load.ack_latency_ms().map_or(String::new(), |ms| format!("   p99 {:.1} ms", ms.p99));
    format!(
        "{:.1} s   {}   {}/s{p99}   {}",
        load.seconds,
        rate(load.records_per_second, load.asked_per_second),
        bytes(load.bytes_per_second),
        retries_text(load.retried, load.throttled, &load.hot_keys),
    )
}

/// The retried records, those throttled because their shard was full, and the hottest partition key.
fn retries_text(retried: u64, throttled: u64, hot_keys: &[HotKey]) -> String {
    let throttled = if throttled == 0 { String::new() } else { format!("   throttled {}", grouped(throttled)) };
    let hot = hot_keys.first().map_or(String::new(), |hot| format!("   hot key {}", hot.partition_key));
    format!("retried {}{throttled}{hot}", grouped(retried))
}

fn search_text(progress: SearchProgress) -> String {
    let SearchProgress { documents, expected, waited, .. } = progress;
    format!("{} of {}   {:.1} s behind", grouped(documents), grouped(expected), waited.as_secs_f64())
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
