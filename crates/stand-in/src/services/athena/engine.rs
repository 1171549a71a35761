//! One statement, from its text to its result.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{Query, Statement as Sql};
use futures::StreamExt;

use super::{
    create_table_as::CreateTableAs,
    cursor::Cursor,
    definition::Definition,
    failure::{Failure, unsupported},
    insert::Insert,
    job::Job,
    kind::Kind,
    plan,
    results::{self, QueryResult},
    statement::{self, Utility},
    unload::Unload,
};
use crate::hive;

/// How large a result may be as text.
const MAX_RESULT: usize = 128 << 20;

/// Runs a statement.
pub(super) async fn run(job: Job) -> Result<QueryResult, Failure> {
    if let Some(utility) = Utility::parse(&job.sql) {
        return statement::answer(&utility?, &job.catalog.glue, &job.database);
    }
    let mut cursor = Cursor::new(&job.sql, &job.parameters)?;
    match Kind::of(&job.sql).0 {
        Kind::CreateTableAs => {
            cursor.expect("CREATE TABLE")?;
            CreateTableAs::parse(cursor)?.run(&job).await
        }
        Kind::Insert => {
            cursor.expect("INSERT")?;
            Insert::parse(cursor)?.run(&job).await
        }
        Kind::Unload => {
            cursor.expect("UNLOAD")?;
            Unload::parse(cursor)?.run(&job).await
        }
        Kind::Definition => Definition::parse(cursor)?.run(&job).await,
        Kind::Query | Kind::Question => query(cursor, &job).await,
    }
}

async fn query(cursor: Cursor<'_>, job: &Job) -> Result<QueryResult, Failure> {
    let (query, is_explained) = select(plan::parse(cursor.rest())?)?;
    let planned = plan::plan(Arc::new(job.catalog.clone()), &job.database, query).await?;
    if is_explained {
        let text = planned.context.state().optimize(&planned.plan)?.display_indent().to_string();
        let lines = std::iter::once("Query Plan").chain(text.lines()).map(str::to_owned);
        return Ok(QueryResult::of_lines(&["Query Plan"], "varchar", lines.collect()));
    }
    let columns = planned.columns().into_iter();
    let columns = columns.map(|column| (column.name, hive::athena_name(&column.data_type).to_owned())).collect();
    let mut answer = QueryResult { columns, ..QueryResult::default() };
    results::write_row(&mut answer.csv, answer.columns.iter().map(|(name, _)| Some(name.as_str())));
    let mut rows = planned.stream().await?;
    while let Some(batch) = rows.next().await {
        results::write_batch(&mut answer.csv, &batch?)?;
        if answer.csv.len() > MAX_RESULT {
            return Err(Failure::user(format!(
                "EXCEEDED_RESULT_LIMIT: the result is larger than {MAX_RESULT} bytes, the most that the stand-in writes; select less, or add a LIMIT"
            )));
        }
    }
    Ok(answer)
}

/// The query, where the statement is one, and whether it is to be explained only.
fn select(parsed: Sql) -> Result<(Box<Query>, bool), Failure> {
    match parsed {
        Sql::Query(query) => Ok((query, false)),
        Sql::Explain { analyze: false, verbose: false, statement, format: None, .. } => match *statement {
            Sql::Query(query) => Ok((query, true)),
            other => Err(unsupported(&format!("EXPLAIN {}", first_words(&other)))),
        },
        other => Err(unsupported(&first_words(&other))),
    }
}

fn first_words(statement: &Sql) -> String {
    let text = statement.to_string();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ").to_uppercase()
}
