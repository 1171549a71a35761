//! Rows as lines of text, as Hive's LazySimpleSerDe writes them.

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::DataType,
        record_batch::RecordBatch,
    },
    error::Result,
};

use super::super::{
    failure::{Failure, fail},
    value_text::text,
};
use crate::hive::{DELIMITED_NULL, Delimiters};

/// Adds each row of a batch to the lines.
pub(super) fn write_rows(lines: &mut Vec<u8>, batch: &RecordBatch, delimiters: &Delimiters) -> Result<()> {
    for row in 0..batch.num_rows() {
        let columns = batch.columns().iter().map(|column| (column.as_ref(), row));
        write_values(lines, columns, delimiters, 0)?;
        lines.push(b'\n');
    }
    Ok(())
}

fn write_values<'a>(
    line: &mut Vec<u8>,
    values: impl Iterator<Item = (&'a dyn Array, usize)>,
    delimiters: &Delimiters,
    level: usize,
) -> Result<()> {
    let Some(sign) = delimiters.at(level) else {
        return fail(Failure::user("NOT_SUPPORTED: values are nested too deeply for a TEXTFILE of the stand-in"));
    };
    for (index, (array, row)) in values.enumerate() {
        if index > 0 {
            line.push(sign);
        }
        write_value(line, array, row, delimiters, level + 1)?;
    }
    Ok(())
}

fn write_value(line: &mut Vec<u8>, array: &dyn Array, row: usize, delimiters: &Delimiters, level: usize) -> Result<()> {
    if array.is_null(row) {
        line.extend_from_slice(DELIMITED_NULL.as_bytes());
        return Ok(());
    }
    match array.data_type() {
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter().map(|column| (column.as_ref(), row));
            write_values(line, columns, delimiters, level)
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            write_values(line, (0..items.len()).map(|index| (items.as_ref(), index)), delimiters, level)
        }
        DataType::Map(..) => fail(Failure::user(
            "NOT_SUPPORTED: the stand-in writes no map into a TEXTFILE; Athena does. Use JSON or PARQUET",
        )),
        _ => {
            line.extend_from_slice(text(array, row)?.unwrap_or_default().as_bytes());
            Ok(())
        }
    }
}
