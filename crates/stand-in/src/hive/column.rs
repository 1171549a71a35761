//! Arrow columns, filled from JSON text the way that the OpenX SerDe reads it.

use std::{collections::BTreeMap, sync::Arc};

use chrono::Utc;
use datafusion::arrow::{
    array::{
        ArrayRef, BooleanBuilder, Decimal128Builder, ListArray, MapArray, NullBufferBuilder, PrimitiveBuilder,
        StringBuilder, StructArray,
    },
    buffer::OffsetBuffer,
    compute::kernels::cast_utils::{Parser, parse_decimal, string_to_datetime},
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, FieldRef, Fields, Float32Type, Float64Type, Int8Type,
        Int16Type, Int32Type, Int64Type, TimestampMillisecondType,
    },
};

use super::{json, keys::KeyMappings, names::Names};

/// A value that its column's type cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) text: String,
    pub(crate) data_type: DataType,
}

/// A column in the making.
pub(crate) enum Column {
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    Int8(PrimitiveBuilder<Int8Type>),
    Int16(PrimitiveBuilder<Int16Type>),
    Int32(PrimitiveBuilder<Int32Type>),
    Int64(PrimitiveBuilder<Int64Type>),
    Float32(PrimitiveBuilder<Float32Type>),
    Float64(PrimitiveBuilder<Float64Type>),
    Decimal { values: Decimal128Builder, precision: u8, scale: i8 },
    Date(PrimitiveBuilder<Date32Type>),
    Timestamp(PrimitiveBuilder<TimestampMillisecondType>),
    Struct(Structure),
    List(Box<List>),
    Map(Box<Map>),
}

impl Column {
    /// An empty column of a type that [`super::arrow_type`] gives.
    pub(crate) fn new(data_type: &DataType, keys: &KeyMappings) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int8 => Self::Int8(PrimitiveBuilder::new()),
            DataType::Int16 => Self::Int16(PrimitiveBuilder::new()),
            DataType::Int32 => Self::Int32(PrimitiveBuilder::new()),
            DataType::Int64 => Self::Int64(PrimitiveBuilder::new()),
            DataType::Float32 => Self::Float32(PrimitiveBuilder::new()),
            DataType::Float64 => Self::Float64(PrimitiveBuilder::new()),
            DataType::Decimal128(precision, scale) => Self::Decimal {
                values: Decimal128Builder::new().with_data_type(data_type.clone()),
                precision: *precision,
                scale: *scale,
            },
            DataType::Date32 => Self::Date(PrimitiveBuilder::new()),
            DataType::Timestamp(..) => Self::Timestamp(PrimitiveBuilder::new()),
            DataType::Struct(fields) => Self::Struct(Structure::new(fields, keys)),
            DataType::List(item) => Self::List(Box::new(List::new(item, keys))),
            DataType::Map(entries, _) => Self::Map(Box::new(Map::new(entries, keys))),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Adds the value that is written as `raw`, a whole valid JSON value; a null where there is none, or one that the type
    /// cannot hold. So a column grows by one with every call.
    pub(crate) fn append(&mut self, raw: Option<&[u8]>) -> Result<(), Unreadable> {
        let raw = raw.filter(|raw| *raw != b"null");
        match self {
            Self::Text(values) => {
                values.append_option(raw.map(text));
                Ok(())
            }
            Self::Boolean(values) => {
                let (value, read) = parsed(raw, DataType::Boolean, boolean);
                values.append_option(value);
                read
            }
            Self::Int8(values) => push(values, raw, |text| integer(text)?.try_into().ok()),
            Self::Int16(values) => push(values, raw, |text| integer(text)?.try_into().ok()),
            Self::Int32(values) => push(values, raw, |text| integer(text)?.try_into().ok()),
            Self::Int64(values) => push(values, raw, integer),
            Self::Float32(values) => push(values, raw, |text| text.parse().ok()),
            Self::Float64(values) => push(values, raw, |text| text.parse().ok()),
            Self::Decimal { values, precision, scale } => {
                let (precision, scale) = (*precision, *scale);
                let parse = |text: &str| parse_decimal::<Decimal128Type>(text, precision, scale).ok();
                let (value, read) = parsed(raw, DataType::Decimal128(precision, scale), parse);
                values.append_option(value);
                read
            }
            Self::Date(values) => push(values, raw, Date32Type::parse),
            Self::Timestamp(values) => push(values, raw, timestamp),
            Self::Struct(structure) => structure.append(raw),
            Self::List(list) => list.append(raw),
            Self::Map(map) => map.append(raw),
        }
    }

    /// What was added since the last `finish`.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(values.finish()),
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::Int8(values) => Arc::new(values.finish()),
            Self::Int16(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Float32(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Decimal { values, .. } => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
            Self::Struct(structure) => Arc::new(structure.finish()),
            Self::List(list) => Arc::new(list.finish()),
            Self::Map(map) => Arc::new(map.finish()),
        }
    }
}

/// A struct's fields.
pub(crate) struct Structure {
    fields: Fields,
    names: Names,
    children: Vec<Column>,
    nulls: NullBufferBuilder,
}

impl Structure {
    fn new(fields: &Fields, keys: &KeyMappings) -> Self {
        Self {
            fields: fields.clone(),
            names: Names::new(fields.iter().map(|field| field.name().as_str()), keys),
            children: fields.iter().map(|field| Column::new(field.data_type(), keys)).collect(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// An object's fields by their keys, or an array's items in the order of the fields.
    fn append(&mut self, raw: Option<&[u8]>) -> Result<(), Unreadable> {
        let Some(raw) = raw.filter(|raw| !is_blank(raw)) else {
            self.append_null();
            return Ok(());
        };
        let found = match raw.first() {
            Some(b'[') => self.names.find_in_order(raw),
            _ => self.names.find(raw).map(|_| ()),
        };
        if found.is_err() {
            self.append_null();
            return Err(unreadable(raw, DataType::Struct(self.fields.clone())));
        }
        self.nulls.append_non_null();
        let mut read = Ok(());
        for (child, place) in self.children.iter_mut().zip(self.names.places()) {
            read = read.and(child.append(place.map(|(from, to)| &raw[from..to])));
        }
        read
    }

    fn append_null(&mut self) {
        self.nulls.append_null();
        self.children.iter_mut().for_each(|child| child.append(None).expect("every column takes a null"));
    }

    fn finish(&mut self) -> StructArray {
        let children = self.children.iter_mut().map(Column::finish).collect();
        StructArray::new(self.fields.clone(), children, self.nulls.finish())
    }
}

/// An array's items.
pub(crate) struct List {
    field: FieldRef,
    items: Column,
    lengths: Vec<usize>,
    nulls: NullBufferBuilder,
}

impl List {
    fn new(field: &FieldRef, keys: &KeyMappings) -> Self {
        Self {
            field: field.clone(),
            items: Column::new(field.data_type(), keys),
            lengths: Vec::new(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// Any other value than an array is the one item of a list.
    fn append(&mut self, raw: Option<&[u8]>) -> Result<(), Unreadable> {
        let Some(raw) = raw.filter(|raw| *raw != b"\"\"") else {
            self.nulls.append_null();
            self.lengths.push(0);
            return Ok(());
        };
        let mut places = Vec::new();
        if raw.first() != Some(&b'[') {
            places.push((0, raw.len()));
        } else if json::items(raw, 0, |from, to| places.push((from, to))).is_err() {
            self.nulls.append_null();
            self.lengths.push(0);
            return Err(unreadable(raw, DataType::List(self.field.clone())));
        }
        let mut read = Ok(());
        for (from, to) in &places {
            read = read.and(self.items.append(Some(&raw[*from..*to])));
        }
        self.nulls.append_non_null();
        self.lengths.push(places.len());
        read
    }

    fn finish(&mut self) -> ListArray {
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        ListArray::new(self.field.clone(), offsets, self.items.finish(), self.nulls.finish())
    }
}

/// A map's entries.
pub(crate) struct Map {
    field: FieldRef,
    fields: Fields,
    keys: StringBuilder,
    values: Column,
    lengths: Vec<usize>,
    nulls: NullBufferBuilder,
}

impl Map {
    fn new(field: &FieldRef, keys: &KeyMappings) -> Self {
        let DataType::Struct(fields) = field.data_type() else { panic!("the entries of a map are a struct") };
        Self {
            field: field.clone(),
            fields: fields.clone(),
            keys: StringBuilder::new(),
            values: Column::new(fields[1].data_type(), keys),
            lengths: Vec::new(),
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// An object's fields, whose keys are in lower case as all keys are for the SerDe.
    fn append(&mut self, raw: Option<&[u8]>) -> Result<(), Unreadable> {
        let Some(raw) = raw.filter(|raw| !is_blank(raw)) else {
            self.nulls.append_null();
            self.lengths.push(0);
            return Ok(());
        };
        let mut entries = BTreeMap::new();
        let mut doubled = false;
        let end = json::fields(raw, 0, |key, from, to| {
            doubled |= entries.insert(json::unescape(key).to_lowercase(), (from, to)).is_some();
        });
        if end.is_err() || doubled {
            self.nulls.append_null();
            self.lengths.push(0);
            return Err(unreadable(raw, DataType::Map(self.field.clone(), false)));
        }
        let mut read = Ok(());
        for (key, (from, to)) in &entries {
            self.keys.append_value(key);
            read = read.and(self.values.append(Some(&raw[*from..*to])));
        }
        self.nulls.append_non_null();
        self.lengths.push(entries.len());
        read
    }

    fn finish(&mut self) -> MapArray {
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        let entries: Vec<ArrayRef> = vec![Arc::new(self.keys.finish()), self.values.finish()];
        let entries = StructArray::new(self.fields.clone(), entries, None);
        MapArray::new(self.field.clone(), offsets, entries, self.nulls.finish(), false)
    }
}

/// A string of nothing but space, which stands for a null where an object is expected.
fn is_blank(raw: &[u8]) -> bool {
    matches!(raw, [b'"', content @ .., b'"'] if content.trim_ascii().is_empty())
}

fn push<T: ArrowPrimitiveType>(
    values: &mut PrimitiveBuilder<T>,
    raw: Option<&[u8]>,
    parse: impl Fn(&str) -> Option<T::Native>,
) -> Result<(), Unreadable> {
    let (value, read) = parsed(raw, T::DATA_TYPE, parse);
    values.append_option(value);
    read
}

fn parsed<T>(
    raw: Option<&[u8]>,
    data_type: DataType,
    parse: impl Fn(&str) -> Option<T>,
) -> (Option<T>, Result<(), Unreadable>) {
    let Some(raw) = raw else { return (None, Ok(())) };
    match parse(&text(raw)) {
        Some(value) => (Some(value), Ok(())),
        None => (None, Err(unreadable(raw, data_type))),
    }
}

/// A string's content; any other value as it is written.
fn text(raw: &[u8]) -> std::borrow::Cow<'_, str> {
    match raw {
        [b'"', content @ .., b'"'] => json::unescape(content),
        _ => String::from_utf8_lossy(raw),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// An integer, in hexadecimal too, or the integer part of a fraction that one can hold.
fn integer(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    text.parse().ok().or_else(|| {
        let fraction: f64 = text.parse().ok()?;
        (fraction.abs() < i64::MAX as f64).then_some(fraction as i64)
    })
}

/// A date and time as text, or since 1970: in milliseconds where the number has as many digits as those have in our times, in
/// seconds otherwise (the SerDe's `ParsePrimitiveUtils`; Firehose developer guide, "OpenX JSON SerDe").
fn timestamp(text: &str) -> Option<i64> {
    const MILLISECONDS: usize = "1454612111000".len();
    if let Ok(number) = text.parse::<i64>() {
        return if text.len() < MILLISECONDS { number.checked_mul(1000) } else { Some(number) };
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some((seconds * 1000.0) as i64);
    }
    Some(string_to_datetime(&Utc, text).ok()?.timestamp_millis())
}

fn unreadable(raw: &[u8], data_type: DataType) -> Unreadable {
    let text = String::from_utf8_lossy(raw);
    Unreadable { text: text.chars().take(100).collect(), data_type }
}
