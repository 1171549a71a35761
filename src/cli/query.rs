//! `demo query STACK [FILE or "SQL"]`.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use demo_formats::schema::{Structs, redshift_name};

use super::{
    context::{self, Known},
    exit::{Exit, Stop},
    screen::Screen,
    signals::{Signals, interrupted},
};
use crate::{
    aws::{
        Clients, Names, query,
        redshift::{self, Database},
    },
    engine::Cancel,
    report::{
        table::Rows,
        terminal::{bytes, grouped},
    },
    spec::{Stack, Workload},
};

/// The default query for Athena: its name and its text.
const DEFAULT: (&str, &str) =
    ("sql/queries/athena/top-categories.sql", include_str!("../../sql/queries/athena/top-categories.sql"));

/// The default query for Redshift with structs as text.
const DEFAULT_OVER_TEXT: (&str, &str) =
    ("sql/queries/redshift/top-categories.sql", include_str!("../../sql/queries/redshift/top-categories.sql"));

/// The most rows to fetch.
const MOST_ROWS: usize = 10_000;

/// Arguments of `demo query`.
#[derive(Args, Debug)]
pub struct Query {
    /// The stack's id, its name, or its stack file.
    stack: String,
    /// SQL file, or the SQL itself; defaults to the best-selling categories. The demo queries are in sql/queries/athena
    /// and, for Redshift with `structs: varchar`, in sql/queries/redshift; with `structs: super`, use those of Athena.
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

/// The engine to query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Query the Glue table over the objects in S3.
    Athena,
    /// Query the table in Redshift.
    Redshift,
}

/// An engine's answer.
pub struct Answer {
    /// Columns and rows.
    pub rows: Rows,
    /// Whether there are more rows.
    pub truncated: bool,
    /// How long it took until the rows arrived.
    pub took: Duration,
    /// Bytes of objects that Athena read, and charges for.
    pub scanned: Option<u64>,
}

impl Query {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let signals = Signals::watch(screen)?;
        let known = Known::find(&self.stack).await?;
        let Some(engine) = self.on.or(engine(&known.stack)).filter(|engine| engine.is_in(&known.stack)) else {
            let lacks = self.on.map_or("no table", Engine::lacking);
            return Err(Stop::usage(format!("{} has {lacks}, so there is nothing to query", known.id)).into());
        };
        let sql = match self.sql.as_deref() {
            None => default(engine, &known.stack, &known.names).1,
            Some(file) if Path::new(file).is_file() => fs::read_to_string(file).with_context(|| file.to_owned())?,
            Some(text) if text.contains(char::is_whitespace) => text.to_owned(),
            Some(word) => return Err(Stop::usage(format!("`{word}` is neither a file nor SQL")).into()),
        };
        signals.begun(|| "interrupted; the query may still be running".to_owned());
        let answer = ask(engine, &known.stack, &known.names, &known.clients, &sql, MOST_ROWS, &signals.cancel()).await;
        if signals.is_stopped() {
            return Err(interrupted().into());
        }
        let Answer { rows, truncated, took, scanned } = answer?;
        context::print(&match (self.json, self.csv) {
            (true, _) => format!("{}\n", rows.json()),
            (_, true) => rows.csv(),
            _ => format!("{}\n", rows.pretty()),
        })?;
        let scanned = scanned.map_or(String::new(), |scanned| format!(", {} scanned", bytes(scanned as f64)));
        let more = if truncated { "; there are more" } else { "" };
        let count = grouped(rows.rows.len() as u64);
        screen.line(&format!("{count} rows in {:.1} s{scanned}{more}", took.as_secs_f64()));
        Ok(Exit::Fine)
    }
}

impl Engine {
    fn is_in(self, stack: &Stack) -> bool {
        match self {
            Self::Athena => stack.deliver.s3.as_ref().is_some_and(|s3| s3.catalog.is_some()),
            Self::Redshift => stack.deliver.redshift.is_some(),
        }
    }

    fn lacking(self) -> &'static str {
        match self {
            Self::Athena => "no catalog (deliver.s3.catalog)",
            Self::Redshift => "no table in Redshift (deliver.redshift)",
        }
    }
}

/// The default engine of a stack; none if it has no table.
pub fn engine(stack: &Stack) -> Option<Engine> {
    [Engine::Athena, Engine::Redshift].into_iter().find(|engine| engine.is_in(stack))
}

/// The name and text of the default query over the stack's own table. On Redshift it depends on how structs are stored;
/// for a user's own documents it selects the first rows.
pub fn default(engine: Engine, stack: &Stack, names: &Names) -> (&'static str, String) {
    let redshift = stack.deliver.redshift.as_ref().filter(|_| engine == Engine::Redshift);
    let table = match engine {
        Engine::Athena => names.table.as_deref(),
        Engine::Redshift => names.redshift.as_ref().map(|names| names.table.as_str()),
    };
    if !matches!(stack.load.workload, Workload::StoreSales { .. }) {
        return ("the first rows", format!("SELECT * FROM \"{}\" LIMIT 5", table.unwrap_or_default()));
    }
    let over_text = redshift.is_some_and(|redshift| redshift.structs == Structs::Varchar);
    let (name, text) = if over_text { DEFAULT_OVER_TEXT } else { DEFAULT };
    (name, over(text, table.unwrap_or_default()))
}

/// A demo query over another table than the one that it names.
fn over(text: &str, table: &str) -> String {
    let from = format!("FROM {}\n", redshift_name(table));
    ["FROM store_sales\n", "FROM streaming_store_sales\n"]
        .iter()
        .fold(text.to_owned(), |text, at| text.replace(at, &from))
}

/// Runs a query on one engine of a stack; the SQL names tables without their database or schema. A raised `cancel` also
/// stops the query in the engine.
pub async fn ask(
    engine: Engine,
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    sql: &str,
    max_rows: usize,
    cancel: &Cancel,
) -> anyhow::Result<Answer> {
    match engine {
        Engine::Athena => {
            let database = names.database.as_deref().context("the stack has no catalog")?;
            let answer = query::run_unless(cancel, &clients.athena, &names.workgroup, database, sql, max_rows).await?;
            let query::Answer { columns, rows, truncated, took, scanned_bytes, .. } = answer;
            Ok(Answer { rows: Rows { columns, rows }, truncated, took, scanned: Some(scanned_bytes) })
        }
        Engine::Redshift => {
            let to = stack.deliver.redshift.as_ref().zip(names.redshift.as_ref());
            let (to, names) = to.context("the stack has no table in Redshift")?;
            let database = Database::of(to, names);
            let answer = redshift::query::run_unless(cancel, clients, &database, &names.schema, sql, max_rows).await?;
            let redshift::data::Answer { columns, rows, truncated, took } = answer;
            Ok(Answer { rows: Rows { columns, rows }, truncated, took, scanned: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_query_asks_the_table_that_the_stack_has() {
        for (_, text) in [DEFAULT, DEFAULT_OVER_TEXT] {
            let text = over(text, "mine");
            assert!(text.contains("FROM mine\n") && !text.contains("store_sales\n"), "{text}");
        }
    }
}
