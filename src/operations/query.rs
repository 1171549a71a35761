//! Queries of a stack's table with SQL, in Athena or in Redshift.

use std::time::Duration;

use demo_formats::schema::redshift_name;

pub use crate::deliveries::query::{Engine, QueryError};
use crate::{
    aws::{Clients, Names},
    deliveries::{
        self,
        query::{Answer, Table},
    },
    engine::Cancel,
    report::table::Rows,
    spec::{Stack, Workload},
};

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

/// The table to query with this engine, or the first that the stack has; none if it has none.
pub fn table(stack: &Stack, names: &Names, clients: &Clients, on: Option<Engine>) -> Option<Box<dyn Table>> {
    let deliveries = deliveries::of(&stack.deliver).into_iter();
    deliveries
        .filter_map(|delivery| delivery.table(names, clients))
        .find(|table| on.is_none_or(|on| on == table.engine()))
}

/// The name and text of the default query over a table of the stack; for a user's own documents it selects the first
/// rows, or counts those of each kind.
pub fn default_query(stack: &Stack, table: &dyn Table) -> (&'static str, String) {
    if matches!(stack.load.workload, Workload::Mix { .. }) {
        let name = table.name();
        return (
            "documents by kind",
            format!("SELECT kind, count(*) AS documents FROM \"{name}\" GROUP BY 1 ORDER BY 1"),
        );
    }
    if !matches!(stack.load.workload, Workload::StoreSales { .. }) {
        return ("the first rows", format!("SELECT * FROM \"{}\" LIMIT 5", table.name()));
    }
    let (name, text) = table.demo_query();
    (name, with_table(text, table.name()))
}

/// A demo query over another table than the one that it names.
fn with_table(text: &str, table: &str) -> String {
    let from = format!("FROM {}\n", redshift_name(table));
    ["FROM store_sales\n", "FROM streaming_store_sales\n"]
        .iter()
        .fold(text.to_owned(), |text, at| text.replace(at, &from))
}

/// Runs a query; the SQL names tables without their database or schema. A raised `cancel` also stops the query in the
/// engine.
///
/// # Errors
/// The engine's.
pub async fn run(table: &dyn Table, sql: &str, max_rows: usize, cancel: &Cancel) -> Result<QueryResult, QueryError> {
    let Answer { columns, rows, truncated, took, scanned } = table.run(sql, max_rows, cancel).await?;
    Ok(QueryResult { rows: Rows { columns, rows }, truncated, took, scanned })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_query_asks_the_table_that_the_stack_has() {
        for text in [
            include_str!("../../sql/queries/athena/top-categories.sql"),
            include_str!("../../sql/queries/redshift/top-categories.sql"),
        ] {
            let text = with_table(text, "mine");
            assert!(text.contains("FROM mine\n") && !text.contains("store_sales\n"), "{text}");
        }
    }
}
