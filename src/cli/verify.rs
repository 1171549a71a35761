//! `demo verify STACK`.

use clap::Args;
use serde_json::{Value, json};

use super::{
    Reach, context, errors,
    exit::{Exit, Stop},
    screen::Screen,
    signals::Signals,
    terminal::Terminal,
};
use crate::{
    aws::mirror::InBucket,
    deliveries::Beside,
    operations::{
        KnownStack,
        logs::{self, Logs, RunLogs},
        verification::search,
    },
    report::{RunReport, terminal},
    verify::DestinationResult,
};

/// Arguments of `demo verify`.
#[derive(Args, Debug)]
pub struct Verify {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let known = KnownStack::find(&self.stack).await.map_err(errors::find)?;
        let runs = logs::runs(&known.state);
        if runs.is_empty() {
            let problem = format!("no run recorded for `{}`; run `demo run` first", known.id);
            return Err(Stop::new(Exit::Error, problem).into());
        }
        let logs = Logs::of(&known.home, &known.id);
        if let Some(bucket) = known.names.bucket.as_deref().filter(|_| known.stack.mirror) {
            logs.download(&known.state, &InBucket::new(&known.clients, bucket)).await?;
        }
        // Before their logs are read: those of a task that ends meanwhile may not be all.
        let tasks = known.tasks_under_way().await?;
        if let Some(bucket) = known.bucket() {
            logs.collect(&known.state, &known.clients, &bucket).await?;
        }
        let RunLogs { logs, mut under_way, missing } = logs.of_runs(&known.state, None)?;
        under_way.extend(tasks);
        let unfinished = logs.iter().filter(|log| log.offered.is_none()).count().saturating_sub(under_way.len());
        for run in &under_way {
            screen.warning(&format!(
                "run {run} is under way: what it sends meanwhile may be found without being known as acknowledged\n  run \
                 `demo verify {}` again when it has ended",
                known.id
            ));
        }
        signals.begun(|| "interrupted; nothing was changed".to_owned());
        let terminal = Terminal::new(screen, &signals, &Reach::default());
        let logs = (logs, Vec::new());
        let searched =
            search(&known.stack, (&known.names, &known.clients), logs, Beside::default(), signals.cancel(), &terminal)
                .await;
        let (acknowledged, verification) = match searched {
            Err(error) if signals.is_stopped() => return Err(Stop::new(Exit::Interrupted, error).into()),
            searched => searched?,
        };
        let mut report = RunReport { acknowledged, ..RunReport::default() };
        report.record_verification(&verification);
        report.problems.extend(missing);
        let text = if self.json {
            let landed: Vec<_> = verification.landed.iter().map(landed).collect();
            let mut text = json!({
                "stack": known.id.as_str(), "runs": runs, "runs_cut_off": unfinished,
                "runs_under_way": under_way, "acknowledged": acknowledged,
                "lost": report.lost, "duplicated": report.duplicated, "destinations": landed,
                "ledger": report.ledger, "rejected": report.rejected, "problems": report.problems,
            });
            for (field, documents) in report.landed.fields() {
                text[field] = documents.into();
            }
            format!("{text}\n")
        } else {
            terminal::verified(&report, &verification, !under_way.is_empty())
        };
        context::print(&text)?;
        Ok(match () {
            () if verification.stopped => Exit::Interrupted,
            () if verification.lost() != Some(0) || !report.problems.is_empty() => Exit::Unverified,
            () => Exit::Fine,
        })
    }
}

fn landed(landed: &DestinationResult) -> Value {
    let tally = &landed.tally;
    json!({
        "place": landed.destination.to_string(), "documents": tally.documents, "distinct": tally.distinct,
        "lost": landed.lost(), "duplicated": tally.duplicated, "unacknowledged": tally.unacknowledged,
        "missing": landed.missing,
    })
}
