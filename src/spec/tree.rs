//! A YAML value that remembers where each part of it was written, also after overlays were merged over it.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value as Json};

use super::diagnostic::{Diagnostic, Excerpt, Location};

/// Something the user wrote: a file, or a `--set` flag.
#[derive(Debug)]
pub(super) struct Source {
    /// Position on the command line, for the order of diagnostics.
    pub order: usize,
    pub name: String,
    pub text: String,
    /// Where relative paths in it start; `None` for a record, whose paths are whole and whose files may be gone.
    pub folder: Option<PathBuf>,
}

/// A stretch of one line of a source.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub source: Arc<Source>,
    /// From 1; 0 in a source without lines.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters.
    pub width: usize,
}

impl Span {
    /// A part of this span, by characters from its start.
    pub(super) fn part(&self, skip: usize, width: usize) -> Self {
        Self { column: self.column + skip, width, ..self.clone() }
    }

    pub(super) fn source_line(&self) -> Option<&str> {
        self.source.text.lines().nth(self.line.checked_sub(1)?)
    }

    pub(super) fn text(&self) -> String {
        let line = self.source_line().unwrap_or_default();
        line.chars().skip(self.column.saturating_sub(1)).take(self.width).collect()
    }

    pub(super) fn order(&self) -> (usize, usize, usize) {
        (self.source.order, self.line, self.column)
    }

    pub(super) fn problem(&self, path: &str, problem: impl Into<String>) -> Found {
        let diagnostic = Diagnostic {
            location: Location { file: self.source.name.clone(), line: self.line, column: self.column },
            path: path.to_owned(),
            text: self.text(),
            problem: problem.into(),
            expected: None,
            suggestion: None,
            line: self.source_line().map(|line| Excerpt::of(line, self.column)),
        };
        Found { order: self.order(), diagnostic }
    }
}

/// A diagnostic that can still be put in order with those of other sources.
#[derive(Debug)]
pub(super) struct Found {
    order: (usize, usize, usize),
    pub diagnostic: Diagnostic,
}

impl Found {
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.diagnostic = self.diagnostic.expected(expected);
        self
    }

    pub(super) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.diagnostic = self.diagnostic.suggest(suggestion);
        self
    }
}

/// All of them, in the order in which the user would meet them.
pub(super) fn in_order(mut found: Vec<Found>) -> Vec<Diagnostic> {
    found.sort_by_key(|found| found.order);
    found.into_iter().map(|found| found.diagnostic).collect()
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Of the key it stands under.
    pub key: Option<Span>,
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `null` or `~`: in an overlay, takes the key away.
    Null,
    /// Nothing after the colon.
    Blank,
    /// Was complained about already.
    Broken,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            Value::List(nodes) => nodes.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The node at a dotted path, if all of it is written.
    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        self.get(path).or_else(|| self.steps(path).find_map(|(node, rest)| node.at(rest)))
    }

    /// The nodes that a path may go through next, each with the rest of the path: a key may have dots itself.
    fn steps<'n, 'p>(&'n self, path: &'p str) -> impl Iterator<Item = (&'n Node, &'p str)> {
        path.match_indices('.').filter_map(|(dot, _)| Some((self.get(&path[..dot])?, &path[dot + 1..])))
    }

    /// Where to point for the node at a dotted path: itself, or the key of the nearest one around it.
    pub(super) fn nearest<'n>(&'n self, path: &str) -> &'n Span {
        match (self.get(path), self.steps(path).last()) {
            (Some(node), _) => &node.span,
            (None, Some((node, rest))) => node.nearest(rest),
            (None, None) => self.key.as_ref().unwrap_or(&self.span),
        }
    }

    /// A scalar as it was written.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            _ if self.span.width > 0 => self.span.text(),
            _ => self.to_json().to_string(),
        }
    }

    /// What a person would call the value.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Blank | Value::Broken => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Lays `over` over this: maps merge key by key, everything else is replaced, and `null` takes a key away.
    pub(super) fn merge(&mut self, over: Node) {
        match (&mut self.value, over.value) {
            (Value::Map(entries), Value::Map(overs)) => {
                for (key, node) in overs {
                    merge_entry(entries, key, node);
                }
            }
            (_, value) => *self = Node { value, key: over.key, span: over.span }.without_nulls(),
        }
    }

    fn without_nulls(mut self) -> Self {
        if let Value::Map(entries) = self.value {
            let kept = entries.into_iter().filter(|(_, node)| !matches!(node.value, Value::Null));
            self.value = Value::Map(kept.map(|(key, node)| (key, node.without_nulls())).collect());
        }
        self
    }

    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null | Value::Blank | Value::Broken => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(value) => Json::Number(value.clone()),
            Value::Text(value) => Json::String(value.clone()),
            Value::List(nodes) => nodes.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// A tree without places, all of it from `source`.
    pub(super) fn from_json(source: &Arc<Source>, json: &Json) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(value) => Value::Number(value.clone()),
            Json::String(value) => Value::Text(value.clone()),
            Json::Array(values) => Value::List(values.iter().map(|value| Self::from_json(source, value)).collect()),
            Json::Object(entries) => {
                Value::Map(entries.iter().map(|(key, value)| (key.clone(), Self::from_json(source, value))).collect())
            }
        };
        Self { key: None, span: Span { source: Arc::clone(source), line: 0, column: 0, width: 0 }, value }
    }
}

fn merge_entry(entries: &mut Vec<(String, Node)>, key: String, over: Node) {
    let position = entries.iter().position(|(name, _)| *name == key);
    match (position, &over.value) {
        (Some(position), Value::Null) => drop(entries.remove(position)),
        (None, Value::Null) => {}
        (Some(position), _) => entries[position].1.merge(over),
        (None, _) => entries.push((key, over.without_nulls())),
    }
}
