//! From a document to an item, without a binary floating-point number on the way.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use kinesis_aggregation::AggregatedError;
use serde_json::value::RawValue;

use super::{
    number::{self, NumberError},
    table_key::{KIND_KEY, TableKey},
};

/// The attribute that says when an item was sent to the table: milliseconds since 1970.
pub const PROCESSED: &str = "processed";
/// The attribute that says when the stream took the record: milliseconds since 1970.
pub const ARRIVED: &str = "arrived";

/// The largest item, names and values (DynamoDB developer guide, "Quotas").
const ITEM_BYTES: usize = 400 * 1024;
/// DynamoDB developer guide, "Quotas": 32 levels of nesting; a hash key of 2,048 bytes and a range key of 1,024.
const LEVELS: usize = 32;
const KEY_BYTES: [usize; 2] = [2048, 1024];
/// What a list or a map takes beside what is in it, and each entry of it (the same guide, "Item sizes").
const CONTAINER_BYTES: usize = 3;
const ENTRY_BYTES: usize = 1;

/// Why a record cannot become an item. Never says what the document holds, so that equal reasons are equal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It was packed wrongly.
    #[error(transparent)]
    Aggregated(#[from] AggregatedError),
    /// It is something else.
    #[error("not a JSON object")]
    NotJson,
    /// The table has a key that the document lacks.
    #[error("key {0} is missing")]
    KeyMissing(String),
    /// A float, null, a struct…
    #[error("key {0} is neither a whole number nor text")]
    KeyKind(String),
    /// DynamoDB takes no empty key.
    #[error("key {0} is empty")]
    KeyEmpty(String),
    /// DynamoDB takes no longer one.
    #[error("key {name} has more than {most} bytes")]
    KeyLong {
        /// Which.
        name: String,
        /// How many it may have.
        most: usize,
    },
    /// It would not be the same number any more.
    #[error("number {field} {why}")]
    Number {
        /// Dotted names, positions in lists left out.
        field: String,
        /// What is wrong with it.
        why: NumberError,
    },
    /// The table has no such kind.
    #[error("field kind is none of the kinds that the table has")]
    Kind,
    /// The field would be written over.
    #[error("field {0} of the document has the name of an attribute that is added")]
    Reserved(&'static str),
    /// DynamoDB takes no such name.
    #[error("a field has an empty name")]
    Nameless,
    /// DynamoDB takes no deeper one.
    #[error("nested more than {LEVELS} levels deep")]
    Deep,
    /// DynamoDB takes no larger one.
    #[error("the item is larger than 400 KB")]
    Large,
}

/// A whole number or a text, told apart; equal where DynamoDB finds two keys equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(Vec<(char, String)>);

/// Attributes of one item; [`PROCESSED`] is not among them yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) attributes: HashMap<String, AttributeValue>,
    /// As DynamoDB counts it.
    pub(super) bytes: usize,
}

impl Item {
    /// The item of a document in a table with this key.
    pub(super) fn of(document: &[u8], table_key: &TableKey, arrived: i64) -> Result<Self, Unfit> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(document).map_err(|_| Unfit::NotJson)?;
        let key_attribute = table_key.attributes().contains(&KIND_KEY).then_some(KIND_KEY);
        let mut added = [PROCESSED, ARRIVED].into_iter().chain(key_attribute);
        if let Some(name) = added.find(|name| fields.contains_key(*name)) {
            return Err(Unfit::Reserved(name));
        }
        let (mut attributes, mut bytes) = map(fields, 0)?;
        if let Some(text) = table_key.added(&attributes)? {
            bytes += KIND_KEY.len() + text.len();
            attributes.insert(KIND_KEY.to_owned(), AttributeValue::S(text));
        }
        let key = Key::of(&attributes, &table_key.attributes())?;
        let time = AttributeValue::N(arrived.to_string());
        attributes.insert(ARRIVED.to_owned(), time);
        bytes += 2 * (PROCESSED.len() + size_of_number(arrived.to_string().len()));
        if bytes > ITEM_BYTES {
            return Err(Unfit::Large);
        }
        Ok(Self { key, attributes, bytes })
    }
}

impl Key {
    /// Of an item with these attributes.
    pub(super) fn of(attributes: &HashMap<String, AttributeValue>, names: &[&str]) -> Result<Self, Unfit> {
        let owned = |name: &str| name.to_owned();
        let parts = names.iter().zip(KEY_BYTES).map(|(name, most)| match attributes.get(*name) {
            None => Err(Unfit::KeyMissing(owned(name))),
            Some(AttributeValue::S(text)) if text.is_empty() => Err(Unfit::KeyEmpty(owned(name))),
            Some(AttributeValue::S(text)) if text.len() > most => Err(Unfit::KeyLong { name: owned(name), most }),
            Some(AttributeValue::S(text)) => Ok(('S', text.clone())),
            Some(AttributeValue::N(zero)) if zero == "-0" => Ok(('N', "0".to_owned())),
            Some(AttributeValue::N(number)) if number::is_whole(number) => Ok(('N', number.clone())),
            Some(_) => Err(Unfit::KeyKind(owned(name))),
        });
        Ok(Self(parts.collect::<Result<_, _>>()?))
    }

    pub(super) fn into_values(self) -> Vec<String> {
        self.0.into_iter().map(|(_, value)| value).collect()
    }
}

/// A value and how many bytes DynamoDB counts for it.
fn value(raw: &RawValue, level: usize) -> Result<(AttributeValue, usize), Unfit> {
    let token = raw.get();
    let not_json = |_| Unfit::NotJson;
    match token.as_bytes().first() {
        Some(b'{' | b'[') if level > LEVELS => Err(Unfit::Deep),
        Some(b'{') => {
            let (fields, bytes) = map(serde_json::from_str(token).map_err(not_json)?, level)?;
            Ok((AttributeValue::M(fields), bytes + CONTAINER_BYTES))
        }
        Some(b'[') => list(serde_json::from_str(token).map_err(not_json)?, level),
        Some(b'"') => {
            let text: String = serde_json::from_str(token).map_err(not_json)?;
            let bytes = text.len();
            Ok((AttributeValue::S(text), bytes))
        }
        Some(b't') => Ok((AttributeValue::Bool(true), 1)),
        Some(b'f') => Ok((AttributeValue::Bool(false), 1)),
        Some(b'n') => Ok((AttributeValue::Null(true), 1)),
        _ => {
            let why = |why| Unfit::Number { field: String::new(), why };
            let digits = number::significant(token).map_err(why)?;
            Ok((AttributeValue::N(token.to_owned()), size_of_number(digits)))
        }
    }
}

fn map(fields: BTreeMap<String, &RawValue>, level: usize) -> Result<(HashMap<String, AttributeValue>, usize), Unfit> {
    let (mut attributes, mut bytes) = (HashMap::with_capacity(fields.len()), 0);
    for (name, raw) in fields {
        if name.is_empty() {
            return Err(Unfit::Nameless);
        }
        let (attribute, size) = value(raw, level + 1).map_err(|unfit| unfit.below(&name))?;
        bytes += name.len() + size + if level > 0 { ENTRY_BYTES } else { 0 };
        attributes.insert(name, attribute);
    }
    Ok((attributes, bytes))
}

fn list(entries: Vec<&RawValue>, level: usize) -> Result<(AttributeValue, usize), Unfit> {
    let (mut attributes, mut bytes) = (Vec::with_capacity(entries.len()), CONTAINER_BYTES);
    for raw in entries {
        let (attribute, size) = value(raw, level + 1)?;
        bytes += size + ENTRY_BYTES;
        attributes.push(attribute);
    }
    Ok((AttributeValue::L(attributes), bytes))
}

/// Two digits in a byte, and one for the sign and the exponent.
fn size_of_number(digits: usize) -> usize {
    digits.div_ceil(2) + 1
}

impl Unfit {
    /// The same, of a field that lies in `name`.
    fn below(self, name: &str) -> Self {
        match self {
            Self::Number { field, why } if field.is_empty() => Self::Number { field: name.to_owned(), why },
            Self::Number { field, why } => Self::Number { field: format!("{name}.{field}"), why },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(document: &str) -> Result<Item, Unfit> {
        Item::of(document.as_bytes(), &TableKey::Fields(vec!["id".to_owned()]), 1_764_000_000_000)
    }

    #[test]
    fn every_kind_of_value_has_its_attribute() {
        let document = r#" {"id": 7, "text": "a\u00e9\"", "none": null, "yes": true, "no": false,
            "list": [1, "x", []], "struct": {"deep": {"n": -1.50}}, "empty": ""} "#;
        let attributes = item(document).expect("an item").attributes;
        let n = |digits: &str| AttributeValue::N(digits.to_owned());
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let m = |name: &str, value| AttributeValue::M(HashMap::from([(name.to_owned(), value)]));
        let expected = [
            ("id", n("7")),
            ("text", s("aé\"")),
            ("none", AttributeValue::Null(true)),
            ("yes", AttributeValue::Bool(true)),
            ("no", AttributeValue::Bool(false)),
            ("list", AttributeValue::L(vec![n("1"), s("x"), AttributeValue::L(Vec::new())])),
            ("struct", m("deep", m("n", n("-1.50")))),
            ("empty", s("")),
            (ARRIVED, n("1764000000000")),
        ];
        assert_eq!(attributes, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn numbers_keep_their_digits() {
        for digits in ["12345678901234567890123456789012345678", "0.1", "1.10", "9007199254740993", "3e-7", "2E+5"] {
            let found = item(&format!(r#"{{"id": 1, "n": {digits}}}"#)).expect("an item");
            assert_eq!(found.attributes["n"], AttributeValue::N(digits.to_owned()));
        }
    }

    #[test]
    fn what_dynamodb_would_not_take_says_why() {
        let deep = |levels: usize| format!(r#"{{"id": 1, "d": {}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        let large = format!(r#"{{"id": 1, "t": "{}"}}"#, "x".repeat(ITEM_BYTES));
        let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(2049));
        let many = format!(r#"{{"id": 1, "a": {{"b": [{{"c": {}}}]}}}}"#, "1".repeat(39));
        for (document, why) in [
            ("not json", "not a JSON object"),
            ("[1]", "not a JSON object"),
            ("", "not a JSON object"),
            (r#"{"id": 1} {"id": 2}"#, "not a JSON object"),
            (r#"{"id": 1, "t": "\ud800"}"#, "not a JSON object"),
            (r#"{"a": 1}"#, "key id is missing"),
            (r#"{"id": null}"#, "key id is neither a whole number nor text"),
            (r#"{"id": 1.0}"#, "key id is neither a whole number nor text"),
            (r#"{"id": 1e3}"#, "key id is neither a whole number nor text"),
            (r#"{"id": ""}"#, "key id is empty"),
            (&long, "key id has more than 2048 bytes"),
            (&many, "number a.b.c has more than 38 digits"),
            (r#"{"id": 1, "n": 1e126}"#, "number n is not between 1E-130 and 9.99E+125"),
            (r#"{"id": 1, "arrived": 2}"#, "field arrived of the document has the name of an attribute that is added"),
            (r#"{"id": 1, "a": {"": 2}}"#, "a field has an empty name"),
            (&deep(33), "nested more than 32 levels deep"),
            (&large, "the item is larger than 400 KB"),
        ] {
            assert_eq!(item(document).map_err(|unfit| unfit.to_string()), Err(why.to_owned()));
        }
        assert!(item(&deep(32)).is_ok());
    }

    #[test]
    fn sizes_are_those_of_the_guide() {
        let bytes = |document| item(document).expect("an item").bytes;
        let empty = bytes(r#"{"id": 1}"#);
        assert_eq!(bytes(r#"{"id": 1, "abc": "four"}"#) - empty, 3 + 4);
        assert_eq!(bytes(r#"{"id": 1, "abc": 12.345}"#) - empty, 3 + 4);
        assert_eq!(bytes(r#"{"id": 1, "abc": [true, null]}"#) - empty, 3 + 3 + 2 + 2);
        assert_eq!(bytes(r#"{"id": 1, "abc": {"k": "vv"}}"#) - empty, 3 + 3 + 1 + 2 + 1);
    }

    #[test]
    fn keys_are_equal_where_dynamodb_finds_them_equal() {
        let key = |document| item(document).expect("an item").key;
        assert_eq!(key(r#"{"id": 0}"#), key(r#"{"id": -0}"#));
        assert_ne!(key(r#"{"id": 1}"#), key(r#"{"id": "1"}"#));
    }
}
