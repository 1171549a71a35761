//! Holds a marked tree against the JSON Schema of `file`: unknown keys, missing ones, wrong types, words and bounds, all
//! of them at once. What is right comes back as plain JSON, for serde to read.
//!
//! Reads only the keywords that schemars makes of our own types; a test fails when a new one appears.

use serde_json::{Map, Value as Json};

use super::{
    near::nearest,
    paths::path_of,
    tree::{Found, Node, Value},
};

/// The valid part of `root`, and what is wrong with the rest.
pub(super) fn valid_part(root: &Node, schema: &Json) -> (Json, Vec<Found>) {
    let mut shape = Shape { schema, found: Vec::new() };
    let valid = shape.check("", root, schema).unwrap_or_else(|| Json::Object(Map::new()));
    (valid, shape.found)
}

struct Shape<'a> {
    schema: &'a Json,
    found: Vec<Found>,
}

impl<'a> Shape<'a> {
    fn check(&mut self, path: &str, node: &Node, schema: &'a Json) -> Option<Json> {
        let schema = self.resolve(schema);
        match &node.value {
            Value::Broken => return None,
            Value::Null | Value::Blank => {
                self.found.push(node.span.problem(path, "there is no value").expected(self.describe(schema)));
                return None;
            }
            _ => {}
        }
        if let Some(words) = self.words(schema) {
            return self.word(path, node, schema, &words);
        }
        if let Some(alternatives) = schema.get("anyOf").and_then(Json::as_array) {
            return self.either(path, node, schema, alternatives);
        }
        match (schema["type"].as_str(), &node.value) {
            (Some("object"), Value::Map(entries)) => Some(self.map(path, node, entries, schema)),
            (Some("integer"), Value::Number(number)) => self.integer(path, node, number, schema),
            (Some("number"), Value::Number(number)) => self.number(path, node, number, schema),
            (Some("array"), Value::List(items)) => self.list(path, node, items, schema),
            (Some("boolean"), Value::Bool(value)) => Some(Json::Bool(*value)),
            (Some("string"), Value::Text(text)) => Some(Json::String(text.clone())),
            // A number without its unit: the quantity's own parser knows which unit was meant.
            (Some("string"), Value::Number(_)) if schema.get("pattern").is_some() => Some(Json::String(node.shown())),
            _ => self.mismatch(path, node, schema),
        }
    }

    fn resolve(&self, schema: &'a Json) -> &'a Json {
        match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.schema.pointer(pointer).unwrap_or(schema),
            None => schema,
        }
    }

    /// The words of an enumeration, if the schema is one.
    fn words(&self, schema: &'a Json) -> Option<Vec<&'a str>> {
        let schema = self.resolve(schema);
        if let Some(word) = schema["const"].as_str() {
            return Some(vec![word]);
        }
        let alternatives = schema["oneOf"].as_array()?;
        let words = alternatives.iter().map(|one| self.words(one)).collect::<Option<Vec<_>>>()?;
        Some(words.concat())
    }

    fn word(&mut self, path: &str, node: &Node, schema: &'a Json, words: &[&str]) -> Option<Json> {
        let Value::Text(text) = &node.value else { return self.mismatch(path, node, schema) };
        if words.contains(&text.as_str()) {
            return Some(Json::String(text.clone()));
        }
        let found = node.span.problem(path, format!("`{text}` is not known here"));
        let near = nearest(text, words.iter().copied());
        self.found.push(found.expected(self.describe(schema)).suggest(near));
        None
    }

    /// Follows the one alternative that the value's kind admits.
    fn either(&mut self, path: &str, node: &Node, schema: &'a Json, alternatives: &'a [Json]) -> Option<Json> {
        let fitting = alternatives.iter().find(|one| self.admits(one, node));
        let Some(fitting) = fitting else { return self.mismatch(path, node, schema) };
        let before = self.found.len();
        let valid = self.check(path, node, fitting);
        if !matches!(node.value, Value::Map(_)) {
            let expected = self.describe(schema);
            let of_leaf = self.found.drain(before..).map(|found| found.expected(expected.as_str())).collect::<Vec<_>>();
            self.found.extend(of_leaf);
        }
        valid
    }

    fn admits(&self, schema: &'a Json, node: &Node) -> bool {
        let schema = self.resolve(schema);
        let kind = if self.words(schema).is_some() { Some("string") } else { schema["type"].as_str() };
        match node.value {
            Value::Map(_) => kind == Some("object"),
            // As in `check`: a quantity without its unit.
            Value::Number(_) => {
                matches!(kind, Some("integer" | "number"))
                    || (kind == Some("string") && schema.get("pattern").is_some())
            }
            Value::Text(_) => kind == Some("string"),
            _ => false,
        }
    }

    fn map(&mut self, path: &str, node: &Node, entries: &[(String, Node)], schema: &'a Json) -> Json {
        let any_key = schema.get("additionalProperties").filter(|any| any.is_object());
        let mut valid = Map::new();
        let mut meant = Vec::new();
        for (key, value) in entries {
            let path = join(path, key);
            match schema.get("properties").and_then(|known| known.get(key)).or(any_key) {
                Some(of_key) => {
                    let part = self.check(&path, value, of_key);
                    valid.extend(part.map(|part| (key.clone(), part)));
                }
                None => meant.extend(self.unknown_key(&path, key, value, schema)),
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|(name, _)| name == key) && !meant.iter().any(|name| name == key) {
                self.missing_key(path, key, node, &schema["properties"][key]);
            }
        }
        Json::Object(valid)
    }

    /// All of it, or nothing: a list that lost an item says something else.
    fn list(&mut self, path: &str, node: &Node, items: &[Node], schema: &'a Json) -> Option<Json> {
        let before = self.found.len();
        let bound = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if bound("minItems").is_some_and(|least| items.len() < least) {
            self.found.push(node.span.problem(path, "an empty list").expected(self.describe(schema)));
        }
        if bound("maxItems").is_some_and(|most| items.len() > most) {
            let problem = format!("a list of {}", items.len());
            self.found.push(node.span.problem(path, problem).expected(self.describe(schema)));
        }
        let checked = items.iter().enumerate();
        let valid = checked
            .filter_map(|(position, item)| self.check(&join(path, &position.to_string()), item, &schema["items"]));
        let valid = valid.collect::<Vec<_>>();
        (self.found.len() == before && valid.len() == items.len()).then_some(Json::Array(valid))
    }

    /// Complains, and says which key was meant: it is not missing then.
    fn unknown_key(&mut self, path: &str, key: &str, node: &Node, schema: &'a Json) -> Option<String> {
        let keys = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let keys = keys.collect::<Vec<_>>();
        let span = node.key.as_ref().unwrap_or(&node.span);
        let found = span.problem(path, format!("there is no key `{key}` here"));
        let listed = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
        let near = nearest(key, keys);
        let meant = near.clone().or_else(|| path_of(key, self.schema));
        self.found.push(found.expected(or(&listed)).suggest(meant));
        near
    }

    fn missing_key(&mut self, path: &str, key: &str, node: &Node, schema: &'a Json) {
        let span = node.key.as_ref().unwrap_or(&node.span);
        let about = schema["description"].as_str().unwrap_or_default().trim_end_matches('.');
        self.found.push(
            span.problem(path, format!("the key `{key}` is missing"))
                .expected(format!("`{key}:` {}", lower_first(about))),
        );
    }

    fn integer(&mut self, path: &str, node: &Node, number: &serde_json::Number, schema: &'a Json) -> Option<Json> {
        let value = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        let bound = |name: &str| schema[name].as_i64().map(i128::from);
        let problem = match value {
            None => format!("{} is not a whole number", node.shown()),
            Some(value) if bound("minimum").is_some_and(|least| value < least) => format!("{value} is too small"),
            Some(value) if bound("maximum").is_some_and(|most| value > most) => format!("{value} is too large"),
            Some(_) => return Some(Json::Number(number.clone())),
        };
        self.found.push(node.span.problem(path, problem).expected(self.describe(schema)));
        None
    }

    fn number(&mut self, path: &str, node: &Node, number: &serde_json::Number, schema: &'a Json) -> Option<Json> {
        let value = number.as_f64()?;
        let problem = match () {
            () if schema["minimum"].as_f64().is_some_and(|least| value < least) => "is too small",
            () if schema["maximum"].as_f64().is_some_and(|most| value > most) => "is too large",
            () => return Some(Json::Number(number.clone())),
        };
        let problem = format!("{} {problem}", node.shown());
        self.found.push(node.span.problem(path, problem).expected(self.describe(schema)));
        None
    }

    fn mismatch(&mut self, path: &str, node: &Node, schema: &'a Json) -> Option<Json> {
        let found = node.span.problem(path, format!("this is {}", node.kind()));
        let quoted = matches!(node.value, Value::Number(_) | Value::Bool(_)) && schema["type"] == "string";
        let listed = matches!(node.value, Value::Text(_)) && schema["type"] == "array";
        let suggestion = match () {
            () if quoted => Some(format!("\"{}\"", node.shown())),
            () if listed => Some(format!("[{}]", node.shown())),
            () => None,
        };
        self.found.push(found.expected(self.describe(schema)).suggest(suggestion));
        None
    }

    /// What a schema wants, in words.
    fn describe(&self, schema: &'a Json) -> String {
        let schema = self.resolve(schema);
        if let Some(words) = self.words(schema) {
            let words = or(&words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>());
            return match schema["x-note"].as_str() {
                Some(note) => format!("{words} ({note})"),
                None => words,
            };
        }
        if schema["type"] == "integer" {
            return match (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
                (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
                (least, _) => format!("a whole number of at least {}", least.unwrap_or(0)),
            };
        }
        if let ("number", Some(least), Some(most)) =
            (schema["type"].as_str().unwrap_or_default(), schema["minimum"].as_f64(), schema["maximum"].as_f64())
        {
            return format!("a number from {least} to {most}");
        }
        let described = schema["description"].as_str().filter(|text| text.starts_with(|c: char| !c.is_uppercase()));
        match (described, schema["type"].as_str()) {
            (Some(description), _) => description.to_owned(),
            (None, Some("object")) => "a map of keys and values".to_owned(),
            (None, Some("boolean")) => "`true` or `false`".to_owned(),
            (None, _) => "text".to_owned(),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn or(choices: &[String]) -> String {
    match choices {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Those that are read here, and those that only editors read.
    const KEYWORDS: [&str; 20] = [
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "format",
        "items",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "oneOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-note",
    ];

    fn keywords(schema: &Json, found: &mut BTreeSet<String>) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            found.insert(keyword.clone());
            match (keyword.as_str(), value) {
                ("$defs" | "properties", Json::Object(schemas)) => {
                    schemas.values().for_each(|one| keywords(one, found))
                }
                (_, Json::Array(schemas)) => schemas.iter().for_each(|one| keywords(one, found)),
                (_, one) => keywords(one, found),
            }
        }
    }

    #[test]
    fn the_schema_has_no_keyword_that_is_not_read() {
        let mut found = BTreeSet::new();
        keywords(&super::super::json_schema(), &mut found);
        assert_eq!(found, KEYWORDS.map(str::to_owned).into());
    }
}
