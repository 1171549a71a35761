//! Lines of text with signs between the values, as Hive's LazySimpleSerDe reads and writes them.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::DataType;

/// How a null is written.
pub(crate) const NULL: &str = "\\N";

/// The signs between values (Apache Hive, `LazySerDeParameters`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delimiters {
    /// Between the columns, between the items of an array, and between what is nested in those.
    levels: [u8; 8],
}

impl Delimiters {
    /// With this sign between the columns, and Hive's own between all else.
    pub(crate) fn of_field(field: u8) -> Self {
        Self { levels: [field, 2, 3, 4, 5, 6, 7, 8] }
    }

    /// Of a SerDe with these parameters.
    ///
    /// # Errors
    /// One of them is not a single character, or something is set that is not read here.
    pub(crate) fn of_serde(parameters: &BTreeMap<String, String>) -> Result<Self, String> {
        const UNREAD: [&str; 4] =
            ["escape.delim", "line.delim", "serialization.null.format", "serialization.last.column.takes.rest"];
        let is_usual = |name: &str, value: &str| match name {
            "line.delim" => value == "\n",
            "serialization.null.format" => value == NULL,
            _ => false,
        };
        let set = UNREAD.iter().find(|name| parameters.get(**name).is_some_and(|value| !is_usual(name, value)));
        if let Some(name) = set {
            return Err(format!("the SerDe's parameter {name} is not supported by the stand-in"));
        }
        let mut delimiters = Self::of_field(1);
        let names = [
            (0, "field.delim"),
            (0, "serialization.format"),
            (1, "collection.delim"),
            (1, "colelction.delim"),
            (2, "mapkey.delim"),
        ];
        for (level, name) in names.iter().rev() {
            if let Some(text) = parameters.get(*name) {
                delimiters.levels[*level] = sign(text)
                    .ok_or_else(|| format!("the SerDe's parameter {name} is {text:?}: one character is expected"))?;
            }
        }
        Ok(delimiters)
    }

    /// The sign between values that are nested this deep; the columns are at 0.
    pub(crate) fn at(&self, level: usize) -> Option<u8> {
        self.levels.get(level).copied()
    }

    /// The values of a line's columns.
    pub(crate) fn columns<'a>(&self, line: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let field = self.levels[0];
        line.split(move |byte| *byte == field)
    }

    /// A value as JSON; nothing of a null.
    pub(crate) fn json(&self, value: &[u8], data_type: &DataType, level: usize) -> Option<Vec<u8>> {
        if value == NULL.as_bytes() {
            return None;
        }
        let text = String::from_utf8_lossy(value);
        let Some(sign) = self.at(level) else { return Some(quoted(&text)) };
        let parts = |kinds: &mut dyn Iterator<Item = &DataType>| {
            let parts = value.split(|byte| *byte == sign).zip(kinds);
            let parts = parts.map(|(part, kind)| self.json(part, kind, level + 1).unwrap_or_else(|| b"null".to_vec()));
            [b"[", parts.collect::<Vec<_>>().join(&b',').as_slice(), b"]"].concat()
        };
        Some(match data_type {
            DataType::List(_) if value.is_empty() => b"[]".to_vec(),
            DataType::List(item) => parts(&mut std::iter::repeat(item.data_type())),
            DataType::Struct(fields) => parts(&mut fields.iter().map(|field| field.data_type())),
            _ => quoted(&text),
        })
    }
}

fn quoted(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("a text is JSON")
}

/// A character, or the number of one.
fn sign(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [sign] if !sign.is_ascii_digit() => Some(*sign),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hive::arrow_type;

    #[test]
    fn values_are_read_by_the_signs_between_them() {
        let delimiters = Delimiters::of_field(b'|');
        let columns: Vec<_> = delimiters.columns(b"1|a b||\\N").collect();
        assert_eq!(columns, [&b"1"[..], b"a b", b"", b"\\N"]);
        let of = |text: &[u8], kind: &str| {
            let json = delimiters.json(text, &arrow_type(kind).expect("a type"), 1);
            json.map(|json| String::from_utf8(json).expect("UTF-8"))
        };
        assert_eq!(of(b"\\N", "int"), None);
        assert_eq!(of(b"a\"b", "string").as_deref(), Some("\"a\\\"b\""));
        assert_eq!(of(b"1\x022", "array<int>").as_deref(), Some("[\"1\",\"2\"]"));
        assert_eq!(
            of(b"1\x03x\x022\x03\\N", "array<struct<a:int,b:string>>").as_deref(),
            Some("[[\"1\",\"x\"],[\"2\",null]]")
        );
    }

    #[test]
    fn parameters_say_which_signs() {
        let of = |pairs: &[(&str, &str)]| {
            Delimiters::of_serde(&pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
        };
        assert_eq!(of(&[]), Ok(Delimiters::of_field(1)));
        assert_eq!(of(&[("field.delim", ","), ("serialization.format", ",")]), Ok(Delimiters::of_field(b',')));
        assert_eq!(of(&[("serialization.format", "1")]), Ok(Delimiters::of_field(1)));
        assert!(of(&[("field.delim", "ab")]).is_err() && of(&[("escape.delim", "\\")]).is_err());
    }
}
