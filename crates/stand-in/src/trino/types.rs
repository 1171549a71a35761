//! Trino's types as Arrow's. JSON is text of a type that nothing else has, so that it is told from `varchar` wherever it goes.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};

use super::refusal::Refusal;

pub(super) const JSON: DataType = DataType::LargeUtf8;
pub(super) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);
pub(super) const DAY_TO_SECOND: DataType = DataType::Duration(TimeUnit::Millisecond);
pub(super) const YEAR_TO_MONTH: DataType = DataType::Interval(IntervalUnit::YearMonth);
pub(super) const TIME: DataType = DataType::Time32(TimeUnit::Millisecond);
/// The most digits of a decimal.
pub(super) const DIGITS: u8 = 38;

/// A moment with a time zone of its own.
pub(super) fn zoned(zone: &str) -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(zone.into()))
}

pub(super) fn array(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

pub(super) fn map(key: DataType, value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

pub(super) fn row(fields: impl IntoIterator<Item = (String, DataType)>) -> DataType {
    DataType::Struct(fields.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect())
}

/// What a field without a name is called in results.
pub(super) fn anonymous(index: usize) -> String {
    format!("field{index}")
}

pub(super) fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::Utf8View)
}

pub(super) fn is_integer(kind: &DataType) -> bool {
    integer_digits(kind).is_some()
}

pub(super) fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float32 | DataType::Float64)
}

pub(super) fn is_number(kind: &DataType) -> bool {
    is_integer(kind) || is_float(kind) || matches!(kind, DataType::Decimal128(..))
}

/// The key and the value of a map.
pub(super) fn entries(kind: &DataType) -> Option<(&DataType, &DataType)> {
    match kind {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => Some((fields[0].data_type(), fields[1].data_type())),
            _ => None,
        },
        _ => None,
    }
}

/// How many digits an integer has as a decimal.
pub(super) fn integer_digits(kind: &DataType) -> Option<u8> {
    match kind {
        DataType::Int8 => Some(3),
        DataType::Int16 => Some(5),
        DataType::Int32 => Some(10),
        DataType::Int64 | DataType::UInt64 => Some(19),
        _ => None,
    }
}

/// Digits and scale of an exact number.
pub(super) fn decimal(kind: &DataType) -> Option<(u8, i8)> {
    match kind {
        DataType::Decimal128(digits, scale) => Some((*digits, *scale)),
        _ => integer_digits(kind).map(|digits| (digits, 0)),
    }
}

/// The type that both have room in, if Trino knows one.
pub(super) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as D;
    if *a == D::UInt64 || *b == D::UInt64 {
        // What DataFusion counts in, and Trino in bigint.
        let signed = |kind: &DataType| if *kind == D::UInt64 { D::Int64 } else { kind.clone() };
        return common(&signed(a), &signed(b));
    }
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (D::Null, other) | (other, D::Null) => other.clone(),
        _ if is_text(a) && is_text(b) => D::Utf8,
        _ if is_integer(a) && is_integer(b) => if integer_digits(a) >= integer_digits(b) { a } else { b }.clone(),
        _ if is_number(a) && is_number(b) => match (a, b) {
            (D::Float64, _) | (_, D::Float64) => D::Float64,
            (D::Float32, _) | (_, D::Float32) => D::Float32,
            _ => {
                let ((p, s), (q, t)) = (decimal(a)?, decimal(b)?);
                let scale = s.max(t);
                let whole = (p as i8 - s).max(q as i8 - t);
                D::Decimal128(((whole + scale) as u8).min(DIGITS), scale)
            }
        },
        (D::Date32, D::Timestamp(..)) => b.clone(),
        (D::Timestamp(..), D::Date32) => a.clone(),
        (D::Timestamp(_, Some(zone)), D::Timestamp(..)) | (D::Timestamp(..), D::Timestamp(_, Some(zone))) => {
            zoned(zone)
        }
        (D::Timestamp(..), D::Timestamp(..)) => TIMESTAMP,
        (D::List(a), D::List(b)) => array(common(a.data_type(), b.data_type())?),
        (D::Map(..), D::Map(..)) => {
            let ((k, v), (l, w)) = (entries(a)?, entries(b)?);
            map(common(k, l)?, common(v, w)?)
        }
        (D::Struct(a), D::Struct(b)) if a.len() == b.len() => {
            let fields = a.iter().zip(b).map(|(a, b)| Some((a.name().clone(), common(a.data_type(), b.data_type())?)));
            row(fields.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

/// The type's name as Trino prints it.
pub(crate) fn name(kind: &DataType) -> String {
    match kind {
        DataType::Null => "unknown".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(digits, scale) => format!("decimal({digits},{scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp(3)".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp(3) with time zone".to_owned(),
        DataType::Time32(_) => "time(3)".to_owned(),
        DataType::Binary => "varbinary".to_owned(),
        DataType::Duration(_) => "interval day to second".to_owned(),
        DataType::Interval(_) => "interval year to month".to_owned(),
        DataType::List(item) => format!("array({})", name(item.data_type())),
        DataType::Map(..) => match entries(kind) {
            Some((key, value)) => format!("map({}, {})", name(key), name(value)),
            None => "map".to_owned(),
        },
        DataType::Struct(fields) => {
            let field = |(index, field): (usize, &Arc<Field>)| match *field.name() == anonymous(index) {
                true => name(field.data_type()),
                false => format!("{} {}", field.name(), name(field.data_type())),
            };
            format!("row({})", fields.iter().enumerate().map(field).collect::<Vec<_>>().join(", "))
        }
        kind if *kind == JSON => "json".to_owned(),
        _ => "varchar".to_owned(),
    }
}

/// The type that `text` names, such as `row(a bigint, b array(varchar))`.
pub(super) fn parse(text: &str) -> Result<DataType, Refusal> {
    let mut parser = Parser { text, rest: text.trim(), depth: 0 };
    let kind = parser.any()?;
    if parser.rest.trim().is_empty() { Ok(kind) } else { Err(parser.unknown()) }
}

/// How deep types may lie in each other, as those of a table may.
const MAX_DEPTH: usize = 128;

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<DataType, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.unknown());
        }
        let kind = self.named()?;
        self.depth -= 1;
        Ok(kind)
    }

    fn named(&mut self) -> Result<DataType, Refusal> {
        let word = self.word().to_ascii_lowercase();
        Ok(match word.as_str() {
            "boolean" => DataType::Boolean,
            "tinyint" => DataType::Int8,
            "smallint" => DataType::Int16,
            "int" | "integer" => DataType::Int32,
            "bigint" => DataType::Int64,
            "real" => DataType::Float32,
            "double" => {
                self.take_word("precision");
                DataType::Float64
            }
            "decimal" => self.decimal()?,
            "varchar" | "char" | "string" => {
                self.sizes()?;
                DataType::Utf8
            }
            "varbinary" => DataType::Binary,
            "json" => JSON,
            "date" => DataType::Date32,
            "time" => {
                self.sizes()?;
                TIME
            }
            "timestamp" => self.timestamp()?,
            "interval" => match self.rest.trim().to_ascii_lowercase().as_str() {
                "day to second" => self.end(DAY_TO_SECOND),
                "year to month" => self.end(YEAR_TO_MONTH),
                _ => return Err(self.unknown()),
            },
            "array" => {
                let close = self.open()?;
                let item = self.any()?;
                self.expect(close)?;
                array(item)
            }
            "map" => {
                let close = self.open()?;
                let key = self.any()?;
                self.expect(',')?;
                let value = self.any()?;
                self.expect(close)?;
                map(key, value)
            }
            "row" => self.row()?,
            _ => return Err(self.unknown()),
        })
    }

    fn end(&mut self, kind: DataType) -> DataType {
        self.rest = "";
        kind
    }

    fn decimal(&mut self) -> Result<DataType, Refusal> {
        let sizes = self.sizes()?;
        let (digits, scale) =
            (sizes.first().copied().unwrap_or(DIGITS.into()), sizes.get(1).copied().unwrap_or_default());
        if digits == 0 || digits > DIGITS.into() || scale > digits {
            return Err(self.unknown());
        }
        Ok(DataType::Decimal128(digits as u8, scale as i8))
    }

    fn timestamp(&mut self) -> Result<DataType, Refusal> {
        self.sizes()?;
        if !self.take_word("with") {
            return Ok(TIMESTAMP);
        }
        if self.take_word("time") && self.take_word("zone") { Ok(zoned("UTC")) } else { Err(self.unknown()) }
    }

    fn row(&mut self) -> Result<DataType, Refusal> {
        let close = self.open()?;
        let mut fields = Vec::new();
        loop {
            let before = self.rest;
            let name = self.word().trim_matches('"').to_lowercase();
            let is_unnamed = matches!(self.rest.trim_start().chars().next(), Some(',' | '(' | ')' | '>'));
            if is_unnamed {
                self.rest = before;
            }
            let name = if is_unnamed { anonymous(fields.len()) } else { name };
            fields.push((name, self.any()?));
            if !self.take(',') {
                break;
            }
        }
        self.expect(close)?;
        Ok(row(fields))
    }

    /// The numbers in parentheses, if there are any.
    fn sizes(&mut self) -> Result<Vec<u32>, Refusal> {
        if !self.take('(') {
            return Ok(Vec::new());
        }
        let (inside, rest) = self.rest.split_once(')').ok_or_else(|| self.unknown())?;
        self.rest = rest;
        inside.split(',').map(|size| size.trim().parse().map_err(|_| self.unknown())).collect()
    }

    fn open(&mut self) -> Result<char, Refusal> {
        if self.take('(') {
            return Ok(')');
        }
        self.expect('<').map(|()| '>')
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| "(),<>".contains(c) || c.is_whitespace()).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    fn take_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        let found = self.word().eq_ignore_ascii_case(word);
        if !found {
            self.rest = before;
        }
        found
    }

    fn take(&mut self, c: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, c: char) -> Result<(), Refusal> {
        if self.take(c) { Ok(()) } else { Err(self.unknown()) }
    }

    fn unknown(&self) -> Refusal {
        Refusal::new("TYPE_NOT_FOUND", format!("Unknown type: {}", self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_and_named_alike() {
        for text in [
            "boolean",
            "tinyint",
            "decimal(10,2)",
            "varchar",
            "json",
            "timestamp(3)",
            "timestamp(3) with time zone",
            "array(row(a bigint, b array(varchar)))",
            "map(varchar, double)",
            "row(integer, varchar)",
            "interval day to second",
        ] {
            assert_eq!(name(&parse(text).expect(text)), text);
        }
        assert_eq!(name(&parse("ARRAY<INT>").expect("a type")), "array(integer)");
        for text in ["nosuch", "array(", "decimal(40,2)", "row(a)", "map(varchar)", "bigint x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"array(".repeat(200)).is_err());
    }

    #[test]
    fn what_both_have_room_in_is_their_common_type() {
        let of = |a: &str, b: &str| common(&parse(a).expect(a), &parse(b).expect(b)).map(|kind| name(&kind));
        assert_eq!(of("integer", "bigint").as_deref(), Some("bigint"));
        assert_eq!(of("integer", "decimal(3,1)").as_deref(), Some("decimal(11,1)"));
        assert_eq!(of("decimal(3,1)", "double").as_deref(), Some("double"));
        assert_eq!(of("date", "timestamp(3)").as_deref(), Some("timestamp(3)"));
        assert_eq!(of("array(integer)", "array(bigint)").as_deref(), Some("array(bigint)"));
        assert_eq!(of("integer", "varchar"), None);
        assert_eq!(of("json", "varchar"), None);
    }
}
