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

/// What Athena is asked when nothing else is, and its name.
const DEFAULT: (&str, &str) =
    ("sql/queries/athena/top-categories.sql", include_str!("../../sql/queries/athena/top-categories.sql"));

/// The same for Redshift, where a struct is text.
const DEFAULT_OVER_TEXT: (&str, &str) =
    ("sql/queries/redshift/top-categories.sql", include_str!("../../sql/queries/redshift/top-categories.sql"));

/// Rows that are fetched at most.
const MOST_ROWS: usize = 10_000;

/// Arguments.
#[derive(Args, Debug)]
pub struct Query {
    /// The stack's id, its name, or the file that it was made from.
    stack: String,
    /// A file of SQL, or the SQL itself; the categories that sell best by default. The demo queries are in
    /// sql/queries/athena and, for Redshift with `structs: varchar`, in sql/queries/redshift; with `structs: super`
    /// those of Athena do.
    sql: Option<String>,
    /// Who is asked; Athena where the stack has a catalog, else Redshift.
    #[arg(long, value_enum)]
    on: Option<Engine>,
    /// An array of JSON objects.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV with a header line.
    #[arg(long)]
    csv: bool,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The Glue table over the objects in S3.
    Athena,
    /// The table in Redshift.
    Redshift,
}

/// An engine's answer.
pub struct Answer {
    /// Columns and rows.
    pub rows: Rows,
    /// Whether there are more.
    pub truncated: bool,
    /// Until the rows were here.
    pub took: Duration,
    /// Bytes of objects that were read, which is what Athena charges by.
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
            Some(word) => return Err(Stop::usage(format!("{word} is neither a file nor SQL")).into()),
        };
        signals.begun(|| "interrupted; the query may still run".to_owned());
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

/// Who is asked about a stack when nobody is named; none where it has no table.
pub fn engine(stack: &Stack) -> Option<Engine> {
    [Engine::Athena, Engine::Redshift].into_iter().find(|engine| engine.is_in(stack))
}

/// The name of what is asked when nothing else is, and its text over the stack's own table: on Redshift by the way that
/// structs are held there; of a user's own documents, the first few.
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

/// A demo query over another table than that which it is written for.
fn over(text: &str, table: &str) -> String {
    let from = format!("FROM {}\n", redshift_name(table));
    ["FROM store_sales\n", "FROM streaming_store_sales\n"]
        .iter()
        .fold(text.to_owned(), |text, at| text.replace(at, &from))
}

/// Asks one engine about a stack that has it; tables are named without their database or schema. A raised `cancel` stops
/// the query there, too.
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
