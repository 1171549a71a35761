//! System tables and views: the catalogue and the history of loads, as SQL sees them (Redshift database developer guide,
//! "System tables and views reference").

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, BooleanArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray},
    record_batch::RecordBatch,
};

use super::{
    catalog::{Column, Load, LoadError, Schema, Table},
    view::View,
};

/// The ids of the catalogue's own tables, as PostgreSQL has them.
const PG_CLASS: u32 = 1259;
const PG_NAMESPACE: u32 = 2615;
/// The schema of system tables and its id.
const CATALOG: (&str, u32) = ("pg_catalog", 11);
/// The user that everything belongs to.
const OWNER: i32 = 100;

/// The system table of that name, if there is one.
pub(super) fn table(view: &View, schema: &str, name: &str) -> Option<RecordBatch> {
    match (schema, name) {
        ("pg_catalog", "pg_namespace") => Some(namespaces(view)),
        ("pg_catalog", "pg_class") => Some(classes(view)),
        ("pg_catalog", "pg_description") => Some(descriptions(view)),
        ("pg_catalog", "pg_database") => Some(databases(view)),
        ("pg_catalog", "pg_tables") => Some(pg_tables(view)),
        ("pg_catalog", "pg_table_def") => Some(table_definitions(view)),
        ("pg_catalog", "svv_tables") | ("information_schema", "tables") => Some(tables(view)),
        ("pg_catalog", "svv_columns") | ("information_schema", "columns") => Some(columns(view)),
        ("pg_catalog", "svv_all_schemas" | "svv_redshift_schemas") => Some(all_schemas(view)),
        ("information_schema", "schemata") => Some(schemata(view)),
        ("pg_catalog", "sys_load_error_detail") => Some(load_error_detail(&view.catalog.load_errors)),
        ("pg_catalog", "stl_load_errors") => Some(load_errors(&view.catalog.load_errors)),
        ("pg_catalog", "sys_load_history") => Some(load_history(&view.catalog.loads)),
        _ => None,
    }
}

/// Columns in the making, in their order.
#[derive(Default)]
struct Sheet(Vec<(&'static str, ArrayRef)>);

impl Sheet {
    fn texts<T: Into<String>>(self, name: &'static str, values: impl Iterator<Item = T>) -> Self {
        self.with(name, Arc::new(StringArray::from_iter_values(values.map(Into::into))))
    }

    fn maybe_texts(self, name: &'static str, values: impl Iterator<Item = Option<String>>) -> Self {
        self.with(name, Arc::new(values.collect::<StringArray>()))
    }

    fn ints(self, name: &'static str, values: impl Iterator<Item = i32>) -> Self {
        self.with(name, Arc::new(Int32Array::from_iter_values(values)))
    }

    fn maybe_ints(self, name: &'static str, values: impl Iterator<Item = Option<i32>>) -> Self {
        self.with(name, Arc::new(values.collect::<Int32Array>()))
    }

    fn longs(self, name: &'static str, values: impl Iterator<Item = i64>) -> Self {
        self.with(name, Arc::new(Int64Array::from_iter_values(values)))
    }

    fn ids(self, name: &'static str, values: impl Iterator<Item = u32>) -> Self {
        self.longs(name, values.map(i64::from))
    }

    fn truths(self, name: &'static str, values: impl Iterator<Item = bool>) -> Self {
        self.with(name, Arc::new(values.map(Some).collect::<BooleanArray>()))
    }

    fn times(self, name: &'static str, values: impl Iterator<Item = i64>) -> Self {
        self.with(name, Arc::new(TimestampMicrosecondArray::from_iter_values(values)))
    }

    fn with(mut self, name: &'static str, column: ArrayRef) -> Self {
        self.0.push((name, column));
        self
    }

    fn finish(self) -> RecordBatch {
        let columns = self.0.into_iter().map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
    }
}

/// The id of a table of the catalogue's own.
pub(super) fn class_id(name: &str) -> Option<u32> {
    match name.strip_prefix("pg_catalog.").unwrap_or(name) {
        "pg_class" => Some(PG_CLASS),
        "pg_namespace" => Some(PG_NAMESPACE),
        _ => None,
    }
}

fn schemas(view: &View) -> Vec<(&str, &Schema)> {
    let database = view.catalog.databases.get(&view.database);
    let schemas = database.into_iter().flat_map(|database| &database.schemas);
    schemas.map(|(name, schema)| (name.as_str(), schema)).collect()
}

/// Schema, name and table.
fn all_tables(view: &View) -> Vec<(&str, u32, &str, &Table)> {
    let schemas = schemas(view).into_iter();
    let tables =
        schemas.flat_map(|(schema, held)| held.tables.iter().map(move |(name, table)| (schema, held.id, name, table)));
    tables.map(|(schema, id, name, table)| (schema, id, name.as_str(), table)).collect()
}

fn namespaces(view: &View) -> RecordBatch {
    let mut all: Vec<(&str, u32)> = schemas(view).into_iter().map(|(name, schema)| (name, schema.id)).collect();
    all.push(CATALOG);
    Sheet::default()
        .ids("oid", all.iter().map(|(_, id)| *id))
        .texts("nspname", all.iter().map(|(name, _)| *name))
        .ints("nspowner", all.iter().map(|_| OWNER))
        .finish()
}

fn classes(view: &View) -> RecordBatch {
    let tables = all_tables(view).into_iter();
    let mut all: Vec<(u32, &str, u32, u64)> =
        tables.map(|(_, schema, name, table)| (table.id, name, schema, table.rows())).collect();
    all.push((PG_CLASS, "pg_class", CATALOG.1, 0));
    all.push((PG_NAMESPACE, "pg_namespace", CATALOG.1, 0));
    Sheet::default()
        .ids("oid", all.iter().map(|class| class.0))
        .texts("relname", all.iter().map(|class| class.1))
        .ids("relnamespace", all.iter().map(|class| class.2))
        .ints("relowner", all.iter().map(|_| OWNER))
        .texts("relkind", all.iter().map(|_| "r"))
        .longs("reltuples", all.iter().map(|class| class.3 as i64))
        .finish()
}

/// Comments: what they are on, of which kind it is, and the text.
pub(super) fn comments(view: &View) -> Vec<(u32, u32, &str)> {
    let schemas = schemas(view).into_iter();
    let on_schemas = schemas.filter_map(|(_, schema)| Some((schema.id, PG_NAMESPACE, schema.comment.as_deref()?)));
    let tables = all_tables(view).into_iter();
    let on_tables = tables.filter_map(|(_, _, _, table)| Some((table.id, PG_CLASS, table.comment.as_deref()?)));
    on_schemas.chain(on_tables).collect()
}

fn descriptions(view: &View) -> RecordBatch {
    let all = comments(view);
    Sheet::default()
        .ids("objoid", all.iter().map(|comment| comment.0))
        .ids("classoid", all.iter().map(|comment| comment.1))
        .ints("objsubid", all.iter().map(|_| 0))
        .texts("description", all.iter().map(|comment| comment.2))
        .finish()
}

fn databases(view: &View) -> RecordBatch {
    let names = || view.catalog.databases.keys().map(String::as_str);
    Sheet::default().texts("datname", names()).ints("datdba", names().map(|_| OWNER)).finish()
}

fn pg_tables(view: &View) -> RecordBatch {
    let all = all_tables(view);
    Sheet::default()
        .texts("schemaname", all.iter().map(|table| table.0))
        .texts("tablename", all.iter().map(|table| table.2))
        .texts("tableowner", all.iter().map(|_| "awsuser"))
        .finish()
}

fn tables(view: &View) -> RecordBatch {
    let all = all_tables(view);
    Sheet::default()
        .texts("table_catalog", all.iter().map(|_| view.database.as_str()))
        .texts("table_schema", all.iter().map(|table| table.0))
        .texts("table_name", all.iter().map(|table| table.2))
        .texts("table_type", all.iter().map(|_| "BASE TABLE"))
        .maybe_texts("remarks", all.iter().map(|table| table.3.comment.clone()))
        .finish()
}

fn schemata(view: &View) -> RecordBatch {
    let all = schemas(view);
    Sheet::default()
        .texts("catalog_name", all.iter().map(|_| view.database.as_str()))
        .texts("schema_name", all.iter().map(|(name, _)| *name))
        .texts("schema_owner", all.iter().map(|_| "awsuser"))
        .finish()
}

fn all_schemas(view: &View) -> RecordBatch {
    let all = schemas(view);
    Sheet::default()
        .texts("database_name", all.iter().map(|_| view.database.as_str()))
        .texts("schema_name", all.iter().map(|(name, _)| *name))
        .ints("schema_owner", all.iter().map(|_| OWNER))
        .texts("schema_type", all.iter().map(|_| "local"))
        .finish()
}

/// Each column with its schema, its table and its place in it, from 1.
fn all_columns(view: &View) -> Vec<(&str, &str, i32, &Column)> {
    let tables = all_tables(view).into_iter();
    let columns = tables.flat_map(|(schema, _, name, table)| {
        (1..).zip(&table.columns).map(move |(place, column)| (schema, name, place, column))
    });
    columns.collect()
}

fn columns(view: &View) -> RecordBatch {
    let all = all_columns(view);
    let digits = |column: &(&str, &str, i32, &Column)| column.3.kind.digits();
    let length = |column: &(&str, &str, i32, &Column)| column.3.kind.length().and_then(|length| length.try_into().ok());
    Sheet::default()
        .texts("table_catalog", all.iter().map(|_| view.database.as_str()))
        .texts("table_schema", all.iter().map(|column| column.0))
        .texts("table_name", all.iter().map(|column| column.1))
        .texts("column_name", all.iter().map(|column| column.3.name.as_str()))
        .ints("ordinal_position", all.iter().map(|column| column.2))
        .maybe_texts("column_default", all.iter().map(|column| column.3.default.clone()))
        .texts("is_nullable", all.iter().map(|column| if column.3.nullable { "YES" } else { "NO" }))
        .texts("data_type", all.iter().map(|column| column.3.kind.name()))
        .maybe_ints("character_maximum_length", all.iter().map(length))
        .maybe_ints("numeric_precision", all.iter().map(|c| digits(c).and_then(|(all, _)| all.try_into().ok())))
        .maybe_ints("numeric_scale", all.iter().map(|c| digits(c).map(|(_, scale)| scale)))
        .finish()
}

/// Tables of the search path only, as Redshift shows them here (database developer guide, PG_TABLE_DEF).
fn table_definitions(view: &View) -> RecordBatch {
    let mut all = all_columns(view);
    all.retain(|(schema, ..)| view.search_path.iter().any(|searched| searched == schema));
    Sheet::default()
        .texts("schemaname", all.iter().map(|column| column.0))
        .texts("tablename", all.iter().map(|column| column.1))
        .texts("column", all.iter().map(|column| column.3.name.as_str()))
        .texts("type", all.iter().map(|column| column.3.kind.full_name()))
        .texts("encoding", all.iter().map(|_| "none"))
        .truths("distkey", all.iter().map(|_| false))
        .ints("sortkey", all.iter().map(|_| 0))
        .truths("notnull", all.iter().map(|column| !column.3.nullable))
        .finish()
}

fn load_error_detail(all: &[LoadError]) -> RecordBatch {
    Sheet::default()
        .ints("user_id", all.iter().map(|_| OWNER))
        .longs("query_id", all.iter().map(|error| error.query))
        .longs("transaction_id", all.iter().map(|error| error.query))
        .ints("session_id", all.iter().map(|_| OWNER))
        .texts("database_name", all.iter().map(|error| error.database.as_str()))
        .longs("table_id", all.iter().map(|error| error.table_id.into()))
        .times("start_time", all.iter().map(|error| error.started))
        .texts("file_name", all.iter().map(|error| error.file.as_str()))
        .longs("line_number", all.iter().map(|error| error.line))
        .texts("column_name", all.iter().map(|error| error.column.as_str()))
        .texts("column_type", all.iter().map(|error| error.column_type.as_str()))
        .texts("column_length", all.iter().map(|error| error.column_length.as_str()))
        .ints("position", all.iter().map(|error| error.position))
        .ints("error_code", all.iter().map(|error| error.code))
        .texts("error_message", all.iter().map(|error| error.message.as_str()))
        .finish()
}

fn load_errors(all: &[LoadError]) -> RecordBatch {
    Sheet::default()
        .ints("userid", all.iter().map(|_| OWNER))
        .ints("slice", all.iter().map(|_| 0))
        .longs("tbl", all.iter().map(|error| error.table_id.into()))
        .times("starttime", all.iter().map(|error| error.started))
        .ints("session", all.iter().map(|_| OWNER))
        .longs("query", all.iter().map(|error| error.query))
        .texts("filename", all.iter().map(|error| error.file.as_str()))
        .longs("line_number", all.iter().map(|error| error.line))
        .texts("colname", all.iter().map(|error| error.column.as_str()))
        .texts("type", all.iter().map(|error| error.column_type.as_str()))
        .texts("col_length", all.iter().map(|error| error.column_length.as_str()))
        .ints("position", all.iter().map(|error| error.position))
        .texts("raw_line", all.iter().map(|error| error.raw_line.as_str()))
        .texts("raw_field_value", all.iter().map(|error| error.raw_value.as_str()))
        .ints("err_code", all.iter().map(|error| error.code))
        .texts("err_reason", all.iter().map(|error| error.message.as_str()))
        .finish()
}

fn load_history(all: &[Load]) -> RecordBatch {
    Sheet::default()
        .ints("user_id", all.iter().map(|_| OWNER))
        .longs("query_id", all.iter().map(|load| load.query))
        .longs("transaction_id", all.iter().map(|load| load.query))
        .ints("session_id", all.iter().map(|_| OWNER))
        .texts("database_name", all.iter().map(|load| load.database.as_str()))
        .texts("status", all.iter().map(|load| if load.completed { "completed" } else { "aborted" }))
        .texts("table_name", all.iter().map(|load| load.table.as_str()))
        .times("start_time", all.iter().map(|load| load.started))
        .times("end_time", all.iter().map(|load| load.ended))
        .longs("duration", all.iter().map(|load| load.ended - load.started))
        .texts("data_source", all.iter().map(|load| load.source.as_str()))
        .texts("file_format", all.iter().map(|_| "json"))
        .longs("loaded_rows", all.iter().map(|load| load.rows))
        .longs("loaded_bytes", all.iter().map(|load| load.bytes))
        .ints("source_file_count", all.iter().map(|load| load.files))
        .longs("error_count", all.iter().map(|load| load.errors))
        .finish()
}
