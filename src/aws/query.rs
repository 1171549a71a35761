//! SQL by Athena: started once, waited for, its rows fetched.

use std::time::Duration;

use aws_sdk_athena::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{QueryExecution, QueryExecutionContext, QueryExecutionState, Row, StatementType},
};
use tokio::time::Instant;

use super::told::{brief, told};
use crate::engine::Cancel;

/// The first wait for an answer, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));
/// Athena itself ends a query after half an hour unless it was told otherwise, not counting its time in the queue (Athena
/// user guide, "Service Quotas").
const BUDGET: Duration = Duration::from_secs(60 * 60);

/// What a query answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Name and Athena type (`bigint`, `varchar`, …) of each column.
    pub columns: Vec<(String, String)>,
    /// The rows, without the header; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows than were asked for.
    pub truncated: bool,
    /// The execution's id, to look it up by.
    pub query_id: String,
    /// Bytes of objects that the query read, which is what AWS charges by.
    pub scanned_bytes: u64,
    /// From the start of the query until its rows were here.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Athena refused a call, or could not be reached.
    #[error("Athena {call}{}: {reason}", in_query(query_id.as_deref()))]
    Call {
        /// The API call.
        call: &'static str,
        /// The execution, where one was started.
        query_id: Option<String>,
        /// What Athena or the network said.
        reason: String,
    },
    /// The query ended as FAILED or CANCELLED.
    #[error("Athena query {query_id} is {state}: {}", brief(.reason))]
    Ended {
        /// The execution.
        query_id: String,
        /// `FAILED` or `CANCELLED`.
        state: String,
        /// Athena's StateChangeReason.
        reason: String,
    },
    /// The query goes on, but is not waited for any more.
    #[error(
        "Athena query {query_id} is still {state} after {} s and continues; stop it with `aws athena \
         stop-query-execution --query-execution-id {query_id}`",
        BUDGET.as_secs()
    )]
    TimedOut {
        /// The execution.
        query_id: String,
        /// `QUEUED` or `RUNNING`.
        state: String,
    },
}

fn in_query(id: Option<&str>) -> String {
    id.map(|id| format!(" (query {id})")).unwrap_or_default()
}

/// Runs `sql` and fetches up to `max_rows` rows. Results go where the workgroup says.
///
/// # Errors
/// [`QueryError::Ended`] with Athena's reason when the query does not succeed; [`QueryError::Call`] when a call fails.
pub async fn run(
    client: &Client,
    workgroup: &str,
    database: &str,
    sql: &str,
    max_rows: usize,
) -> Result<Answer, QueryError> {
    run_unless(&Cancel::new(), client, workgroup, database, sql, max_rows).await
}

/// [`run`], unless the flag is raised while the query runs: then it is stopped at Athena, too, since it costs by what it
/// reads.
///
/// # Errors
/// As [`run`]; a query that was stopped has ended as CANCELLED.
pub async fn run_unless(
    cancel: &Cancel,
    client: &Client,
    workgroup: &str,
    database: &str,
    sql: &str,
    max_rows: usize,
) -> Result<Answer, QueryError> {
    let began = Instant::now();
    let query_id = start(client, workgroup, database, sql).await?;
    let execution = match cancel.unless_raised(wait(client, &query_id)).await {
        Ok(ended) => ended?,
        Err(_) => {
            stop(client, &query_id).await?;
            wait(client, &query_id).await?
        }
    };
    let mut answer = fetch(client, &query_id, execution.statement_type(), max_rows).await?;
    let scanned = execution.statistics().and_then(|statistics| statistics.data_scanned_in_bytes());
    answer.scanned_bytes = scanned.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
    answer.took = began.elapsed();
    Ok(answer)
}

async fn start(client: &Client, workgroup: &str, database: &str, sql: &str) -> Result<String, QueryError> {
    let token = format!("{:032x}", rand::random::<u128>());
    let started = client
        .start_query_execution()
        .work_group(workgroup)
        .query_execution_context(QueryExecutionContext::builder().database(database).build())
        .query_string(sql)
        .client_request_token(token)
        .send()
        .await
        .map_err(|e| failed("StartQueryExecution", None, e))?;
    started.query_execution_id.ok_or_else(|| QueryError::Call {
        call: "StartQueryExecution",
        query_id: None,
        reason: "the answer has no QueryExecutionId".to_owned(),
    })
}

/// Asks again and again, with growing and jittered waits, until the execution has ended.
async fn wait(client: &Client, query_id: &str) -> Result<QueryExecution, QueryError> {
    let (mut wait, longest) = WAITS;
    let deadline = Instant::now() + BUDGET;
    loop {
        let execution = execution(client, query_id).await?;
        let status = execution.status();
        match status.and_then(|status| status.state()) {
            Some(QueryExecutionState::Succeeded) => return Ok(execution),
            Some(state @ (QueryExecutionState::Failed | QueryExecutionState::Cancelled)) => {
                let reason = status.and_then(|status| status.state_change_reason());
                return Err(QueryError::Ended {
                    query_id: query_id.to_owned(),
                    state: state.as_str().to_owned(),
                    reason: reason.unwrap_or("Athena gives no reason").to_owned(),
                });
            }
            state if Instant::now() >= deadline => {
                let state = state.map_or("without a state", QueryExecutionState::as_str).to_owned();
                return Err(QueryError::TimedOut { query_id: query_id.to_owned(), state });
            }
            _ => {}
        }
        tokio::time::sleep(wait.mul_f64(rand::random_range(0.75..1.25))).await;
        wait = wait.mul_f64(1.5).min(longest);
    }
}

async fn stop(client: &Client, query_id: &str) -> Result<(), QueryError> {
    let stopped = client.stop_query_execution().query_execution_id(query_id).send().await;
    stopped.map(drop).map_err(|e| failed("StopQueryExecution", Some(query_id), e))
}

async fn execution(client: &Client, query_id: &str) -> Result<QueryExecution, QueryError> {
    let answer = client
        .get_query_execution()
        .query_execution_id(query_id)
        .send()
        .await
        .map_err(|e| failed("GetQueryExecution", Some(query_id), e))?;
    answer.query_execution.ok_or_else(|| QueryError::Call {
        call: "GetQueryExecution",
        query_id: Some(query_id.to_owned()),
        reason: "the answer has no QueryExecution".to_owned(),
    })
}

async fn fetch(
    client: &Client,
    query_id: &str,
    kind: Option<&StatementType>,
    max_rows: usize,
) -> Result<Answer, QueryError> {
    let mut answer = Answer {
        columns: Vec::new(),
        rows: Vec::new(),
        truncated: false,
        query_id: query_id.to_owned(),
        scanned_bytes: 0,
        took: Duration::ZERO,
    };
    let mut pages = client.get_query_results().query_execution_id(query_id).into_paginator().send();
    let mut first = true;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| failed("GetQueryResults", Some(query_id), e))?;
        let Some(set) = page.result_set() else { continue };
        let mut rows = set.rows();
        if first {
            let info = set.result_set_metadata().map(|metadata| metadata.column_info()).unwrap_or_default();
            answer.columns = info.iter().map(|column| (column.name().to_owned(), column.r#type().to_owned())).collect();
            rows = without_header(rows, &answer.columns, kind);
            first = false;
        }
        for row in rows {
            if answer.rows.len() == max_rows {
                answer.truncated = true;
                return Ok(answer);
            }
            answer.rows.push(values(row));
        }
    }
    Ok(answer)
}

/// Athena sends the columns' names as a query's first row, and none for what is no query (SHOW, DESCRIBE).
fn without_header<'a>(rows: &'a [Row], columns: &[(String, String)], kind: Option<&StatementType>) -> &'a [Row] {
    match rows.split_first() {
        Some((header, rest)) if kind == Some(&StatementType::Dml) && is_header(header, columns) => rest,
        _ => rows,
    }
}

fn is_header(row: &Row, columns: &[(String, String)]) -> bool {
    row.data().iter().map(|datum| datum.var_char_value()).eq(columns.iter().map(|(name, _)| Some(name.as_str())))
}

fn values(row: &Row) -> Vec<Option<String>> {
    row.data().iter().map(|datum| datum.var_char_value().map(str::to_owned)).collect()
}

fn failed<E>(call: &'static str, query_id: Option<&str>, error: SdkError<E>) -> QueryError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    QueryError::Call { call, query_id: query_id.map(str::to_owned), reason: told(&error) }
}
