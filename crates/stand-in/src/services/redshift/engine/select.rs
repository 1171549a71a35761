//! Queries: DataFusion over a view of the catalogue.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    arrow::record_batch::RecordBatch,
    common::{DFSchema, TableReference},
    prelude::{SessionConfig, SessionContext},
    sql::{
        parser::Statement as Parsed,
        sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr, Statement as Sql},
    },
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{
    catalog::Name, failure::Failure, functions, kind::Kind, provider::PATH, record, rewrite, system, view::View,
};
use crate::{
    sql::{self, check_expansion, check_size},
    trino,
};

/// How large a result may be (Redshift Data API reference, GetStatementResult; the stand-in holds one in memory).
const MAX_RESULT: usize = 100 << 20;

/// A query's answer.
#[derive(Clone, Debug, Default)]
pub(in crate::services::redshift) struct ResultSet {
    pub(in crate::services::redshift) columns: Vec<ResultColumn>,
    pub(in crate::services::redshift) rows: usize,
    /// A line for each row: a list of the Data API's typed fields, in JSON.
    pub(in crate::services::redshift) records: Vec<u8>,
}

/// A column of an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct ResultColumn {
    pub(in crate::services::redshift) name: String,
    pub(in crate::services::redshift) kind: Kind,
    pub(in crate::services::redshift) nullable: bool,
    /// Of the column that it shows as it is; otherwise empty.
    pub(in crate::services::redshift) schema: String,
    pub(in crate::services::redshift) table: String,
}

/// Runs a query, its answer as the Data API gives it.
pub(super) async fn select(view: View, mut query: Query) -> Result<ResultSet, Failure> {
    let names = result_names(&mut query);
    tell_apart(&mut query);
    let mut result = ResultSet::default();
    let schema = run(view.clone(), query, |batch| {
        record::write(&mut result.records, batch)?;
        result.rows += batch.num_rows();
        if result.records.len() > MAX_RESULT {
            return Err(Failure::new(format!(
                "the result is larger than {MAX_RESULT} bytes, the most that the stand-in gives; select less, or add a LIMIT"
            )));
        }
        Ok(())
    })
    .await?;
    result.columns = columns(&view, &schema, &names);
    Ok(result)
}

/// Runs a query and gives each of its batches to `take`; what the columns are.
pub(super) async fn run(
    view: View,
    mut query: Query,
    mut take: impl FnMut(&RecordBatch) -> Result<(), Failure>,
) -> Result<DFSchema, Failure> {
    check_expansion(&query)?;
    rewrite::query(&mut query, &view)?;
    let context = session(view)?;
    let statement = Parsed::Statement(Box::new(Sql::Query(Box::new(query))));
    let plan = context.state().statement_to_plan(statement).await?;
    check_size::<Failure>(&plan)?;
    let schema = plan.schema().as_ref().clone();
    let mut batches = context.execute_logical_plan(plan).await?.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        take(&batch?)?;
    }
    Ok(schema)
}

fn session(view: View) -> Result<SessionContext, Failure> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(&view.database, PATH)
        .with_create_default_catalog_and_schema(false);
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    let context = sql::session(config)?;
    let comments = system::comments(&view).into_iter().map(|(id, _, text)| (id.into(), text.to_owned()));
    functions::register(&context, comments.collect());
    trino::register_unnest(&context)?;
    context.register_catalog(view.database.clone(), Arc::new(view));
    Ok(context)
}

fn columns(view: &View, schema: &DFSchema, names: &[Option<String>]) -> Vec<ResultColumn> {
    let column = |(index, (qualifier, field)): (usize, (Option<&TableReference>, _))| {
        let field: &Arc<datafusion::arrow::datatypes::Field> = field;
        let name = names.get(index).cloned().flatten().unwrap_or_else(|| field.name().clone());
        let of_result = ResultColumn {
            name,
            kind: Kind::of_arrow(field.data_type()),
            nullable: true,
            schema: String::new(),
            table: String::new(),
        };
        stored(view, qualifier, field.name()).map_or(of_result.clone(), |(source, kind, nullable)| ResultColumn {
            kind,
            nullable,
            schema: source.schema.unwrap_or_default(),
            table: source.table,
            ..of_result
        })
    };
    schema.iter().enumerate().map(column).collect()
}

/// The stored column that a result's column shows as it is.
fn stored(view: &View, qualifier: Option<&TableReference>, column: &str) -> Option<(Name, Kind, bool)> {
    let qualifier = qualifier?;
    let schema = qualifier.schema().filter(|schema| *schema != PATH).map(str::to_owned);
    let name = Name { schema, table: qualifier.table().to_owned() };
    let column = view.table(&name)?.column(column)?;
    let database = view.catalog.databases.get(&view.database)?;
    let schema = database.resolve(&name, &view.search_path);
    Some((Name { schema, ..name }, column.kind, column.nullable))
}

/// The first SELECT of a query, whose columns are the result's.
fn first_select(query: &mut Query) -> Option<&mut Select> {
    let mut body = query.body.as_mut();
    loop {
        match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::Query(query) => body = query.body.as_mut(),
            SetExpr::SetOperation { left, .. } => body = left,
            _ => return None,
        }
    }
}

/// Gives a name to each expression that would otherwise have the same as one before it, which DataFusion does not take.
fn tell_apart(query: &mut Query) {
    let Some(select) = first_select(query) else { return };
    let mut known = HashSet::new();
    for (place, item) in select.projection.iter_mut().enumerate() {
        let SelectItem::UnnamedExpr(expression) = item else { continue };
        let is_subquery = matches!(expression, Expr::Subquery(_));
        if !known.insert(expression.to_string()) || is_subquery {
            let alias = Ident::new(format!("column{place}"));
            *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias };
        }
    }
}

/// The result's column names as Redshift gives them, `None` where the engine's own name is as good.
fn result_names(query: &mut Query) -> Vec<Option<String>> {
    let Some(select) = first_select(query) else { return Vec::new() };
    let explicit = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    if !select.projection.iter().all(explicit) {
        return Vec::new();
    }
    let name = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expression) => Some(result_name(expression)),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}

fn result_name(expression: &Expr) -> String {
    match expression {
        Expr::Identifier(name) => name.value.to_ascii_lowercase(),
        Expr::CompoundIdentifier(path) => path.last().map(|name| name.value.to_ascii_lowercase()).unwrap_or_default(),
        Expr::Function(function) => function.name.to_string().to_ascii_lowercase(),
        Expr::Cast { expr, .. } | Expr::Nested(expr) => result_name(expr),
        Expr::Case { .. } => "case".to_owned(),
        _ => "?column?".to_owned(),
    }
}
