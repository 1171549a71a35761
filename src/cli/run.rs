//! `demo run FILE`: up, load, verify, query, and with `--rm`, down.

use std::{sync::Arc, time::Instant};

use clap::Args;

use super::{
    Reach, StackFile,
    code::Code,
    context, down,
    drive::{self, Drive},
    exit::{Exit, Stop},
    logs::Logs,
    prove,
    query::{self, Engine},
    screen::Screen,
    signals::Signals,
    standing::standing,
    up::{Stood, Unfinished, stand_up},
    worker::Worker,
};
use crate::{
    aws::Names,
    engine::{Cancel, Journal, journal::Entry},
    load::{AckLog, Loaded, Part, Percentiles, ReserveTickets},
    report::{Latency, RunReport, terminal},
    spec::Stack,
    verify::{Proof, freshness::Freshness},
};

/// The most rows of the demo query to show.
const ROWS_SHOWN: usize = 20;

/// Arguments of `demo run`.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Remove what this run created when it ends, even after a failure.
    #[arg(long)]
    rm: bool,
    /// Print one JSON object instead of the summary.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    worker: Worker,
}

impl Run {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let checked = context::read(&self.stack, screen)?;
        if let Some(shared) = self.worker.shared(&checked.stack)? {
            return shared.run(&checked.stack, &self.reach, self.json, &signals, screen).await;
        }
        let unfinished = if self.rm { Unfinished::Goes } else { Unfinished::StaysWhenInterrupted };
        let stood = stand_up(&checked, &self.reach, &self.code, unfinished, &signals, screen).await?;
        let mut report =
            RunReport { stack: stood.id.to_string(), target: context::place(&stood.clients), ..RunReport::default() };
        report.seconds.up = Some(stood.seconds);
        let result = load_and_prove(&checked.stack, &stood, &mut report, self.json, &signals, screen).await;
        report.interrupted |= signals.is_stopped();
        report.judge(&checked.stack.thresholds);
        if result.is_ok() {
            stood
                .journal
                .record(Entry::Finished { run: report.run.clone(), summary: serde_json::to_value(&report)? })?;
        }
        let mut left_over = Exit::Fine;
        if self.rm && !stood.was_known {
            left_over = take_back(&stood, &mut report, &result, &signals, screen).await?;
        } else {
            let was_there = if self.rm { "the stack was up before this run, so it stays\n" } else { "" };
            screen.line(&format!("\n{was_there}{}", standing(&stood.home, &stood.id)));
        }
        if self.json && !report.run.is_empty() {
            context::print(&format!("{}\n", serde_json::to_string(&report)?))?;
        }
        result?;
        Ok(exit(&report, left_over))
    }
}

/// Removes the stack for `--rm`. The first signal does not stop this; the second exits at once.
async fn take_back(
    stood: &Stood,
    report: &mut RunReport,
    result: &anyhow::Result<()>,
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<Exit> {
    screen.line("");
    signals.goes_on("the stack is still being removed");
    let begun = Instant::now();
    let down = down::take_down(&stood.home, &stood.journal, &stood.clients, &Cancel::new(), screen).await;
    if let (Err(failed), Err(_)) = (result, &down) {
        screen.error(&format!("{failed:#}"));
    }
    let down = down?;
    report.seconds.down = Some(begun.elapsed().as_secs_f64());
    report.leftovers = Some(down.leftovers.len() as u64);
    report.interrupted |= signals.is_stopped();
    Ok(down::exit_of(&down))
}

async fn load_and_prove(
    stack: &Stack,
    stood: &Stood,
    report: &mut RunReport,
    json: bool,
    signals: &Signals,
    screen: &Screen,
) -> anyhow::Result<()> {
    let names = Names::of(stack, &stood.id);
    let (run, logs) = (drive::new_run(), Logs::of(&stood.home, &stood.id));
    let log = logs.path(&run, Part::WHOLE);
    let drive = Drive {
        stack,
        names: &names,
        clients: &stood.clients,
        documents: &stood.documents,
        run: run.clone(),
        part: Part::WHOLE,
        log: log.clone(),
        tickets: reserve(stood.journal.clone(), run.clone()),
    };
    let driven = drive.send(signals, screen).await?;
    report.run = run;
    note_load(report, &driven.loaded);
    driven.freshness.iter().for_each(|freshness| note_freshness(report, freshness));
    if driven.loaded.acknowledged == 0 && !report.interrupted {
        let why = driven.loaded.failures.first().map_or("nothing was offered".to_owned(), |first| first.reason.clone());
        return Err(Stop::new(Exit::Error, format!("no document was acknowledged: {why}")).into());
    }
    if !report.interrupted {
        let begun = Instant::now();
        let others = logs.of_runs(&stood.journal.state(), Some(&report.run))?;
        let logs = (vec![AckLog::read(&log)?], others.logs);
        let searched = prove::search(stack, &names, &stood.clients, logs, signals, screen).await;
        report.seconds.verify = Some(begun.elapsed().as_secs_f64());
        match searched {
            Err(error) if signals.is_stopped() => report.problems.push(format!("verification: {error:#}")),
            searched => note_search(report, searched?, screen),
        }
        report.interrupted |= signals.is_stopped();
    }
    if !json {
        screen.line("");
        context::print(&terminal::summary(report))?;
        if let Some(engine) = query::engine(stack).filter(|_| !report.interrupted) {
            ask(engine, stack, stood, &names, signals).await?;
        }
    }
    Ok(())
}

/// Reserves tickets of the stack, each for one run only.
fn reserve(journal: Arc<Journal>, run: String) -> ReserveTickets {
    Box::new(move |count| Ok(journal.reserve(&run, count)?))
}

fn note_search(report: &mut RunReport, (acknowledged, proof): (u64, Proof), screen: &Screen) {
    prove::name_missing(&proof, screen);
    report.note_proof(&proof);
    if acknowledged != report.acknowledged {
        let counted = report.acknowledged;
        report.problems.push(format!("{counted} acknowledged by the load, {acknowledged} in its log"));
    }
}

/// Records the result of a load in the report.
pub fn note_load(report: &mut RunReport, loaded: &Loaded) {
    report.offered = loaded.offered;
    report.acknowledged = loaded.acknowledged;
    report.failed = loaded.failed;
    report.retried = loaded.retried;
    report.throttled = loaded.throttled;
    report.hot_keys = loaded.hot_keys.clone();
    report.records_per_second = loaded.records_per_second;
    report.bytes_per_second = loaded.bytes_per_second;
    report.interrupted = loaded.cancelled;
    report.seconds.load = Some(loaded.seconds);
    report.ack_latency_ms = loaded.ack_latency_ms().map(latency).unwrap_or_default();
    let failures = loaded.failures.iter();
    report.problems.extend(failures.map(|failure| format!("{} documents failed: {}", failure.count, failure.reason)));
}

fn note_freshness(report: &mut RunReport, freshness: &Freshness) {
    report.freshness_ms = freshness.ms.map(latency);
    if freshness.unseen > 0 {
        let Freshness { followed, unseen, why, .. } = freshness;
        let why = why.as_deref().unwrap_or("they did not arrive in time");
        report.problems.push(format!("{unseen} of {followed} documents followed into DynamoDB were not read: {why}"));
    }
}

fn latency(ms: Percentiles) -> Latency {
    Latency { p50: ms.p50, p90: ms.p90, p99: ms.p99, max: ms.max }
}

/// Runs the demo query. A signal ends it, but the run stays verified.
async fn ask(engine: Engine, stack: &Stack, stood: &Stood, names: &Names, signals: &Signals) -> anyhow::Result<()> {
    let (name, sql) = query::default(engine, stack, names);
    let answer = query::ask(engine, stack, names, &stood.clients, &sql, ROWS_SHOWN, &signals.cancel()).await;
    if signals.is_stopped() {
        return Ok(());
    }
    let table: String = answer?.rows.pretty().lines().map(|line| format!("  {line}\n")).collect();
    context::print(&format!("\n  {name}\n{table}"))
}

/// The exit code of a run.
pub fn exit(report: &RunReport, left_over: Exit) -> Exit {
    match () {
        () if left_over != Exit::Fine => left_over,
        () if report.interrupted => Exit::Interrupted,
        () if !report.proved() => Exit::NotProved,
        () if !report.crossed.is_empty() => Exit::Crossed,
        () => Exit::Fine,
    }
}
