//! Rows that SQL writes: brought to the table's columns and types.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, new_null_array},
        compute::{CastOptions, cast_with_options},
        record_batch::RecordBatch,
    },
    sql::sqlparser::{
        ast::{Expr, Query, Statement as Sql},
        dialect::PostgreSqlDialect,
        parser::Parser,
    },
};

use super::{
    catalog::{Column, Name, Table},
    failure::Failure,
    functions::canonical,
    kind::Kind,
};

/// The places in the table of the columns that an INSERT names; all of them where it names none.
pub(super) fn places(table: &Table, name: &Name, columns: &[String]) -> Result<Vec<usize>, Failure> {
    if columns.is_empty() {
        return Ok((0..table.columns.len()).collect());
    }
    let place = |column: &String| {
        let found = table.columns.iter().position(|known| known.name == *column);
        found.ok_or_else(|| Failure::new(format!("column \"{column}\" of relation \"{}\" does not exist", name.table)))
    };
    columns.iter().map(place).collect()
}

/// An INSERT's source as it is; defaults for what it leaves out are the stand-in's limit.
pub(super) fn with_defaults(table: &Table, places: &[usize], source: Query) -> Result<Query, Failure> {
    let unset = table.columns.iter().enumerate().filter(|(place, _)| !places.contains(place));
    let defaults: Vec<&Column> = unset.map(|(_, column)| column).filter(|column| column.default.is_some()).collect();
    if defaults.is_empty() {
        return Ok(source);
    }
    let values: Vec<&str> = defaults.iter().filter_map(|column| column.default.as_deref()).collect();
    parse(&format!("SELECT *, {} FROM ({source})", values.join(", ")))
}

/// Refuses a COPY that would leave a column to its default, or to null where it takes none.
pub(super) fn refuse_unset(table: &Table, columns: &[String]) -> Result<(), Failure> {
    let is_unset = |column: &&Column| !columns.is_empty() && !columns.contains(&column.name);
    match table.columns.iter().filter(is_unset).find(|column| column.default.is_some() || !column.nullable) {
        None => Ok(()),
        Some(column) if column.default.is_some() => {
            Err(Failure::unsupported(format!("COPY that leaves the column \"{}\" to its default", column.name)))
        }
        Some(column) => Err(null_in(column)),
    }
}

/// The rows of a table for which a condition does not hold.
pub(super) fn rows_without(name: &Name, condition: &Expr) -> Result<Query, Failure> {
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let path: Vec<String> = name.schema.iter().chain([&name.table]).map(quoted).collect();
    parse(&format!("SELECT * FROM {} WHERE ({condition}) IS NOT TRUE", path.join(".")))
}

fn parse(sql: &str) -> Result<Query, Failure> {
    let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql)?;
    match statements.pop() {
        Some(Sql::Query(query)) => Ok(*query),
        _ => Err(Failure::syntax(sql)),
    }
}

/// A query's batch as rows of the table: `places` are where its columns go; what a default fills stands behind them.
pub(super) fn fitted(table: &Table, places: &[usize], batch: &RecordBatch) -> Result<RecordBatch, Failure> {
    let unset = |place: &usize| !places.contains(place) && table.columns[*place].default.is_some();
    let defaults: Vec<usize> = (0..table.columns.len()).filter(unset).collect();
    if batch.num_columns() != places.len() + defaults.len() {
        let more = if batch.num_columns() > places.len() + defaults.len() { "more" } else { "fewer" };
        return Err(Failure::new(format!("INSERT has {more} expressions than target columns")));
    }
    let places: Vec<usize> = places.iter().chain(&defaults).copied().collect();
    let mut columns: Vec<ArrayRef> =
        table.columns.iter().map(|column| new_null_array(&column.kind.arrow(), batch.num_rows())).collect();
    for (place, values) in places.iter().zip(batch.columns()) {
        columns[*place] = converted(&table.columns[*place], values)?;
    }
    for (column, values) in table.columns.iter().zip(&columns) {
        if !column.nullable && values.null_count() > 0 {
            return Err(null_in(column));
        }
    }
    Ok(RecordBatch::try_new(table.arrow(), columns)?)
}

fn null_in(column: &Column) -> Failure {
    Failure::new(format!("Cannot insert a NULL value into column {}", column.name))
}

fn converted(column: &Column, values: &ArrayRef) -> Result<ArrayRef, Failure> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let values = cast_with_options(values, &column.kind.arrow(), &strict)?;
    if let Some(length) = column.kind.length() {
        let too_long = values.as_string::<i32>().iter().flatten().any(|text| text.len() > length as usize);
        if too_long {
            return Err(Failure::new(format!("Value too long for type {}", column.kind.full_name())));
        }
    }
    if column.kind == Kind::Super {
        return Ok(Arc::new(as_json(&values)?));
    }
    Ok(values)
}

/// Texts that are no JSON become JSON strings.
fn as_json(values: &dyn Array) -> Result<datafusion::arrow::array::StringArray, Failure> {
    let json = |text: &str| canonical(text).unwrap_or_else(|| serde_json::Value::from(text).to_string());
    Ok(values.as_string::<i32>().iter().map(|text| text.map(json)).collect())
}
