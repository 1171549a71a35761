//! How a document becomes imperfect.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The field that no schema has.
pub(super) const UNKNOWN: &str = "demo_unexpected";
/// The field that makes a document too long.
const PADDING: &str = "demo_padding";

/// No JSON: cut short, a bare word, or with a byte that is no UTF-8 in place of its first quote, as `choice` says.
pub(super) fn broken(document: &[u8], choice: u64, number: u64) -> Vec<u8> {
    let text = document.trim_ascii();
    let quote = text.iter().position(|byte| *byte == b'"');
    match (choice % 3, quote) {
        (0, _) => ended(&text[..(text.len() / 2).max(1)]),
        (1, Some(quote)) => ended(&[&text[..quote], b"\xff", &text[quote + 1..]].concat()),
        _ => format!("document-{number}-is-no-json\n").into_bytes(),
    }
}

/// With a value for a field, in place of the one that it may have.
pub(super) fn with(document: &[u8], field: &str, json: &str) -> Vec<u8> {
    let mut members = Members::of(document);
    match members.0.iter_mut().find(|(name, _)| name == field) {
        Some((_, value)) => *value = json,
        None => members.0.push((field.to_owned(), json)),
    }
    members.written()
}

pub(super) fn without(document: &[u8], field: &str) -> Vec<u8> {
    let mut members = Members::of(document);
    members.0.retain(|(name, _)| name != field);
    members.written()
}

/// Longer than a record may be.
pub(super) fn longer(document: &[u8], than: usize) -> Vec<u8> {
    let unpadded = with(document, PADDING, "\"\"").len();
    let lacking = (than + 1).saturating_sub(unpadded);
    with(document, PADDING, &format!("\"{}\"", "x".repeat(lacking)))
}

fn ended(line: &[u8]) -> Vec<u8> {
    [line, b"\n"].concat()
}

/// The fields of an object in their order, each value as it is written.
struct Members<'a>(Vec<(String, &'a str)>);

impl<'a> Members<'a> {
    /// Of a document that a workload made: it is an object.
    fn of(document: &'a [u8]) -> Self {
        serde_json::from_slice(document).expect("a workload makes objects")
    }

    fn written(&self) -> Vec<u8> {
        let member = |(name, value): &(String, &str)| format!("{}:{value}", serde_json::Value::from(name.as_str()));
        format!("{{{}}}\n", self.0.iter().map(member).collect::<Vec<_>>().join(",")).into_bytes()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((name, value.get()));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &[u8] = b"{\"id\":7,\"a \\\"b\":[1, 2],\"price\":1.50}\n";

    fn text(document: Vec<u8>) -> String {
        String::from_utf8(document).expect("text")
    }

    #[test]
    fn one_field_changes_and_the_others_stay_as_they_are_written() {
        let n_a = "\"n/a\"";
        assert_eq!(text(with(DOCUMENT, "price", n_a)), "{\"id\":7,\"a \\\"b\":[1, 2],\"price\":\"n/a\"}\n");
        assert_eq!(text(with(b"{}\n", "price", n_a)), "{\"price\":\"n/a\"}\n");
        assert_eq!(text(without(DOCUMENT, "a \"b")), "{\"id\":7,\"price\":1.50}\n");
        assert_eq!(text(without(DOCUMENT, "none")).as_bytes(), DOCUMENT);
    }

    #[test]
    fn what_is_broken_is_no_json_and_one_line() {
        for document in [DOCUMENT, b"{}\n", b"                         {\"id\":7}\n"] {
            let all: Vec<Vec<u8>> = (0..3).map(|choice| broken(document, choice, 9)).collect();
            for line in &all {
                assert!(serde_json::from_slice::<serde_json::Value>(line).is_err(), "{line:?}");
                assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "{line:?}");
            }
            assert!(all[0].starts_with(b"{") && all[2] == b"document-9-is-no-json\n");
        }
        assert!(std::str::from_utf8(&broken(DOCUMENT, 1, 9)).is_err());
    }

    #[test]
    fn an_oversize_document_is_just_too_long() {
        let spaced = format!("  {{\"id\" :   7{} }}\n", " ".repeat(500));
        for (document, most) in [(DOCUMENT, 100), (DOCUMENT, 1 << 20), (spaced.as_bytes(), 1 << 10)] {
            assert_eq!(longer(document, most).len(), most + 1);
        }
    }
}
