//! `UNLOAD (SELECT …) TO 's3://…'`: the rows of a query in objects, without a table.

use std::sync::Arc;

use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;

use super::{
    cursor::Cursor,
    failure::Failure,
    folders,
    job::Job,
    output_columns::TableColumns,
    plan,
    properties::Properties,
    results::QueryResult,
    store::Location,
    write::{self, Target},
};

/// The statement.
pub(super) struct Unload {
    query: Vec<TokenWithSpan>,
    to: String,
    properties: Properties,
}

impl Unload {
    /// Reads the statement after `UNLOAD`.
    pub(super) fn parse(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        let query = cursor.in_parentheses()?;
        cursor.expect("TO")?;
        let to = cursor.text()?;
        let settings = if cursor.takes("WITH") { cursor.settings()? } else { Vec::new() };
        let properties = Properties::of_unload(settings)?;
        cursor.end()?;
        Ok(Self { query, to, properties })
    }

    /// Runs it. Partitions may be added to what lies there already (Athena user guide, "UNLOAD": "The TO destination").
    pub(super) async fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        let Self { query, to, properties } = self;
        let location = Location::parse(&to)
            .ok_or_else(|| Failure::user(format!("INVALID_TABLE_PROPERTY: TO '{to}' is no s3://bucket/prefix/")))?;
        let catalog = Arc::new(job.catalog.clone());
        let query = plan::plan(catalog, &job.database, plan::parse_query(query)?).await?;
        let keys = properties.partitioned_by;
        let schema = TableColumns::of(&query.columns(), &keys)?.schema()?;
        job.check_bucket(&location.bucket)?;
        if keys.is_empty() {
            job.check_empty(&location, "UNLOAD").await?;
        }
        let folders = folders::of_keys(location, keys.clone());
        let target = Target { schema, keys: keys.len(), encoding: properties.encoding, folders };
        let written = write::write(query, job.catalog.store.clone(), target, None).await?;
        written.commit(job.catalog.store.clone(), &job.output, job.end.clone(), || Ok(())).await
    }
}
