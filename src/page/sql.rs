//! Questions in SQL.

use serde::{Deserialize, Serialize};

use crate::{
    engine::{Cancel, StackId},
    operations::{
        KnownStack,
        causes::with_causes,
        query::{self, QueryResult},
    },
};

/// The most rows of an answer.
const MOST_ROWS: usize = 200;

/// A question.
#[derive(Deserialize)]
pub(super) struct Question {
    /// The stack's demo query where it is empty.
    sql: String,
}

/// Its answer.
#[derive(Serialize)]
pub(super) struct Answer {
    /// What was asked.
    sql: String,
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows.
    truncated: bool,
    seconds: f64,
    /// Bytes that the engine read and charges for, where it says so.
    scanned: Option<u64>,
}

/// Asks the first table of a stack, as `demo query` does. Whoever asks may go: then the engine is told to stop.
///
/// # Errors
/// What a person is to read.
pub(super) async fn ask(stack: &StackId, question: Question) -> Result<Answer, String> {
    let (stack, cancel) = (stack.clone(), Cancel::new());
    let asking = tokio::spawn({
        let cancel = cancel.clone();
        async move { answer(&stack, question, &cancel).await }
    });
    let _given_up = RaiseOnDrop(cancel);
    asking.await.unwrap_or_else(|error| Err(error.to_string()))
}

async fn answer(stack: &StackId, Question { sql }: Question, cancel: &Cancel) -> Result<Answer, String> {
    let known = KnownStack::find(stack.as_str()).await.map_err(|error| with_causes(&error))?;
    let KnownStack { stack, names, clients, id, .. } = &known;
    let table = query::table(stack, names, clients, None);
    let table = table.ok_or_else(|| format!("{id} has no table, so there is nothing to query"))?;
    let sql = match sql.trim() {
        "" => query::default_query(stack, table.as_ref()).1,
        sql => sql.to_owned(),
    };
    let result = query::run(table.as_ref(), &sql, MOST_ROWS, cancel).await.map_err(|error| with_causes(&error))?;
    let QueryResult { rows, truncated, took, scanned } = result;
    Ok(Answer {
        sql,
        columns: rows.columns.into_iter().map(|(name, _)| name).collect(),
        rows: rows.rows,
        truncated,
        seconds: took.as_secs_f64(),
        scanned,
    })
}

struct RaiseOnDrop(Cancel);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}
