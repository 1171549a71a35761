//! `INSERT INTO … SELECT …`: the rows of a query, added to a table.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef},
    sql::sqlparser::tokenizer::{Token, TokenWithSpan},
};

use super::{
    catalog::missing_table,
    cursor::Cursor,
    failure::Failure,
    folders,
    job::Job,
    layout::Format,
    output_columns,
    plan::{self, OutputColumn},
    results::QueryResult,
    store::Location,
    table,
    table_input::{self, Storage},
    table_name::{FullName, TableName},
    write::{self, Encoding, RowFormat, Target, Written},
};
use crate::{
    hive::KeyMappings,
    services::glue::TableInfo,
    trino::{self, Refusal},
};

/// The statement.
pub(super) struct Insert {
    table: TableName,
    /// Those that the query fills, where the statement names them.
    columns: Option<Vec<String>>,
    query: Vec<TokenWithSpan>,
}

impl Insert {
    /// Reads the statement after `INSERT`.
    pub(super) fn parse(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        cursor.expect("INTO")?;
        let table = cursor.table()?;
        let has_columns = *cursor.token() == Token::LParen && !cursor.has_query_in_parentheses();
        let columns = if has_columns { Some(cursor.listed(Cursor::name)?) } else { None };
        Ok(Self { table, columns, query: cursor.rest() })
    }

    /// Runs it.
    pub(super) async fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        let name = self.table.within(&job.database);
        let (glue, store) = (&job.catalog.glue, &job.catalog.store);
        let table = glue.table(&name.database, &name.table);
        let table = table.ok_or_else(|| missing_table(glue, &name.database, &name.table))?;
        if table.view.is_some() {
            return Err(Failure::user("NOT_SUPPORTED: Inserting into views is not supported"));
        }
        let encoding = encoding(&table)?;
        let columns: Vec<_> = table.columns.iter().chain(&table.partition_keys).cloned().collect();
        let schema = output_columns::schema(&columns)?;
        let filled = filled(&schema, self.columns.as_deref())?;
        let catalog = Arc::new(job.catalog.clone());
        let query = plan::plan(catalog, &job.database, plan::parse_query(self.query)?).await?;
        check_types(&schema, &filled, &query.columns())?;
        let places = (0..columns.len()).map(|column| filled.iter().position(|filled| *filled == column)).collect();
        let target = Target {
            schema: match encoding.format {
                RowFormat::Json => by_keys(&schema, &KeyMappings::of_serde(&table.serde_parameters)),
                RowFormat::Parquet | RowFormat::Delimited(_) => schema,
            },
            keys: table.partition_keys.len(),
            encoding,
            folders: folders::of_table(&table, glue.partitions(&name.database, &name.table))?,
        };
        let written = write::write(query, store.clone(), target, Some(places)).await?;
        let partitions = new_partitions(&written, &table, encoding.format);
        let (glue, FullName { database, table }) = (glue.clone(), name);
        let enter = move || match partitions.is_empty() {
            true => Ok(()),
            false => glue.create_partitions(&database, &table, partitions),
        };
        written.commit(store.clone(), &job.output, job.end.clone(), enter).await
    }
}

/// In what form a table's objects are written.
fn encoding(table: &TableInfo) -> Result<Encoding, Failure> {
    let format = match table::format(table)? {
        Format::Json => RowFormat::Json,
        Format::Parquet => RowFormat::Parquet,
        Format::Delimited(delimiters) => RowFormat::Delimited(delimiters),
    };
    // The objects of a Parquet table have no lines.
    if format != RowFormat::Parquet && table::header_lines(table)? > 0 {
        return Err(Failure::user(
            "NOT_SUPPORTED: the stand-in inserts no rows into a table with skip.header.line.count; Athena does",
        ));
    }
    let encoding = Encoding::of_table(format, &table.parameters);
    encoding.map_err(|why| Refusal::missing(&format!("INSERT INTO: {why}")).into())
}

/// The table's columns that the query's ones fill, in their order.
fn filled(schema: &SchemaRef, named: Option<&[String]>) -> Result<Vec<usize>, Failure> {
    let Some(named) = named else { return Ok((0..schema.fields().len()).collect()) };
    let mut seen = HashSet::new();
    let column = |name: &String| {
        let (column, _) = schema.column_with_name(name).ok_or_else(|| {
            Failure::user(format!(
                "COLUMN_NOT_FOUND: line 1:1: Insert column name does not exist in target table: {name}"
            ))
        })?;
        match seen.insert(column) {
            true => Ok(column),
            false => Err(Failure::user(format!(
                "DUPLICATE_COLUMN_NAME: line 1:1: Insert column name is specified more than once: {name}"
            ))),
        }
    };
    named.iter().map(column).collect()
}

fn check_types(schema: &SchemaRef, filled: &[usize], query: &[OutputColumn]) -> Result<(), Failure> {
    let wanted: Vec<&DataType> = filled.iter().map(|column| schema.field(*column).data_type()).collect();
    let given: Vec<&DataType> = query.iter().map(|column| &column.data_type).collect();
    let fits = wanted.len() == given.len()
        && given.iter().zip(&wanted).all(|(given, wanted)| trino::is_coerced(given, wanted));
    if fits {
        return Ok(());
    }
    let names = |types: &[&DataType]| types.iter().map(|kind| trino::type_name(kind)).collect::<Vec<_>>().join(", ");
    Err(Failure::user(format!(
        "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [{}], Query: [{}]",
        names(&wanted),
        names(&given)
    )))
}

/// The columns under the keys that the table's SerDe reads them from.
fn by_keys(schema: &SchemaRef, keys: &KeyMappings) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(|field| by_key(field, keys)).collect::<Vec<_>>()))
}

fn by_key(field: &Field, keys: &KeyMappings) -> Field {
    let kind = kind_by_keys(field.data_type(), keys);
    Field::new(keys.key(field.name()), kind, field.is_nullable())
}

fn kind_by_keys(kind: &DataType, keys: &KeyMappings) -> DataType {
    match kind {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| by_key(field, keys)).collect()),
        DataType::List(item) => {
            let inside = kind_by_keys(item.data_type(), keys);
            DataType::List(Arc::new(item.as_ref().clone().with_data_type(inside)))
        }
        DataType::Map(entries, is_sorted) => match entries.data_type() {
            DataType::Struct(fields) => {
                let inside = fields.iter().map(|field| {
                    let inside = kind_by_keys(field.data_type(), keys);
                    field.as_ref().clone().with_data_type(inside)
                });
                let entries = entries.as_ref().clone().with_data_type(DataType::Struct(inside.collect::<Fields>()));
                DataType::Map(Arc::new(entries), *is_sorted)
            }
            _ => kind.clone(),
        },
        _ => kind.clone(),
    }
}

/// The partitions that rows were written to, as the catalog is told of them; none where they follow from the table's parameters.
fn new_partitions(written: &Written, table: &TableInfo, format: RowFormat) -> Vec<serde_json::Value> {
    let is_projected = table.parameters.get("projection.enabled").is_some_and(|on| on.eq_ignore_ascii_case("true"));
    if table.partition_keys.is_empty() || is_projected {
        return Vec::new();
    }
    let mut storage = Storage::of(format);
    storage.serde = table.serde.clone();
    storage.serde_parameters = table.serde_parameters.clone();
    let partition = |(values, folder): &(Vec<String>, Location)| {
        table_input::partition(values, storage.descriptor(&table.columns, &folder.to_string()))
    };
    written.partitions.iter().map(partition).collect()
}
