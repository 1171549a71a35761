//! Jsonpaths: where in a document each column's value lies (Redshift database developer guide, "COPY from JSON format").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Failure;

/// A document's top level: each value as it is written.
pub(super) type Document<'a> = BTreeMap<String, &'a RawValue>;

/// One jsonpath: steps from the document down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    steps: Vec<Step>,
    any_case: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

#[derive(Deserialize)]
struct PathsObject {
    jsonpaths: Vec<String>,
}

impl Path {
    /// The paths that a jsonpaths object lists.
    pub(super) fn list(object: &[u8], address: &str) -> Result<Vec<Self>, Failure> {
        let invalid = |why: String| Failure::new(format!("Invalid JSONPath format in {address}: {why}"));
        let object: PathsObject = serde_json::from_slice(object).map_err(|e| invalid(e.to_string()))?;
        object.jsonpaths.iter().map(|path| Self::parse(path).ok_or_else(|| invalid(path.clone()))).collect()
    }

    /// The path of a column by its own name.
    pub(super) fn of_column(name: &str, any_case: bool) -> Self {
        Self { steps: vec![Step::Key(name.to_owned())], any_case }
    }

    /// `$.a.b`, `$['a']['b']`, `$.a[0]`.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(bracket) = rest.strip_prefix('[') {
                let (inside, after) = bracket.split_once(']')?;
                (bracketed(inside)?, after)
            } else {
                let dotted = rest.strip_prefix('.')?;
                let end = dotted.find(['.', '[']).unwrap_or(dotted.len());
                (Step::Key(dotted.get(..end).filter(|key| !key.is_empty())?.to_owned()), &dotted[end..])
            };
            steps.push(step);
            rest = after;
        }
        matches!(steps.first(), Some(Step::Key(_))).then_some(Self { steps, any_case: false })
    }

    /// The value that this path leads to; nothing where the document ends before.
    pub(super) fn find<'a>(&self, document: &Document<'a>) -> Option<&'a RawValue> {
        let (first, rest) = self.steps.split_first()?;
        let mut value = self.get(document, first)?;
        for step in rest {
            value = match step {
                Step::Key(_) => self.get(&serde_json::from_str(value.get()).ok()?, step)?,
                Step::Index(index) => *serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.get(*index)?,
            };
        }
        Some(value)
    }

    fn get<'a>(&self, object: &Document<'a>, step: &Step) -> Option<&'a RawValue> {
        let Step::Key(key) = step else { return None };
        if self.any_case {
            return object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| *value);
        }
        object.get(key).copied()
    }
}

fn bracketed(inside: &str) -> Option<Step> {
    if let Ok(index) = inside.parse() {
        return Some(Step::Index(index));
    }
    let quoted = |quote: char| inside.strip_prefix(quote)?.strip_suffix(quote);
    quoted('\'').or_else(|| quoted('"')).map(|key| Step::Key(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;
    use crate::arbitrary::json;

    fn found(path: &str, document: &str) -> Option<String> {
        let document: Document<'_> = serde_json::from_str(document).expect("an object");
        Path::parse(path).expect("a path").find(&document).map(|value| value.get().to_owned())
    }

    #[test]
    fn paths_lead_into_objects_and_arrays() {
        let document = r#"{"a": {"b": [1, {"c d": "x"}]}, "e": null}"#;
        assert_eq!(found("$.a.b[0]", document).as_deref(), Some("1"));
        assert_eq!(found("$['a'][\"b\"][1]['c d']", document).as_deref(), Some("\"x\""));
        assert_eq!(found("$.a", document).as_deref(), Some(r#"{"b": [1, {"c d": "x"}]}"#));
        assert_eq!(found("$.e", document).as_deref(), Some("null"));
        assert_eq!(found("$.a.none", document), None);
        assert_eq!(found("$.e.f", document), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a.b", "$", "$.", "$..a", "$.a[", "$.a[x]", "$[0]"] {
            assert_eq!(Path::parse(path), None, "{path}");
        }
        let refused = Path::list(br#"{"jsonpaths": ["$.a", "b"]}"#, "s3://b/k").expect_err("refused");
        assert!(refused.to_string().contains("s3://b/k: b"), "{refused}");
    }

    /// A step as a jsonpath writes it, and the step.
    fn step() -> impl Strategy<Value = (String, Step)> {
        prop_oneof![
            "[a-z_][a-z0-9_ ]{0,5}".prop_map(|key| (format!(".{key}"), Step::Key(key))),
            "[^'\\]]{0,6}"
                .prop_filter("no number", |key| key.parse::<usize>().is_err())
                .prop_map(|key| (format!("['{key}']"), Step::Key(key))),
            (0..4_usize).prop_map(|index| (format!("[{index}]"), Step::Index(index))),
        ]
    }

    /// The value with `steps` around it.
    fn around(steps: &[Step], value: serde_json::Value) -> serde_json::Value {
        steps.iter().rev().fold(value, |value, step| match step {
            Step::Key(key) => serde_json::json!({"": 0, key.as_str(): value}),
            Step::Index(index) => (0..*index).map(|_| serde_json::Value::Null).chain([value]).collect(),
        })
    }

    proptest! {
        #[test]
        fn a_path_leads_to_what_it_was_written_for(
            key in "[a-z]{1,5}", steps in collection::vec(step(), 0..5), value in json()
        ) {
            let path = format!("$.{key}{}", steps.iter().map(|(written, _)| written.as_str()).collect::<String>());
            let steps: Vec<Step> = [Step::Key(key)].into_iter().chain(steps.into_iter().map(|(_, step)| step)).collect();
            prop_assert_eq!(&Path::parse(&path).expect("a path").steps, &steps);
            let found = found(&path, &around(&steps, value.clone()).to_string()).expect("it is there");
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&found).expect("JSON"), value);
        }

        #[test]
        fn no_text_breaks_the_parser(path in "[$.\\[\\]'\"a0é]{0,12}", object: Vec<u8>) {
            let parsed = Path::parse(&path);
            prop_assert!(parsed.is_none_or(|parsed| parsed.find(&Document::new()).is_none()));
            let _listed = Path::list(&object, "s3://b/k");
        }
    }
}
