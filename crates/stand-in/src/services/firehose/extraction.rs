//! The partition of a record: `MetadataExtractionQuery`, an object of jq's with a filter for each key.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ServiceError, jq::Filter, refuse};

/// A parsed query.
#[derive(Debug)]
pub(super) struct Extraction {
    keys: Vec<(String, Filter)>,
}

impl Extraction {
    /// Parses a query such as `{customer:.id,region:(.place.region // "none")}`.
    pub(super) fn parse(query: &str) -> Result<Self, ServiceError> {
        match Filter::object(query) {
            Ok(keys) if !keys.is_empty() => Ok(Self { keys }),
            Ok(_) => Err(refuse::argument("MetadataExtractionQuery has no partition key.")),
            Err(why) => Err(refuse::argument(format!("MetadataExtractionQuery cannot be read: {why}"))),
        }
    }

    /// The names of the keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(key, _)| key.as_str())
    }

    /// The value of each key in a record, or why it has none.
    pub(super) fn values(&self, record: &[u8]) -> Result<BTreeMap<String, String>, String> {
        let document: Value = serde_json::from_slice(record).map_err(|_| "Non JSON record provided")?;
        let value = |(key, filter): &(String, Filter)| Ok((key.clone(), text(filter.apply(&document)?)?));
        self.keys.iter().map(value).collect()
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text),
        Value::String(_) | Value::Null => Err("partitionKeys values must not be null or empty".to_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err("partitionKeys values must be text, numbers or booleans".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_gets_its_text() {
        let query = r#"{item:.a.id,kind:(.a.kind | if . == null or . == "" then "none" else tostring | @uri end)}"#;
        let extraction = Extraction::parse(query).expect("a query");
        assert_eq!(extraction.keys().collect::<Vec<_>>(), ["item", "kind"]);
        for (record, item, kind) in [
            (r#"{"a":{"id":7,"kind":"Home/Garden & Ünique"}}"#, "7", "Home%2FGarden%20%26%20%C3%9Cnique"),
            ("{\"a\":{\"id\":\"x\",\"kind\":null}}\n", "x", "none"),
            (r#"{"a":{"id":1.50,"kind":""}}"#, "1.5", "none"),
            (r#"{"a":{"id":true}}"#, "true", "none"),
            (r#"{"a":{"id":false,"kind":0}}"#, "false", "0"),
        ] {
            let values = extraction.values(record.as_bytes()).expect(record);
            assert_eq!((values["item"].as_str(), values["kind"].as_str()), (item, kind), "{record}");
        }
    }

    #[test]
    fn what_has_no_value_says_so() {
        let extraction = Extraction::parse("{item:.a.id}").expect("a query");
        let why = |record: &str| extraction.values(record.as_bytes()).expect_err(record);
        assert_eq!(why("no json"), "Non JSON record provided");
        assert_eq!(why("{\"a\":{\"id\":1}}{\"a\":{\"id\":2}}"), "Non JSON record provided");
        for nothing in ["{}", "{\"a\":null}", "{\"a\":{\"id\":\"\"}}"] {
            assert_eq!(why(nothing), "partitionKeys values must not be null or empty");
        }
        assert_eq!(why("{\"a\":[]}"), "Cannot index array with \"id\"");
        assert!(why("{\"a\":{\"id\":{}}}").contains("must be text"));
    }
}
