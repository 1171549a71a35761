//! `demo run FILE`: up, load, verify, query, and with `--rm`, down.

use clap::Args;
use serde_json::json;

use super::{
    Reach, StackFile,
    code::Code,
    context,
    dashboard::{Beside, WithPage},
    down::exit_of,
    errors,
    exit::Exit,
    screen::Screen,
    signals::Signals,
    terminal::Terminal,
    up::up_options,
};
use crate::{
    load::Part,
    operations::{OnFailure, RunOptions, RunOutcome, SharedRun, run::run},
    report::{RunReport, terminal},
    spec::{Checked, Stack},
};

/// Arguments of `demo run`.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    stack: StackFile,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Hold a figure of the run against a limit, for example "p99_ack < 500ms"; repeatable. `demo schema thresholds` lists
    /// the figures.
    #[arg(long = "threshold", value_name = "NAME < LIMIT")]
    thresholds: Vec<String>,
    /// Remove what this run created when it ends, even after a failure.
    #[arg(long)]
    rm: bool,
    /// With workers on Fargate: leave the load to them once all of them send; `demo attach` leads them to the end.
    #[arg(long, conflicts_with_all = ["rm", "workers"])]
    detach: bool,
    /// Print one JSON object instead of the summary.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    beside: Beside,
    #[command(flatten)]
    worker: Worker,
}

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

impl Run {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let checked = context::read_with(&self.stack, &self.thresholds, screen)?;
        let terminal = Terminal::new(screen, &signals, &self.reach).with_summary(!self.json);
        let shared = self.worker.shared(&checked.stack)?;
        let page = self.beside.open(screen).await?;
        let host = WithPage { terminal: &terminal, page: page.as_ref() };
        let ended = match shared {
            Some(shared) => self.send(shared, &checked.stack, &signals, &host, screen).await,
            None => self.whole(&checked, &signals, &host, screen).await,
        };
        if let Some(page) = page {
            page.close().await;
        }
        let exit = ended?;
        terminal.printed()?;
        Ok(exit)
    }

    /// Runs the stack, not a part of it.
    async fn whole(
        &self,
        checked: &Checked,
        signals: &Signals,
        host: &WithPage<'_>,
        screen: &Screen,
    ) -> anyhow::Result<Exit> {
        let on_failure = if self.rm { OnFailure::RollBack } else { OnFailure::RollBackUnlessInterrupted };
        let up = up_options(&self.reach, &self.code, on_failure, true);
        let options = RunOptions { up, remove: self.rm, query: !self.json, detach: self.detach };
        let outcome = run(checked, options, signals.cancel(), host).await.map_err(errors::run)?;
        Shown { json: self.json, screen }.outcome(outcome)
    }

    /// Sends one worker's part of a shared run.
    async fn send(
        &self,
        shared: SharedRun,
        stack: &Stack,
        signals: &Signals,
        host: &WithPage<'_>,
        screen: &Screen,
    ) -> anyhow::Result<Exit> {
        let endpoint_url = self.reach.endpoint_url.as_deref();
        let sent = shared.send(stack, endpoint_url, signals.cancel(), host).await;
        let report = sent.map_err(errors::worker)?;
        context::print(&match self.json {
            true => format!("{}\n", serde_json::to_string(&report)?),
            false => terminal::summary(&report),
        })?;
        let id = &report.stack;
        screen.line(&format!("\nwhen all workers have ended, run `demo verify {id}` to verify the documents of all"));
        Ok(exit(&report, Exit::Fine))
    }
}

/// How a run's end is shown.
pub(super) struct Shown<'a> {
    pub(super) json: bool,
    pub(super) screen: &'a Screen,
}

impl Shown<'_> {
    /// Shows how a run has ended, or that it goes on; returns the exit code.
    pub(super) fn outcome(&self, outcome: RunOutcome) -> anyhow::Result<Exit> {
        let RunOutcome { report, down, error, goes_on } = outcome;
        let run = &report.run;
        if goes_on {
            return self.goes_on(&report);
        }
        if !run.is_empty() && report.unrecorded.is_none() {
            self.screen.line(&format!("\nrecorded as {run}; `demo report {run}` shows it again"));
        }
        if self.json && !run.is_empty() {
            context::print(&format!("{}\n", serde_json::to_string(&report)?))?;
        }
        error.map_or(Ok(()), |error| Err(errors::run(error)))?;
        Ok(exit(&report, down.map_or(Exit::Fine, |down| exit_of(&down))))
    }

    fn goes_on(&self, RunReport { stack, run, .. }: &RunReport) -> anyhow::Result<Exit> {
        let text = match self.json {
            true => format!("{}\n", json!({"stack": stack, "run": run, "goes_on": true})),
            false => format!(
                "run {run} of {stack} goes on without this process\n  \
                 `demo attach {run}` leads it to the end and verifies it; add --rm to remove the stack then\n"
            ),
        };
        context::print(&text)?;
        Ok(Exit::Fine)
    }
}

impl Worker {
    /// The part that the command line asks for, if any.
    ///
    /// Errors end the command with exit code 2: nothing was touched.
    fn shared(&self, stack: &Stack) -> anyhow::Result<Option<SharedRun>> {
        let (Some(part), Some(run)) = (self.workers, &self.name) else { return Ok(None) };
        SharedRun::new(stack, part, run, self.mirror.as_deref()).map(Some).map_err(errors::worker)
    }
}

/// The exit code of a run.
fn exit(report: &RunReport, left_over: Exit) -> Exit {
    match () {
        () if left_over != Exit::Fine => left_over,
        () if report.interrupted => Exit::Interrupted,
        () if !report.is_verified() => Exit::Unverified,
        () if !report.crossed.is_empty() => Exit::Crossed,
        () => Exit::Fine,
    }
}
