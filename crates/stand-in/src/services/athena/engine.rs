//! One statement, from its text to its result.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::SchemaRef,
    error::DataFusionError,
    prelude::{SessionConfig, SessionContext},
    sql::sqlparser::ast::{Query, Statement as Sql},
};
use futures::StreamExt;

use super::{
    catalog::{CATALOG, GlueCatalog},
    failure::{Failure, unsupported},
    names::Names,
    results::{self, QueryResult},
    statement::{self, Utility},
};
use crate::{
    hive,
    sql::{self, check_depth, check_expansion, check_signs, check_size},
    trino,
};

/// How large a result may be as text.
const MAX_RESULT: usize = 128 << 20;

/// Runs `sql` over the catalog, with these in the place of its question marks.
pub(super) async fn run(
    catalog: GlueCatalog,
    database: &str,
    sql: &str,
    parameters: &[String],
) -> Result<QueryResult, Failure> {
    match Utility::parse(sql) {
        Some(utility) => statement::answer(&utility?, &catalog.glue, database),
        None => query(catalog, database, sql, parameters).await,
    }
}

async fn query(catalog: GlueCatalog, database: &str, sql: &str, parameters: &[String]) -> Result<QueryResult, Failure> {
    let tokens = trino::with_parameters(trino::tokenize(sql)?, parameters)?;
    let plain: Vec<_> = tokens.iter().map(|token| token.token.clone()).collect();
    check_depth(&plain)?;
    check_signs(&plain)?;
    let (mut query, is_explained) = select(trino::parse(tokens)?)?;
    let names = Names::of(&query);
    let suspects = trino::suspects(&query)?;
    trino::rewrite(&mut query)?;
    check_expansion(&query)?;
    let context = session(catalog, database)?;
    let plan = trino::plan(&context, query, suspects).await?;
    check_size::<Failure>(&plan)?;
    if is_explained {
        let text = context.state().optimize(&plan)?.display_indent().to_string();
        let mut csv = Vec::new();
        for line in std::iter::once("Query Plan").chain(text.lines()) {
            results::write_row(&mut csv, [Some(line)].into_iter());
        }
        return Ok(QueryResult { columns: vec![("Query Plan".to_owned(), "varchar".to_owned())], csv });
    }
    let mut stream = context.execute_logical_plan(plan).await?.execute_stream().await?;
    let mut answer = QueryResult { columns: columns(&stream.schema(), &names), csv: Vec::new() };
    results::write_row(&mut answer.csv, answer.columns.iter().map(|(name, _)| Some(name.as_str())));
    while let Some(batch) = stream.next().await {
        results::write_batch(&mut answer.csv, &batch?)?;
        if answer.csv.len() > MAX_RESULT {
            return Err(Failure::user(format!(
                "EXCEEDED_RESULT_LIMIT: the result is larger than {MAX_RESULT} bytes, the most that the stand-in writes; select less, or add a LIMIT"
            )));
        }
    }
    Ok(answer)
}

fn session(catalog: GlueCatalog, database: &str) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, database.to_lowercase())
        .with_create_default_catalog_and_schema(false);
    trino::configure(config.options_mut());
    let mut context = sql::session(config)?;
    trino::register(&mut context)?;
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(context)
}

/// The query, where the statement is one, and whether it is to be explained only: everything else would write, or is
/// Athena's own.
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

fn columns(schema: &SchemaRef, names: &Names) -> Vec<(String, String)> {
    let fields = schema.fields().iter().enumerate();
    fields
        .map(|(index, field)| (names.name(index, field.name()), hive::athena_name(field.data_type()).to_owned()))
        .collect()
}
