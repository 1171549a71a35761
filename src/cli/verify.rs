//! `demo verify STACK`.

use clap::Args;
use serde_json::json;

use super::{
    context::{self, Known},
    drive,
    exit::{Exit, Stop},
    prove, signals,
    screen::Screen,
};
use crate::{load::AckLog, report::terminal::grouped};

/// Arguments.
#[derive(Args, Debug)]
pub struct Verify {
    /// The stack's id, its name, or the file that it was made from.
    stack: String,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let known = Known::find(&self.stack).await?;
        let mut runs: Vec<&str> = known.state.runs().iter().map(|run| run.id.as_str()).collect();
        runs.dedup();
        if runs.is_empty() {
            return Err(Stop::new(Exit::Error, format!("{} has had no run: `demo run` makes one", known.id)).into());
        }
        let mut logs = Vec::new();
        for run in &runs {
            logs.push(AckLog::read(&drive::ack_log(&known.home, &known.id, run))?);
        }
        let unfinished = logs.iter().filter(|log| log.offered.is_none()).count();
        let stop = signals::watch("stopped while looking".to_owned())?;
        let (acknowledged, proof) =
            prove::search(&known.stack, &known.names, &known.clients, logs, stop, screen).await?;
        prove::name_missing(&proof, screen);
        let tally = &proof.tally;
        let lost = (!proof.stopped).then_some(tally.lost);
        let text = if self.json {
            let report = json!({
                "stack": known.id.as_str(), "runs": runs, "runs_cut_off": unfinished, "acknowledged": acknowledged,
                "landed_stream": proof.landed_stream, "landed_s3": proof.landed_s3, "landed_sql": proof.landed_sql,
                "lost": lost, "missing": tally.missing.iter().map(|key| json!({"ticket": key.ticket, "item": key.item})).collect::<Vec<_>>(),
                "duplicated": tally.duplicated, "unacknowledged": tally.unacknowledged, "problems": proof.problems,
            });
            format!("{report}\n")
        } else {
            let found = |what: &str, n: Option<u64>| n.map_or(String::new(), |n| format!("   {what} {}", grouped(n)));
            format!(
                "  acknowledged {}{}{}{}\n  lost {}   duplicated {}   landed though never acknowledged {}\n{}",
                grouped(acknowledged),
                found("in the stream", proof.landed_stream),
                found("in S3", proof.landed_s3),
                found("by SQL", proof.landed_sql),
                lost.map_or("not known".to_owned(), grouped),
                grouped(tally.duplicated),
                grouped(tally.unacknowledged),
                proof.problems.iter().map(|problem| format!("  problem: {problem}\n")).collect::<String>(),
            )
        };
        context::print(&text)?;
        Ok(match () {
            () if proof.stopped => Exit::Interrupted,
            () if tally.lost > 0 || !proof.problems.is_empty() => Exit::NotProved,
            () => Exit::Fine,
        })
    }
}
