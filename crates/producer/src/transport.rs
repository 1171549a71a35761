//! What carries a batch to the service and brings its answer back, once, without retrying.

use std::{error::Error, fmt, sync::Arc};

use futures::{
    FutureExt,
    future::{BoxFuture, ready},
};

use super::{
    answer::Answer,
    body::{Body, Format},
    shard_map::{DescribeError, ShardMap},
};

/// Sends PutRecords requests. It must not retry by itself: attempts are counted and paced by the producer.
pub trait Transport: Send + Sync + 'static {
    /// How the bodies of coming requests are to be made; may change.
    fn wants(&self) -> Wants;

    /// Sends one request, at most 500 records and 10 MiB, and returns one position for each record, in their order.
    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>>;

    /// The stream's open shards, for limits by shard and for aggregation; `None` where they cannot be known. Asked for when
    /// a producer is built, and again, at most once a second, when a record is in a shard that is not the expected one.
    fn shards(&self) -> BoxFuture<'static, Result<Option<ShardMap>, DescribeError>> {
        ready(Ok(None)).boxed()
    }
}

/// What a transport wants of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wants {
    /// How the body is written.
    pub format: Format,
    /// Whether the body's SHA-256 is needed.
    pub hash: bool,
}

impl Wants {
    /// A body in this format, without its SHA-256.
    pub fn new(format: Format) -> Self {
        Self { format, hash: false }
    }

    /// The same, with the body's SHA-256, as a signature needs it.
    pub fn with_hash(self) -> Self {
        Self { hash: true, ..self }
    }
}

/// One PutRecords request. Cloning is cheap.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The finished body. A transport that sends in another way takes its records.
    pub body: Arc<Body>,
    /// The SHA-256 of the body, where the transport wants it.
    pub sha256: Option<[u8; 32]>,
}

impl Request {
    /// A request for those who drive a [`Transport`] themselves.
    pub fn new(body: impl Into<Arc<Body>>) -> Self {
        Self { body: body.into(), sha256: None }
    }

    /// The same request with the SHA-256 of its body.
    pub fn with_sha256(self, sha256: [u8; 32]) -> Self {
        Self { sha256: Some(sha256), ..self }
    }
}

/// Why an attempt failed: for a whole request, or for one record of it. Cloning is cheap.
///
/// The text says what failed; what caused that, as far as it is an error of its own, is the [`source`](Error::source).
#[derive(Clone)]
pub struct RequestError(Arc<Failure>);

#[derive(Clone)]
struct Failure {
    severity: Severity,
    code: Option<Box<str>>,
    message: Box<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl RequestError {
    /// A failure with its meaning for the records, and a text for people that does not repeat the cause.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        let message = message.into().into_boxed_str();
        Self(Arc::new(Failure { severity, code: None, message, source: None }))
    }

    /// The same with AWS's error code, for example `ResourceNotFoundException`; an empty one is none.
    pub fn with_code(mut self, code: &str) -> Self {
        Arc::make_mut(&mut self.0).code = Some(code).filter(|code| !code.is_empty()).map(Into::into);
        self
    }

    /// The same with the error that caused it.
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// What it means for the records.
    pub fn severity(&self) -> Severity {
        self.0.severity
    }

    /// AWS's error code; `None` where the service gave none, or gave no answer.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What failed, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The same failure of something larger, which its message begins with.
    pub(super) fn within(mut self, what: &str) -> Self {
        let failure = Arc::make_mut(&mut self.0);
        failure.message = format!("{what}: {}", failure.message).into();
        self
    }

    /// Returns the message and those of all causes, each once: for places that print one line.
    pub fn with_causes(&self) -> String {
        let all = std::iter::successors(Some(self as &(dyn Error + 'static)), |error| (*error).source());
        let mut texts: Vec<String> = Vec::new();
        for text in all.map(ToString::to_string) {
            if !texts.iter().any(|known| known.contains(&text)) {
                texts.push(text);
            }
        }
        texts.join(": ")
    }
}

impl Severity {
    /// Whether a record may be in the stream although the attempt failed.
    pub(super) fn may_be_written(self) -> bool {
        matches!(self, Self::Unknown | Self::Unread)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { severity, code, message, source } = &*self.0;
        let mut debug = f.debug_struct("RequestError");
        debug.field("severity", severity).field("code", code).field("message", message).field("source", source);
        debug.finish()
    }
}

impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// What a failed attempt means for its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// The service wants less; nothing was written.
    Throttled,
    /// The service cannot now; it said that it failed.
    Unavailable,
    /// No answer, or half of one: the records may have been written.
    Unknown,
    /// The service took the request, but nothing in its answer can be read: most likely the records were written. A record
    /// is sent again at most five times after such answers, because each time may add a copy of it.
    Unread,
    /// Sending again would not change it.
    Fatal,
}
