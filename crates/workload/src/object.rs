//! JSON objects, checked and made compact as text.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// Whether a text is one JSON object, no deeper than those who read it later follow.
///
/// # Errors
/// Where it is not, and why.
pub(super) fn check(text: &[u8]) -> serde_json::Result<()> {
    check_as::<false>(text)
}

/// [`check`], and whether each object in it has each key once.
///
/// # Errors
/// Where it is not, and why.
pub(super) fn check_unique(text: &[u8]) -> serde_json::Result<()> {
    check_as::<true>(text)
}

fn check_as<const UNIQUE: bool>(text: &[u8]) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.deserialize_map(Object::<UNIQUE>)?;
    reader.end()
}

/// Appends a JSON text that was checked, without the white space between its parts.
pub(super) fn compact(json: &[u8], out: &mut Vec<u8>) {
    let (mut inside, mut escaped) = (false, false);
    out.extend(json.iter().copied().filter(|byte| {
        let outside = !inside;
        match byte {
            b'"' if !escaped => inside = !inside,
            b' ' | b'\n' | b'\r' | b'\t' if outside => return false,
            _ => {}
        }
        escaped = inside && *byte == b'\\' && !escaped;
        true
    }));
}

/// Reads an object's fields and forgets them; with `UNIQUE`, no key may be there twice.
struct Object<const UNIQUE: bool>;

impl<'de, const UNIQUE: bool> Visitor<'de> for Object<UNIQUE> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if !UNIQUE {
            while map.next_entry::<Any<UNIQUE>, Any<UNIQUE>>()?.is_some() {}
            return Ok(());
        }
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Any<UNIQUE>>()?;
            if let Some(key) = keys.replace(key) {
                return Err(A::Error::custom(format!("`{key}` is twice in one object")));
            }
        }
        Ok(())
    }
}

/// Any JSON value, read and forgotten. Unlike serde's `IgnoredAny` it goes no deeper than serde_json does when something
/// is made of the value.
struct Any<const UNIQUE: bool>;

impl<'de, const UNIQUE: bool> Deserialize<'de> for Any<UNIQUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de, const UNIQUE: bool> Visitor<'de> for Any<UNIQUE> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self, A::Error> {
        Object::<UNIQUE>.visit_map(map)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_object_passes() {
        for text in ["{}", " {\"a\": [1, -2.5, true, null, {\"b\": \"\\u00e4\"}]} \n"] {
            check(text.as_bytes()).expect("an object");
        }
        for text in ["", "5", "[]", "{\"a\":1", "{} {}", "{\"a\":\"\u{1}\"}", "{\"a\":01}", "{'a':1}"] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        assert!(check(deep.as_bytes()).expect_err("too deep").to_string().contains("recursion limit"));
    }

    #[test]
    fn a_key_may_be_unique_in_each_object() {
        for text in [r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#, "{}"] {
            check_unique(text.as_bytes()).expect("each key once");
        }
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"\u0061":2}]}"#, r#"{"b":{"a":{},"c":1,"a":{}}}"#] {
            check(text.as_bytes()).expect("an object");
            let why = check_unique(text.as_bytes()).expect_err("twice").to_string();
            assert!(why.starts_with("`a` is twice in one object at line 1 column "), "{why}");
        }
    }

    #[test]
    fn white_space_goes_where_it_says_nothing() {
        let mut out = Vec::new();
        compact(b" {\r\n\t\"a b\" : \" x \\\" y \\\\\" , \"c\": [ 1 , 2 ] }\n", &mut out);
        assert_eq!(String::from_utf8_lossy(&out), r#"{"a b":" x \" y \\","c":[1,2]}"#);
    }
}
