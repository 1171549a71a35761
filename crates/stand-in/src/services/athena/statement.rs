//! The statements that ask the catalog: `SHOW DATABASES`, `SHOW TABLES`, `SHOW PARTITIONS` and `DESCRIBE`.

use chrono::Utc;

use super::{
    catalog::missing_table,
    failure::{Failure, unsupported},
    projection::Projection,
    results::{self, QueryResult},
};
use crate::services::glue::Glue;

/// A question about the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Utility {
    Databases,
    Tables { database: Option<String> },
    Partitions(TableName),
    Columns(TableName),
    CreateTable(TableName),
    Describe(TableName),
}

/// `table` or `database.table`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableName {
    database: Option<String>,
    table: String,
}

/// Whether Athena's statement type is UTILITY or DDL, whose results have no header row.
pub(super) fn is_utility(sql: &str) -> bool {
    Utility::parse(sql).is_some()
}

impl Utility {
    /// The question that `sql` asks; nothing where it is no statement of this kind.
    pub(super) fn parse(sql: &str) -> Option<Result<Self, Failure>> {
        let words: Vec<&str> = sql.trim().trim_end_matches(';').split_whitespace().collect();
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let keywords: Vec<&str> = upper.iter().map(String::as_str).collect();
        Some(Ok(match keywords.as_slice() {
            ["SHOW", "DATABASES" | "SCHEMAS"] => Self::Databases,
            ["SHOW", "TABLES"] => Self::Tables { database: None },
            ["SHOW", "TABLES", "IN" | "FROM", _] => Self::Tables { database: Some(plain(words[3])) },
            ["SHOW", "PARTITIONS", _] => Self::Partitions(TableName::parse(words[2])),
            ["SHOW", "COLUMNS", "IN" | "FROM", _] => Self::Columns(TableName::parse(words[3])),
            ["SHOW", "COLUMNS", "IN" | "FROM", _, "IN" | "FROM", _] => {
                Self::Columns(TableName { database: Some(plain(words[5])), table: plain(words[3]) })
            }
            ["SHOW", "CREATE", "TABLE", _] => Self::CreateTable(TableName::parse(words[3])),
            ["DESCRIBE" | "DESC", _] => Self::Describe(TableName::parse(words[1])),
            ["SHOW" | "DESCRIBE" | "DESC", ..] => return Some(Err(unsupported(&words.join(" ")))),
            _ => return None,
        }))
    }
}

impl TableName {
    fn parse(text: &str) -> Self {
        match text.rsplit_once('.') {
            Some((database, table)) => Self { database: Some(plain(database)), table: plain(table) },
            None => Self { database: None, table: plain(text) },
        }
    }
}

/// A name without its quotes.
fn plain(name: &str) -> String {
    name.trim_matches(['`', '"']).to_lowercase()
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
    }
}

fn columns(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let database = name.database.as_deref().unwrap_or(database);
    let table = glue.table(database, &name.table).ok_or_else(|| missing_table(glue, database, &name.table))?;
    let names = table.columns.iter().chain(&table.partition_keys).map(|(name, _)| name.clone());
    Ok(lines(&["field"], names.collect()))
}

/// The statement that would make the table, as far as the catalog has it.
fn create_table(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let database = name.database.as_deref().unwrap_or(database);
    let table = glue.table(database, &name.table).ok_or_else(|| missing_table(glue, database, &name.table))?;
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

fn partitions(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let database = name.database.as_deref().unwrap_or(database);
    let table = glue.table(database, &name.table).ok_or_else(|| missing_table(glue, database, &name.table))?;
    if table.partition_keys.is_empty() {
        return Err(Failure::user(format!(
            "FAILED: SemanticException Table {database}.{} is not a partitioned table",
            name.table
        )));
    }
    if Projection::of(&table, Utc::now())?.is_some() {
        return Ok(lines(&["partition"], Vec::new()));
    }
    let registered = glue.partitions(database, &name.table).into_iter();
    let each = registered.map(|partition| {
        let pairs = table.partition_keys.iter().zip(&partition.values);
        pairs.map(|((key, _), value)| format!("{key}={value}")).collect::<Vec<_>>().join("/")
    });
    Ok(lines(&["partition"], each.collect()))
}

fn describe(name: &TableName, glue: &Glue, database: &str) -> Result<QueryResult, Failure> {
    let database = name.database.as_deref().unwrap_or(database);
    let table = glue.table(database, &name.table).ok_or_else(|| missing_table(glue, database, &name.table))?;
    let line = |(name, hive): &(String, String)| format!("{name:20}\t{hive:20}\t{:20}", "");
    let all = table.columns.iter().chain(&table.partition_keys);
    Ok(lines(&["col_name", "data_type", "comment"], all.map(line).collect()))
}

/// A result of one text a row, as Athena answers such questions, whatever columns it names.
fn lines(columns: &[&str], lines: Vec<String>) -> QueryResult {
    let mut csv = Vec::new();
    for line in &lines {
        results::write_row(&mut csv, [Some(line.as_str())].into_iter());
    }
    let columns = columns.iter().map(|name| ((*name).to_owned(), "string".to_owned()));
    QueryResult { columns: columns.collect(), csv }
}
