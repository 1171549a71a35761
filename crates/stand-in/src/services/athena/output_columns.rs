//! The columns of a query that become those of a table.

use std::{collections::HashSet, sync::Arc};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{failure::Failure, plan::OutputColumn, table_input::Column};
use crate::{hive, trino};

/// Columns by their names and their Hive types.
pub(super) struct TableColumns {
    all: Vec<Column>,
    /// How many of the last ones are of the partitions.
    keys: usize,
}

impl TableColumns {
    /// Those of a query; its last ones are of the partitions, by these names.
    pub(super) fn of(query: &[OutputColumn], partitioned_by: &[String]) -> Result<Self, Failure> {
        let names = names(query)?;
        let types = query.iter().map(|column| hive_type(&column.data_type));
        let types = types.collect::<Result<Vec<_>, _>>()?;
        if let Some(missing) = partitioned_by.iter().find(|key| !names.contains(key)) {
            return Err(Failure::user(format!(
                "INVALID_TABLE_PROPERTY: Partition columns [{missing}] not present in schema"
            )));
        }
        if !names.ends_with(partitioned_by) {
            return Err(Failure::user(format!(
                "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same order as the table properties: [{}]",
                partitioned_by.join(", ")
            )));
        }
        if names.len() == partitioned_by.len() {
            return Err(Failure::user("INVALID_TABLE_PROPERTY: Table contains only partition columns"));
        }
        let keys = partitioned_by.len();
        let nested = query[names.len() - keys..].iter().find(|column| column.data_type.is_nested());
        if let Some(nested) = nested {
            return Err(Failure::user(format!(
                "NOT_SUPPORTED: Unsupported type [{}] for partition: {}",
                trino::type_name(&nested.data_type),
                nested.name
            )));
        }
        Ok(Self { all: names.into_iter().zip(types).collect(), keys })
    }

    /// Those that the objects have.
    pub(super) fn data(&self) -> &[Column] {
        &self.all[..self.all.len() - self.keys]
    }

    /// Those of the partitions.
    pub(super) fn keys(&self) -> &[Column] {
        &self.all[self.all.len() - self.keys..]
    }

    /// All of them, those of the partitions last.
    pub(super) fn schema(&self) -> Result<SchemaRef, Failure> {
        schema(&self.all)
    }
}

/// Columns as rows have them.
pub(super) fn schema(columns: &[Column]) -> Result<SchemaRef, Failure> {
    let field = |(name, kind): &Column| Ok(Field::new(name, arrow_type(name, kind)?, true));
    Ok(Arc::new(Schema::new(columns.iter().map(field).collect::<Result<Vec<_>, Failure>>()?)))
}

fn arrow_type(name: &str, kind: &str) -> Result<DataType, Failure> {
    hive::arrow_type(kind).map_err(|why| Failure::user(format!("NOT_SUPPORTED: column {name}: {why}")))
}

/// The names of columns, each given, and each once.
pub(super) fn names(query: &[OutputColumn]) -> Result<Vec<String>, Failure> {
    let mut seen = HashSet::new();
    let name = |(index, column): (usize, &OutputColumn)| {
        let position = index + 1;
        let Some(name) = column.given.as_ref().map(|name| name.to_lowercase()) else {
            return Err(Failure::user(format!(
                "MISSING_COLUMN_NAME: line 1:1: Column name not specified at position {position}"
            )));
        };
        if !seen.insert(name.clone()) {
            return Err(Failure::user(format!(
                "DUPLICATE_COLUMN_NAME: line 1:1: Column name '{name}' specified more than once"
            )));
        }
        if column.data_type == DataType::Null {
            return Err(Failure::user(format!(
                "COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown at position {position}"
            )));
        }
        Ok(name)
    };
    query.iter().enumerate().map(name).collect()
}

/// The Hive type of a column that a query has.
pub(super) fn hive_type(data_type: &DataType) -> Result<String, Failure> {
    if has_nameless_fields(data_type) {
        return Err(Failure::user(format!(
            "NOT_SUPPORTED: Anonymous row type is not supported in Hive. Please give each field a name: {}",
            trino::type_name(data_type)
        )));
    }
    hive::type_name(data_type)
        .map_err(|_| Failure::user(format!("NOT_SUPPORTED: Unsupported Hive type: {}", trino::type_name(data_type))))
}

fn has_nameless_fields(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields
            .iter()
            .enumerate()
            .any(|(index, field)| *field.name() == trino::nameless(index) || has_nameless_fields(field.data_type())),
        DataType::List(item) => has_nameless_fields(item.data_type()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.iter().any(|field| has_nameless_fields(field.data_type())),
            _ => false,
        },
        _ => false,
    }
}
