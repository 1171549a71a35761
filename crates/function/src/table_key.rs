//! What identifies an item of a table, and how a document's values become it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Key, Unfit};

/// The field that says of which kind a document is.
pub const KIND: &str = "kind";
/// The attribute that is added to items of several kinds: the values of the kind's key, as one text.
pub const KIND_KEY: &str = "kind_key";

/// Between the values of a [`KIND_KEY`] (DynamoDB developer guide, "Using sort keys to organize data").
const BETWEEN: char = '#';
const ESCAPE: char = '\\';

/// The key of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKey {
    /// Fields of every document: the partition key and, if there are two, the sort key.
    Fields(Vec<String>),
    /// Documents of several kinds in one table: [`KIND`] is the partition key, [`KIND_KEY`] the sort key. For each kind, the
    /// fields that identify its documents.
    Kinds(BTreeMap<String, Vec<String>>),
}

impl TableKey {
    /// The attributes of the key, the partition key first.
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            Self::Fields(names) => names.iter().map(String::as_str).collect(),
            Self::Kinds(_) => vec![KIND, KIND_KEY],
        }
    }

    /// What the key is made of: top-level fields of the documents, each once.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::Fields(_) => self.attributes(),
            Self::Kinds(kinds) => {
                let mut fields: Vec<&str> = kinds.values().flatten().map(String::as_str).collect();
                fields.push(KIND);
                fields.sort_unstable();
                fields.dedup();
                fields
            }
        }
    }

    /// From the text that [`Display`](std::fmt::Display) writes; none if it names no key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.starts_with('{') {
            let kinds: BTreeMap<String, Vec<String>> = serde_json::from_str(text).ok()?;
            let named = kinds.values().all(|key| !key.is_empty());
            return (named && !kinds.is_empty()).then_some(Self::Kinds(kinds));
        }
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        (names.len() <= 2 && names.iter().all(|name| !name.is_empty())).then_some(Self::Fields(names))
    }

    /// The attribute that is added for the key, if one is.
    pub(super) fn added(&self, attributes: &HashMap<String, AttributeValue>) -> Result<Option<String>, Unfit> {
        let Self::Kinds(kinds) = self else { return Ok(None) };
        let Some(AttributeValue::S(kind)) = attributes.get(KIND) else { return Err(Unfit::Kind) };
        let fields = kinds.get(kind).ok_or(Unfit::Kind)?;
        let values: Vec<String> = fields.iter().map(|field| part(attributes, field)).collect::<Result<_, _>>()?;
        Ok(Some(values.join(&BETWEEN.to_string())))
    }
}

impl std::fmt::Display for TableKey {
    /// As the function's environment has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fields(names) => f.write_str(&names.join(",")),
            Self::Kinds(kinds) => f.write_str(&serde_json::to_string(kinds).map_err(|_| std::fmt::Error)?),
        }
    }
}

/// The values of a document's key in a table with this one, the partition key first, as text.
///
/// # Errors
/// Why the document has none.
pub fn key_of(document: &[u8], key: &TableKey) -> Result<Vec<String>, String> {
    let item = super::Item::of(document, key, super::LATEST).map_err(|unfit| unfit.to_string())?;
    Ok(item.key.into_values())
}

fn part(attributes: &HashMap<String, AttributeValue>, field: &str) -> Result<String, Unfit> {
    let whole = Key::of(attributes, &[field])?;
    let mut escaped = String::new();
    for c in whole.into_values().into_iter().flat_map(|value| value.chars().collect::<Vec<_>>()) {
        if matches!(c, BETWEEN | ESCAPE) {
            escaped.push(ESCAPE);
        }
        escaped.push(c);
    }
    Ok(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds() -> TableKey {
        TableKey::parse(r#"{"customers":["id"],"orders":["id","status"]}"#).expect("a key")
    }

    #[test]
    fn a_key_reads_as_it_is_written() {
        let fields = TableKey::Fields(vec!["ticket".to_owned(), "item".to_owned()]);
        assert_eq!(TableKey::parse(&fields.to_string()), Some(fields));
        assert_eq!(TableKey::parse(&kinds().to_string()), Some(kinds()));
        for wrong in ["", "a,", "a,b,c", "{", "{}", r#"{"orders":[]}"#, r#"{"orders":"id"}"#] {
            assert_eq!(TableKey::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn values_of_a_kind_s_key_are_one_text_that_tells_them_apart() {
        let of = |document: &str| key_of(document.as_bytes(), &kinds());
        let is = |kind: &str, key: &str| Ok(vec![kind.to_owned(), key.to_owned()]);
        assert_eq!(of(r#"{"kind": "customers", "id": 7}"#), is("customers", "7"));
        assert_eq!(of(r#"{"kind": "orders", "id": 7, "status": "paid"}"#), is("orders", "7#paid"));
        assert_eq!(of(r##"{"kind": "orders", "id": "a#", "status": "b"}"##), is("orders", r"a\##b"));
        assert_eq!(of(r##"{"kind": "orders", "id": "a", "status": "#b"}"##), is("orders", r"a#\#b"));
        assert_eq!(of(r#"{"kind": "orders", "id": "a\\", "status": "b"}"#), is("orders", r"a\\#b"));
    }

    #[test]
    fn a_document_of_no_kind_or_without_its_key_has_none() {
        let of = |document: &str| key_of(document.as_bytes(), &kinds()).expect_err("no key");
        assert_eq!(of(r#"{"id": 7}"#), "field kind is none of the kinds that the table has");
        assert_eq!(of(r#"{"kind": "invoices", "id": 7}"#), "field kind is none of the kinds that the table has");
        assert_eq!(of(r#"{"kind": "orders", "id": 7}"#), "key status is missing");
        assert_eq!(
            of(r#"{"kind": "customers", "id": 7, "kind_key": 1}"#),
            "field kind_key of the document has the name of an attribute that is added"
        );
    }
}
