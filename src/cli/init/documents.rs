//! A user's own documents, as far as `demo init` looks at them.

use std::{
    collections::HashSet,
    path::{Path, PathBuf, absolute},
};

use demo_workload::files;
use serde_json::{Map, Value};

use crate::cli::exit::Stop;

/// A sample of documents need not be larger.
const MOST: u64 = 256 << 20;
/// Documents that are looked at for a key.
const SEEN: usize = 1_000;
/// What a key is likely called, in lower case.
const LIKELY: [&str; 5] = ["id", "uuid", "key", "number", "sequence"];

/// A user's own documents.
#[derive(Debug)]
pub(super) enum Own {
    /// The lines of a file, and its first documents.
    Lines(PathBuf, Vec<Map<String, Value>>),
    /// A template in a file.
    Template(PathBuf),
    /// A template to begin with.
    Sample,
}

impl Own {
    /// Tells lines from a template by the first line that is not blank.
    pub(super) fn read(file: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::Sample) };
        let refuse = |why: String| Stop::usage(format!("{} {why}", file.display()));
        let text = files::read_text(&file, MOST).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let Some(first) = lines.clone().next() else { return Err(refuse("is empty".to_owned()).into()) };
        if serde_json::from_str::<Map<String, Value>>(first).is_ok() {
            let documents = lines.by_ref().take(SEEN).filter_map(|line| serde_json::from_str(line).ok()).collect();
            return Ok(Self::Lines(file, documents));
        }
        if serde_json::from_str::<Value>(&text).is_ok() {
            let hint = "is JSON over several lines or in a list; write one document a line, for example with `jq -c`";
            return Err(refuse(hint.to_owned()).into());
        }
        if !text.contains("{{") {
            return Err(refuse("is neither JSON, a document a line, nor a template with `{{ … }}`".to_owned()).into());
        }
        Ok(Self::Template(file))
    }

    /// A field that all documents have, each with another value, and that is called as keys are.
    pub(super) fn likely_key(&self) -> Option<String> {
        let documents = match self {
            Self::Sample => return Some("id".to_owned()),
            Self::Template(_) => return None,
            Self::Lines(_, documents) => documents,
        };
        let likeness = |name: &String| {
            let name = name.to_lowercase();
            LIKELY.iter().position(|likely| name == *likely || name.ends_with(&format!("_{likely}")))
        };
        let is_key = |name: &&String| {
            let mut seen = HashSet::new();
            documents.iter().all(|document| match document.get(*name) {
                Some(value @ (Value::String(_) | Value::Number(_))) => seen.insert(value.to_string()),
                _ => false,
            })
        };
        let named = documents.first()?.keys().filter(|name| !name.contains(['.', ',']) && likeness(name).is_some());
        named.filter(is_key).min_by_key(|name| likeness(name)).cloned()
    }
}

/// A path as a stack file has it, whose folder relative paths start at.
pub(super) fn path(file: &Path, is_beside: bool) -> String {
    let whole = if is_beside { file.to_owned() } else { absolute(file).unwrap_or_else(|_| file.to_owned()) };
    whole.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Own {
        let documents = text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        Own::Lines("a.jsonl".into(), documents)
    }

    #[test]
    fn a_key_is_what_is_called_so_and_differs() {
        let key = |text| lines(text).likely_key();
        assert_eq!(key("{\"a\":1,\"order_id\":7}\n{\"a\":1,\"order_id\":8}").as_deref(), Some("order_id"));
        assert_eq!(key("{\"order_number\":1,\"id\":7}\n{\"order_number\":2,\"id\":8}").as_deref(), Some("id"));
        assert_eq!(key("{\"id\":7}\n{\"id\":7}"), None);
        assert_eq!(key("{\"id\":7}\n{}"), None);
        assert_eq!(key("{\"name\":7}"), None);
    }

    #[test]
    fn what_a_file_has_is_told_by_its_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |text: &str| {
            let file = folder.path().join("documents");
            std::fs::write(&file, text).expect("written");
            Own::read(Some(file)).map_err(|error| error.to_string())
        };
        assert!(matches!(read("\n{\"a\":1}\n{\"a\":2}\n"), Ok(Own::Lines(_, documents)) if documents.len() == 2));
        assert!(matches!(read("{\"a\": {{ sequence }}}"), Ok(Own::Template(_))));
        for (text, why) in
            [("{\n \"a\": 1\n}", "over several lines"), ("[{\"a\":1}]", "in a list"), ("a,b", "neither"), ("", "empty")]
        {
            assert!(read(text).is_err_and(|error| error.contains(why)), "{text}");
        }
    }
}
