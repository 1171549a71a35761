//! A query, planned over a catalog.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    catalog::CatalogProvider,
    common::DFSchemaRef,
    error::DataFusionError,
    logical_expr::LogicalPlan,
    physical_plan::SendableRecordBatchStream,
    prelude::{SessionConfig, SessionContext},
    sql::sqlparser::{
        ast::{Query, Statement as Sql},
        tokenizer::TokenWithSpan,
    },
};

use super::{failure::Failure, names::Names};
use crate::{
    sql::{self, check_depth, check_expansion, check_signs, check_size},
    trino,
};

/// The catalog's name in SQL, as Athena has it.
pub(super) const CATALOG: &str = "awsdatacatalog";

/// A query that can be run.
pub(super) struct Planned {
    pub(super) context: SessionContext,
    pub(super) plan: LogicalPlan,
    schema: DFSchemaRef,
    names: Names,
}

/// A column of a query's result.
#[derive(Clone, Debug)]
pub(super) struct OutputColumn {
    /// Nothing where the query gives it none.
    pub(super) given: Option<String>,
    /// What a result calls it.
    pub(super) name: String,
    pub(super) data_type: DataType,
}

/// The statement that these tokens are.
pub(super) fn parse(tokens: Vec<TokenWithSpan>) -> Result<Sql, Failure> {
    let plain: Vec<_> = tokens.iter().map(|token| token.token.clone()).collect();
    check_depth(&plain)?;
    check_signs(&plain)?;
    Ok(trino::parse(tokens)?)
}

/// The query that these tokens are.
pub(super) fn parse_query(tokens: Vec<TokenWithSpan>) -> Result<Box<Query>, Failure> {
    match parse(tokens)? {
        Sql::Query(query) => Ok(query),
        _ => Err(Failure::user("SYNTAX_ERROR: a query is expected")),
    }
}

/// Plans a query; its plain names are those of the database's tables.
pub(super) async fn plan(
    catalog: Arc<dyn CatalogProvider>,
    database: &str,
    mut query: Box<Query>,
) -> Result<Planned, Failure> {
    let names = Names::of(&query);
    let suspects = trino::suspects(&query)?;
    trino::rewrite(&mut query)?;
    check_expansion(&query)?;
    let context = session(catalog, database)?;
    let plan = trino::plan(&context, query, suspects).await?;
    check_size::<Failure>(&plan)?;
    // Planned types are those of the first branch; the engine makes them those of all when it runs.
    let schema = context.state().optimize(&plan)?.schema().clone();
    Ok(Planned { context, plan, schema, names })
}

fn session(catalog: Arc<dyn CatalogProvider>, database: &str) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, database.to_lowercase())
        .with_create_default_catalog_and_schema(false);
    trino::configure(config.options_mut());
    let mut context = sql::session(config)?;
    trino::register(&mut context)?;
    context.register_catalog(CATALOG, catalog);
    Ok(context)
}

impl Planned {
    /// The columns of its result.
    pub(super) fn columns(&self) -> Vec<OutputColumn> {
        let fields = self.schema.fields().iter().enumerate();
        let column = |(index, field): (usize, &Arc<datafusion::arrow::datatypes::Field>)| OutputColumn {
            given: self.names.given(index, field.name()),
            name: self.names.name(index, field.name()),
            data_type: field.data_type().clone(),
        };
        fields.map(column).collect()
    }

    /// Runs it.
    pub(super) async fn stream(self) -> Result<SendableRecordBatchStream, Failure> {
        Ok(self.context.execute_logical_plan(self.plan).await?.execute_stream().await?)
    }
}
