//! Tables as Hive describes them: types, and JSON read as the OpenX SerDe reads it. Athena reads rows by it, and Firehose
//! converts records by it.

mod column;
mod delimited;
mod json;
mod keys;
mod names;

pub(super) use column::{Column, Unreadable};
pub(super) use delimited::{Delimiters, NULL as DELIMITED_NULL};
pub(super) use json::Malformed;
pub(super) use keys::KeyMappings;
pub(super) use names::{Names, NoObject};

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, Fields, TimeUnit},
    scalar::ScalarValue,
};

/// How Hive writes a null partition value.
pub(super) const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// How deep types may lie in each other, as values of JSON may.
const MAX_DEPTH: usize = 128;

/// The Arrow type of a Hive type such as `struct<a:bigint,b:array<string>>`.
pub(super) fn arrow_type(hive: &str) -> Result<DataType, String> {
    let mut parser = Parser { rest: hive.trim(), depth: 0 };
    let parsed = parser.any()?;
    match parser.rest.trim() {
        "" => Ok(parsed),
        rest => Err(format!("type {hive}: {rest:?} follows its end")),
    }
}

struct Parser<'a> {
    rest: &'a str,
    /// Of the types around the next word.
    depth: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<DataType, String> {
        let word = self.word().to_ascii_lowercase();
        Ok(match word.as_str() {
            "string" => DataType::Utf8,
            "varchar" | "char" => {
                self.arguments()?;
                DataType::Utf8
            }
            "bigint" => DataType::Int64,
            "int" | "integer" => DataType::Int32,
            "smallint" => DataType::Int16,
            "tinyint" => DataType::Int8,
            "double" => DataType::Float64,
            "float" => DataType::Float32,
            "boolean" => DataType::Boolean,
            "date" => DataType::Date32,
            "timestamp" => DataType::Timestamp(TimeUnit::Millisecond, None),
            "decimal" => self.decimal()?,
            "array" => self.nested(Self::array)?,
            "struct" => self.nested(Self::structure)?,
            "map" => self.nested(Self::map)?,
            _ => return Err(format!("type {word:?} is not supported by the stand-in")),
        })
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<DataType, String>) -> Result<DataType, String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("a type is nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        let parsed = inner(self);
        self.depth -= 1;
        parsed
    }

    fn decimal(&mut self) -> Result<DataType, String> {
        let arguments = self.arguments()?;
        let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u8>());
        let precision = numbers.next().and_then(Result::ok).unwrap_or(10);
        let scale = numbers.next().and_then(Result::ok).unwrap_or(0);
        if !(1..=38).contains(&precision) || scale > precision {
            return Err(format!("decimal({arguments}): a precision of 1 to 38 and no greater scale is expected"));
        }
        Ok(DataType::Decimal128(precision, scale as i8))
    }

    fn array(&mut self) -> Result<DataType, String> {
        self.expect('<')?;
        let item = self.any()?;
        self.expect('>')?;
        Ok(DataType::List(Arc::new(Field::new("item", item, true))))
    }

    fn map(&mut self) -> Result<DataType, String> {
        self.expect('<')?;
        let key = self.any()?;
        if key != DataType::Utf8 {
            return Err("a map's keys are strings; others are not supported by the stand-in".to_owned());
        }
        self.expect(',')?;
        let value = self.any()?;
        self.expect('>')?;
        let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
        Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false))
    }

    fn structure(&mut self) -> Result<DataType, String> {
        self.expect('<')?;
        let mut fields = Vec::new();
        loop {
            let name = self.word().to_ascii_lowercase();
            self.expect(':')?;
            fields.push(Field::new(name, self.any()?, true));
            if !self.take(',') {
                break;
            }
        }
        self.expect('>')?;
        Ok(DataType::Struct(Fields::from(fields)))
    }

    /// What stands in parentheses, if anything does.
    fn arguments(&mut self) -> Result<&'a str, String> {
        if !self.take('(') {
            return Ok("");
        }
        let (arguments, rest) = self.rest.split_once(')').ok_or_else(|| self.expected(')'))?;
        self.rest = rest;
        Ok(arguments)
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| "<>():,".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    fn take(&mut self, c: char) -> bool {
        match self.rest.trim_start().strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, c: char) -> Result<(), String> {
        if self.take(c) { Ok(()) } else { Err(self.expected(c)) }
    }

    fn expected(&self, c: char) -> String {
        format!("a type has {:?} where {c:?} is expected", self.rest)
    }
}

/// The Hive type that holds values of an Arrow type.
pub(super) fn type_name(data_type: &DataType) -> Result<String, String> {
    Ok(match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Utf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::List(item) => format!("array<{}>", type_name(item.data_type())?),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                format!("map<{},{}>", type_name(fields[0].data_type())?, type_name(fields[1].data_type())?)
            }
            other => return Err(format!("{other}")),
        },
        DataType::Struct(fields) => {
            let field = |field: &Arc<Field>| Ok(format!("{}:{}", field.name(), type_name(field.data_type())?));
            format!("struct<{}>", fields.iter().map(field).collect::<Result<Vec<_>, String>>()?.join(","))
        }
        other => return Err(format!("{other}")),
    })
}

/// How a partition's value is written in its folder's name (Hive, `FileUtils.escapePathName`).
pub(super) fn path_name(value: &str) -> String {
    let is_escaped = |c: char| c.is_ascii_control() || "\"#%'*/:=?\\{[]^\u{7f}".contains(c);
    let mut name = String::with_capacity(value.len());
    for c in value.chars() {
        match is_escaped(c) {
            true => name.push_str(&format!("%{:02X}", u32::from(c))),
            false => name.push(c),
        }
    }
    name
}

/// The value that a folder's name has written so.
pub(super) fn value_of_path_name(name: &str) -> String {
    let mut value = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        value.push_str(before);
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        match code {
            Some(code) => {
                value.push(char::from(code));
                rest = &after[2..];
            }
            None => {
                value.push('%');
                rest = after;
            }
        }
    }
    value + rest
}

/// A partition's value as its column's type has it.
pub(super) fn partition_value(text: &str, data_type: &DataType) -> Result<ScalarValue, String> {
    if text == HIVE_NULL {
        return ScalarValue::try_from(data_type).map_err(|e| e.to_string());
    }
    ScalarValue::try_from_string(text.to_owned(), data_type)
        .map_err(|_| format!("HIVE_INVALID_PARTITION_VALUE: Invalid partition value '{text}' for a {data_type} key"))
}

/// The type's name in `ColumnInfo`.
pub(super) fn athena_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Decimal128(..) | DataType::Decimal256(..) => "decimal",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone",
        DataType::Struct(_) => "row",
        DataType::List(_) | DataType::LargeList(_) => "array",
        DataType::Map(..) => "map",
        DataType::LargeUtf8 => "json",
        DataType::Binary => "varbinary",
        DataType::Time32(_) => "time",
        DataType::Duration(_) => "interval day to second",
        DataType::Interval(_) => "interval year to month",
        DataType::Null => "unknown",
        _ => "varchar",
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
