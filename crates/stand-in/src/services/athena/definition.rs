//! The statements that change the catalog alone.

use serde_json::{Map, Value};

use super::{
    create_table::CreateTable,
    create_view::{CreateView, DropView},
    cursor::Cursor,
    failure::{Failure, of_hive},
    job::Job,
    partition_change::PartitionChange,
    results::QueryResult,
    table_name::TableName,
};
use crate::trino::Refusal;

/// A statement of Hive's or of Trino's that changes the catalog.
pub(super) enum Definition {
    CreateView(CreateView),
    DropView(DropView),
    CreateTable(Box<CreateTable>),
    DropTable { table: TableName, is_optional: bool },
    CreateDatabase { name: String, is_optional: bool, input: Map<String, Value> },
    DropDatabase { name: String, is_optional: bool, cascades: bool },
    Partitions(PartitionChange),
}

impl Definition {
    pub(super) fn parse(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        if cursor.takes("CREATE OR REPLACE VIEW") {
            return CreateView::parse(cursor, true).map(Self::CreateView);
        }
        if cursor.takes("CREATE VIEW") {
            return CreateView::parse(cursor, false).map(Self::CreateView);
        }
        if cursor.takes("CREATE EXTERNAL TABLE") {
            return CreateTable::parse(cursor, true).map(|table| Self::CreateTable(Box::new(table)));
        }
        if cursor.takes("CREATE TABLE") {
            return CreateTable::parse(cursor, false).map(|table| Self::CreateTable(Box::new(table)));
        }
        if cursor.takes("CREATE DATABASE") || cursor.takes("CREATE SCHEMA") {
            return create_database(cursor);
        }
        if cursor.takes("DROP VIEW") {
            return DropView::parse(cursor).map(Self::DropView);
        }
        if cursor.takes("DROP TABLE") {
            let is_optional = cursor.takes("IF EXISTS");
            let table = cursor.table()?;
            cursor.takes("PURGE");
            cursor.end()?;
            return Ok(Self::DropTable { table, is_optional });
        }
        if cursor.takes("DROP DATABASE") || cursor.takes("DROP SCHEMA") {
            let is_optional = cursor.takes("IF EXISTS");
            let name = cursor.name()?;
            let cascades = cursor.takes("CASCADE");
            cursor.takes("RESTRICT");
            cursor.end()?;
            return Ok(Self::DropDatabase { name, is_optional, cascades });
        }
        if cursor.takes("ALTER TABLE") {
            return PartitionChange::parse_alter(cursor).map(Self::Partitions);
        }
        if cursor.takes("MSCK REPAIR TABLE") {
            return PartitionChange::parse_repair(cursor).map(Self::Partitions);
        }
        let first = cursor.word();
        cursor.next();
        Err(Refusal::missing(&format!("{first} {}", cursor.word())).into())
    }

    pub(super) async fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        match self {
            Self::CreateView(view) => view.run(job).await,
            Self::DropView(view) => view.run(job),
            Self::CreateTable(table) => table.run(job),
            Self::Partitions(change) => change.run(job).await,
            Self::DropTable { table, is_optional } => drop_table(&table, is_optional, job),
            Self::CreateDatabase { name, is_optional, input } => {
                let exists = job.catalog.glue.table_names(&name).is_some();
                match exists {
                    true if is_optional => {}
                    true => return Err(of_hive(&format!("Database {name} already exists"))),
                    false => {
                        job.catalog.glue.create_database(input.into()).map_err(|error| of_hive(&error.to_string()))?;
                    }
                }
                Ok(QueryResult::default())
            }
            Self::DropDatabase { name, is_optional, cascades } => drop_database(&name, is_optional, cascades, job),
        }
    }
}

/// Reads the statement after `CREATE DATABASE` (Athena user guide, "CREATE DATABASE").
fn create_database(mut cursor: Cursor<'_>) -> Result<Definition, Failure> {
    let is_optional = cursor.takes("IF NOT EXISTS");
    let name = cursor.name()?;
    let mut input = Map::from_iter([("Name".to_owned(), Value::from(name.clone()))]);
    if cursor.takes("COMMENT") {
        input.insert("Description".to_owned(), cursor.hive_text()?.into());
    }
    if cursor.takes("LOCATION") {
        input.insert("LocationUri".to_owned(), cursor.hive_text()?.into());
    }
    if cursor.takes("WITH DBPROPERTIES") {
        let parameters = cursor.hive_properties()?.into_iter().map(|(name, value)| (name, Value::from(value)));
        input.insert("Parameters".to_owned(), Value::Object(parameters.collect()));
    }
    cursor.end()?;
    Ok(Definition::CreateDatabase { name, is_optional, input })
}

/// Its objects stay (Athena user guide, "DROP TABLE").
fn drop_table(table: &TableName, is_optional: bool, job: &Job) -> Result<QueryResult, Failure> {
    let (name, glue) = (table.within(&job.database), &job.catalog.glue);
    match glue.table(&name.database, &name.table) {
        None if is_optional => return Ok(QueryResult::default()),
        None => return Err(Failure::user(format!("FAILED: SemanticException [Error 10001]: Table not found {name}"))),
        Some(table) if table.view.is_some() => {
            return Err(Failure::user("FAILED: SemanticException Cannot drop a view with DROP TABLE"));
        }
        Some(_) => {}
    }
    glue.delete_table(&name.database, &name.table).map_err(|error| of_hive(&error.to_string()))?;
    Ok(QueryResult::default())
}

fn drop_database(name: &str, is_optional: bool, cascades: bool, job: &Job) -> Result<QueryResult, Failure> {
    let glue = &job.catalog.glue;
    match glue.table_names(name) {
        None if is_optional => return Ok(QueryResult::default()),
        None => {
            return Err(Failure::user(format!(
                "FAILED: SemanticException [Error 10072]: Database does not exist: {name}"
            )));
        }
        Some(tables) if !tables.is_empty() && !cascades => {
            return Err(of_hive(&format!(
                "InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)"
            )));
        }
        Some(_) => {}
    }
    glue.delete_database(name).map_err(|error| of_hive(&error.to_string()))?;
    Ok(QueryResult::default())
}
