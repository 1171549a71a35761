//! One value of any of Trino's types. Functions take and give these; arrays are made of them and taken apart here.

use std::{cmp::Ordering, sync::Arc};

use datafusion::arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMillisecondArray,
        Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, IntervalYearMonthArray,
        LargeStringArray, ListArray, MapArray, NullArray, StringArray, StructArray, Time32MillisecondArray,
        TimestampMillisecondArray,
    },
    buffer::{NullBuffer, OffsetBuffer},
    compute::cast,
    datatypes::{
        DataType, Date32Type, Decimal128Type, DurationMillisecondType, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, IntervalYearMonthType, Time32MillisecondType, TimeUnit, TimestampMillisecondType,
        UInt64Type,
    },
};
use datafusion::error::{DataFusionError, Result};

use super::{refusal::Refusal, types};

/// A value; of what type, its column says.
#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Null,
    Boolean(bool),
    Integer(i64),
    /// A `double` or a `real`.
    Double(f64),
    /// Its digits without the point, which the type has.
    Decimal(i128),
    /// A `varchar`, or JSON.
    Text(String),
    Bytes(Vec<u8>),
    /// Days, milliseconds or months, as the type says.
    Time(i64),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Row(Vec<Value>),
}

impl Value {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }

    /// The number of an integer, of days, or of milliseconds.
    pub(super) fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) | Self::Time(number) => *number,
            _ => 0,
        }
    }

    pub(super) fn double(&self) -> f64 {
        match self {
            Self::Double(number) => *number,
            Self::Integer(number) => *number as f64,
            _ => 0.0,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }

    pub(super) fn list(&self) -> &[Value] {
        match self {
            Self::List(items) | Self::Row(items) => items,
            _ => &[],
        }
    }

    pub(super) fn map(&self) -> &[(Value, Value)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    /// How much a column takes for it.
    pub(super) fn size(&self) -> usize {
        const NUMBER: usize = 8;
        let inside = match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) | Self::Row(items) => items.iter().map(Self::size).sum(),
            Self::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
            _ => 0,
        };
        inside + NUMBER
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Integer(value as i64)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Of values of one type; a null comes last, and equals itself.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Greater,
            (_, Self::Null) => Ordering::Less,
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) | (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => match a == b {
                true => Ordering::Equal,
                false => a.total_cmp(b),
            },
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) | (Self::Row(a), Self::Row(b)) => a.cmp(b),
            (Self::Map(a), Self::Map(b)) => {
                let sorted = |entries: &[(Self, Self)]| {
                    let mut entries = entries.to_vec();
                    entries.sort();
                    entries
                };
                sorted(a).cmp(&sorted(b))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl Value {
    /// Orders the kinds; values of one column are of one kind.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Integer(_) => 2,
            Self::Double(_) => 3,
            Self::Decimal(_) => 4,
            Self::Text(_) => 5,
            Self::Bytes(_) => 6,
            Self::Time(_) => 7,
            Self::List(_) => 8,
            Self::Map(_) => 9,
            Self::Row(_) => 10,
        }
    }
}

/// All values of a column.
pub(super) fn values(array: &ArrayRef) -> Result<Vec<Value>> {
    let array = plain(array)?;
    (0..array.len()).map(|row| value(&array, row)).collect()
}

/// The column in a type that [`value`] reads.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    let to = match array.data_type() {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Millisecond => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        _ => return Ok(array.clone()),
    };
    Ok(cast(array, &to)?)
}

fn value(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        DataType::Int8 => Value::Integer(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Value::Integer(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Value::Integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => Value::Integer(array.as_primitive::<UInt64Type>().value(row) as i64),
        DataType::Float32 => Value::Double(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => Value::Decimal(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Utf8 => Value::from(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::from(array.as_string::<i64>().value(row)),
        DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Date32 => Value::Time(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Time32(TimeUnit::Millisecond) => {
            Value::Time(array.as_primitive::<Time32MillisecondType>().value(row).into())
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Value::Time(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            Value::Time(array.as_primitive::<DurationMillisecondType>().value(row))
        }
        DataType::Interval(_) => Value::Time(array.as_primitive::<IntervalYearMonthType>().value(row).into()),
        DataType::List(_) => Value::List(values(&array.as_list::<i32>().value(row))?),
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            Value::Row(columns.map(|column| value(&plain(&column.slice(row, 1))?, 0)).collect::<Result<_>>()?)
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            Value::Map(values(entries.column(0))?.into_iter().zip(values(entries.column(1))?).collect())
        }
        other => return Err(DataFusionError::NotImplemented(format!("values of Arrow's type {other}"))),
    })
}

/// A column of these values.
pub(super) fn column<'a>(values: impl IntoIterator<Item = &'a Value>, kind: &DataType) -> Result<ArrayRef> {
    column_of(&values.into_iter().collect::<Vec<_>>(), kind)
}

fn column_of(values: &[&Value], kind: &DataType) -> Result<ArrayRef> {
    let present = |value: &&Value| !value.is_null();
    let numbers = || values.iter().map(|value| present(value).then(|| value.integer()));
    Ok(match kind {
        DataType::Null => Arc::new(NullArray::new(values.len())),
        DataType::Boolean => {
            Arc::new(values.iter().map(|value| present(value).then(|| value.is_true())).collect::<BooleanArray>())
        }
        DataType::Int8 => Arc::new(narrow(numbers(), kind)?.into_iter().collect::<Int8Array>()),
        DataType::Int16 => Arc::new(narrow(numbers(), kind)?.into_iter().collect::<Int16Array>()),
        DataType::Int32 => Arc::new(narrow(numbers(), kind)?.into_iter().collect::<Int32Array>()),
        DataType::Int64 => Arc::new(numbers().collect::<Int64Array>()),
        DataType::Float32 => Arc::new(doubles(values).map(|number| Some(number? as f32)).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(doubles(values).collect::<Float64Array>()),
        DataType::Decimal128(digits, scale) => {
            let digits_of = |value: &&Value| if let Value::Decimal(digits) = value { Some(*digits) } else { None };
            let column = values.iter().map(digits_of).collect::<Decimal128Array>();
            Arc::new(column.with_precision_and_scale(*digits, *scale)?)
        }
        DataType::Utf8 => Arc::new(texts(values).collect::<StringArray>()),
        DataType::LargeUtf8 => Arc::new(texts(values).collect::<LargeStringArray>()),
        DataType::Binary => {
            Arc::new(values.iter().map(|value| present(value).then(|| value.bytes())).collect::<BinaryArray>())
        }
        DataType::Date32 => Arc::new(narrow(numbers(), kind)?.into_iter().collect::<Date32Array>()),
        DataType::Time32(_) => Arc::new(narrow(numbers(), kind)?.into_iter().collect::<Time32MillisecondArray>()),
        DataType::Interval(_) => Arc::new(narrow(numbers(), kind)?.into_iter().collect::<IntervalYearMonthArray>()),
        DataType::Duration(_) => Arc::new(numbers().collect::<DurationMillisecondArray>()),
        DataType::Timestamp(_, zone) => {
            Arc::new(numbers().collect::<TimestampMillisecondArray>().with_timezone_opt(zone.clone()))
        }
        DataType::List(item) => {
            let lengths = values.iter().map(|value| value.list().len());
            let items: Vec<&Value> = values.iter().flat_map(|value| value.list()).collect();
            let items = column_of(&items, item.data_type())?;
            Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths(lengths), items, nulls(values))?)
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().enumerate().map(|(index, field)| {
                let inner: Vec<&Value> =
                    values.iter().map(|value| value.list().get(index).unwrap_or(&Value::Null)).collect();
                column_of(&inner, field.data_type())
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls(values), values.len())?)
        }
        DataType::Map(field, ordered) => {
            let DataType::Struct(entry) = field.data_type() else {
                return Err(DataFusionError::Internal("a map's entries are rows".to_owned()));
            };
            let lengths = values.iter().map(|value| value.map().len());
            let entries = values.iter().flat_map(|value| value.map());
            let (keys, items): (Vec<&Value>, Vec<&Value>) = entries.map(|(key, item)| (key, item)).unzip();
            let (keys, items) = (column_of(&keys, entry[0].data_type())?, column_of(&items, entry[1].data_type())?);
            let entries = StructArray::try_new(entry.clone(), vec![keys, items], None)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(MapArray::try_new(field.clone(), offsets, entries, nulls(values), *ordered)?)
        }
        other => return Err(DataFusionError::NotImplemented(format!("values of Arrow's type {other}"))),
    })
}

fn nulls(values: &[&Value]) -> Option<NullBuffer> {
    Some(values.iter().map(|value| !value.is_null()).collect())
}

fn doubles<'a>(values: &'a [&'a Value]) -> impl Iterator<Item = Option<f64>> + 'a {
    values.iter().map(|value| (!value.is_null()).then(|| value.double()))
}

fn texts<'a>(values: &'a [&'a Value]) -> impl Iterator<Item = Option<&'a str>> + 'a {
    values.iter().map(|value| (!value.is_null()).then(|| value.text()))
}

fn narrow<N: TryFrom<i64>>(
    numbers: impl Iterator<Item = Option<i64>>,
    kind: &DataType,
) -> Result<Vec<Option<N>>, Refusal> {
    let narrow = |number: Option<i64>| {
        let fits = |number: i64| {
            N::try_from(number).map_err(|_| Refusal::range(format!("Out of range for {}: {number}", types::name(kind))))
        };
        number.map(fits).transpose()
    };
    numbers.map(narrow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_gives_back_what_it_was_made_of() {
        let kind = types::parse("array(row(a bigint, m map(varchar, decimal(5,2)), t timestamp))").expect("a type");
        let entry = (Value::from("k"), Value::Decimal(125));
        let row = Value::Row(vec![Value::Integer(7), Value::Map(vec![entry]), Value::Time(1_500)]);
        let all = [Value::List(vec![row, Value::Null]), Value::Null, Value::List(Vec::new())];
        let column = column(&all, &kind).expect("a column");
        assert_eq!(values(&column).expect("values"), all);
        assert_eq!(values(&column.slice(1, 2)).expect("values"), all[1..]);
    }

    #[test]
    fn a_number_without_room_is_refused() {
        let error = column(&[Value::Integer(300)], &DataType::Int8).expect_err("no room");
        assert!(error.to_string().contains("NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300"), "{error}");
    }
}
