//! What goes wrong, and what it means for the records.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, future},
};
use aws_smithy_types::{DateTime, date_time::Format as DateFormat};
use kinesis_producer::{Format, Severity, Transport, Wire, WireError};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    SECRET, STREAM, TOKEN, config, config_with, encoded, put,
    server::{JSON, Reply, Seen, Server, Written},
    wire, written,
};

const FORMATS: [Format; 2] = [Format::Json, Format::Cbor];

fn refused(seen: &Seen, status: u16, code: &str) -> Written {
    encoded(seen, status, &json!({"__type": code, "message": format!("{code} it is")}))
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    type Case = (fn(&Seen) -> Reply, Severity, &'static str);
    let cases: [Case; 20] = [
        (|_| Reply::Reset, Severity::Unknown, "before the answer came"),
        (|_| Reply::Hang, Severity::Unknown, "before the answer came"),
        (|seen| Reply::Half(written(seen, 3)), Severity::Unknown, "in the middle of the answer"),
        (|_| Reply::Http(Written::new(200, JSON, "<html>")), Severity::Unread, "not what PutRecords answers"),
        (|_| Reply::Http(Written::new(307, "text/html", "<html>")), Severity::Unavailable, "307"),
        (|_| Reply::Http(Written::new(408, "text/html", "")), Severity::Unavailable, "408"),
        (|_| Reply::Http(Written::new(502, "text/html", "<html>")), Severity::Unknown, "502"),
        (|_| Reply::Http(Written::new(504, "text/html", "<html>")), Severity::Unknown, "504"),
        (|_| Reply::Http(Written::new(503, "text/html", "Slow\r\ndown")), Severity::Unavailable, "503"),
        (|_| Reply::Http(Written::new(429, "text/html", "")), Severity::Throttled, "429"),
        (
            |seen| Reply::Http(refused(seen, 400, "ProvisionedThroughputExceededException")),
            Severity::Throttled,
            "ProvisionedThroughputExceededException it is",
        ),
        (|seen| Reply::Http(refused(seen, 400, "KMSThrottlingException")), Severity::Throttled, "KMSThrottling"),
        (|seen| Reply::Http(refused(seen, 500, "InternalFailure")), Severity::Unavailable, "InternalFailure it is"),
        (|seen| Reply::Http(refused(seen, 400, "InternalFailure")), Severity::Unavailable, "InternalFailure it is"),
        (|seen| Reply::Http(refused(seen, 400, "RequestExpired")), Severity::Unavailable, "RequestExpired it is"),
        (|seen| Reply::Http(refused(seen, 400, "a#ResourceNotFoundException")), Severity::Fatal, "the region"),
        (|seen| Reply::Http(refused(seen, 400, "AccessDeniedException")), Severity::Fatal, "kinesis:PutRecords"),
        (|seen| Reply::Http(refused(seen, 400, "KMSAccessDeniedException")), Severity::Fatal, "KMS"),
        (|seen| Reply::Http(refused(seen, 400, "ValidationException")), Severity::Fatal, "limits"),
        (|seen| Reply::Http(refused(seen, 403, "UnrecognizedClientException")), Severity::Fatal, "the credentials"),
    ];
    for (case, (reply, severity, words)) in cases.into_iter().enumerate() {
        for format in FORMATS {
            let server = Server::start(move |_, seen| reply(seen)).await;
            let wire = wire(&server, format);
            let error = put(&wire, format).await.expect_err("an error");
            let message = error.message();
            assert_eq!(error.severity(), severity, "case {case}, {format:?}: {message}");
            assert!(message.starts_with("PutRecords to orders: ") && message.contains(words), "case {case}: {message}");
            assert_eq!((server.seen().len(), wire.wants().format), (1, format), "case {case}: one attempt a call");
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_never_made_carried_nothing() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    let wire = Wire::new(&config(&format!("http://127.0.0.1:{port}")), STREAM, Format::Json).expect("a transport");
    let error = put(&wire, Format::Json).await.expect_err("nobody is there");
    assert_eq!(error.severity(), Severity::Unavailable);
    assert!(error.message().contains("nothing was written"), "{error}");
    let causes: Vec<_> =
        std::iter::successors(error.source(), |error| (*error).source()).map(ToString::to_string).collect();
    assert!(causes.iter().any(|cause| cause.contains("refused")), "{causes:?}");
}

#[tokio::test]
async fn a_service_that_refuses_cbor_is_sent_json_from_then_on() {
    let refusals: [fn(&Seen) -> Written; 5] = [
        |_| Written::new(500, "text/html", "<html>UnicodeDecodeError</html>"),
        |_| Written::new(415, "text/html", ""),
        |_| Written::new(400, "text/html", "<html>Bad Request</html>"),
        |_| Written::new(400, JSON, r#"{"__type":"SerializationException"}"#),
        |_| Written::new(404, JSON, r#"{"__type":"UnknownOperationException"}"#),
    ];
    for (case, refusal) in refusals.into_iter().enumerate() {
        let server = Server::start(move |_, seen| match seen.is_cbor() {
            true => Reply::Http(refusal(seen)),
            false => Reply::Http(written(seen, 3)),
        })
        .await;
        let wire = wire(&server, Format::Cbor);
        assert_eq!(wire.wants().format, Format::Cbor);
        assert_eq!(put(&wire, Format::Cbor).await.expect("an answer").len(), 3, "case {case}");
        assert_eq!(wire.wants().format, Format::Json, "case {case}");
        put(&wire, Format::Cbor).await.expect("what was written before is sent in JSON");
        put(&wire, Format::Json).await.expect("an answer");
        let sent: Vec<_> = server.seen().iter().map(Seen::is_cbor).collect();
        assert_eq!(sent, [true, false, false, false], "case {case}");
        let (first, last) = (&server.seen()[1], &server.seen()[3]);
        assert_eq!(first.body, last.body, "the same request");
        super::assert_is_signed(first, SECRET);
    }
}

#[tokio::test]
async fn an_answer_is_read_by_what_it_says_that_it_is() {
    let server = Server::start(|_, _| {
        let answer = json!({"Records": [{"ShardId": "shardId-000000000000", "SequenceNumber": "1"}]});
        Reply::Http(Written::new(200, JSON, answer.to_string()))
    })
    .await;
    assert_eq!(put(&wire(&server, Format::Cbor), Format::Cbor).await.expect("an answer").len(), 1);
}

/// Gives others each time, or always the same.
struct Provider {
    calls: Arc<AtomicUsize>,
    is_constant: bool,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let token = format!("{TOKEN}-{}", if self.is_constant { 0 } else { call });
        let credentials = Credentials::new("the-id", SECRET, Some(token), None, "test");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

/// A service that knows only the second session token.
async fn service_of_second_token() -> Server {
    Server::start(|_, seen| match seen.header("x-amz-security-token").strip_prefix(TOKEN) {
        Some("-0") => Reply::Http(refused(seen, 403, "ExpiredTokenException")),
        _ => Reply::Http(written(seen, 3)),
    })
    .await
}

async fn over_provider(server: &Server, is_constant: bool) -> (Wire, Arc<AtomicUsize>) {
    let calls = Arc::<AtomicUsize>::default();
    let provider = SharedCredentialsProvider::new(Provider { calls: calls.clone(), is_constant });
    (Wire::new(&config_with(&server.url, provider), STREAM, Format::Json).expect("a transport"), calls)
}

#[tokio::test]
async fn expired_credentials_are_replaced_once() {
    let server = service_of_second_token().await;
    let (wire, calls) = over_provider(&server, false).await;
    let error = put(&wire, Format::Json).await.expect_err("expired");
    assert_eq!(error.severity(), Severity::Unavailable, "{error}");
    put(&wire, Format::Json).await.expect("an answer");
    put(&wire, Format::Json).await.expect("an answer");
    assert_eq!(calls.load(Ordering::SeqCst), 2, "they are kept");

    let (wire, calls) = over_provider(&server, true).await;
    assert_eq!(put(&wire, Format::Json).await.expect_err("expired").severity(), Severity::Unavailable);
    let error = put(&wire, Format::Json).await.expect_err("expired");
    assert_eq!((error.severity(), calls.load(Ordering::SeqCst)), (Severity::Fatal, 2));
    assert!(error.message().contains("ExpiredTokenException") && error.message().contains("renew"), "{error}");
}

#[tokio::test]
async fn a_wrong_clock_is_corrected() {
    let ahead = SystemTime::now() + Duration::from_secs(3600);
    let date = DateTime::from(ahead).fmt(DateFormat::HttpDate).expect("a date");
    let server = Server::start(move |request, seen| match request {
        0 => Reply::Http(refused(seen, 403, "InvalidSignatureException").with("date", date.clone())),
        _ => Reply::Http(written(seen, 3)),
    })
    .await;
    let wire = wire(&server, Format::Cbor);
    let error = put(&wire, Format::Cbor).await.expect_err("too early");
    assert_eq!(error.severity(), Severity::Unavailable, "{error}");
    put(&wire, Format::Cbor).await.expect("an answer");
    let hour = |seen: &Seen| seen.header("x-amz-date").to_owned();
    let (first, second) = (hour(&server.seen()[0]), hour(&server.seen()[1]));
    let read = |text: &str| {
        let (day, time) = text.trim_end_matches('Z').split_once('T').expect("a date and a time");
        let text = format!("{}-{}-{}T{}:{}:{}Z", &day[..4], &day[4..6], &day[6..], &time[..2], &time[2..4], &time[4..]);
        DateTime::from_str(&text, DateFormat::DateTime).expect("a time").secs()
    };
    assert!((3590..3660).contains(&(read(&second) - read(&first))), "{first} {second}");
    super::assert_is_signed(&server.seen()[1], SECRET);
}

#[tokio::test]
async fn a_signature_that_is_wrong_at_the_right_time_is_final() {
    let server = Server::start(|_, seen| {
        let now = DateTime::from(SystemTime::now()).fmt(DateFormat::HttpDate).expect("a date");
        Reply::Http(refused(seen, 403, "InvalidSignatureException").with("date", now))
    })
    .await;
    assert_eq!(put(&wire(&server, Format::Json), Format::Json).await.expect_err("wrong").severity(), Severity::Fatal);
}

#[tokio::test]
async fn credentials_are_in_no_error() {
    let server = Server::start(|_, seen| {
        let canonical = format!("should have been x-amz-security-token:{TOKEN} by the-id with {SECRET}");
        Reply::Http(encoded(seen, 403, &json!({"__type": "InvalidSignatureException", "message": canonical})))
    })
    .await;
    for format in FORMATS {
        let wire = wire(&server, format);
        let error = put(&wire, format).await.expect_err("wrong");
        let told = format!("{error} {error:?} {wire:?}");
        assert!(told.contains("should have been x-amz-security-token:…"), "{told}");
        assert!(![TOKEN, SECRET, "the-id"].iter().any(|secret| told.contains(secret)), "{told}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_at_once() {
    let no_region = aws_config::SdkConfig::builder().endpoint_url("http://127.0.0.1:1").build();
    assert!(matches!(Wire::new(&no_region, STREAM, Format::Json), Err(WireError::NoRegion)));
    let server = Server::start(|_, seen| Reply::Http(written(seen, 3))).await;
    let without = config(&server.url).into_builder();
    let mut without = without;
    without.set_credentials_provider(None);
    let error = put(&Wire::new(&without.build(), STREAM, Format::Json).expect("a transport"), Format::Json).await;
    let error = error.expect_err("no credentials");
    assert!(error.severity() == Severity::Fatal && error.message().contains("AWS_ACCESS_KEY_ID"), "{error}");
    assert!(server.seen().is_empty());
}
