//! Objects of Parquet: only the columns that a query asks for are read, each found by its name.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array},
        compute::cast,
        datatypes::{DataType, FieldRef, Fields},
        record_batch::RecordBatch,
    },
    error::Result,
    parquet::arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
};
use tokio::sync::mpsc::Sender;

use super::layout::{Layout, Meter, Part, Wanted};

const BATCH_ROWS: usize = 4096;

/// Gives all rows to `output`.
pub(super) fn read(
    layout: &Layout,
    part: &Part,
    data: Bytes,
    meter: &Meter,
    output: &Sender<Result<RecordBatch>>,
) -> Result<Wanted> {
    let broken = |why: String| part.bad("HIVE_CURSOR_ERROR", format!(": {why}"));
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = ParquetRecordBatchReaderBuilder::try_new_with_options(data, options);
    let file = file.map_err(|e| broken(format!("Expected magic number: PAR1, or a damaged file: {e}")))?;
    let wanted = |name: &str| layout.fields().any(|field| field.name().eq_ignore_ascii_case(name));
    let roots = file.schema().fields().iter().enumerate().filter(|(_, field)| wanted(field.name()));
    let mask = ProjectionMask::roots(file.parquet_schema(), roots.map(|(index, _)| index));
    let groups = file.metadata().row_groups().iter().flat_map(|group| group.columns().iter().enumerate());
    let read = groups.filter(|(leaf, _)| mask.leaf_included(*leaf)).map(|(_, column)| column.compressed_size() as u64);
    meter.add(read.sum())?;
    let rows = file.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| broken(e.to_string()))?;
    for batch in rows {
        let batch = batch.map_err(|e| broken(e.to_string()))?;
        let columns = layout.fields().map(|field| column(&batch, field)).collect::<Result<Vec<_>, String>>();
        let columns = columns.map_err(|why| part.bad("HIVE_BAD_DATA", format!(": {why}")))?;
        let batch = part.batch(layout, columns.into_iter(), batch.num_rows())?;
        if output.blocking_send(Ok(batch)).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A column of the table; nulls where the file does not have it.
fn column(batch: &RecordBatch, field: &FieldRef) -> Result<ArrayRef, String> {
    let schema = batch.schema();
    let found = schema.fields().iter().position(|found| found.name().eq_ignore_ascii_case(field.name()));
    match found {
        Some(index) => conform(batch.column(index), field),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    }
}

/// A file's column as the table's type has it: fields of structs by name, whole numbers in a wider type.
fn conform(array: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, String> {
    match (array.data_type(), field.data_type()) {
        (found, wanted) if found == wanted => Ok(array.clone()),
        (DataType::Struct(_), DataType::Struct(fields)) => structure(array.as_struct(), fields),
        (DataType::List(_), DataType::List(item)) => list(array.as_list(), item),
        (DataType::Map(..), DataType::Map(entries, is_sorted)) => map(array.as_map(), entries, *is_sorted),
        (found, wanted) if widens(found, wanted) => cast(array, wanted).map_err(|e| e.to_string()),
        (found, wanted) => Err(format!(
            "Field {}'s type {found} in parquet file is incompatible with type {wanted} defined in table schema",
            field.name()
        )),
    }
}

fn structure(array: &StructArray, fields: &Fields) -> Result<ArrayRef, String> {
    let children = fields.iter().map(|field| {
        let found = array.fields().iter().position(|found| found.name().eq_ignore_ascii_case(field.name()));
        match found {
            Some(index) => conform(array.column(index), field),
            None => Ok(new_null_array(field.data_type(), array.len())),
        }
    });
    let children = children.collect::<Result<Vec<_>, String>>()?;
    Ok(Arc::new(StructArray::new(fields.clone(), children, array.nulls().cloned())))
}

fn list(array: &ListArray, item: &FieldRef) -> Result<ArrayRef, String> {
    let items = conform(array.values(), item)?;
    Ok(Arc::new(ListArray::new(item.clone(), array.offsets().clone(), items, array.nulls().cloned())))
}

fn map(array: &MapArray, entries: &FieldRef, is_sorted: bool) -> Result<ArrayRef, String> {
    let DataType::Struct(fields) = entries.data_type() else { return Err("a map has no entries".to_owned()) };
    let columns = array.entries().columns().iter().zip(fields).map(|(column, field)| conform(column, field));
    let columns = columns.collect::<Result<Vec<_>, String>>()?;
    let inside = StructArray::new(fields.clone(), columns, array.entries().nulls().cloned());
    Ok(Arc::new(MapArray::new(entries.clone(), array.offsets().clone(), inside, array.nulls().cloned(), is_sorted)))
}

fn widens(found: &DataType, wanted: &DataType) -> bool {
    let whole = [DataType::Int8, DataType::Int16, DataType::Int32, DataType::Int64];
    let width = |data_type| whole.iter().position(|whole| whole == data_type);
    let timestamps = matches!((found, wanted), (DataType::Timestamp(..), DataType::Timestamp(..)));
    timestamps || matches!((width(found), width(wanted)), (Some(found), Some(wanted)) if found < wanted)
}
