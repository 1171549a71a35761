//! Views: queries that the catalog keeps by a name, as Athena writes them there.

use std::sync::Arc;

use base64_simd::STANDARD;
use datafusion::{
    catalog::{CatalogProvider, TableProvider, view::ViewTable},
    logical_expr::{Expr, LogicalPlanBuilder, cast},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    failure::Failure,
    output_columns,
    plan::{self, CATALOG, OutputColumn},
    table_input,
    table_name::FullName,
};
use crate::trino;

/// What stands before and behind the definition in `ViewOriginalText` (Trino, `ViewReaderUtil`).
const BEGIN: &str = "/* Presto View: ";
const END: &str = " */";

/// A view's query, and what its names and columns are (Trino, `ConnectorViewDefinition`).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    pub(super) original_sql: String,
    catalog: Option<String>,
    /// The database of the query's plain names.
    schema: Option<String>,
    columns: Vec<ViewColumn>,
}

/// A column's name and Trino's name of its type.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct ViewColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

impl View {
    /// A view of a query with these columns.
    pub(super) fn new(sql: &str, database: &str, query: &[OutputColumn]) -> Result<Self, Failure> {
        let names = output_columns::names(query)?.into_iter();
        let columns =
            names.zip(query).map(|(name, column)| ViewColumn { name, kind: trino::type_name(&column.data_type) });
        Ok(Self {
            original_sql: sql.to_owned(),
            catalog: Some(CATALOG.to_owned()),
            schema: Some(database.to_owned()),
            columns: columns.collect(),
        })
    }

    /// Reads `ViewOriginalText`.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let encoded = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let decoded = encoded.and_then(|encoded| STANDARD.decode_to_vec(encoded.trim()).ok());
        let decoded = decoded.ok_or_else(|| {
            Failure::user("HIVE_INVALID_VIEW_DATA: View data missing prefix, or not in Base64: the stand-in reads views of Athena and Trino")
        })?;
        serde_json::from_slice(&decoded)
            .map_err(|error| Failure::user(format!("HIVE_INVALID_VIEW_DATA: Invalid view JSON: {error}")))
    }

    /// `TableInput` of it.
    pub(super) fn table_input(&self, name: &str, query: &[OutputColumn]) -> Value {
        let definition = serde_json::to_vec(self).expect("texts are JSON");
        // What no table could hold is a text in the catalog; the definition has its type.
        let hive_type = |column| output_columns::hive_type(column).unwrap_or_else(|_| "string".to_owned());
        let columns = self.columns.iter().zip(query);
        let columns: Vec<_> =
            columns.map(|(column, query)| (column.name.clone(), hive_type(&query.data_type))).collect();
        json!({
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "PartitionKeys": [],
            "ViewOriginalText": format!("{BEGIN}{}{END}", STANDARD.encode_to_string(definition)),
            "ViewExpandedText": "/* Presto View */",
            "StorageDescriptor": {"Columns": table_input::listed(&columns), "Location": "", "SerdeInfo": {}},
        })
    }

    /// A line for each column: its name and its type.
    pub(super) fn lines(&self) -> Vec<String> {
        self.columns.iter().map(|column| format!("{}\t{}", column.name, column.kind)).collect()
    }

    /// The view as a query reads it.
    pub(super) async fn relation(
        &self,
        name: &FullName,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Result<Arc<dyn TableProvider>, Failure> {
        let database = self.schema.as_deref().unwrap_or(&name.database);
        let tokens = trino::tokenize(&self.original_sql)?;
        let planned = plan::plan(catalog, database, plan::parse_query(tokens)?)
            .await
            .map_err(|failure| invalid(failure, name))?;
        let columns = planned.plan.schema().columns();
        if columns.len() != self.columns.len() {
            return Err(stale(
                name,
                &format!("it has {} columns, and its query {}", self.columns.len(), columns.len()),
            ));
        }
        let found = planned.plan.schema().fields().clone();
        let as_declared = columns.into_iter().zip(&found).zip(&self.columns).map(|((column, found), declared)| {
            let column = Expr::Column(column);
            let kind = trino::type_of_name(&declared.kind)?;
            let column = match found.data_type() {
                found if *found == kind => column,
                found if trino::is_coerced(found, &kind) => cast(column, kind),
                found => {
                    return Err(stale(
                        name,
                        &format!(
                            "column [{}] of type {} cannot be coerced to {}",
                            declared.name,
                            trino::type_name(found),
                            declared.kind
                        ),
                    ));
                }
            };
            Ok(column.alias(declared.name.to_lowercase()))
        });
        let as_declared = as_declared.collect::<Result<Vec<_>, Failure>>()?;
        let plan = LogicalPlanBuilder::from(planned.plan).project(as_declared)?.build()?;
        Ok(Arc::new(ViewTable::new(plan, Some(self.original_sql.clone()))))
    }
}

fn stale(name: &FullName, why: &str) -> Failure {
    Failure::user(format!("VIEW_IS_STALE: line 1:1: View '{CATALOG}.{name}' is stale or in invalid state: {why}"))
}

/// A failure of the view's own query.
fn invalid(failure: Failure, name: &FullName) -> Failure {
    if failure.system || !failure.failed || failure.message.starts_with("STACK_OVERFLOW") {
        return failure;
    }
    let message = failure.message.split_once(": ").map_or(failure.message.as_str(), |(_, message)| message);
    Failure::user(format!("INVALID_VIEW: line 1:1: Failed analyzing stored view '{CATALOG}.{name}': {message}"))
}
