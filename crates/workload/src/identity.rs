//! What tells one document from another.

mod kinds;

use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use demo_formats::schema::FieldPath;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

pub use self::kinds::KindKeys;
use super::Key;

const NULL: &str = "null";
/// Bytes of a line that stand for it in a message.
const SHOWN_BYTES: usize = 80;

/// What a document is told by, in eight bytes, so that tens of millions can be compared in memory. Of `store_sales` its
/// packed [`Key`]; of others a hash, which two in ten million different documents share with a chance of 1 in 400,000.
/// Hashes hold within one process only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

/// By what the documents of a workload are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By ticket and item: every document is another.
    StoreSales,
    /// By the values of these fields, compared as text: whole numbers or texts. Documents may share them.
    Fields(Vec<FieldPath>),
    /// By their kind, which they say at the top, and by the values of its own fields, as in `Fields`.
    Kinds(KindKeys),
    /// By every byte before the newline. Documents may be equal.
    Line,
}

/// Why a document has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It is not what is told apart here.
    #[error("{0}")]
    NotADocument(#[from] serde_json::Error),
    /// A field of the key is not there.
    #[error("the key field `{0}` is not there")]
    Missing(FieldPath),
    /// A field of the key holds what no key can be.
    #[error("the key field `{field}` is {found}; a key is a whole number or a text")]
    Kind {
        /// The field.
        field: FieldPath,
        /// For example `a number with decimals (1.5)`.
        found: String,
    },
    /// It says that it is of a kind that there is not.
    #[error("there is no kind `{0}`")]
    UnknownKind(String),
    /// Whole lines are told apart by themselves, not by values.
    #[error("documents that are told apart by their whole line have no key")]
    NoKey,
}

impl IdentityError {
    /// Whether a field of the key is not there, or is null.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            Self::Kind { found, .. } => found == NULL,
            Self::NotADocument(_) | Self::UnknownKind(_) | Self::NoKey => false,
        }
    }
}

impl Identity {
    /// By the fields of a declared key, else by the whole line.
    pub fn declared(key: Option<&[FieldPath]>) -> Self {
        key.map_or(Self::Line, |key| Self::Fields(key.to_vec()))
    }

    /// Of a document with or without its newline.
    ///
    /// # Errors
    /// It is not one JSON object, or lacks a key.
    pub fn of_document(&self, document: &[u8]) -> Result<Id, IdentityError> {
        match self {
            Self::StoreSales => Ok(sale(document)?.into()),
            Self::Fields(_) | Self::Kinds(_) => Ok(hashed(&self.texts(document)?)),
            Self::Line => Ok(line(document)),
        }
    }

    /// Of a key's values in the order of [`Identity::fields`], as an item or a row has them.
    ///
    /// # Errors
    /// A value is no key, or documents here have none.
    pub fn of_values(&self, values: &[Value]) -> Result<Id, IdentityError> {
        if let Self::Kinds(kinds) = self {
            let kind = values.first().and_then(Value::as_str).unwrap_or_default();
            let named = kinds.of_kind(kind, values)?.into_iter();
            let texts: Vec<_> = named.map(|(field, value)| text_of(&field, value)).collect::<Result<_, _>>()?;
            return Ok(hashed(&texts));
        }
        let named = self.fields().into_iter().zip(values);
        let texts: Vec<_> = named.map(|(field, value)| text_of(&field, value)).collect::<Result<_, _>>()?;
        self.of_texts(&texts)
    }

    /// Of a key's values in the order of [`Identity::fields`], as their texts: digits of a number, or a text itself.
    ///
    /// # Errors
    /// Documents here have no key, or of `store_sales`, a text is no number.
    pub fn of_texts(&self, texts: &[impl AsRef<str>]) -> Result<Id, IdentityError> {
        let number = |index: usize| {
            let text = texts.get(index).map_or("", AsRef::as_ref);
            serde_json::from_str::<u64>(text)
        };
        match self {
            Self::StoreSales => Ok(Key { ticket: number(0)?, item: number(1)? }.into()),
            Self::Fields(_) => Ok(hashed(texts)),
            Self::Kinds(kinds) => {
                let kind = texts.first().map_or("", AsRef::as_ref);
                let texts: Vec<_> = kinds.of_kind(kind, texts)?.into_iter().map(|(_, text)| text).collect();
                Ok(hashed(&texts))
            }
            Self::Line => Err(IdentityError::NoKey),
        }
    }

    /// The fields of the key; none where the whole line is.
    pub fn fields(&self) -> Vec<FieldPath> {
        match self {
            Self::StoreSales => ["ss_ticket_number", "ss_item_sk"].map(|name| FieldPath(vec![name.to_owned()])).into(),
            Self::Fields(fields) => fields.clone(),
            Self::Kinds(kinds) => kinds.fields(),
            Self::Line => Vec::new(),
        }
    }

    /// The kinds whose key has this field, where others have not: in documents of those, the field says nothing of which
    /// document it is.
    pub fn kinds_with(&self, field: &FieldPath) -> Option<Vec<&str>> {
        match self {
            Self::Kinds(kinds) => kinds.with(field),
            Self::StoreSales | Self::Fields(_) | Self::Line => None,
        }
    }

    /// The fields of a document's key.
    fn fields_of(&self, document: &[u8]) -> Result<Vec<FieldPath>, IdentityError> {
        match self {
            Self::Kinds(kinds) => kinds.fields_of(&key_text(document, KindKeys::kind())?),
            Self::StoreSales | Self::Fields(_) | Self::Line => Ok(self.fields()),
        }
    }

    /// The values of the key's fields, as text.
    ///
    /// # Errors
    /// It is not one JSON object, or lacks a key.
    pub fn texts<'a>(&self, document: &'a [u8]) -> Result<Vec<Cow<'a, str>>, IdentityError> {
        self.fields_of(document)?.into_iter().map(|field| key_text(document, field)).collect()
    }

    /// A document as a person would name it: by its key, or by how its line begins.
    pub fn name(&self, document: &[u8]) -> String {
        let texts = self.texts(document).unwrap_or_default();
        let fields = self.fields_of(document).unwrap_or_default();
        let named: Vec<_> = fields.iter().zip(&texts).map(|(field, text)| format!("{field} {text}")).collect();
        if named.is_empty() { shortened(document) } else { named.join(", ") }
    }
}

/// The ticket and the item of a sale.
fn sale(document: &[u8]) -> serde_json::Result<Key> {
    #[derive(Deserialize)]
    struct Fields {
        ss_ticket_number: u64,
        ss_item_sk: u64,
    }
    let fields: Fields = serde_json::from_slice(document)?;
    Ok(Key { ticket: fields.ss_ticket_number, item: fields.ss_item_sk })
}

fn line(document: &[u8]) -> Id {
    hashed_by(|hasher| document.strip_suffix(b"\n").unwrap_or(document).hash(hasher))
}

fn hashed(texts: &[impl AsRef<str>]) -> Id {
    hashed_by(|hasher| texts.iter().for_each(|text| text.as_ref().hash(hasher)))
}

fn hashed_by(feed: impl FnOnce(&mut DefaultHasher)) -> Id {
    let mut hasher = DefaultHasher::new();
    feed(&mut hasher);
    Id(hasher.finish())
}

fn text_of(field: &FieldPath, value: &Value) -> Result<String, IdentityError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => written_text(field, &other.to_string()).map(Cow::into_owned),
    }
}

fn key_text(document: &[u8], field: FieldPath) -> Result<Cow<'_, str>, IdentityError> {
    match find(document, &field.0)? {
        Some(raw) => written_text(&field, raw.get()),
        None => Err(IdentityError::Missing(field)),
    }
}

/// A key's value from how it is written in JSON.
fn written_text<'a>(field: &FieldPath, json: &'a str) -> Result<Cow<'a, str>, IdentityError> {
    let refused = |found: String| Err(IdentityError::Kind { field: field.clone(), found });
    match json.as_bytes().first() {
        Some(b'"') => Ok(Cow::Owned(serde_json::from_str(json)?)),
        Some(b'-' | b'0'..=b'9') if json.contains(['.', 'e', 'E']) => {
            refused(format!("a number with decimals ({json})"))
        }
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(if json == "-0" { "0" } else { json })),
        Some(b'{') => refused("an object".to_owned()),
        Some(b'[') => refused("a list".to_owned()),
        _ => refused(json.to_owned()),
    }
}

/// The value at a path of a document, as it is written.
///
/// # Errors
/// It is not one JSON object.
pub fn field_at<'a>(document: &'a [u8], field: &FieldPath) -> serde_json::Result<Option<&'a str>> {
    Ok(find(document, &field.0)?.map(RawValue::get))
}

/// The value at a path, as it is written; the last one where a key is there twice.
fn find<'a>(document: &'a [u8], path: &[String]) -> serde_json::Result<Option<&'a RawValue>> {
    let Some((outer, inner)) = path.split_first() else { return Ok(None) };
    let mut reader = serde_json::Deserializer::from_slice(document);
    let found = Pick(outer).deserialize(&mut reader)?;
    reader.end()?;
    match found {
        Some(raw) if !inner.is_empty() && raw.get().starts_with('{') => find(raw.get().as_bytes(), inner),
        found => Ok(found.filter(|_| inner.is_empty())),
    }
}

/// Takes the value of one key out of an object.
struct Pick<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the one.
struct Is<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

fn shortened(document: &[u8]) -> String {
    let text = String::from_utf8_lossy(document);
    let text = text.trim_end();
    match text.char_indices().find(|(at, _)| *at >= SHOWN_BYTES) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn by(paths: &[&str]) -> Identity {
        let path = |path: &&str| FieldPath(path.split('.').map(str::to_owned).collect());
        Identity::Fields(paths.iter().map(path).collect())
    }

    #[test]
    fn a_sale_is_told_by_ticket_and_item() {
        let document = b"{\"ss_item_sk\":7,\"x\":{\"ss_item_sk\":null},\"ss_ticket_number\":1}\n";
        let id = Identity::StoreSales.of_document(document).expect("a sale");
        assert_eq!(Key::from(id), Key { ticket: 1, item: 7 });
        assert_eq!(Identity::StoreSales.of_texts(&["1", "7"]).expect("numbers"), id);
        assert_eq!(Identity::StoreSales.of_values(&[json!(1), json!("7")]).expect("numbers"), id);
        assert!(Identity::StoreSales.of_texts(&["1"]).is_err() && Identity::StoreSales.of_texts(&["x", "7"]).is_err());
        assert_eq!(Identity::StoreSales.name(document), "ss_ticket_number 1, ss_item_sk 7");
    }

    #[test]
    fn a_document_a_row_and_an_item_of_the_same_key_are_the_same() {
        let identity = by(&["id", "customer.region"]);
        let document =
            br#"{"customer":{"x":[{"region":"a"}],"region":"e\u0075\n"}, "n":1, "id": 12345678901234567890123}"#;
        let id = identity.of_document(document).expect("a key");
        assert_eq!(identity.of_texts(&["12345678901234567890123", "eu\n"]).expect("texts"), id);
        let swapped = identity.of_texts(&["eu\n", "12345678901234567890123"]).expect("texts");
        assert_ne!(swapped, id, "the order of fields counts");
        assert_ne!(by(&["a", "b"]).of_texts(&["1", "23"]).ok(), by(&["a", "b"]).of_texts(&["12", "3"]).ok());
        let id = by(&["id"]).of_document(br#"{"id":17}"#).expect("a key");
        assert_eq!(by(&["id"]).of_values(&[json!(17)]).expect("a number"), id);
        assert_eq!(by(&["id"]).of_values(&[json!("17")]).expect("a text"), id);
    }

    #[test]
    fn kinds_are_told_apart_by_themselves_and_each_by_its_own_key() {
        let path = |name: &str| FieldPath(vec![name.to_owned()]);
        let identity = Identity::Kinds(KindKeys(vec![
            ("customers".to_owned(), vec![path("id")]),
            ("orders".to_owned(), vec![path("id"), path("status")]),
        ]));
        assert_eq!(identity.fields(), ["kind", "id", "status"].map(path));
        let id = |document: &str| identity.of_document(document.as_bytes()).expect("a key");
        let customer = id(r#"{"kind":"customers","id":1,"status":"gold"}"#);
        assert_eq!(customer, id(r#"{"kind":"customers","id":1}"#), "a customer's status is not in its key");
        let order = id(r#"{"kind":"orders","id":1,"status":"gold"}"#);
        assert_ne!(customer, order);
        assert_ne!(order, id(r#"{"kind":"orders","id":1,"status":"paid"}"#));
        assert_eq!(identity.of_texts(&["orders", "1", "gold"]).expect("a row"), order);
        assert_eq!(identity.of_texts(&["customers", "1", ""]).expect("a row"), customer);
        assert_eq!(identity.of_values(&[json!("orders"), json!(1), json!("gold")]).expect("values"), order);
        assert_eq!(identity.of_values(&[json!("customers"), json!(1), json!(null)]).expect("values"), customer);
        assert_eq!(identity.kinds_with(&path("status")), Some(vec!["orders"]));
        assert_eq!((identity.kinds_with(&path("id")), identity.kinds_with(&path("kind"))), (None, None));
        let said = |document: &[u8]| identity.of_document(document).expect_err("no key").to_string();
        assert_eq!(said(br#"{"kind":"shops","id":1}"#), "there is no kind `shops`");
        assert_eq!(said(br#"{"id":1}"#), "the key field `kind` is not there");
        assert_eq!(said(br#"{"kind":"orders","id":1}"#), "the key field `status` is not there");
        let name = identity.name(br#"{"kind":"orders","id":1,"status":"paid"}"#);
        assert_eq!(name, "kind orders, id 1, status paid");
    }

    #[test]
    fn what_is_no_key_is_said() {
        let said = |document: &str| by(&["a.b"]).of_document(document.as_bytes()).expect_err("no key").to_string();
        assert_eq!(said(r#"{"a":{"c":1}}"#), "the key field `a.b` is not there");
        assert_eq!(said(r#"{"a":1}"#), "the key field `a.b` is not there");
        for (value, found) in [
            ("1.5", "a number with decimals (1.5)"),
            ("1e3", "a number with decimals (1e3)"),
            ("null", "null"),
            ("true", "true"),
            ("{}", "an object"),
            ("[1]", "a list"),
        ] {
            let message = said(&format!(r#"{{"a":{{"b":{value}}}}}"#));
            assert_eq!(message, format!("the key field `a.b` is {found}; a key is a whole number or a text"));
        }
        assert!(said("[1]").contains("a JSON object"), "{}", said("[1]"));
        assert!(said(r#"{"a":{"b":1}} {}"#).contains("trailing"));
        assert!(matches!(Identity::Line.of_texts(&["1"]), Err(IdentityError::NoKey)));
    }

    #[test]
    fn a_field_that_is_not_there_or_null_is_absent() {
        let absent = |document: &str| by(&["a"]).texts(document.as_bytes()).expect_err("no key").is_absence();
        assert!(absent("{}") && absent("{\"a\":null}"));
        assert!(!absent("{\"a\":1.5}") && !absent("[]"));
    }

    #[test]
    fn lines_are_told_by_their_bytes_without_the_newline() {
        let id = |text: &str| Identity::Line.of_document(text.as_bytes()).expect("any line");
        assert_eq!(id("{\"a\":1}\n"), id("{\"a\":1}"));
        assert_ne!(id("{\"a\":1}"), id("{\"a\": 1}"));
        let long = format!("{{\"a\":\"{}\"}}\n", "ä".repeat(60));
        assert!(Identity::Line.name(long.as_bytes()).ends_with("ä…"));
        assert_eq!(Identity::Line.name(b"{\"a\":1}\n"), "{\"a\":1}");
    }
}
