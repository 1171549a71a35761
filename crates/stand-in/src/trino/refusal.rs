//! Why a statement is not run, in Trino's words.

use datafusion::error::DataFusionError;

/// What Trino answers in place of rows: the kind of the error, and the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub(crate) struct Refusal {
    kind: &'static str,
    message: String,
}

impl Refusal {
    /// One of this kind, as `StandardErrorCode` of Trino names it.
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An argument that a function cannot take.
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self::new("INVALID_FUNCTION_ARGUMENT", message)
    }

    /// A value that has no equal in another type.
    pub(super) fn cast(message: impl Into<String>) -> Self {
        Self::new("INVALID_CAST_ARGUMENT", message)
    }

    /// A number that its type has no room for.
    pub(super) fn range(message: impl Into<String>) -> Self {
        Self::new("NUMERIC_VALUE_OUT_OF_RANGE", message)
    }

    /// Types that an operator or an expression cannot bring together.
    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self::new("TYPE_MISMATCH", message)
    }

    /// A mistake in the text, at a place that the parser writes as ` at Line: 1, Column: 2`.
    pub(super) fn syntax(place: &str, what: &str) -> Self {
        let place = place.trim().trim_start_matches("at Line: ").replace(", Column: ", ":");
        let place = if place.is_empty() { String::new() } else { format!("line {place}: ") };
        Self::new("SYNTAX_ERROR", format!("{place}{what}"))
    }

    pub(super) fn is_one_of(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind)
    }

    /// What Athena has and the stand-in does not.
    pub(crate) fn missing(what: &str) -> Self {
        Self::new("NOT_SUPPORTED", format!("the stand-in has no `{what}`; Athena has it"))
    }
}

impl From<Refusal> for DataFusionError {
    fn from(refusal: Refusal) -> Self {
        Self::External(Box::new(refusal))
    }
}
