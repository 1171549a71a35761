//! What was looked at, what was found, and what to do about it.

use std::fmt;

use serde_json::{Value, json};

use crate::engine::{Cause, ProviderError};

/// How much what was found matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// It could not be seen, or is only worth knowing.
    Note,
    /// It works, though not as well as it should.
    Warning,
    /// It cannot work; what sort of failure it would be.
    Wrong(Cause),
}

impl Verdict {
    /// For programs: `fine`, `note`, `warning` or `wrong`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Wrong(_) => "wrong",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is, for example `Kinesis shards`.
    pub what: String,
    /// How much it matters.
    pub verdict: Verdict,
    /// What was found.
    pub why: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

impl Finding {
    /// As it should be.
    pub fn fine(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::of(Verdict::Fine, what, why, "")
    }

    /// Could not be seen, or is only worth knowing.
    pub fn note(what: impl Into<String>, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::of(Verdict::Note, what, why, advice)
    }

    /// Works, though not as well as it should.
    pub fn warning(what: impl Into<String>, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::of(Verdict::Warning, what, why, advice)
    }

    /// Cannot work.
    pub fn wrong(cause: Cause, what: impl Into<String>, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::of(Verdict::Wrong(cause), what, why, advice)
    }

    /// A call that failed where it must not.
    pub(crate) fn failed(what: impl Into<String>, error: ProviderError) -> Self {
        let why = format!("{} on {}: {}", error.call, error.resource, error.message);
        Self::wrong(error.cause, what, why, error.advice)
    }

    /// A call that failed where only less is known for it.
    pub(super) fn unseen(what: impl Into<String>, error: ProviderError) -> Self {
        Self::note(what, format!("cannot be checked: {}: {}", error.call, error.message), "")
    }

    fn of(verdict: Verdict, what: impl Into<String>, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), verdict, why: why.into(), advice: advice.into() }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({"what": self.what, "verdict": self.verdict.name(), "why": self.why, "advice": self.advice})
    }
}

/// `what: why`, and the advice below it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n    {}", self.advice.replace('\n', "\n    ")) }
    }
}

/// Everything that was looked at; nothing hides another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(pub Vec<Finding>);

impl Report {
    /// What works, though not as well as it should.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| finding.verdict == Verdict::Warning)
    }

    /// What cannot work.
    pub fn wrong(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(|finding| matches!(finding.verdict, Verdict::Wrong(_)))
    }

    /// The report itself where nothing is wrong.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn accepted(self) -> Result<Self, Refused> {
        let wrong: Vec<Finding> = self.wrong().cloned().collect();
        if wrong.is_empty() { Ok(self) } else { Err(Refused(wrong)) }
    }
}

/// Every problem that the preflight checks found; nothing was created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}; nothing was created{}", standing(.0.len()), listed(.0))]
pub struct Refused(pub Vec<Finding>);

impl Refused {
    /// What sort of failures they are.
    pub fn causes(&self) -> Vec<Cause> {
        let cause = |finding: &Finding| match finding.verdict {
            Verdict::Wrong(cause) => Some(cause),
            _ => None,
        };
        self.0.iter().filter_map(cause).collect()
    }
}

fn standing(count: usize) -> String {
    if count == 1 { "one problem".to_owned() } else { format!("{count} problems") }
}

fn listed(wrong: &[Finding]) -> String {
    wrong.iter().map(|finding| format!("\n  {finding}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_and_nothing_else() {
        let report = Report(vec![
            Finding::fine("a", "good"),
            Finding::wrong(Cause::Quota, "shards", "too many", "ask for less"),
            Finding::warning("clock", "late", ""),
            Finding::wrong(Cause::Other, "names", "taken", ""),
        ]);
        assert_eq!(report.warnings().count(), 1);
        let refused = report.accepted().expect_err("refused");
        assert_eq!(refused.causes(), [Cause::Quota, Cause::Other]);
        let expected = "2 problems; nothing was created\n  shards: too many\n    ask for less\n  names: taken";
        assert_eq!(refused.to_string(), expected);
    }
}
