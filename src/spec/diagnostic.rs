//! What is wrong with a spec, said to a person: where, what, what was expected, and what was likely meant.

use std::{borrow::Cow, fmt};

/// A place in something the user wrote; lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file as it was named on the command line, or the flag itself: `--set load.rate=1000/s`.
    pub file: String,
    /// From 1; 0 where the whole file is meant.
    pub line: usize,
    /// From 1; 0 where the whole file is meant.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// One thing wrong, or worth a warning, in a spec.
///
/// Displayed as `file:line:column: path: problem`, then the line itself with carets under the offending text, what was
/// expected and the near miss:
///
/// ```text
/// stacks/mine.yaml:12:9: load.rate: 2000 has no unit
///    12 |   rate: 2000
///       |         ^^^^ expected records a second, as in `2000/s`, or `max`; did you mean `2000/s`?
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it stands.
    pub location: Location,
    /// The key it is about, as `--set` would name it: `load.rate`; empty for the whole file.
    pub path: String,
    /// The offending text.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub expected: Option<String>,
    /// The near miss: what was likely meant.
    pub suggestion: Option<String>,
    /// The line that `location` lies in, where there is one.
    pub line: Option<Excerpt>,
}

/// The part of a line around a place in it; all of it where it is not long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The part, with `…` at its end where more follows.
    pub text: String,
    /// Characters of the line before it.
    pub skipped: usize,
}

/// Characters of an excerpt, and of those the ones before its place.
const EXCERPT: usize = 160;
const BEFORE: usize = 40;
/// Characters that are shown of what the user wrote, where it is not the excerpt.
const SHOWN: usize = 200;
/// Mistakes that are told one by one.
const TOLD: usize = 20;

impl Excerpt {
    /// Around a column of a line, from 1.
    pub(super) fn of(line: &str, column: usize) -> Self {
        if line.len() <= EXCERPT || line.chars().nth(EXCERPT).is_none() {
            return Self { text: line.to_owned(), skipped: 0 };
        }
        let skipped = column.saturating_sub(BEFORE + 1);
        let mut rest = line.chars().skip(skipped);
        let mut text: String = rest.by_ref().take(EXCERPT).collect();
        text.extend(rest.next().map(|_| '…'));
        Self { text, skipped }
    }
}

/// The beginning of a long text.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

impl Diagnostic {
    /// A problem with a file as a whole.
    pub(super) fn of_file(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            location: Location { file: file.into(), line: 0, column: 0 },
            path: String::new(),
            text: String::new(),
            problem: problem.into(),
            expected: None,
            suggestion: None,
            line: None,
        }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    fn remedy(&self) -> Option<String> {
        let expected = self.expected.as_ref().map(|expected| format!("expected {expected}"));
        let suggestion = self.suggestion.as_ref().map(|suggestion| format!("did you mean `{suggestion}`?"));
        match (expected, suggestion) {
            (Some(expected), Some(suggestion)) => Some(format!("{expected}; {suggestion}")),
            (one, other) => one.or(other),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.location)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", shortened(&self.path))?;
        }
        write!(f, "{}", shortened(&self.problem))?;
        let remedy = self.remedy();
        let Some(line) = &self.line else {
            return match remedy {
                Some(remedy) => write!(f, "; {remedy}"),
                None => Ok(()),
            };
        };
        let number = self.location.line;
        let (before, after) = (if line.skipped > 0 { "…" } else { "" }, line.text.chars().count());
        let column = self.location.column.saturating_sub(1 + line.skipped);
        let indent = " ".repeat(before.chars().count() + column);
        let carets = "^".repeat(self.text.chars().count().min(after.saturating_sub(column)).max(1));
        write!(f, "\n{number:>5} | {before}{}\n      | {indent}{carets}", line.text)?;
        match remedy {
            Some(remedy) => write!(f, " {remedy}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a spec, in the order of the files and of their lines; the first twenty are displayed, one
/// after the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SpecErrors(pub Vec<Diagnostic>);

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.0.iter().take(TOLD).enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more; correct these first"),
        }
    }
}
