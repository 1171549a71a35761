//! `demo query STACK [FILE or "SQL"]`.

use std::path::Path;

use anyhow::Context as _;
use clap::{Args, ValueEnum, builder::PossibleValue};
use demo_workload::files;

use super::{
    context,
    errors::{self, interrupted},
    exit::{Exit, Stop},
    screen::Screen,
    signals::Signals,
};
use crate::{
    operations::{
        KnownStack,
        query::{self, Engine, QueryResult},
    },
    report::numbers::{bytes, counted},
};

/// The most rows to fetch.
const MOST_ROWS: usize = 10_000;
/// Athena takes 256 KiB of SQL, Redshift less.
const MOST_OF_SQL: u64 = 1 << 20;

/// Arguments of `demo query`.
#[derive(Args, Debug)]
pub struct Query {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// SQL file, or the SQL itself; defaults to the best-selling categories. The demo queries are in sql/queries/athena
    /// and, for Redshift with `structs: varchar`, in sql/queries/redshift; with `structs: super`, use those of Athena. Those of
    /// stacks/orders.yaml are in sql/queries/orders.
    sql: Option<String>,
    /// Engine to query; defaults to Athena if the stack has a catalog, else to Redshift.
    #[arg(long, value_enum)]
    on: Option<Engine>,
    /// Print an array of JSON objects.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV with a header line.
    #[arg(long)]
    csv: bool,
}

impl Query {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let known = KnownStack::find(&self.stack).await.map_err(errors::find)?;
        let KnownStack { stack, names, clients, .. } = &known;
        let Some(table) = query::table(stack, names, clients, self.on) else {
            let lacks = self.on.map_or("no table", lacking);
            return Err(Stop::usage(format!("{} has {lacks}, so there is nothing to query", known.id)).into());
        };
        let sql = match self.sql.as_deref() {
            None => query::default_query(stack, table.as_ref()).1,
            Some(file) if Path::new(file).is_file() => {
                files::read_text(Path::new(file), MOST_OF_SQL).with_context(|| file.to_owned())?
            }
            Some(text) if text.contains(char::is_whitespace) => text.to_owned(),
            Some(word) => return Err(Stop::usage(format!("`{word}` is neither a file nor SQL")).into()),
        };
        signals.begun(|| "interrupted; the query may still be running".to_owned());
        let result = query::run(table.as_ref(), &sql, MOST_ROWS, signals.cancel()).await;
        if signals.is_stopped() {
            return Err(interrupted().into());
        }
        let QueryResult { rows, truncated, took, scanned } = result?;
        context::print(&match (self.json, self.csv) {
            (true, _) => format!("{}\n", rows.json()?),
            (_, true) => rows.csv(),
            _ => format!("{}\n", rows.pretty(context::width())),
        })?;
        let scanned = scanned.map_or(String::new(), |scanned| format!(", {} scanned", bytes(scanned as f64)));
        let more = if truncated { "; there are more" } else { "" };
        let count = counted(rows.rows.len() as u64, "row");
        screen.line(&format!("{count} in {:.1} s{scanned}{more}", took.as_secs_f64()));
        Ok(Exit::Fine)
    }
}

impl ValueEnum for Engine {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Athena, Self::Redshift]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Athena => PossibleValue::new("athena").help("Query the Glue table over the objects in S3"),
            Self::Redshift => PossibleValue::new("redshift").help("Query the table in Redshift"),
        })
    }
}

fn lacking(engine: Engine) -> &'static str {
    match engine {
        Engine::Athena => "no catalog (deliver.s3.catalog)",
        Engine::Redshift => "no table in Redshift (deliver.redshift)",
    }
}
