//! `ALTER TABLE … ADD PARTITION`, `… DROP PARTITION` and `MSCK REPAIR TABLE`.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::tokenizer::Token;
use serde_json::Value;

use super::{
    cursor::Cursor,
    failure::{Failure, of_hive},
    folders,
    job::Job,
    results::QueryResult,
    table_input,
    table_name::{FullName, TableName},
};
use crate::{
    hive,
    services::glue::{PartitionInfo, TableInfo},
    trino::Refusal,
};

/// A change of a table's partitions.
pub(super) struct PartitionChange {
    table: TableName,
    change: Change,
}

enum Change {
    /// The values by their keys, and the location that the statement gives.
    Add {
        is_optional: bool,
        partitions: Vec<(Values, Option<String>)>,
    },
    Drop {
        is_optional: bool,
        partitions: Vec<Values>,
    },
    /// Adds what lies in folders `key=value/` below the table's.
    Repair,
}

/// Values by the names of their keys.
type Values = BTreeMap<String, String>;

impl PartitionChange {
    /// Reads the statement after `ALTER TABLE`.
    pub(super) fn parse_alter(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        let table = cursor.table()?;
        let verb = cursor.word();
        cursor.next();
        let is_optional = match verb.as_str() {
            "ADD" => cursor.takes("IF NOT EXISTS"),
            "DROP" => cursor.takes("IF EXISTS"),
            _ => false,
        };
        let change = match (verb.as_str(), cursor.is_at(&["PARTITION"])) {
            ("ADD", true) => {
                let mut partitions = Vec::new();
                while cursor.takes("PARTITION") {
                    let values = values(&mut cursor)?;
                    partitions.push((values, if cursor.takes("LOCATION") { Some(cursor.hive_text()?) } else { None }));
                    cursor.takes_sign(&Token::Comma);
                }
                Change::Add { is_optional, partitions }
            }
            ("DROP", true) => {
                let mut partitions = Vec::new();
                while cursor.takes("PARTITION") {
                    partitions.push(values(&mut cursor)?);
                    cursor.takes_sign(&Token::Comma);
                }
                Change::Drop { is_optional, partitions }
            }
            _ => return Err(Refusal::missing(&format!("ALTER TABLE … {verb} {}", cursor.word())).into()),
        };
        cursor.end()?;
        Ok(Self { table, change })
    }

    /// Reads the statement after `MSCK REPAIR TABLE`.
    pub(super) fn parse_repair(mut cursor: Cursor<'_>) -> Result<Self, Failure> {
        let table = cursor.table()?;
        cursor.end()?;
        Ok(Self { table, change: Change::Repair })
    }

    /// Runs it.
    pub(super) async fn run(self, job: &Job) -> Result<QueryResult, Failure> {
        let name = self.table.within(&job.database);
        let table = job.catalog.glue.table(&name.database, &name.table);
        let table = table
            .ok_or_else(|| Failure::user(format!("FAILED: SemanticException [Error 10001]: Table not found {name}")))?;
        if table.view.is_some() || table.partition_keys.is_empty() {
            return Err(Failure::user(format!("FAILED: SemanticException Table {name} is not a partitioned table")));
        }
        let known = job.catalog.glue.partitions(&name.database, &name.table);
        match self.change {
            Change::Add { is_optional, partitions } => add(&name, &table, &known, is_optional, partitions, job)?,
            Change::Drop { is_optional, partitions } => drop(&name, &table, &known, is_optional, partitions, job)?,
            Change::Repair => {
                let found = found(&table, job).await?;
                enter(&name, &table, found, job)?;
            }
        }
        Ok(QueryResult::default())
    }
}

/// Reads `(key = value, …)`.
fn values(cursor: &mut Cursor<'_>) -> Result<Values, Failure> {
    let pairs = cursor.listed(|cursor| {
        let key = cursor.name()?;
        cursor.expect_sign(&Token::Eq)?;
        let value = match cursor.token() {
            Token::Number(number, _) => {
                let number = number.clone();
                cursor.next();
                number
            }
            _ => cursor.hive_text()?,
        };
        Ok((key, value))
    })?;
    Ok(pairs.into_iter().collect())
}

fn add(
    name: &FullName,
    table: &TableInfo,
    known: &[PartitionInfo],
    is_optional: bool,
    partitions: Vec<(Values, Option<String>)>,
    job: &Job,
) -> Result<(), Failure> {
    let folders = folders::of_keys(folders::parsed(&table.location)?, keys(table));
    let mut added = Vec::new();
    for (by_key, location) in partitions {
        check_keys(table, &by_key)?;
        if by_key.len() != table.partition_keys.len() {
            return Err(Failure::user(format!(
                "FAILED: SemanticException partition spec {} doesn't contain all ({}) partition columns",
                described(&by_key),
                table.partition_keys.len()
            )));
        }
        let values: Vec<String> = keys(table).iter().filter_map(|key| by_key.get(key).cloned()).collect();
        if known.iter().any(|partition| partition.values == values) {
            if is_optional {
                continue;
            }
            return Err(of_hive("AlreadyExistsException(message:Partition already exists.)"));
        }
        let location = match location {
            Some(location) => folders::parsed(&location)?.to_string(),
            None => folders(&values)?.to_string(),
        };
        added.push((values, location));
    }
    enter(name, table, added, job)
}

fn drop(
    name: &FullName,
    table: &TableInfo,
    known: &[PartitionInfo],
    is_optional: bool,
    partitions: Vec<Values>,
    job: &Job,
) -> Result<(), Failure> {
    let keys = keys(table);
    let mut gone = Vec::new();
    for by_key in partitions {
        check_keys(table, &by_key)?;
        let is_meant = |partition: &&PartitionInfo| {
            let mut values = keys.iter().zip(&partition.values);
            values.all(|(key, value)| by_key.get(key).is_none_or(|wanted| wanted == value))
        };
        let meant: Vec<_> = known.iter().filter(is_meant).map(|partition| partition.values.clone()).collect();
        if meant.is_empty() && !is_optional {
            let what = described(&by_key);
            return Err(Failure::user(format!("FAILED: SemanticException [Error 10006]: Partition not found {what}")));
        }
        gone.extend(meant);
    }
    gone.sort();
    gone.dedup();
    let glue = &job.catalog.glue;
    let mut each = gone.iter().map(|values| glue.delete_partition(&name.database, &name.table, values));
    each.try_for_each(|deleted| deleted.map_err(|error| of_hive(&error.to_string())))
}

/// The partitions whose folders have objects.
async fn found(table: &TableInfo, job: &Job) -> Result<Vec<(Vec<String>, String)>, Failure> {
    let root = folders::parsed(&table.location)?;
    let listed = job.catalog.store.list(&root.bucket, &root.prefix).await;
    let objects = listed.map_err(|error| Failure::user(format!("HIVE_FILESYSTEM_ERROR: {root}: {error}")))?;
    let keys = keys(table);
    let mut found = BTreeMap::new();
    for object in objects {
        let path = object.key.strip_prefix(&root.prefix).unwrap_or_default();
        let folders: Vec<&str> = path.split('/').take(keys.len()).collect();
        let is_deep_enough = path.split('/').count() > keys.len();
        let values = keys.iter().zip(&folders).map(|(key, folder)| {
            let (name, value) = folder.split_once('=')?;
            name.eq_ignore_ascii_case(key).then(|| hive::value_of_path_name(value))
        });
        if let Some(values) = values.collect::<Option<Vec<_>>>().filter(|_| is_deep_enough) {
            found.insert(values, root.folder(&folders.join("/")).to_string());
        }
    }
    Ok(found.into_iter().collect())
}

/// Tells the catalog of partitions; those that it has already stay as they are.
fn enter(name: &FullName, table: &TableInfo, partitions: Vec<(Vec<String>, String)>, job: &Job) -> Result<(), Failure> {
    let inputs: Vec<Value> = partitions
        .iter()
        .map(|(values, location)| {
            let serde = serde_json::json!({"SerializationLibrary": table.serde, "Parameters": table.serde_parameters});
            let columns = table_input::listed(&table.columns);
            let descriptor = serde_json::json!({"Columns": columns, "Location": location, "SerdeInfo": serde});
            table_input::partition(values, descriptor)
        })
        .collect();
    if inputs.is_empty() {
        return Ok(());
    }
    let entered = job.catalog.glue.create_partitions(&name.database, &name.table, inputs);
    entered.map_err(|error| of_hive(&error.to_string()))
}

fn keys(table: &TableInfo) -> Vec<String> {
    table.partition_keys.iter().map(|(name, _)| name.clone()).collect()
}

fn check_keys(table: &TableInfo, by_key: &Values) -> Result<(), Failure> {
    let keys = keys(table);
    match by_key.keys().find(|key| !keys.contains(key)) {
        None => Ok(()),
        Some(key) => Err(Failure::user(format!(
            "FAILED: SemanticException [Error 10098]: Non-Partition column appears in the partition specification:  {key}"
        ))),
    }
}

fn described(by_key: &Values) -> String {
    let pairs = by_key.iter().map(|(key, value)| format!("{key}={value}"));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}
