//! JSON documents in a text, one after the other, whatever stands between them; a broken one ends with its line.

use serde_json::value::RawValue;

/// A document, or what should have been one.
pub(super) struct FoundDocument<'a> {
    /// Of its last line, from 1.
    pub(super) line: i64,
    pub(super) text: &'a str,
    pub(super) is_json: bool,
}

/// Finds the documents of a text.
pub(super) struct Documents<'a> {
    text: &'a str,
    at: usize,
    line: i64,
}

impl<'a> Documents<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    fn step(&mut self, length: usize) -> &'a str {
        let passed = &self.text[self.at..self.at + length];
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count() as i64;
        self.at += length;
        passed
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = FoundDocument<'a>;

    fn next(&mut self) -> Option<FoundDocument<'a>> {
        let rest = &self.text[self.at..];
        self.step(rest.len() - rest.trim_start().len());
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let is_json = matches!(values.next(), Some(Ok(_)));
        let length = if is_json { values.byte_offset() } else { rest.find('\n').unwrap_or(rest.len()) };
        let text = self.step(length);
        Some(FoundDocument { line: self.line, text, is_json })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;
    use crate::arbitrary::object;

    #[test]
    fn documents_are_found_with_or_without_lines_between_them() {
        let text = "{\"a\": 1}{\"a\":\n2}\n\n{broken\n{\"a\": 3}\nno";
        let found: Vec<_> = Documents::of(text).map(|found| (found.line, found.text, found.is_json)).collect();
        let expected = [
            (1, "{\"a\": 1}", true),
            (2, "{\"a\":\n2}", true),
            (4, "{broken", false),
            (5, "{\"a\": 3}", true),
            (6, "no", false),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn documents_come_back_whatever_the_space_between_them(
            documents in collection::vec((object(), "[ \n]{0,3}", any::<bool>()), 0..5)
        ) {
            let mut text = String::new();
            let mut written = Vec::new();
            for (document, space, pretty) in documents {
                let document = if pretty { format!("{document:#}") } else { document.to_string() };
                text.push_str(&document);
                text.push_str(&space);
                written.push(document);
            }
            let found: Vec<&str> = Documents::of(&text).filter(|found| found.is_json).map(|found| found.text).collect();
            prop_assert_eq!(found, written);
        }

        #[test]
        fn a_broken_line_costs_no_other(before in object(), broken in "[{}\\[a:,\"]{1,8}", after in object()) {
            prop_assume!(serde_json::from_str::<serde_json::Value>(&broken).is_err());
            let (before, after) = (before.to_string(), after.to_string());
            let text = format!("{before}\n{broken}\n{after}");
            let found: Vec<&str> = Documents::of(&text).map(|found| found.text).collect();
            prop_assert_eq!(found.first(), Some(&before.as_str()));
            prop_assert_eq!(found.last(), Some(&after.as_str()));
        }
    }
}
