//! YAML text to a marked tree. One document of maps, lists and scalars: no aliases, no tags, no key twice.

use std::{collections::HashMap, sync::Arc};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as Marks, StrInput};

use super::tree::{Found, Node, Source, Span, Value};

/// Deeper than any spec; keeps a hostile file from exhausting the stack.
pub(super) const MAX_DEPTH: usize = 32;
/// More values than any spec has, and longer lines: mistakes are told with their line, and each has to be looked for.
const MAX_VALUES: usize = 25_000;
const MAX_LINE: usize = 16_384;

/// Reads a whole source, which must hold one map.
///
/// `None` where it cannot be read on; what is wrong goes to `found`, also where it can.
pub(super) fn parse_file(source: &Arc<Source>, found: &mut Vec<Found>) -> Option<Node> {
    let unreadable = long_line(source).map_or_else(|| tabs_in_indentation(source), |long| vec![long]);
    if !unreadable.is_empty() {
        found.extend(unreadable);
        return None;
    }
    let before = found.len();
    let root = Reader::new(source, &source.text, 0, found).read();
    match root {
        None if found.len() == before => {
            let empty = start_of(source).problem("", "the file is empty");
            found.push(empty.expected("keys and values, such as `name: my-demo`"));
            None
        }
        Some(root) if !matches!(root.value, Value::Map(_)) => {
            let problem = format!("the file holds {} at its top", root.kind());
            found.push(root.span.problem("", problem).expected("keys and values, such as `name: my-demo`"));
            None
        }
        root => root,
    }
}

/// Reads the value that starts `skip` characters into a one-line source.
///
/// `None` where there is no value, or none that can be read; the second goes to `found`.
pub(super) fn parse_value(source: &Arc<Source>, skip: usize, found: &mut Vec<Found>) -> Option<Node> {
    let start: usize = source.text.chars().take(skip).map(char::len_utf8).sum();
    Reader::new(source, &source.text[start..], skip, found).read()
}

fn start_of(source: &Arc<Source>) -> Span {
    Span { source: Arc::clone(source), line: 1, column: 1, width: 0 }
}

/// A line that is too long, if there is one.
pub(super) fn long_line(source: &Arc<Source>) -> Option<Found> {
    let (row, line) = source.text.lines().enumerate().find(|(_, line)| line.len() > MAX_LINE)?;
    let span = Span { source: Arc::clone(source), line: row + 1, column: 1, width: 1 };
    let problem = format!("a line of {} bytes", line.len());
    Some(span.problem("", problem).expected(format!("at most {MAX_LINE} bytes a line; a long text has its own file")))
}

fn tabs_in_indentation(source: &Arc<Source>) -> Vec<Found> {
    let tab_of = |line: &str| {
        let indentation = line.chars().take_while(|c| c.is_whitespace()).collect::<String>();
        indentation.chars().position(|c| c == '\t').filter(|_| !line.trim().is_empty())
    };
    let tabs = source.text.lines().enumerate().filter_map(|(row, line)| Some((row + 1, tab_of(line)? + 1)));
    tabs.map(|(line, column)| {
        let span = Span { source: Arc::clone(source), line, column, width: 1 };
        span.problem("", "a tab in the indentation").expected("spaces: YAML does not indent by tabs")
    })
    .collect()
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    /// Characters of the source's first line before the text that is parsed.
    skip: usize,
    events: Parser<'a, StrInput<'a>>,
    values: usize,
    found: &'a mut Vec<Found>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Arc<Source>, text: &'a str, skip: usize, found: &'a mut Vec<Found>) -> Self {
        Self { source, skip, events: Parser::new_from_str(text), values: 0, found }
    }

    /// The one document, or none when there is nothing but comments or no YAML.
    fn read(mut self) -> Option<Node> {
        match self.document() {
            Ok(root) => root,
            Err(error) => {
                let problem = format!("this is not YAML: {}", error.info());
                let span = self.within(self.span(*error.marker(), 1));
                self.found.push(span.problem("", problem));
                None
            }
        }
    }

    /// The end of the source for a place behind it, where something is said to be missing.
    fn within(&self, span: Span) -> Span {
        let lines = self.source.text.lines().count();
        if span.line <= lines {
            return span;
        }
        let length = self.source.text.lines().last().map_or(0, |line| line.chars().count());
        Span { line: lines.max(1), column: length + 1, width: 0, ..span }
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Marks)>, ScanError> {
        self.events.next().transpose()
    }

    fn document(&mut self) -> Result<Option<Node>, ScanError> {
        let mut root: Option<Node> = None;
        while let Some((event, marks)) = self.next()? {
            match event {
                Event::DocumentStart(_) if root.is_some() => {
                    let problem = "a second YAML document";
                    let found =
                        self.span(marks.start, 3).problem("", problem).expected("one stack a file, without `---`");
                    self.found.push(found);
                    return Ok(root);
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {}
                event => root = Some(self.node(event, marks, 0)?),
            }
        }
        Ok(root)
    }

    fn node(&mut self, event: Event<'a>, marks: Marks, depth: usize) -> Result<Node, ScanError> {
        let span = self.span_of(marks);
        if depth > MAX_DEPTH {
            return Err(ScanError::new_str(marks.start, "nested too deeply"));
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(ScanError::new(marks.start, format!("more than {MAX_VALUES} keys and values")));
        }
        let (value, tag) = match event {
            Event::Scalar(text, ScalarStyle::Plain, _, tag) => {
                (if text.is_empty() { Value::Blank } else { plain(&text) }, tag)
            }
            Event::Scalar(text, _, _, tag) => (Value::Text(text.into_owned()), tag),
            Event::SequenceStart(_, tag) => (self.list(depth)?, tag),
            Event::MappingStart(_, tag) => (self.map(depth)?, tag),
            _ => {
                self.found.push(span.problem("", "a YAML alias").expected("the value itself, written out"));
                (Value::Broken, None)
            }
        };
        if tag.is_some() {
            self.found.push(span.problem("", "a YAML tag").expected("the value without a `!tag`"));
            return Ok(Node { key: None, span, value: Value::Broken });
        }
        Ok(Node { key: None, span, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value, ScanError> {
        let mut nodes = Vec::new();
        while let Some((event, marks)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            nodes.push(self.node(event, marks, depth + 1)?);
        }
        Ok(Value::List(nodes))
    }

    fn map(&mut self, depth: usize) -> Result<Value, ScanError> {
        let (mut entries, mut places) = (Vec::new(), HashMap::new());
        while let Some((event, marks)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let name = match &event {
                Event::Scalar(text, ..) => Some(text.to_string()),
                _ => None,
            };
            let key = self.node(event, marks, depth + 1)?;
            let Some((event, marks)) = self.next()? else { break };
            let value = self.node(event, marks, depth + 1)?;
            match name {
                None => self.found.push(key.span.problem("", "a key that is not plain text").expected("`key: value`")),
                Some(name) => self.entry(&mut entries, &mut places, name, key.span, value),
            }
        }
        Ok(Value::Map(entries))
    }

    /// Adds an entry to a map; `places` are those of its names.
    fn entry(
        &mut self,
        entries: &mut Vec<(String, Node)>,
        places: &mut HashMap<String, usize>,
        name: String,
        key: Span,
        mut value: Node,
    ) {
        if let Some((_, first)) = places.get(&name).map(|place: &usize| &entries[*place]) {
            let line = first.key.as_ref().map_or(first.span.line, |span| span.line);
            let problem = format!("`{name}` is here twice, first in line {line}");
            self.found.push(key.problem("", problem).expected("each key once"));
            return;
        }
        if matches!(value.value, Value::Blank) {
            value.span = key.clone();
        }
        value.key = Some(key);
        places.insert(name.clone(), entries.len());
        entries.push((name, value));
    }

    fn span_of(&self, marks: Marks) -> Span {
        let one_line = marks.start.line() == marks.end.line();
        let width = if one_line { marks.end.index().saturating_sub(marks.start.index()) } else { 1 };
        self.span(marks.start, width)
    }

    fn span(&self, mark: Marker, width: usize) -> Span {
        let skip = if mark.line() == 1 { self.skip } else { 0 };
        Span { source: Arc::clone(self.source), line: mark.line(), column: mark.col() + 1 + skip, width }
    }
}

/// An unquoted scalar, by YAML 1.2's core schema without its octal, hexadecimal, infinite and undefined numbers.
fn plain(text: &str) -> Value {
    match text {
        "null" | "Null" | "NULL" | "~" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::Number(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Value::Number(number.into());
    }
    let numeric = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E'))
        && text.contains(|c: char| c.is_ascii_digit());
    let float = text.parse::<f64>().ok().filter(|_| numeric).and_then(serde_json::Number::from_f64);
    float.map_or_else(|| Value::Text(text.to_owned()), Value::Number)
}
