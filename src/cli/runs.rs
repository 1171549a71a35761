//! `demo runs [STACK]`.

use clap::Args;
use serde::Serialize;

use super::{context, errors, exit::Exit, screen::Screen};
use crate::{
    operations::known,
    record::folders::{Kept, Records, prunable, remove},
    report::{
        numbers::{bytes, counted, grouped, millis, rate},
        recorded::Recorded,
        table::Rows,
    },
};

/// Arguments of `demo runs`.
#[derive(Args, Debug)]
pub struct Runs {
    /// Only the runs of this stack: its id, its name, or its stack file.
    stack: Option<String>,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
    /// Remove the records of all but the newest runs of each stack; never that of a run under way.
    #[arg(long)]
    prune: bool,
    /// With --prune: keep so many of each stack.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "prune")]
    keep: usize,
}

/// A recorded run.
#[derive(Debug, Serialize)]
struct Row {
    run: String,
    stack: String,
    /// RFC 3339 in UTC.
    started: String,
    verdict: String,
    /// Acknowledged documents.
    documents: u64,
    records_per_second: f64,
    p99_ack_ms: f64,
    /// What its record takes on disk.
    bytes: u64,
}

impl Runs {
    pub(super) fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let records = Records::of(&context::home()?);
        let stack = self.stack.as_deref().map(known::name_of).transpose().map_err(errors::find)?;
        let (mut kept, unreadable) = records.list(stack.as_deref())?;
        unreadable.iter().for_each(|error| screen.warning(&error.to_string()));
        if self.prune {
            let gone = prunable(kept, self.keep);
            gone.iter().try_for_each(remove)?;
            let freed = bytes(gone.iter().map(|kept| kept.run.bytes).sum::<u64>() as f64);
            screen.line(&format!("removed the records of {}: {freed}", counted(gone.len() as u64, "run")));
            kept = records.list(stack.as_deref())?.0;
        }
        let rows = || kept.iter().map(|Kept { run, .. }| row(run));
        context::print(&match (self.json, kept.is_empty()) {
            (true, _) => format!("{}\n", serde_json::to_string(&rows().collect::<Vec<_>>())?),
            (false, true) => "no run is recorded\n".to_owned(),
            (false, false) => format!("{}\n", table(rows()).pretty(context::width())),
        })?;
        Ok(Exit::Fine)
    }
}

fn row(run: &Recorded) -> Row {
    Row {
        run: run.about.run.clone(),
        stack: run.about.stack.clone(),
        started: run.about.started.clone(),
        verdict: run.verdict().to_string(),
        documents: run.report.acknowledged,
        records_per_second: run.report.records_per_second,
        p99_ack_ms: run.report.ack_latency_ms.p99,
        bytes: run.bytes,
    }
}

fn table(rows: impl Iterator<Item = Row>) -> Rows {
    let text = |name: &str| (name.to_owned(), "varchar".to_owned());
    let number = |name: &str| (name.to_owned(), "bigint".to_owned());
    let columns = vec![
        text("run"),
        text("started"),
        text("stack"),
        text("verdict"),
        number("documents"),
        number("rate"),
        number("p99 ms"),
        number("size"),
    ];
    let cells = |row: Row| {
        let Row { run, stack, started, verdict, documents, records_per_second, p99_ack_ms, bytes: size } = row;
        let (rate, p99) = (rate(records_per_second, None), millis(p99_ack_ms));
        [run, started, stack, verdict, grouped(documents), rate, p99, bytes(size as f64)].map(Some).to_vec()
    };
    Rows { columns, rows: rows.map(cells).collect() }
}
