//! One value of a document, made a column's: checked as COPY checks it, with its error codes (Redshift database developer
//! guide, "Load error reference").

use std::borrow::Cow;

use chrono::Utc;
use datafusion::arrow::{
    compute::kernels::cast_utils::{Parser, parse_decimal, string_to_datetime},
    datatypes::{Date32Type, Decimal128Type},
};
use serde_json::value::RawValue;

use super::{
    super::{Cell, Column, Kind, canonical},
    command::{Copy, Times},
};

/// Why a value cannot be its column's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) code: i32,
    pub(super) message: String,
    /// In characters from the value's beginning.
    pub(super) position: usize,
}

impl Unfit {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: 0 }
    }

    /// The first character that no number has.
    fn digit(text: &str, allowed: &str, kind: &str) -> Self {
        let sign = |(at, c): (usize, char)| at == 0 && (c == '-' || c == '+');
        let wrong = |(at, c): &(usize, char)| !c.is_ascii_digit() && !allowed.contains(*c) && !sign((*at, *c));
        let (position, found) = text.chars().enumerate().find(wrong).unwrap_or((0, text.chars().next().unwrap_or(' ')));
        let message = format!("Invalid digit, Value '{found}', Pos {position}, Type: {kind}");
        Self { code: 1207, message, position }
    }
}

/// The value as its column holds it.
pub(super) fn cell(value: Option<&RawValue>, column: &Column, copy: &Copy) -> Result<Cell, Unfit> {
    let written = value.map(RawValue::get).filter(|written| *written != "null");
    let cell = match (written, column.kind) {
        (None, _) => Cell::Null,
        (Some(json), Kind::Super) => match canonical(json) {
            Some(json) => Cell::Text(json),
            None => return Err(Unfit::new(1224, "Invalid JSON for a SUPER column")),
        },
        (Some(json), kind) => scalar(&content(json), kind, copy)?,
    };
    if cell == Cell::Null && !column.nullable {
        return Err(Unfit::new(1213, "Missing data for not-null field"));
    }
    Ok(cell)
}

/// A string's content; any other value as it is written, so that an object is its JSON text.
pub(super) fn content(json: &str) -> Cow<'_, str> {
    if !json.starts_with('"') {
        return Cow::Borrowed(json);
    }
    serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned)
}

fn scalar(text: &str, kind: Kind, copy: &Copy) -> Result<Cell, Unfit> {
    match kind {
        Kind::Varchar(length) => varchar(text, length, copy.truncate_columns).map(Cell::Text),
        Kind::Char(length) => char(text, length, copy.truncate_columns).map(Cell::Text),
        // Nothing between the quotes is no number and no time (database developer guide, EMPTYASNULL).
        _ if text.trim().is_empty() => Ok(Cell::Null),
        Kind::SmallInt => integer(text, "Short", |whole| i16::try_from(whole).is_ok()),
        Kind::Integer => integer(text, "Integer", |whole| i32::try_from(whole).is_ok()),
        Kind::BigInt => integer(text, "Long", |_| true),
        Kind::Real | Kind::Double => double(text).map(Cell::Double),
        Kind::Decimal { precision, scale } => decimal(text, precision, scale).map(Cell::Decimal),
        Kind::Boolean => boolean(text).map(Cell::Boolean),
        Kind::Date => date(text),
        Kind::Timestamp => timestamp(text, copy.times).map(Cell::Micros),
        Kind::Super => unreachable!("a SUPER takes every JSON value before"),
    }
}

fn varchar(text: &str, length: u32, truncate: bool) -> Result<String, Unfit> {
    let length = length as usize;
    if text.len() <= length {
        return Ok(text.to_owned());
    }
    if !truncate {
        return Err(Unfit { position: 0, ..Unfit::new(1204, "String length exceeds DDL length") });
    }
    Ok(text[..text.floor_char_boundary(length)].to_owned())
}

fn char(text: &str, length: u32, truncate: bool) -> Result<String, Unfit> {
    if let Some(wide) = text.chars().find(|c| !c.is_ascii()) {
        let bytes: Vec<String> = wide.to_string().bytes().map(|byte| format!("{byte:x}")).collect();
        let hint = "Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char:";
        return Err(Unfit::new(1220, format!("{hint} {}", bytes.join(" "))));
    }
    varchar(text.trim_end_matches(' '), length, truncate)
}

fn integer(text: &str, kind: &str, fits: impl Fn(i64) -> bool) -> Result<Cell, Unfit> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unfit::digit(text, "", kind));
    }
    match text.parse() {
        Ok(whole) if fits(whole) => Ok(Cell::Whole(whole)),
        _ => Err(Unfit::new(1222, format!("Overflow, Value '{text}', Type: {kind}"))),
    }
}

fn double(text: &str) -> Result<f64, Unfit> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() || !text.ends_with(|c: char| c.is_ascii_digit()) => Ok(number),
        Ok(_) => Err(Unfit::new(1208, format!("Overflow, Value '{text}', Type: Double"))),
        Err(_) => Err(Unfit::digit(text, ".eE+-", "Double")),
    }
}

fn decimal(text: &str, precision: u8, scale: i8) -> Result<i128, Unfit> {
    let text = text.trim();
    let looks_well = text.bytes().all(|byte| byte.is_ascii_digit() || b".+-eE".contains(&byte));
    if !looks_well || text.parse::<f64>().is_err() {
        return Err(Unfit::digit(text, ".eE+-", "Decimal"));
    }
    parse_decimal::<Decimal128Type>(text, precision, scale)
        .map_err(|_| Unfit::new(1209, format!("Overflow for NUMERIC({precision},{scale})")))
}

fn boolean(text: &str) -> Result<bool, Unfit> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err(Unfit::new(1210, "Unknown boolean format")),
    }
}

fn date(text: &str) -> Result<Cell, Unfit> {
    let day = text.trim().get(..10).and_then(Date32Type::parse);
    day.map(Cell::Days).ok_or_else(|| Unfit::new(1205, "Invalid Date Format - length must be 10 or more"))
}

fn timestamp(text: &str, times: Times) -> Result<i64, Unfit> {
    let text = text.trim();
    let micros = match times {
        Times::Text => string_to_datetime(&Utc, text).ok().map(|moment| moment.timestamp_micros()),
        Times::Seconds => {
            text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()).map(|seconds| (seconds * 1e6) as i64)
        }
        Times::Milliseconds => text.parse::<i64>().ok().and_then(|millis| millis.checked_mul(1_000)),
    };
    micros.ok_or_else(|| Unfit::new(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"))
}

#[cfg(test)]
mod tests {
    use super::super::super::Statement;
    use super::*;

    fn load(json: &str, kind: Kind, options: &str) -> Result<Cell, (i32, String)> {
        let sql = format!("COPY t FROM 's3://b/k' IAM_ROLE default JSON 'auto' {options}");
        let Ok(Statement::Copy(copy)) = Statement::parse(&sql, &[]) else { panic!("no COPY: {sql}") };
        let column = Column { name: "c".into(), kind, nullable: true, default: None };
        let raw = RawValue::from_string(json.to_owned()).expect("JSON");
        cell(Some(&raw), &column, &copy).map_err(|unfit| (unfit.code, unfit.message))
    }

    #[test]
    fn values_become_their_columns() {
        let text = |text: &str| Ok(Cell::Text(text.to_owned()));
        assert_eq!(load("12", Kind::Integer, ""), Ok(Cell::Whole(12)));
        assert_eq!(load("\"-12\"", Kind::BigInt, ""), Ok(Cell::Whole(-12)));
        assert_eq!(load("\"\"", Kind::BigInt, ""), Ok(Cell::Null));
        assert_eq!(load("1.5e2", Kind::Double, ""), Ok(Cell::Double(150.0)));
        assert_eq!(load("12.345", Kind::Decimal { precision: 9, scale: 2 }, ""), Ok(Cell::Decimal(1234)));
        assert_eq!(load("{\"a\": 1}", Kind::Varchar(9), ""), text("{\"a\": 1}"));
        assert_eq!(load("{\"b\": \"\\u00fc\", \"a\": [1.50]}", Kind::Super, ""), text("{\"a\":[1.5],\"b\":\"ü\"}"));
        assert_eq!(load("1.50", Kind::Super, ""), text("1.50"));
        assert_eq!(load("\"yes\"", Kind::Boolean, ""), Ok(Cell::Boolean(true)));
        assert_eq!(load("\"1970-01-02\"", Kind::Date, ""), Ok(Cell::Days(1)));
        assert_eq!(load("\"1970-01-01 00:00:01\"", Kind::Timestamp, ""), Ok(Cell::Micros(1_000_000)));
        assert_eq!(load("\"9999-12-31 00:00:00\"", Kind::Timestamp, ""), Ok(Cell::Micros(253_402_214_400_000_000)));
        assert_eq!(load("1500", Kind::Timestamp, "TIMEFORMAT 'epochmillisecs'"), Ok(Cell::Micros(1_500_000)));
        assert_eq!(load("\"aü\"", Kind::Varchar(2), "TRUNCATECOLUMNS"), text("a"));
    }

    #[test]
    fn what_does_not_fit_has_its_code() {
        let code = |json, kind| load(json, kind, "").expect_err("unfit").0;
        assert_eq!(load("12.0", Kind::BigInt, ""), Err((1207, "Invalid digit, Value '.', Pos 2, Type: Long".into())));
        assert_eq!(code("\"a\"", Kind::Double), 1207);
        assert_eq!(code("40000", Kind::SmallInt), 1222);
        assert_eq!(code("\"aü\"", Kind::Varchar(2)), 1204);
        assert_eq!(code("\"ü\"", Kind::Char(2)), 1220);
        assert_eq!(code("\"maybe\"", Kind::Boolean), 1210);
        assert_eq!(code("\"yesterday\"", Kind::Date), 1205);
        assert_eq!(code("\"yesterday\"", Kind::Timestamp), 1206);
        assert_eq!(code("1000", Kind::Decimal { precision: 3, scale: 0 }), 1209);
    }
}
