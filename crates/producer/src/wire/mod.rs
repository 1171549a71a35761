//! PutRecords without the SDK: bodies are sent as they were written, signed over hashes that were computed before.
//!
//! The SDK gives what is not of the hot path: region, endpoint, credentials.

mod aes_gcm;
mod credentials;
mod endpoint;
mod http;
mod refused;
mod sign;

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use ::http::{HeaderValue, Method, Request as HttpRequest, header};
use aws_types::SdkConfig;
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http_body_util::Full;
use sha2::{Digest, Sha256};

use self::{
    credentials::{CredentialsCache, Lease},
    endpoint::Endpoint,
    http::{Http, Response},
    refused::Refused,
};
use super::{
    answer::{Answer, AnswerError},
    body::{Body, Format},
    refusal,
    transport::{Request, RequestError, Severity, Transport, Wants},
};

const TARGET: &str = "Kinesis_20131202.PutRecords";
const USER_AGENT: &str = concat!("kinesis-demo/", env!("CARGO_PKG_VERSION"));
/// How far off a clock must be to be what is wrong with a signature; the service allows five minutes.
const SKEW: Duration = Duration::from_secs(2 * 60);

/// Sends PutRecords requests as they are, one attempt a call, but two in the one that finds CBOR refused. Cloning is cheap:
/// connections and credentials are shared. It does not know the stream's shards: a producer
/// [over it](super::Producer::with_transport) has no limits by shard.
#[derive(Clone, Debug)]
pub struct Wire(Arc<Shared>);

/// What requests cannot be sent without.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Requests are signed for a region.
    #[error("no region is set; set AWS_REGION, or `region` in the profile, or the configuration's `region`")]
    NoRegion,
    /// Where to send to.
    #[error("there is no endpoint{}: {why}; check the region, the stream's ARN, and the endpoint's URL", if .url.is_empty() { String::new() } else { format!(" at {url}") })]
    Endpoint {
        /// The URL that was set, or none.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Whom to trust.
    #[error(
        "no certificates are trusted; install the system's (package ca-certificates), or name a file in SSL_CERT_FILE"
    )]
    Roots(#[source] io::Error),
}

struct Shared {
    stream: String,
    endpoint: Endpoint,
    credentials: CredentialsCache,
    http: Http,
    speaks_cbor: AtomicBool,
    /// Whether the service has answered a request in CBOR: it does not refuse CBOR then.
    knows_cbor: AtomicBool,
    /// By how many milliseconds the service's clock is ahead of ours.
    skew: AtomicI64,
}

/// What a request was signed with.
struct Signed {
    lease: Lease,
    time: SystemTime,
}

/// Why an attempt gave no answer.
enum Failure {
    /// The service does not take CBOR, so it wrote nothing.
    Cbor(Refused),
    Other(RequestError),
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Other(error)
    }
}

impl Wire {
    /// To a stream named by its name or its ARN. A service that refuses CBOR is sent JSON from then on.
    ///
    /// # Errors
    /// Without a region, an endpoint, or trusted certificates for one that asks for TLS.
    pub fn new(config: &SdkConfig, stream_name_or_arn: impl Into<String>, format: Format) -> Result<Self, WireError> {
        let stream = stream_name_or_arn.into();
        let endpoint = Endpoint::of(config, &stream)?;
        let http = if endpoint.is_tls() { Http::tls()? } else { Http::plain() };
        Ok(Self(Arc::new(Shared {
            credentials: CredentialsCache::new(config.credentials_provider()),
            speaks_cbor: AtomicBool::new(format == Format::Cbor),
            knows_cbor: AtomicBool::new(false),
            skew: AtomicI64::new(0),
            stream,
            endpoint,
            http,
        })))
    }
}

impl Transport for Wire {
    fn wants(&self) -> Wants {
        Wants::new(self.0.format()).with_hash()
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let shared = self.0.clone();
        async move { shared.send(request).await.map_err(|error| shared.name(error)) }.boxed()
    }
}

impl Shared {
    fn format(&self) -> Format {
        if self.speaks_cbor.load(Ordering::Relaxed) { Format::Cbor } else { Format::Json }
    }

    async fn send(&self, request: Request) -> Result<Answer, RequestError> {
        if request.body.format() == Format::Json {
            return self.attempt(&request).await.map_err(Failure::told);
        }
        if self.format() == Format::Cbor {
            match self.attempt(&request).await {
                Err(Failure::Cbor(refused)) => self.speak_json(&refused),
                ended => return ended.map_err(Failure::told),
            }
        }
        let request = Request::new(request.body.converted(Format::Json));
        self.attempt(&request).await.map_err(Failure::told)
    }

    fn speak_json(&self, Refused { code, message }: &Refused) {
        self.speaks_cbor.store(false, Ordering::Relaxed);
        let stream = &self.stream;
        tracing::warn!(stream, code, message, "the service refused a request in CBOR; JSON is sent from now on");
    }

    async fn attempt(&self, request: &Request) -> Result<Answer, Failure> {
        let lease = self.credentials.get().await?;
        let signed = Signed { lease, time: self.now() };
        let response = self.http.send(self.signed(request, &signed)?).await?;
        let is_cbor = request.body.format() == Format::Cbor;
        if response.status.is_success() {
            let answer = read(&response)?;
            self.knows_cbor.fetch_or(is_cbor, Ordering::Relaxed);
            return Ok(answer);
        }
        let mut refused = Refused::read(&response);
        refused.message = signed.lease.redact(&refused.message);
        let may_be = is_cbor && !self.knows_cbor.load(Ordering::Relaxed);
        if may_be && refused::is_of_cbor(response.status.as_u16(), &refused, response.media_type()) {
            return Err(Failure::Cbor(refused));
        }
        Err(self.judge(&response, &refused, &signed).into())
    }

    fn signed(&self, request: &Request, signed: &Signed) -> Result<HttpRequest<Full<Bytes>>, RequestError> {
        let sha256 = request.sha256.unwrap_or_else(|| Sha256::digest(request.body.bytes()).into());
        let body = Bytes::from_owner(Contents(request.body.clone()));
        let mut http = HttpRequest::new(Full::new(body));
        *http.method_mut() = Method::POST;
        *http.uri_mut() = self.endpoint.uri.clone();
        let headers = http.headers_mut();
        headers.insert(header::HOST, self.endpoint.host.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(request.body.format())));
        headers.insert("x-amz-target", HeaderValue::from_static(TARGET));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        // Not as its source: that one may repeat the credentials.
        let unsigned = |error: sign::SignError| {
            let why = signed.lease.redact(&error.to_string());
            RequestError::new(Severity::Fatal, format!("the request cannot be signed; check the credentials: {why}"))
        };
        sign::add_signature(&mut http, &self.endpoint, &signed.lease, &sha256, signed.time).map_err(unsigned)?;
        Ok(http)
    }

    fn judge(&self, response: &Response, refused: &Refused, signed: &Signed) -> RequestError {
        let Refused { code, message } = refused;
        let may_pass = match code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" => self.credentials.refuse(&signed.lease),
            code if is_of_time(code) => self.correct_clock(response, signed.time),
            _ => false,
        };
        let severity = match may_pass {
            true => Severity::Unavailable,
            false => refusal::severity(code, response.status.as_u16()),
        };
        let advice = match severity {
            Severity::Fatal => format!("; sending again would not change it: {}", refusal::advice(code)),
            _ => String::new(),
        };
        let what = if code.is_empty() { response.status.to_string() } else { code.clone() };
        RequestError::new(severity, format!("{what}: {message}{advice}")).with_code(code)
    }

    /// Whether our clock was wrong when the request was signed; it is right from then on.
    fn correct_clock(&self, response: &Response, signed: SystemTime) -> bool {
        let Some(theirs) = response.date() else { return false };
        let skew = milliseconds_from(SystemTime::now(), theirs);
        let was_wrong = milliseconds_from(signed, theirs).unsigned_abs() > SKEW.as_millis() as u64;
        if was_wrong {
            tracing::warn!(skew, "this machine's clock is wrong by so many milliseconds; signatures are corrected");
            self.skew.store(skew, Ordering::Relaxed);
        }
        was_wrong
    }

    fn now(&self) -> SystemTime {
        let skew = self.skew.load(Ordering::Relaxed);
        let by = Duration::from_millis(skew.unsigned_abs());
        if skew < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
    }

    fn name(&self, error: RequestError) -> RequestError {
        error.within(&format!("PutRecords to {}", self.stream))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} in {:?}", self.stream, self.endpoint.uri, self.format())
    }
}

impl Failure {
    fn told(self) -> RequestError {
        match self {
            Self::Other(error) => error,
            Self::Cbor(Refused { code, message }) => {
                RequestError::new(Severity::Fatal, format!("{code}: {message}")).with_code(&code)
            }
        }
    }
}

/// By what the answer says that it is: a service may take CBOR and answer in JSON.
fn read(response: &Response) -> Result<Answer, RequestError> {
    let answer = match response.media_type() {
        media_type if media_type.contains("cbor") => Answer::read_cbor(response.body.clone()),
        _ => Answer::read_json(response.body.clone()),
    };
    answer.map_err(|error| {
        let severity = refusal::severity("", response.status.as_u16());
        let unread = RequestError::new(severity, format!("{error}; check that the endpoint is of Kinesis"));
        match error {
            AnswerError::Json(cause) => unread.with_source(cause),
            AnswerError::Cbor(cause) => unread.with_source(cause),
            AnswerError::Trailing { .. } | AnswerError::TooLong { .. } => unread,
        }
    })
}

/// The bytes of a body that others hold too.
struct Contents(Arc<Body>);

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/x-amz-json-1.1",
        Format::Cbor => "application/x-amz-cbor-1.1",
    }
}

/// Codes that a wrong clock may be behind.
fn is_of_time(code: &str) -> bool {
    matches!(
        code,
        "RequestTimeTooSkewed"
            | "RequestExpired"
            | "RequestInTheFuture"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "AuthFailure"
    )
}

fn milliseconds_from(one: SystemTime, other: SystemTime) -> i64 {
    match other.duration_since(one) {
        Ok(later) => later.as_millis() as i64,
        Err(earlier) => -(earlier.duration().as_millis() as i64),
    }
}
