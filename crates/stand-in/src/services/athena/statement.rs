//! The statements that ask the catalog: `SHOW` and `DESCRIBE`.

use chrono::Utc;

use super::{
    catalog::missing_table,
    failure::{Failure, unsupported},
    projection::Projection,
    results::QueryResult,
    table_name::{FullName, TableName, plain},
    view::View,
};
use crate::services::glue::{Glue, TableInfo};

/// A question about the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Utility {
    Databases,
    Tables { database: Option<String> },
    Partitions(TableName),
    Columns(TableName),
    CreateTable(TableName),
    Describe(TableName),
    Views { database: Option<String> },
    CreateView(TableName),
}

impl Utility {
    /// The question that `sql` asks; nothing where it is no statement of this kind.
    pub(super) fn parse(sql: &str) -> Option<Result<Self, Failure>> {
        let words: Vec<&str> = sql.trim().trim_end_matches(';').split_whitespace().collect();
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let keywords: Vec<&str> = upper.iter().map(String::as_str).collect();
        let named = |name: &str, of: fn(TableName) -> Self| TableName::parse(name).map(of);
        let question = match keywords.as_slice() {
            ["SHOW", "DATABASES" | "SCHEMAS"] => Self::Databases,
            ["SHOW", "TABLES"] => Self::Tables { database: None },
            ["SHOW", "TABLES", "IN" | "FROM", _] => Self::Tables { database: Some(plain(words[3])) },
            ["SHOW", "VIEWS"] => Self::Views { database: None },
            ["SHOW", "VIEWS", "IN" | "FROM", _] => Self::Views { database: Some(plain(words[3])) },
            ["SHOW", "PARTITIONS", _] => return Some(named(words[2], Self::Partitions)),
            ["SHOW", "COLUMNS", "IN" | "FROM", _] => return Some(named(words[3], Self::Columns)),
            ["SHOW", "COLUMNS", "IN" | "FROM", _, "IN" | "FROM", _] => {
                Self::Columns(TableName::of(plain(words[5]), plain(words[3])))
            }
            ["SHOW", "CREATE", "TABLE", _] => return Some(named(words[3], Self::CreateTable)),
            ["SHOW", "CREATE", "VIEW", _] => return Some(named(words[3], Self::CreateView)),
            ["DESCRIBE" | "DESC", _] => return Some(named(words[1], Self::Describe)),
            ["SHOW" | "DESCRIBE" | "DESC", ..] => return Some(Err(unsupported(&words.join(" ")))),
            _ => return None,
        };
        Some(Ok(question))
    }
}

/// The catalog's answer.
pub(super) fn answer(utility: &Utility, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    match utility {
        Utility::Databases => Ok(lines(&["database_name"], glue.database_names())),
        Utility::Tables { database: other } => {
            let database = other.as_deref().unwrap_or(database);
            let tables = glue.table_names(database).ok_or_else(|| missing_table(glue, database, ""))?;
            Ok(lines(&["tab_name"], tables))
        }
        Utility::Partitions(name) => partitions(name, glue, database),
        Utility::Columns(name) => columns(name, glue, database),
        Utility::CreateTable(name) => create_table(name, glue, database),
        Utility::Describe(name) => describe(name, glue, database),
        Utility::Views { database: other } => views(other.as_deref().unwrap_or(database), glue),
        Utility::CreateView(name) => create_view(name, glue, database),
    }
}

fn columns(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let (_, table) = found(name, glue, database)?;
    if let Some(text) = &table.view {
        return of_view(text);
    }
    let names = table.columns.iter().chain(&table.partition_keys).map(|(name, _)| name.clone());
    Ok(lines(&["field"], names.collect()))
}

/// A table, and its whole name.
fn found(name: &TableName, glue: &Glue, database: &str) -> Result<(FullName, TableInfo), Failure> {
    let name = name.within(database);
    let table = glue.table(&name.database, &name.table);
    let table = table.ok_or_else(|| missing_table(glue, &name.database, &name.table))?;
    Ok((name, table))
}

/// The columns of a view.
fn of_view(text: &str) -> Result<QueryResult, Failure> {
    Ok(QueryResult::of_lines(&["column", "type"], "varchar", View::read(text)?.lines()))
}

/// The statement that would make the table, as far as the catalog has it.
fn create_table(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let (name, table) = found(name, glue, database)?;
    if table.view.is_some() {
        return Err(Failure::user(format!("NOT_SUPPORTED: {name} is a view; ask SHOW CREATE VIEW {name}")));
    }
    let quoted = |text: &str| text.replace('\'', "\\'");
    let column = |(name, kind): &(String, String)| format!("  `{name}` {kind}");
    let property = |(key, value): (&String, &String)| format!("  '{}'='{}'", quoted(key), quoted(value));
    let mut parts = vec![format!("CREATE EXTERNAL TABLE `{}`(", name.table), listed(table.columns.iter().map(column))];
    if !table.partition_keys.is_empty() {
        parts.extend(["PARTITIONED BY (".to_owned(), listed(table.partition_keys.iter().map(column))]);
    }
    parts.extend(["ROW FORMAT SERDE".to_owned(), format!("  '{}'", table.serde)]);
    if !table.serde_parameters.is_empty() {
        parts.extend(["WITH SERDEPROPERTIES (".to_owned(), listed(table.serde_parameters.iter().map(property))]);
    }
    parts.extend(["LOCATION".to_owned(), format!("  '{}'", table.location)]);
    if !table.parameters.is_empty() {
        parts.extend(["TBLPROPERTIES (".to_owned(), listed(table.parameters.iter().map(property))]);
    }
    Ok(lines(&["createtab_stmt"], parts.join("\n").lines().map(str::to_owned).collect()))
}

fn listed(items: impl Iterator<Item = String>) -> String {
    format!("{})", items.collect::<Vec<_>>().join(",\n"))
}

/// The statement that would make the view.
fn create_view(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let (name, table) = found(name, glue, database)?;
    let text = table.view.ok_or_else(|| {
        Failure::user(format!("NOT_SUPPORTED: Relation '{name}' is a table, not a view; ask SHOW CREATE TABLE {name}"))
    })?;
    let statement = format!("CREATE VIEW {name} AS\n{}", View::read(&text)?.original_sql);
    Ok(QueryResult::of_lines(&["create view"], "varchar", statement.lines().map(str::to_owned).collect()))
}

fn views(database: &str, glue: &Glue) -> Result<QueryResult, Failure> {
    let tables = glue.table_names(database).ok_or_else(|| missing_table(glue, database, ""))?;
    let is_view = |table: &String| glue.table(database, table).is_some_and(|table| table.view.is_some());
    Ok(lines(&["views"], tables.into_iter().filter(is_view).collect()))
}

fn partitions(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let (name, table) = found(name, glue, database)?;
    if table.partition_keys.is_empty() {
        return Err(Failure::user(format!("FAILED: SemanticException Table {name} is not a partitioned table")));
    }
    if Projection::of(&table, Utc::now())?.is_some() {
        return Ok(lines(&["partition"], Vec::new()));
    }
    let registered = glue.partitions(&name.database, &name.table).into_iter();
    let each = registered.map(|partition| {
        let pairs = table.partition_keys.iter().zip(&partition.values);
        pairs.map(|((key, _), value)| format!("{key}={value}")).collect::<Vec<_>>().join("/")
    });
    Ok(lines(&["partition"], each.collect()))
}

fn describe(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let (_, table) = found(name, glue, database)?;
    if let Some(text) = &table.view {
        return of_view(text);
    }
    let line = |(name, hive): &(String, String)| format!("{name:20}\t{hive:20}\t{:20}", "");
    let all = table.columns.iter().chain(&table.partition_keys);
    Ok(lines(&["col_name", "data_type", "comment"], all.map(line).collect()))
}

fn lines(columns: &[&str], lines: Vec<String>) -> QueryResult {
    QueryResult::of_lines(columns, "string", lines)
}
