//! Queries of a stack's table with SQL, in Athena or in Redshift.

use std::time::Duration;

use demo_formats::schema::{Structs, redshift_name};

use crate::{
    aws::{
        Clients, Names,
        query::{self, QueryError},
        redshift::{self, Database},
    },
    engine::Cancel,
    report::table::Rows,
    spec::{Stack, Workload},
};

/// The default query for Athena: its name and its text.
const DEFAULT: (&str, &str) =
    ("sql/queries/athena/top-categories.sql", include_str!("../../sql/queries/athena/top-categories.sql"));

/// The default query for Redshift with structs as text.
const DEFAULT_OVER_TEXT: (&str, &str) =
    ("sql/queries/redshift/top-categories.sql", include_str!("../../sql/queries/redshift/top-categories.sql"));

/// The engine to query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Query the Glue table over the objects in S3.
    Athena,
    /// Query the table in Redshift.
    Redshift,
}

/// The answer to a query.
pub struct QueryResult {
    /// Columns and rows.
    pub rows: Rows,
    /// Whether there are more rows.
    pub truncated: bool,
    /// How long it took until the rows arrived.
    pub took: Duration,
    /// Bytes of objects that Athena read, and charges for.
    pub scanned: Option<u64>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RunQueryError {
    /// The stack has no table that Athena could query.
    #[error("the stack has no catalog")]
    NoCatalog,
    /// The stack has no table in Redshift.
    #[error("the stack has no table in Redshift")]
    NoRedshift,
    /// Athena.
    #[error(transparent)]
    Athena(#[from] QueryError),
    /// Redshift.
    #[error(transparent)]
    Redshift(#[from] redshift::data::DataError),
}

impl Engine {
    /// The default engine of a stack; none if it has no table.
    pub fn default_of(stack: &Stack) -> Option<Self> {
        [Self::Athena, Self::Redshift].into_iter().find(|engine| engine.is_in(stack))
    }

    /// Whether the stack has a table that this engine can query.
    pub fn is_in(self, stack: &Stack) -> bool {
        match self {
            Self::Athena => stack.deliver.s3.as_ref().is_some_and(|s3| s3.catalog.is_some()),
            Self::Redshift => stack.deliver.redshift.is_some(),
        }
    }
}

/// The name and text of the default query over the stack's own table. On Redshift it depends on how structs are stored;
/// for a user's own documents it selects the first rows.
pub fn default_query(engine: Engine, stack: &Stack, names: &Names) -> (&'static str, String) {
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
    (name, with_table(text, table.unwrap_or_default()))
}

/// A demo query over another table than the one that it names.
fn with_table(text: &str, table: &str) -> String {
    let from = format!("FROM {}\n", redshift_name(table));
    ["FROM store_sales\n", "FROM streaming_store_sales\n"]
        .iter()
        .fold(text.to_owned(), |text, at| text.replace(at, &from))
}

/// Runs a query on one engine of a stack; the SQL names tables without their database or schema. A raised `cancel` also
/// stops the query in the engine.
pub async fn run(
    engine: Engine,
    stack: &Stack,
    names: &Names,
    clients: &Clients,
    sql: &str,
    max_rows: usize,
    cancel: &Cancel,
) -> Result<QueryResult, RunQueryError> {
    match engine {
        Engine::Athena => {
            let database = names.database.as_deref().ok_or(RunQueryError::NoCatalog)?;
            let answer = query::run_unless(cancel, &clients.athena, &names.workgroup, database, sql, max_rows).await?;
            let query::Answer { columns, rows, truncated, took, scanned_bytes, .. } = answer;
            Ok(QueryResult { rows: Rows { columns, rows }, truncated, took, scanned: Some(scanned_bytes) })
        }
        Engine::Redshift => {
            let to = stack.deliver.redshift.as_ref().zip(names.redshift.as_ref());
            let (to, names) = to.ok_or(RunQueryError::NoRedshift)?;
            let database = Database::of(to, names);
            let answer = redshift::query::run_unless(cancel, clients, &database, &names.schema, sql, max_rows).await?;
            let redshift::data::Answer { columns, rows, truncated, took } = answer;
            Ok(QueryResult { rows: Rows { columns, rows }, truncated, took, scanned: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_query_asks_the_table_that_the_stack_has() {
        for (_, text) in [DEFAULT, DEFAULT_OVER_TEXT] {
            let text = with_table(text, "mine");
            assert!(text.contains("FROM mine\n") && !text.contains("store_sales\n"), "{text}");
        }
    }
}
