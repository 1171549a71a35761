//! `CREATE TABLE … AS SELECT …`: a table of the rows of a query.

use std::sync::Arc;

use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;

use super::{
    cursor::Cursor,
    failure::Failure,
    folders,
    job::Job,
    output_columns::TableColumns,
    plan::{self, CATALOG},
    properties::Properties,
    results::QueryResult,
    store::Location,
    table_input,
    table_name::{FullName, TableName},
    write::{self, Target, Written},
};

/// The statement.
pub(super) struct CreateTableAs {
    table: TableName,
    is_optional: bool,
    properties: Properties,
    query: Vec<TokenWithSpan>,
    has_data: bool,
}

impl CreateTableAs {
    /// Reads the statement after `CREATE TABLE`.
    pub(super) fn parse(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        let is_optional = cursor.takes("IF NOT EXISTS");
        let table = cursor.table()?;
        let settings = if cursor.takes("WITH") { cursor.settings()? } else { Vec::new() };
        let properties = Properties::of_table(settings)?;
        cursor.expect("AS")?;
        let has_data = !cursor.takes_from_end("WITH NO DATA");
        if has_data {
            cursor.takes_from_end("WITH DATA");
        }
        Ok(Self { table, is_optional, properties, query: cursor.rest(), has_data })
    }

    /// Runs it: writes the rows, then enters the table.
    pub(super) async fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        let name = self.table.within(&job.database);
        job.check_database(&name.database)?;
        if job.catalog.glue.table(&name.database, &name.table).is_some() {
            if self.is_optional {
                return Ok(QueryResult::of_written(0, None));
            }
            return Err(Failure::user(format!(
                "TABLE_ALREADY_EXISTS: line 1:1: Destination table '{CATALOG}.{name}' already exists"
            )));
        }
        let catalog = Arc::new(job.catalog.clone());
        let query = plan::plan(catalog, &job.database, plan::parse_query(self.query)?).await?;
        let columns = TableColumns::of(&query.columns(), &self.properties.partitioned_by)?;
        let schema = columns.schema()?;
        let location = location(self.properties.location.as_deref(), &name, job).await?;
        let encoding = self.properties.encoding;
        let keys: Vec<String> = columns.keys().iter().map(|(name, _)| name.clone()).collect();
        let written = if self.has_data {
            let target =
                Target { schema, keys: keys.len(), encoding, folders: folders::of_keys(location.clone(), keys) };
            write::write(query, job.catalog.store.clone(), target, None).await?
        } else {
            Written::default()
        };
        let input = table_input::filled(&name.table, &encoding, columns.data(), columns.keys(), &location.to_string());
        let storage = table_input::Storage::of(encoding.format);
        let partitions = written.partitions.iter().filter(|(values, _)| !values.is_empty());
        let partitions: Vec<_> = partitions
            .map(|(values, folder)| {
                table_input::partition(values, storage.descriptor(columns.data(), &folder.to_string()))
            })
            .collect();
        let glue = job.catalog.glue.clone();
        let enter = move || {
            glue.create_table(&name.database, input)?;
            glue.create_partitions(&name.database, &name.table, partitions).inspect_err(|_| {
                if let Err(error) = glue.delete_table(&name.database, &name.table) {
                    tracing::error!("the table {name} of a failed query could not be deleted: {error}");
                }
            })
        };
        written.commit(job.catalog.store.clone(), &job.output, job.end.clone(), enter).await
    }
}

/// Where the objects go (Athena user guide, "CREATE TABLE AS": external_location; "Considerations and limitations for CTAS
/// queries": the workgroup's location, where it is enforced).
async fn location(given: Option<&str>, name: &FullName, job: &Job) -> Result<Location, Failure> {
    let Some(given) = given else {
        let (bucket, key) = &job.output;
        return Ok(Location { bucket: bucket.clone(), prefix: format!("{key}/") });
    };
    if job.is_output_enforced {
        return Err(Failure::user(
            "The Create Table As Select query failed because it was submitted with an 'external_location' property to an Athena Workgroup that enforces a centralized output location for all queries. Please remove the 'external_location' property and resubmit the query.",
        ));
    }
    let location = Location::parse(given).ok_or_else(|| {
        Failure::user(format!("INVALID_TABLE_PROPERTY: external_location '{given}' is no s3://bucket/prefix/"))
    })?;
    job.check_bucket(&location.bucket)?;
    job.check_empty(&location, &format!("table '{name}'")).await?;
    Ok(location)
}
