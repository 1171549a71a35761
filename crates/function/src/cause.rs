//! Why records failed, counted.

use std::fmt;

/// A reason, and how many records it ended; for one line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What went wrong.
    pub why: String,
    /// How many records failed for it.
    pub records: usize,
    /// The sequence number of the first of them.
    pub first: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, records, first } = self;
        match records {
            1 => write!(f, "1 record failed: {why} (sequence number {first})"),
            _ => write!(f, "{records} records failed: {why} (the first is sequence number {first})"),
        }
    }
}

/// One cause for each reason, in the order in which they first came up.
pub(super) fn causes<'a>(failures: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for (sequence_number, why) in failures {
        match causes.iter_mut().find(|cause| cause.why == why) {
            Some(cause) => cause.records += 1,
            None => causes.push(Cause { why: why.to_owned(), records: 1, first: sequence_number.to_owned() }),
        }
    }
    causes
}
