//! `--threshold "p99_ack < 500ms"`: one threshold, laid over all files.

use std::sync::Arc;

use super::tree::{Found, Node, Source, Span, Value};

/// The flag as an overlay with one threshold in it; `None` where it cannot be read, which goes to `found`.
pub(super) fn parse(source: &Arc<Source>, found: &mut Vec<Found>) -> Option<Node> {
    let text = source.text.as_str();
    let span = |start: usize, end: usize| {
        let (before, part) = (text[..start].chars().count(), text[start..end].chars().count());
        Span { source: Arc::clone(source), line: 1, column: before + 1, width: part }
    };
    let begins = text.len() - text.trim_start().len();
    let ends = text[begins..].find([' ', '<', '>', '=']).map_or(text.len(), |end| begins + end);
    let limit = text[ends..].trim();
    let starts = text.len() - text[ends..].trim_start().len();
    if begins == ends || !limit.starts_with(['<', '>']) {
        let problem = if begins == ends { "there is no name" } else { "there is no `<`, `<=`, `>` or `>=`" };
        let expected = "`NAME < LIMIT`, such as `p99_ack < 500ms`";
        found.push(span(starts, starts + limit.len()).problem("", problem).expected(expected));
        return None;
    }
    let map = |key: &str, of_key: &Span, value: Node| Node {
        key: None,
        span: of_key.clone(),
        value: Value::Map(vec![(key.to_owned(), Node { key: Some(of_key.clone()), ..value })]),
    };
    let name = span(begins, ends);
    let value = Node { key: None, span: span(starts, starts + limit.len()), value: Value::Text(limit.to_owned()) };
    Some(map("thresholds", &name, map(&text[begins..ends], &name, value)))
}
