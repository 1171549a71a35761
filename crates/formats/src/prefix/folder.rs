//! The folders that a prefix makes: what a table's partitions are.

use super::Part;
use crate::pattern::Pattern;

/// A folder of a prefix, from one `/` of its text to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Where it begins in the prefix's text.
    pub offset: usize,
    /// As it is written, without its `/`.
    pub written: String,
    /// What stands before its `=`.
    pub key: Option<String>,
    /// What its name is made from, after the `=` of a key.
    pub value: Vec<Part>,
    /// Whether a `/` ends it; else the object's own name follows.
    pub is_closed: bool,
}

impl Folder {
    /// Whether its name is the same in every key.
    pub fn is_literal(&self) -> bool {
        self.value.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Whether it is a partition: `key=`, and a value that an expression makes.
    pub fn is_partition(&self) -> bool {
        self.key.is_some() && !self.is_literal()
    }

    /// Whether a value of the record is in it.
    pub fn has_field(&self) -> bool {
        self.value.iter().any(|part| matches!(part, Part::Query(_)))
    }

    /// It, as the text up to its end has it.
    fn ended(mut self, text: &str, is_closed: bool) -> Self {
        self.written = text[self.offset..].to_owned();
        self.is_closed = is_closed;
        if let Some(Part::Text(first)) = self.value.first()
            && let Some((key, rest)) = first.split_once('=')
            && !key.is_empty()
        {
            self.key = Some(key.to_owned());
            let rest = (!rest.is_empty()).then(|| Part::Text(rest.to_owned()));
            drop(self.value.splice(..1, rest));
        }
        self
    }

    /// Its value as one pattern, where it follows from the time alone.
    pub fn pattern(&self) -> Option<Pattern> {
        let mut whole = Pattern::default();
        for part in &self.value {
            match part {
                Part::Text(text) => whole.push_text(text),
                Part::Time(pattern) => whole.push(pattern),
                Part::RandomString | Part::ErrorOutputType | Part::Query(_) => return None,
            }
        }
        Some(whole)
    }
}

/// The folders from `start` of a prefix's text on.
pub(super) fn below(start: usize, text: &str, parts: &[(usize, Part)]) -> Vec<Folder> {
    let (mut folders, mut open) = (Vec::new(), Folder { offset: start, ..Folder::default() });
    for (offset, part) in parts {
        let Part::Text(literal) = part else {
            open.value.push(part.clone());
            continue;
        };
        let skipped = start.saturating_sub(*offset).min(literal.len());
        let (mut at, mut names) = (offset + skipped, literal[skipped..].split('/').peekable());
        while let Some(name) = names.next() {
            at += name.len();
            open.value.extend((!name.is_empty()).then(|| Part::Text(name.to_owned())));
            if names.peek().is_some() {
                let next = Folder { offset: at + 1, ..Folder::default() };
                folders.push(std::mem::replace(&mut open, next).ended(&text[..at], true));
                at += 1;
            }
        }
    }
    if !open.value.is_empty() {
        folders.push(open.ended(text, false));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::super::{Prefix, Use};

    /// Each folder as it is written, with its key, and whether it is open.
    fn folders(text: &str) -> Vec<(String, Option<String>, bool)> {
        let prefix = Prefix::parse(text, Use::Data).expect(text);
        let folders = prefix.folders();
        for folder in &folders {
            assert!(text[folder.offset..].starts_with(&folder.written), "{folder:?}");
        }
        folders.into_iter().map(|folder| (folder.written, folder.key, folder.is_closed)).collect()
    }

    fn folder(written: &str, key: Option<&str>, is_closed: bool) -> (String, Option<String>, bool) {
        (written.to_owned(), key.map(str::to_owned), is_closed)
    }

    #[test]
    fn a_folder_reaches_from_slash_to_slash() {
        assert_eq!(
            folders("a/b/Year=!{timestamp:yyyy}/data/dt=d-!{timestamp:MM/dd}/!{timestamp:HH}/"),
            [
                folder("Year=!{timestamp:yyyy}", Some("Year"), true),
                folder("data", None, true),
                folder("dt=d-!{timestamp:MM/dd}", Some("dt"), true),
                folder("!{timestamp:HH}", None, true),
            ]
        );
        assert_eq!(folders("x-day=!{timestamp:dd}"), [folder("x-day=!{timestamp:dd}", Some("x-day"), false)]);
        assert_eq!(folders("a//=!{timestamp:dd}/"), [folder("=!{timestamp:dd}", None, true)]);
        assert_eq!(
            folders("!{timestamp:dd}//k=v/"),
            [folder("!{timestamp:dd}", None, true), folder("", None, true), folder("k=v", Some("k"), true)]
        );
        assert_eq!(folders("raw/"), [folder("", None, false)]);
    }

    #[test]
    fn a_value_of_times_and_text_is_one_pattern() {
        let pattern = |text: &str| {
            let prefix = Prefix::parse(text, Use::Data).expect(text);
            prefix.folders()[0].pattern().map(|pattern| pattern.to_string())
        };
        assert_eq!(pattern("dt=!{timestamp:yyyy}-!{timestamp:MM}-x!{timestamp:dd}/").as_deref(), Some("yyyy-MM'-x'dd"));
        assert_eq!(pattern("dt=!{timestamp:yyyy/MM}/").as_deref(), Some("yyyy/MM"));
        assert_eq!(pattern("dt=!{timestamp:yyyy}!{firehose:random-string}/"), None);
    }
}
