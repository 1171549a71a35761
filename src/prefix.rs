//! Firehose's prefix expressions: `!{timestamp:…}`, `!{firehose:…}`, parsed once, then rendered per object.

use chrono::{DateTime, Utc};

/// Which of a delivery's two prefixes an expression is for; they admit different expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// `Prefix`: `firehose:error-output-type` is not allowed.
    Data,
    /// `ErrorOutputPrefix`: must contain `firehose:error-output-type` at least once when it has expressions.
    Error,
}

/// A parsed prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {}

/// What Firehose would refuse about a prefix, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PrefixError {
    /// Byte offset of the offending part in the prefix.
    pub offset: usize,
    /// The offending part.
    pub text: String,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl Prefix {
    /// Parses `text` as Firehose would, or says what it would refuse.
    pub fn parse(text: &str, purpose: Use) -> Result<Self, PrefixError> {
        let _ = (text, purpose);
        unimplemented!()
    }

    /// The key prefix of an object whose oldest record arrived `at`; `error_type` such as `processing-failed`.
    pub fn render(&self, at: DateTime<Utc>, error_type: Option<&str>) -> String {
        let _ = (at, error_type);
        unimplemented!()
    }

    /// The part before the first expression or `key=`: where a table over this delivery lies.
    pub fn fixed(&self) -> &str {
        unimplemented!()
    }

    /// The names of `key=!{…}` segments in order, e.g. `year`, `month`, `day`.
    pub fn partition_keys(&self) -> Vec<String> {
        unimplemented!()
    }
}
