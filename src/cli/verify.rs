//! `demo verify STACK`.

use clap::Args;
use serde_json::{Value, json};

use super::{
    context::{self, Known},
    exit::{Exit, Stop},
    logs::{self, Found, Logs},
    prove,
    screen::Screen,
    signals::Signals,
};
use crate::{
    aws::mirror::InBucket,
    report::{RunReport, terminal},
    verify::Landed,
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
        let known = Known::find(&self.stack).await?;
        let runs = logs::runs(&known.state);
        if runs.is_empty() {
            let problem = format!("no run recorded for `{}`; run `demo run` first", known.id);
            return Err(Stop::new(Exit::Error, problem).into());
        }
        let logs = Logs::of(&known.home, &known.id);
        if let Some(bucket) = known.names.bucket.as_deref().filter(|_| known.stack.mirror) {
            logs.bring(&known.state, &InBucket::new(&known.clients, bucket)).await?;
        }
        let Found { logs, missing } = logs.of_runs(&known.state, None)?;
        let unfinished = logs.iter().filter(|log| log.offered.is_none()).count();
        signals.begun(|| "interrupted; nothing was changed".to_owned());
        let searched =
            prove::search(&known.stack, &known.names, &known.clients, (logs, Vec::new()), &signals, screen).await;
        let (acknowledged, proof) = match searched {
            Err(error) if signals.is_stopped() => return Err(Stop::new(Exit::Interrupted, error).into()),
            searched => searched?,
        };
        prove::name_missing(&proof, screen);
        let mut report = RunReport { acknowledged, ..RunReport::default() };
        report.note_proof(&proof);
        report.problems.extend(missing);
        let text = if self.json {
            let landed: Vec<_> = proof.landed.iter().map(landed).collect();
            let report = json!({
                "stack": known.id.as_str(), "runs": runs, "runs_cut_off": unfinished, "acknowledged": acknowledged,
                "landed_stream": report.landed_stream, "landed_s3": report.landed_s3, "landed_sql": report.landed_sql,
                "landed_redshift": report.landed_redshift, "landed_dynamodb": report.landed_dynamodb,
                "lost": report.lost, "duplicated": report.duplicated, "destinations": landed,
                "problems": report.problems,
            });
            format!("{report}\n")
        } else {
            terminal::found(&report, &proof)
        };
        context::print(&text)?;
        Ok(match () {
            () if proof.stopped => Exit::Interrupted,
            () if proof.lost() != Some(0) || !report.problems.is_empty() => Exit::NotProved,
            () => Exit::Fine,
        })
    }
}

fn landed(landed: &Landed) -> Value {
    let tally = &landed.tally;
    json!({
        "place": landed.place.to_string(), "documents": tally.documents, "distinct": tally.distinct,
        "lost": tally.lost, "duplicated": tally.duplicated, "unacknowledged": tally.unacknowledged,
        "missing": landed.missing,
    })
}
