//! Rows as the Data API writes them: lists of typed fields (Redshift Data API reference, "Field").

use chrono::{DateTime, NaiveDate, TimeDelta};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        compute::cast,
        datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
        record_batch::RecordBatch,
        util::display::array_value_to_string,
    },
    error::{DataFusionError, Result},
};
use serde_json::{Value, json};

/// Adds each row of a batch, a line for each.
pub(super) fn write(records: &mut Vec<u8>, batch: &RecordBatch) -> Result<()> {
    let columns = batch.columns().iter().map(widened).collect::<Result<Vec<_>>>()?;
    for row in 0..batch.num_rows() {
        let fields = columns.iter().map(|column| field(column, row)).collect::<Result<Vec<_>>>()?;
        serde_json::to_writer(&mut *records, &fields).map_err(|e| DataFusionError::External(e.into()))?;
        records.push(b'\n');
    }
    Ok(())
}

/// Every whole number as one of 64 bits, every fraction as a double, every time in microseconds.
fn widened(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        whole if whole.is_integer() => cast(column, &DataType::Int64)?,
        DataType::Float16 | DataType::Float32 => cast(column, &DataType::Float64)?,
        DataType::Timestamp(..) => cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?,
        DataType::LargeUtf8 | DataType::Utf8View => cast(column, &DataType::Utf8)?,
        _ => column.clone(),
    })
}

fn field(column: &dyn Array, row: usize) -> Result<Value> {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return Ok(json!({"isNull": true}));
    }
    Ok(match column.data_type() {
        DataType::Int64 => json!({"longValue": column.as_primitive::<Int64Type>().value(row)}),
        DataType::Float64 => double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!({"booleanValue": column.as_boolean().value(row)}),
        DataType::Utf8 => json!({"stringValue": column.as_string::<i32>().value(row)}),
        DataType::Date32 => json!({"stringValue": date(column.as_primitive::<Date32Type>().value(row))}),
        DataType::Timestamp(..) => {
            json!({"stringValue": timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row))})
        }
        _ => json!({"stringValue": array_value_to_string(column, row)?}),
    })
}

/// JSON has no number for what is none, or endless: the AWS protocols write these as text.
fn double(number: f64) -> Value {
    match number {
        _ if number.is_nan() => json!({"doubleValue": "NaN"}),
        _ if number.is_infinite() => json!({"doubleValue": if number > 0.0 { "Infinity" } else { "-Infinity" }}),
        _ => json!({"doubleValue": number}),
    }
}

fn date(days: i32) -> String {
    let day = NaiveDate::default().checked_add_signed(TimeDelta::days(days.into()));
    day.map_or_else(|| format!("day {days}"), |day| day.format("%Y-%m-%d").to_string())
}

/// `2026-01-31 10:00:00`, with a fraction only where there is one.
fn timestamp(micros: i64) -> String {
    let Some(moment) = DateTime::from_timestamp_micros(micros) else { return format!("microsecond {micros}") };
    let text = moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_postgresql_writes_them() {
        assert_eq!(date(1), "1970-01-02");
        assert_eq!(timestamp(0), "1970-01-01 00:00:00");
        assert_eq!(timestamp(1_500_000), "1970-01-01 00:00:01.5");
        assert_eq!(timestamp(-1), "1969-12-31 23:59:59.999999");
    }
}
