//! A value as Athena writes it.

use chrono::{DateTime, NaiveDate, TimeDelta};
use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::{
            DataType, Date32Type, DurationMillisecondType, Float32Type, Float64Type, IntervalUnit,
            IntervalYearMonthType, Time32MillisecondType, TimeUnit,
        },
        util::display::array_value_to_string,
    },
    error::Result,
};

use crate::trino;

/// A value as a result has it; nothing of a null.
pub(super) fn text(array: &dyn Array, row: usize) -> Result<Option<String>> {
    if array.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Float64 => java_double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => java_float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(_, zone) => {
            let plain = array_value_to_string(array, row)?;
            timestamp(&plain, zone.as_deref()).unwrap_or(plain)
        }
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row).iter();
            bytes.map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            trino::day_to_second(array.as_primitive::<DurationMillisecondType>().value(row))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            trino::year_to_month(array.as_primitive::<IntervalYearMonthType>().value(row))
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            trino::time(array.as_primitive::<Time32MillisecondType>().value(row))
        }
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let each = fields.iter().zip(array.columns());
            let each = each.map(|(field, column)| Ok(format!("{}={}", field.name(), inner(column, row)?)));
            format!("{{{}}}", each.collect::<Result<Vec<_>>>()?.join(", "))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let each = (0..entries.len()).map(|index| Ok(format!("{}={}", inner(keys, index)?, inner(values, index)?)));
            format!("{{{}}}", each.collect::<Result<Vec<_>>>()?.join(", "))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let each = (0..items.len()).map(|index| inner(&items, index));
            format!("[{}]", each.collect::<Result<Vec<_>>>()?.join(", "))
        }
        _ => array_value_to_string(array, row)?,
    }))
}

fn inner(array: &dyn Array, row: usize) -> Result<String> {
    Ok(text(array, row)?.unwrap_or_else(|| "null".to_owned()))
}

fn date(days: i32) -> String {
    let day = NaiveDate::default().checked_add_signed(TimeDelta::days(days.into()));
    day.map_or_else(|| format!("day {days}"), |day| day.format("%Y-%m-%d").to_string())
}

/// `2026-01-31 10:00:00.000`, from Arrow's ISO 8601, with the zone behind it where it has one.
fn timestamp(text: &str, zone: Option<&str>) -> Option<String> {
    if let Some(zone) = zone {
        let moment = DateTime::parse_from_rfc3339(text).ok()?.naive_local();
        let zone = if zone == "+00:00" { "UTC" } else { zone };
        return Some(format!("{} {zone}", moment.format("%Y-%m-%d %H:%M:%S%.3f")));
    }
    let moment: chrono::NaiveDateTime = text.parse().ok()?;
    Some(moment.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// A double as Java's `Double.toString` has it: `1.0`, `1.0E10`, `1.0E-5`, `NaN`, `Infinity`.
fn java_double(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ if plain(number.abs()) => format!("{number:?}"),
        _ => java_exponent(&format!("{number:e}")),
    }
}

fn java_float(number: f32) -> String {
    match number {
        _ if !number.is_finite() => java_double(number.into()),
        _ if plain(number.abs().into()) => format!("{number:?}"),
        _ => java_exponent(&format!("{number:e}")),
    }
}

/// Whether Java writes a number of this size without an exponent.
fn plain(size: f64) -> bool {
    size == 0.0 || (1e-3..1e7).contains(&size)
}

/// `1.0E10` from Rust's `1e10`.
fn java_exponent(rust: &str) -> String {
    let (mantissa, exponent) = rust.split_once('e').unwrap_or((rust, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}
