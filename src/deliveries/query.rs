//! SQL over the table of a delivery.

use std::{error::Error, time::Duration};

use async_trait::async_trait;

use crate::engine::Cancel;

/// What answers SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Query the Glue table over the objects in S3.
    Athena,
    /// Query the table in Redshift.
    Redshift,
}

/// The answer to a query.
#[derive(Debug)]
pub struct Answer {
    /// Name and SQL type of each column.
    pub columns: Vec<(String, String)>,
    /// The rows; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows.
    pub truncated: bool,
    /// How long it took until the rows arrived.
    pub took: Duration,
    /// Bytes that the engine read, and charges for; none where it does not charge by them.
    pub scanned: Option<u64>,
}

/// Why a query has no answer: the engine's own error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct QueryError(pub Box<dyn Error + Send + Sync>);

impl QueryError {
    pub(crate) fn of(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// The demo query for Athena, which Redshift takes too where structs are `SUPER`: the name of its file and its text.
pub(crate) const TOP_CATEGORIES: (&str, &str) =
    ("sql/queries/athena/top-categories.sql", include_str!("../../sql/queries/athena/top-categories.sql"));

/// A table that SQL reaches.
#[async_trait]
pub trait Table: Send + Sync {
    /// What answers.
    fn engine(&self) -> Engine;

    /// Its name, without database or schema.
    fn name(&self) -> &str;

    /// The demo query over a table of `store_sales`: the name of its file and its text.
    fn demo_query(&self) -> (&'static str, &'static str);

    /// Answers SQL that names tables without their database or schema, with up to `max_rows` rows. A raised `cancel`
    /// also stops the query in the engine.
    ///
    /// # Errors
    /// The engine's.
    async fn run(&self, sql: &str, max_rows: usize, cancel: &Cancel) -> Result<Answer, QueryError>;
}
