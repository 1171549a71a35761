//! `demo query STACK [FILE or "SQL"]`.

use std::{fs, path::Path};

use anyhow::Context as _;
use clap::Args;

use super::{
    context::{self, Known},
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    aws::query,
    report::{
        table::Rows,
        terminal::{bytes, grouped},
    },
};

/// What is asked when nothing else is, and its name.
pub const DEFAULT: (&str, &str) =
    ("sql/queries/top-categories.sql", include_str!("../../sql/queries/top-categories.sql"));

/// Rows that are fetched at most.
const MOST_ROWS: usize = 10_000;

/// Arguments.
#[derive(Args, Debug)]
pub struct Query {
    /// The stack's id, its name, or the file that it was made from.
    stack: String,
    /// A file of SQL, or the SQL itself; the categories that sell best by default.
    sql: Option<String>,
    /// An array of JSON objects.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV with a header line.
    #[arg(long)]
    csv: bool,
}

impl Query {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let sql = match self.sql.as_deref() {
            None => DEFAULT.1.to_owned(),
            Some(file) if Path::new(file).is_file() => fs::read_to_string(file).with_context(|| file.to_owned())?,
            Some(text) if text.contains(char::is_whitespace) => text.to_owned(),
            Some(word) => return Err(Stop::usage(format!("{word} is neither a file nor SQL")).into()),
        };
        let known = Known::find(&self.stack).await?;
        let Some(database) = &known.names.database else {
            return Err(Stop::usage(format!("{} has no catalog (deliver.s3.catalog), so there is nothing to query", known.id)).into());
        };
        let answer = query::run(&known.clients.athena, &known.names.workgroup, database, &sql, MOST_ROWS).await?;
        let rows = Rows { columns: answer.columns, rows: answer.rows };
        context::print(&match (self.json, self.csv) {
            (true, _) => format!("{}\n", rows.json()),
            (_, true) => rows.csv(),
            _ => format!("{}\n", rows.pretty()),
        })?;
        let more = if answer.truncated { "; there are more" } else { "" };
        screen.line(&format!(
            "{} rows in {:.1} s, {} scanned{more}",
            grouped(rows.rows.len() as u64),
            answer.took.as_secs_f64(),
            bytes(answer.scanned_bytes as f64),
        ));
        Ok(Exit::Fine)
    }
}
