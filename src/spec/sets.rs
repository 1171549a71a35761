//! `--set load.rate=1000/s`: one value, laid over all files.

use std::sync::Arc;

use super::{
    tree::{Found, Node, Source, Span, Value},
    yaml,
};

/// The flag as an overlay with one value in it; `None` where it cannot be read, which goes to `found`.
pub(super) fn parse(source: &Arc<Source>, found: &mut Vec<Found>) -> Option<Node> {
    overlay(source, found).map_err(|wrong| found.extend(wrong)).ok()
}

/// Fails with what was not said yet.
fn overlay(source: &Arc<Source>, found: &mut Vec<Found>) -> Result<Node, Vec<Found>> {
    let span = |column: usize, width: usize| Span { source: Arc::clone(source), line: 1, column: column + 1, width };
    let refuse = |span: &Span, problem: &str| {
        Err(vec![span.problem("", problem).expected("`key.key=value`, such as `load.rate=1000/s`")])
    };
    if let Some(long) = yaml::long_line(source) {
        return Err(vec![long]);
    }
    let Some((path, _)) = source.text.split_once('=') else {
        return refuse(&span(0, source.text.chars().count()), "there is no `=`");
    };
    let mut column = 0;
    let mut keys = Vec::new();
    for key in path.split('.') {
        let width = key.chars().count();
        if key.is_empty() {
            return refuse(&span(column, 1), "there is no key");
        }
        if keys.len() == yaml::MAX_DEPTH {
            return refuse(&span(column, width), &format!("more than {} keys in each other", yaml::MAX_DEPTH));
        }
        keys.push((key.to_owned(), span(column, width)));
        column += width + 1;
    }
    let before = found.len();
    let value = source.text.chars().skip(column).collect::<String>();
    // YAML's `>` and `|` begin a text of several lines, which no flag has.
    let parsed = match value.trim_start().starts_with(['>', '|']) {
        true => Some(Node { key: None, span: span(column, value.chars().count()), value: Value::Text(value) }),
        false => yaml::parse_value(source, column, found),
    };
    let mut node = match parsed {
        Some(node) if !matches!(node.value, Value::Blank) => node,
        None if found.len() > before => return Err(Vec::new()),
        _ => return refuse(&span(column, 0), "there is no value"),
    };
    for (key, span) in keys.into_iter().rev() {
        node.key = Some(span.clone());
        node = Node { key: None, span, value: Value::Map(vec![(key, node)]) };
    }
    Ok(node)
}
