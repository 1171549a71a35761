//! Why a record was not taken, and why one that was taken did not arrive.

use std::{error::Error, fmt};

use super::{limits, transport::RequestError};

/// Why [`put`](super::Producer::put) did not take a record. The record is not counted as offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// Kinesis would refuse the record in every attempt.
    #[error(
        "the record has {bytes} bytes with its partition key, and the stream takes at most {limit}; split it, or raise \
         the stream's limit with UpdateMaxRecordSize and the builder's with `max_record_bytes`"
    )]
    TooLarge {
        /// Data and partition key.
        bytes: usize,
        /// The largest size that is accepted.
        limit: usize,
    },
    /// Kinesis would refuse the partition key in every attempt.
    #[error("the partition key has {chars} characters; Kinesis takes {} to {}", limits::PARTITION_KEY_CHARS.start(), limits::PARTITION_KEY_CHARS.end())]
    PartitionKey {
        /// Unicode characters.
        chars: usize,
    },
    /// Only from [`try_put`](super::Producer::try_put): the limit of records or bytes in flight is reached.
    #[error("the producer is full; wait with `put`, or allow more in flight")]
    Full,
    /// [`close`](super::Producer::close) was called, or the runtime that the producer lives on has ended.
    #[error("the producer is closed")]
    Closed,
}

/// Why a record that was taken was not acknowledged. The failed attempt behind it, if there was one, is its
/// [`source`](Error::source).
#[derive(Clone, Debug)]
pub struct RecordError {
    reason: Reason,
    attempts: u32,
    may_be_written: bool,
}

/// What ended a record. Its text is one line for a report, with the failed attempt and all that caused it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The service refused the request in a way that sending again would not change.
    Fatal(RequestError),
    /// Its time to live was over before it was acknowledged.
    Expired {
        /// The last failed attempt, if there was one.
        last_error: Option<RequestError>,
    },
    /// The service took the record several times, and no answer that it gave could be read: the record most likely is in
    /// the stream, and sending it again could only add copies.
    Unread(RequestError),
    /// The deadline of [`close`](super::Producer::close) came first.
    Closed,
    /// The producer ended without `close`, for example with its runtime.
    Abandoned,
}

impl RecordError {
    pub(super) fn new(reason: Reason, attempts: u32, may_be_written: bool) -> Self {
        Self { reason, attempts, may_be_written }
    }

    /// What ended the record.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The number of requests that carried the record.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether an attempt whose outcome is not known may have written the record all the same.
    pub fn may_be_written(&self) -> bool {
        self.may_be_written
    }

    /// AWS's error code of the failed attempt behind this error, for example `ResourceNotFoundException`; `None` where
    /// no attempt failed, or the service did not say.
    pub fn code(&self) -> Option<&str> {
        self.reason.failed_attempt()?.code()
    }
}

impl Reason {
    fn failed_attempt(&self) -> Option<&RequestError> {
        match self {
            Self::Fatal(error) | Self::Unread(error) => Some(error),
            Self::Expired { last_error } => last_error.as_ref(),
            Self::Closed | Self::Abandoned => None,
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Fatal(_) => "the service refused the record",
            Self::Expired { .. } => "the record's time to live ended",
            Self::Unread(_) => "no answer to the record could be read",
            Self::Closed => "the producer was closed before the record was acknowledged",
            Self::Abandoned => "the producer was dropped before the record was acknowledged",
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = if self.attempts == 1 { "attempt" } else { "attempts" };
        write!(f, "{}, after {} {attempts}", self.reason.summary(), self.attempts)?;
        match self.may_be_written {
            true => f.write_str("; an attempt without an answer may have written it all the same"),
            false => Ok(()),
        }
    }
}

impl Error for RecordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.failed_attempt().map(|error| error as _)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fatal(error) => f.write_str(&error.with_causes()),
            Self::Unread(error) | Self::Expired { last_error: Some(error) } => {
                write!(f, "{} (last: {})", self.summary(), error.with_causes())
            }
            Self::Expired { last_error: None } | Self::Closed | Self::Abandoned => f.write_str(self.summary()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::transport::Severity;

    #[test]
    fn a_cause_stands_in_the_source_and_not_in_the_text() {
        let attempt = RequestError::new(Severity::Unknown, "the connection ended before the answer came")
            .with_source(io::Error::other("broken pipe"));
        let error = RecordError::new(Reason::Expired { last_error: Some(attempt) }, 3, true);
        let chain: Vec<_> = std::iter::successors(Some(&error as &dyn Error), |error| (*error).source())
            .map(|error| error.to_string())
            .collect();
        assert_eq!(
            chain,
            [
                "the record's time to live ended, after 3 attempts; an attempt without an answer may have written it all the same",
                "the connection ended before the answer came",
                "broken pipe",
            ]
        );
        let report = "the record's time to live ended (last: the connection ended before the answer came: broken pipe)";
        assert_eq!(error.reason().to_string(), report);
        assert_eq!(error.code(), None);
    }

    #[test]
    fn the_code_is_a_value() {
        let refused = RequestError::new(Severity::Fatal, "no such stream").with_code("ResourceNotFoundException");
        let error = RecordError::new(Reason::Fatal(refused), 1, false);
        assert_eq!(error.code(), Some("ResourceNotFoundException"));
        assert_eq!(error.to_string(), "the service refused the record, after 1 attempt");
        assert_eq!(RecordError::new(Reason::Closed, 0, false).code(), None);
    }
}
