//! What a warehouse holds besides the rows themselves: one value, replaced whole with each transaction.

use std::{collections::BTreeMap, fmt, sync::Arc};

use datafusion::arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::{failure::Failure, kind::Kind};

/// The first id of an object that a user made.
const FIRST_ID: u32 = 100_000;
/// How many loads, errors of loads, and statements are remembered.
const REMEMBERED: usize = 1_000;

/// All databases of a warehouse.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Catalog {
    pub(in crate::services::redshift) databases: BTreeMap<String, Database>,
    /// How many ids were given out.
    ids: u32,
    /// How many queries have run.
    queries: i64,
    pub(super) loads: Vec<Load>,
    pub(super) load_errors: Vec<LoadError>,
    /// The Data API's statements that were committed last.
    committed: Vec<String>,
}

/// Schemas by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Database {
    pub(in crate::services::redshift) schemas: BTreeMap<String, Schema>,
}

/// Tables by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Schema {
    pub(super) id: u32,
    pub(super) comment: Option<String>,
    pub(in crate::services::redshift) tables: BTreeMap<String, Table>,
}

/// A table, and the files that its rows lie in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Table {
    pub(super) id: u32,
    pub(super) comment: Option<String>,
    pub(in crate::services::redshift) columns: Vec<Column>,
    pub(super) segments: Vec<Segment>,
}

/// A column of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Column {
    pub(in crate::services::redshift) name: String,
    pub(in crate::services::redshift) kind: Kind,
    pub(in crate::services::redshift) nullable: bool,
    /// An expression in SQL.
    pub(in crate::services::redshift) default: Option<String>,
}

/// Rows that were written together: one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) file: String,
    pub(super) rows: u64,
}

/// A COPY that ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::services::redshift) struct Load {
    pub(in crate::services::redshift) query: i64,
    pub(in crate::services::redshift) database: String,
    pub(in crate::services::redshift) table: String,
    /// Microseconds since the epoch.
    pub(in crate::services::redshift) started: i64,
    pub(in crate::services::redshift) ended: i64,
    pub(in crate::services::redshift) source: String,
    pub(in crate::services::redshift) completed: bool,
    pub(in crate::services::redshift) rows: i64,
    pub(in crate::services::redshift) bytes: i64,
    pub(in crate::services::redshift) files: i32,
    pub(in crate::services::redshift) errors: i64,
}

/// A row that a COPY could not take.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::services::redshift) struct LoadError {
    pub(in crate::services::redshift) query: i64,
    pub(in crate::services::redshift) database: String,
    pub(in crate::services::redshift) table_id: u32,
    /// Microseconds since the epoch.
    pub(in crate::services::redshift) started: i64,
    pub(in crate::services::redshift) file: String,
    pub(in crate::services::redshift) line: i64,
    pub(in crate::services::redshift) column: String,
    pub(in crate::services::redshift) column_type: String,
    pub(in crate::services::redshift) column_length: String,
    pub(in crate::services::redshift) position: i32,
    pub(in crate::services::redshift) code: i32,
    pub(in crate::services::redshift) message: String,
    pub(in crate::services::redshift) raw_line: String,
    pub(in crate::services::redshift) raw_value: String,
}

/// `table` or `schema.table`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::services::redshift) struct Name {
    pub(in crate::services::redshift) schema: Option<String>,
    pub(in crate::services::redshift) table: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

impl Catalog {
    /// Adds a database with its schema `public`, if it is not there.
    pub(super) fn add_database(&mut self, name: &str) {
        if self.databases.contains_key(name) {
            return;
        }
        let public = Schema::new(self.next_id());
        let schemas = BTreeMap::from([("public".to_owned(), public)]);
        self.databases.insert(name.to_owned(), Database { schemas });
    }

    pub(super) fn next_id(&mut self) -> u32 {
        self.ids += 1;
        FIRST_ID + self.ids
    }

    pub(super) fn next_query(&mut self) -> i64 {
        self.queries += 1;
        self.queries
    }

    pub(super) fn database(&self, name: &str) -> Result<&Database, Failure> {
        self.databases.get(name).ok_or_else(|| Failure::no_database(name))
    }

    pub(super) fn database_mut(&mut self, name: &str) -> Result<&mut Database, Failure> {
        self.databases.get_mut(name).ok_or_else(|| Failure::no_database(name))
    }

    /// Remembers a load and what it rejected, whatever becomes of its transaction.
    pub(super) fn remember(&mut self, load: Load, errors: Vec<LoadError>) {
        self.loads.push(load);
        self.load_errors.extend(errors);
        let surplus = self.loads.len().saturating_sub(REMEMBERED);
        self.loads.drain(..surplus);
        let surplus = self.load_errors.len().saturating_sub(REMEMBERED);
        self.load_errors.drain(..surplus);
    }

    /// Remembers that a statement of the Data API has its effect in this very catalogue.
    pub(super) fn commit(&mut self, statement: &str) {
        self.committed.push(statement.to_owned());
        let surplus = self.committed.len().saturating_sub(REMEMBERED);
        self.committed.drain(..surplus);
    }

    /// Continues the count of queries after a transaction that was rolled back.
    pub(super) fn skip_queries_of(&mut self, other: &Self) {
        self.queries = other.queries;
    }

    pub(super) fn is_committed(&self, statement: &str) -> bool {
        self.committed.iter().any(|committed| committed == statement)
    }

    /// The files that hold rows.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let schemas = self.databases.values().flat_map(|database| database.schemas.values());
        let tables = schemas.flat_map(|schema| schema.tables.values());
        tables.flat_map(|table| &table.segments).map(|segment| segment.file.as_str())
    }
}

impl Database {
    pub(super) fn schema(&self, name: &str) -> Result<&Schema, Failure> {
        self.schemas.get(name).ok_or_else(|| Failure::no_schema(name))
    }

    pub(super) fn schema_mut(&mut self, name: &str) -> Result<&mut Schema, Failure> {
        self.schemas.get_mut(name).ok_or_else(|| Failure::no_schema(name))
    }

    /// The schema that a table's name means: its own, or the first of the path that has the table.
    pub(super) fn resolve(&self, name: &Name, path: &[String]) -> Option<String> {
        match &name.schema {
            Some(schema) => Some(schema.clone()),
            None => path.iter().find(|schema| self.has(schema, &name.table)).cloned(),
        }
    }

    pub(super) fn table(&self, name: &Name, path: &[String]) -> Result<&Table, Failure> {
        let schema = self.resolve(name, path).ok_or_else(|| Failure::no_relation(name))?;
        self.schema(&schema)?.tables.get(&name.table).ok_or_else(|| Failure::no_relation(name))
    }

    pub(super) fn table_mut(&mut self, name: &Name, path: &[String]) -> Result<&mut Table, Failure> {
        let schema = self.resolve(name, path).ok_or_else(|| Failure::no_relation(name))?;
        self.schema_mut(&schema)?.tables.get_mut(&name.table).ok_or_else(|| Failure::no_relation(name))
    }

    fn has(&self, schema: &str, table: &str) -> bool {
        self.schemas.get(schema).is_some_and(|schema| schema.tables.contains_key(table))
    }
}

impl Schema {
    pub(super) fn new(id: u32) -> Self {
        Self { id, comment: None, tables: BTreeMap::new() }
    }
}

impl Table {
    pub(super) fn new(id: u32, columns: Vec<Column>) -> Self {
        Self { id, comment: None, columns, segments: Vec::new() }
    }

    pub(super) fn rows(&self) -> u64 {
        self.segments.iter().map(|segment| segment.rows).sum()
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn arrow(&self) -> SchemaRef {
        // Nulls are refused where rows are written; for reading every column may hold one, so that files of any age fit.
        let field = |column: &Column| Field::new(&column.name, column.kind.arrow(), true);
        Arc::new(ArrowSchema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }
}
