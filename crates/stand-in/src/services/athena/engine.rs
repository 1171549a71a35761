//! One statement, from its text to its result.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::SchemaRef,
    error::DataFusionError,
    prelude::{SessionConfig, SessionContext},
    sql::{
        parser::Statement as Parsed,
        sqlparser::{
            ast::{Expr, Query, SelectItem, SetExpr, Statement as Sql},
            dialect::GenericDialect,
            tokenizer::Tokenizer,
        },
    },
};
use futures::StreamExt;

use super::{
    catalog::{CATALOG, GlueCatalog},
    failure::{Failure, unsupported},
    results::{self, QueryResult},
    statement::{self, Utility},
};
use crate::{
    hive,
    sql::{self, check_depth, check_expansion, check_size},
};

/// How large a result may be as text.
const MAX_RESULT: usize = 128 << 20;

/// Runs `sql` over the catalog.
pub(super) async fn run(catalog: GlueCatalog, database: &str, sql: &str) -> Result<QueryResult, Failure> {
    match Utility::parse(sql) {
        Some(utility) => statement::answer(&utility?, &catalog.glue, database),
        None => query(catalog, database, sql).await,
    }
}

async fn query(catalog: GlueCatalog, database: &str, sql: &str) -> Result<QueryResult, Failure> {
    // A text without tokens is the parser's to refuse.
    if let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() {
        check_depth(&tokens)?;
    }
    let context = session(catalog, database)?;
    let state = context.state();
    let parsed = state.sql_to_statement(sql, &state.config_options().sql_parser.dialect)?;
    let query = select(&parsed)?;
    check_expansion(query)?;
    let names = result_names(query);
    let plan = state.statement_to_plan(parsed).await?;
    check_size::<Failure>(&plan)?;
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
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, database.to_lowercase())
        .with_create_default_catalog_and_schema(false);
    let context = sql::session(config)?;
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(context)
}

/// The query, where the statement is one: everything else would write, or is Athena's own.
fn select(parsed: &Parsed) -> Result<&Query, Failure> {
    if let Parsed::Statement(statement) = parsed
        && let Sql::Query(query) = statement.as_ref()
    {
        return Ok(query);
    }
    let text = parsed.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    Err(unsupported(&words.join(" ").to_uppercase()))
}

/// The result's column names as Athena gives them, `None` where the engine's own name is as good.
fn result_names(query: &Query) -> Vec<Option<String>> {
    let mut body = query.body.as_ref();
    let select = loop {
        match body {
            SetExpr::Select(select) => break select,
            SetExpr::Query(query) => body = query.body.as_ref(),
            SetExpr::SetOperation { left, .. } => body = left,
            _ => return Vec::new(),
        }
    };
    let explicit = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    if !select.projection.iter().all(explicit) {
        return Vec::new();
    }
    select.projection.iter().enumerate().map(|(index, item)| result_name(index, item)).collect()
}

fn result_name(index: usize, item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.to_lowercase()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(path)) => path.last().map(|name| name.value.to_lowercase()),
        SelectItem::UnnamedExpr(_) => Some(format!("_col{index}")),
        _ => None,
    }
}

fn columns(schema: &SchemaRef, names: &[Option<String>]) -> Vec<(String, String)> {
    let fields = schema.fields().iter().enumerate();
    fields
        .map(|(index, field)| {
            let name = names.get(index).cloned().flatten().unwrap_or_else(|| field.name().clone());
            (name, hive::athena_name(field.data_type()).to_owned())
        })
        .collect()
}
