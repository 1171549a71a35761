//! `demo doctor [FILE]`: checks this machine, AWS access, and whether a stack can be created.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    Over, Reach, StackFile,
    code::Code,
    context, documents, errors,
    exit::{Exit, Stop},
    machine,
    screen::Screen,
};
use crate::{
    aws::{
        Clients, Where,
        clients::{self, Found},
        packaging::{Architecture, Package},
        preflight::{self, Finding, Report, Verdict},
        worker_program::WorkerProgram,
    },
    engine::Cause,
    operations::{known::id_and_state, target::release_stand_in, up},
    pipeline::{Materials, lifecycle},
    spec::{Checked, Stack},
};

/// Arguments of `demo doctor`.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Stack file to check; without one, check only this machine and AWS access.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    over: Over,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    code: Code,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = match &self.file {
            Some(file) => Some(context::read(&StackFile { file: file.clone(), over: self.over.clone() }, screen)?),
            None if self.over.is_empty() => None,
            None => return Err(Stop::usage("`-c` and `--set` need a stack file; name one").into()),
        };
        let mut findings = machine::look(self.code.function_binary.as_deref()).await;
        findings.extend(match &checked {
            Some(checked) => self.stack(checked, screen).await?.0,
            None => aws().await.0,
        });
        let report = Report(findings);
        context::print(&if self.json { in_one_object(&report) } else { for_a_person(&report) })?;
        Ok(exit_of(report))
    }

    /// Runs all preflight checks at the stack's target.
    async fn stack(&self, checked: &Checked, screen: &Screen) -> anyhow::Result<Report> {
        let stack = &checked.stack;
        let documents = documents::check(stack, screen).await?;
        let (package, unfit) = match self.code.package(stack) {
            Ok(package) => (package.unwrap_or_else(Package::any), None),
            Err(error) => (Package::any(), Some(Finding::wrong(Cause::Other, "function", format!("{error:#}"), ""))),
        };
        let (worker, unfit_worker) = worker(stack);
        let materials = Materials { schema: &documents.schema, function: Some(&package), worker: Some(worker) };
        let home = context::home()?;
        let (id, state) = id_and_state(&home, &stack.name)?;
        let clients = context::clients(&home, &stack.target, &self.reach).await?;
        let report = lifecycle::check(stack, &id, &state, &materials, &clients).await;
        release_stand_in(&home).await?;
        let mut report = report.map_err(errors::lifecycle)?;
        report.0.extend(unfit.into_iter().chain(unfit_worker));
        Ok(report)
    }
}

/// What the program of a stack's workers on Fargate runs on, and what is found of it.
fn worker(stack: &Stack) -> (Architecture, Option<Finding>) {
    const WHAT: &str = "worker program";
    match up::worker_program(stack) {
        Ok(None) => (Architecture::default(), None),
        Ok(Some(WorkerProgram { architecture, .. })) => {
            (architecture, Some(Finding::fine(WHAT, format!("a task can run it, on {}", architecture.name()))))
        }
        Err(error) => (Architecture::default(), Some(Finding::wrong(Cause::Other, WHAT, error.to_string(), ""))),
    }
}

/// Describes the caller of AWS, if there are credentials.
async fn aws() -> Report {
    match clients::usual().await {
        Found::Nothing => {
            let advice = "the stand-in needs none; for AWS, log in (`aws sso login`, `aws configure`)";
            Report(vec![Finding::note("credentials", "none found for AWS", advice)])
        }
        Found::Broken(why) => {
            let advice = "log in again (`aws sso login`, `aws configure`), or remove the broken profile";
            Report(vec![Finding::wrong(Cause::Permission, "credentials", why, advice)])
        }
        Found::Region(region) => {
            let clients = Clients::connect(Where::Aws { region, profile: None, endpoint_url: None }).await;
            preflight::caller(&clients).await
        }
    }
}

fn exit_of(report: Report) -> Exit {
    match report.accepted() {
        Ok(_) => Exit::Fine,
        Err(refused) => errors::exit_of(&refused.causes()),
    }
}

fn in_one_object(report: &Report) -> String {
    let findings: Vec<_> = report.0.iter().map(Finding::json).collect();
    format!("{}\n", json!({"wrong": report.wrong().count(), "findings": findings}))
}

fn for_a_person(report: &Report) -> String {
    let mark = |finding: &Finding| match finding.verdict {
        Verdict::Fine => '✔',
        Verdict::Note => '·',
        Verdict::Warning => '!',
        Verdict::Wrong(_) => '✘',
    };
    let lines: String = report.0.iter().map(|finding| format!("  {} {finding}\n", mark(finding))).collect();
    let ending = match (report.wrong().count(), report.warnings().count()) {
        (0, 0) => "no problems".to_owned(),
        (0, 1) => "no problems, 1 warning".to_owned(),
        (0, warnings) => format!("no problems, {warnings} warnings"),
        (1, _) => "1 problem".to_owned(),
        (wrong, _) => format!("{wrong} problems"),
    };
    format!("{lines}\n  {ending}\n")
}
