//! Rows as JSON, an object a line, as Hive's JSON SerDe writes them.

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::{DataType, SchemaRef},
        record_batch::RecordBatch,
    },
    error::{DataFusionError, Result},
};

use super::super::value_text::text;

/// Adds each row of a batch to the lines, by the names that a schema has.
pub(super) fn write_rows(lines: &mut Vec<u8>, batch: &RecordBatch, schema: &SchemaRef) -> Result<()> {
    for row in 0..batch.num_rows() {
        let fields = schema.fields().iter().map(|field| field.name().as_str()).zip(batch.columns());
        write_object(lines, fields.map(|(name, column)| (name, column.as_ref())), row)?;
        lines.push(b'\n');
    }
    Ok(())
}

fn write_object<'a>(
    line: &mut Vec<u8>,
    fields: impl Iterator<Item = (&'a str, &'a dyn Array)>,
    row: usize,
) -> Result<()> {
    line.push(b'{');
    for (index, (name, column)) in fields.enumerate() {
        if index > 0 {
            line.push(b',');
        }
        write_text(line, name)?;
        line.push(b':');
        write_value(line, column, row)?;
    }
    line.push(b'}');
    Ok(())
}

fn write_value(line: &mut Vec<u8>, array: &dyn Array, row: usize) -> Result<()> {
    if array.is_null(row) {
        line.extend_from_slice(b"null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().map(|column| column.as_ref());
            write_object(line, fields.iter().map(|field| field.name().as_str()).zip(columns), row)
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            line.push(b'[');
            for index in 0..items.len() {
                if index > 0 {
                    line.push(b',');
                }
                write_value(line, &items, index)?;
            }
            line.push(b']');
            Ok(())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            line.push(b'{');
            for index in 0..entries.len() {
                if index > 0 {
                    line.push(b',');
                }
                write_text(line, &text(entries.column(0), index)?.unwrap_or_default())?;
                line.push(b':');
                write_value(line, entries.column(1), index)?;
            }
            line.push(b'}');
            Ok(())
        }
        kind => {
            let value = text(array, row)?.unwrap_or_default();
            let is_plain = kind.is_numeric() || *kind == DataType::Boolean;
            match is_plain && !value.ends_with("NaN") && !value.ends_with("Infinity") {
                true => line.extend_from_slice(value.as_bytes()),
                false => write_text(line, &value)?,
            }
            Ok(())
        }
    }
}

fn write_text(line: &mut Vec<u8>, text: &str) -> Result<()> {
    serde_json::to_writer(line, text).map_err(|e| DataFusionError::External(Box::new(e)))
}
