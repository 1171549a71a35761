//! The stand-in over real sockets: who is let in, which service answers, and how it ends.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningInstructions, SigningSettings, sign},
    sign::v4,
};
use aws_stand_in::{AccessKey, REGION, internals::StandIn};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use kinesis_demo::aws::Where;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// A stand-in that serves within the test's own process.
pub struct Running {
    pub stand_in: Arc<StandIn>,
    pub url: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub async fn over(folder: &Path) -> Self {
        let stand_in = StandIn::open(folder).expect("opened");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(stand_in.clone().serve(listener, async {
            let _ = stopped.await;
        }));
        Self { stand_in, url, stop, served }
    }

    pub fn config(&self) -> SdkConfig {
        config(&self.url, self.stand_in.key())
    }

    /// Where clients of the product call it.
    pub fn place(&self) -> Where {
        Where::Local { url: self.url.clone(), credentials: self.stand_in.key().into() }
    }

    pub async fn stop(self) {
        self.stop.send(()).expect("still served");
        self.served.await.expect("no panic").expect("served well");
    }

    async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    }

    fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.host()).await.expect("connected")
    }
}

pub fn config(url: &str, key: &AccessKey) -> SdkConfig {
    let credentials = Credentials::from(key);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Signs a request that was changed after its caller had signed it.
pub fn sign_again(request: &mut Request<Bytes>, key: &AccessKey, service: &str) {
    let headers = request.headers_mut();
    for old in ["authorization", "x-amz-date", "x-amz-content-sha256"] {
        headers.remove(old);
    }
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().expect("text").to_owned())
    };
    let headers: Vec<(String, String)> = headers.iter().map(text).collect();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (method, uri, body) = (request.method().to_string(), request.uri().to_string(), request.body().clone());
    let signable = SignableRequest::new(&method, uri, headers, SignableBody::Bytes(&body)).expect("signable");
    instructions(signable, key, service).apply_to_request_http1x(request);
}

pub fn instructions(signable: SignableRequest<'_>, key: &AccessKey, service: &str) -> SigningInstructions {
    let identity = Credentials::from(key).into();
    let params = v4::SigningParams::builder().identity(&identity).region(REGION).name(service);
    let params =
        params.time(SystemTime::now()).settings(SigningSettings::default()).build().expect("parameters").into();
    sign(signable, &params).expect("signed").into_parts().0
}

impl Running {
    /// A request as text, signed by the key's owner for a service.
    fn signed(&self, service: &str, headers: &[(&str, &str)], body: &str) -> String {
        let all = [("host", self.host())].into_iter().chain(headers.iter().copied());
        let signable = SignableRequest::new("POST", "/", all, SignableBody::Bytes(body.as_bytes())).expect("signable");
        let instructions = instructions(signable, self.stand_in.key(), service);
        let mut lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        lines.extend(instructions.headers().map(|(name, value)| format!("{name}: {value}\r\n")));
        self.request("POST /", &lines, body)
    }

    fn request(&self, head: &str, headers: &str, body: &str) -> String {
        let (host, length) = (self.host(), body.len());
        format!(
            "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
    }
}

#[tokio::test]
async fn the_caller_is_the_local_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let identity = aws_sdk_sts::Client::new(&running.config()).get_caller_identity().send().await.expect("answered");
    assert_eq!(identity.account(), Some("000000000000"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::000000000000:user/local"));
    assert!(identity.user_id().is_some_and(|id| id.starts_with("AIDA")));
    running.stop().await;
}

#[tokio::test]
async fn another_access_key_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let sts = aws_sdk_sts::Client::new(&config(
        &running.url,
        &AccessKey { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), ..running.stand_in.key().clone() },
    ));
    let error = sts.get_caller_identity().send().await.expect_err("refused");
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(403));
    assert_eq!(error.into_service_error().code(), Some("InvalidClientTokenId"));
    running.stop().await;
}

#[tokio::test]
async fn a_request_without_a_signature_is_refused_in_each_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let json = "X-Amz-Target: Kinesis_20131202.ListStreams\r\nContent-Type: application/x-amz-json-1.1\r\n";
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let get_identity = "Action=GetCallerIdentity&Version=2011-06-15";
    for (request, status, code) in [
        (running.request("POST /", json, "{}"), 400, "MissingAuthenticationTokenException"),
        (running.request("POST /", form, get_identity), 403, "<Code>MissingAuthenticationToken</Code>"),
        (running.request("GET /bucket/key", "", ""), 403, "<Code>AccessDenied</Code>"),
    ] {
        let answer = running.exchange(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(code), "{answer}");
        assert!(answer.contains("x-amzn-requestid: ") || answer.contains("x-amz-request-id: "), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn who_knows_the_id_and_not_the_secret_is_refused_in_each_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let thief = config(&running.url, &AccessKey { secret: "guessed".to_owned(), ..running.stand_in.key().clone() });
    let code = aws_sdk_kinesis::Client::new(&thief).list_streams().send().await.expect_err("refused");
    assert_eq!(code.into_service_error().code(), Some("InvalidSignatureException"));
    let code = aws_sdk_lambda::Client::new(&thief).list_functions().send().await.expect_err("refused");
    assert_eq!(code.into_service_error().code(), Some("InvalidSignatureException"));
    let code = aws_sdk_iam::Client::new(&thief).list_roles().send().await.expect_err("refused");
    assert_eq!(code.into_service_error().code(), Some("SignatureDoesNotMatch"));
    let s3 = aws_sdk_s3::Client::new(&thief);
    let code = s3.create_bucket().bucket("stolen").send().await.expect_err("refused");
    assert_eq!(code.into_service_error().code(), Some("SignatureDoesNotMatch"));
    let presigned = PresigningConfig::expires_in(Duration::from_secs(60)).expect("a config");
    let url = s3.delete_object().bucket("theirs").key("k").presigned(presigned).await.expect("presigned");
    let path = url.uri().strip_prefix(&running.url).expect("a path");
    let answer = running
        .exchange(&format!("DELETE {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", running.host()))
        .await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("SignatureDoesNotMatch"), "{answer}");
    running.stop().await;
}

#[tokio::test]
async fn the_owner_may_presign_a_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let s3 = aws_sdk_s3::Client::new(&running.config());
    s3.create_bucket().bucket("mine").send().await.expect("created");
    s3.put_object().bucket("mine").key("k").body(b"shown".to_vec().into()).send().await.expect("put");
    let presigned = PresigningConfig::expires_in(Duration::from_secs(60)).expect("a config");
    let url = s3.get_object().bucket("mine").key("k").presigned(presigned).await.expect("presigned");
    let path = url.uri().strip_prefix(&running.url).expect("a path");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", running.host());
    let answer = running.exchange(&get(path)).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("shown"), "{answer}");
    let other = path.replace("/k?", "/other?");
    assert!(running.exchange(&get(&other)).await.starts_with("HTTP/1.1 403 "), "another key");
    running.stop().await;
}

#[tokio::test]
async fn a_web_page_and_a_foreign_host_reach_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let list = [("x-amz-target", "Kinesis_20131202.ListStreams"), ("content-type", "application/x-amz-json-1.1")];
    let good = running.signed("kinesis", &list, "{}");
    assert!(running.exchange(&good).await.starts_with("HTTP/1.1 200 "));
    for bad in [
        good.replace("Connection: close", "Origin: https://evil.example\r\nConnection: close"),
        good.replace(running.host(), "evil.example"),
        "GET /_stand-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(),
        running.request("POST /2015-03-31/functions", "Origin: null\r\nContent-Type: text/plain\r\n", "{}"),
    ] {
        let answer = running.exchange(&bad).await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("AccessDenied"), "{bad}\n{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_no_service_knows_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let json = |service: &str, target: &str, kind: &str, body: &str| {
        let kind = format!("application/x-amz-{kind}-1.1");
        running.signed(service, &[("x-amz-target", target), ("content-type", &kind)], body)
    };
    let form = |service: &str, body: &str| {
        running.signed(service, &[("content-type", "application/x-www-form-urlencoded")], body)
    };
    for (request, status, code) in [
        (json("sqs", "AmazonSQS.ListQueues", "json", "{}"), 400, "UnknownOperationException"),
        (json("firehose", "Firehose_20150804.ListDeliveryStreams", "cbor", ""), 415, "UnsupportedMediaType"),
        (form("iam", "Action=ListUsers&Version=2010-05-08"), 400, "<Code>InvalidAction</Code>"),
        (form("sts", "Action=GetSessionToken&Version=2011-06-15"), 400, "<Code>InvalidAction</Code>"),
        (form("iam", "Action=ListQueues&Version=2012-11-05"), 400, "<Code>InvalidAction</Code>"),
        (form("iam", "Version=2010-05-08"), 400, "<Code>MissingAction</Code>"),
    ] {
        let answer = running.exchange(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
        assert!(answer.contains(code), "{request}\n{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let headers = [("x-amz-target", "Kinesis_20131202.PutRecords"), ("content-type", "application/x-amz-json-1.1")];
    let head = running.signed("kinesis", &headers, "");
    let head = head.replace("Content-Length: 0", &format!("Content-Length: {}", 17 << 20));
    let answer = running.exchange(&head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("x-amzn-errortype: RequestEntityTooLargeException"), "{answer}");
    running.stop().await;
}

#[tokio::test]
async fn it_says_who_it_is_and_an_open_connection_does_not_hold_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let mut stream = running.connect().await;
    let ask = format!("GET /_stand-in HTTP/1.1\r\nHost: {}\r\n\r\n", running.host());
    for _ in 0..2 {
        stream.write_all(ask.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("read"), 0, "the connection stays open");
        }
        let answer = String::from_utf8(answer).expect("text");
        assert!(answer.contains(running.stand_in.identity()), "{answer}");
    }
    let started = std::time::Instant::now();
    running.stop().await;
    assert!(started.elapsed().as_secs() < 4, "an idle connection is not waited for");
    assert_eq!(stream.read(&mut [0]).await.expect("read"), 0, "closed");
}

#[tokio::test]
async fn it_does_not_listen_beyond_loopback() {
    let folder = tempfile::tempdir().expect("a folder");
    let stand_in = StandIn::open(folder.path()).expect("opened");
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let error = stand_in.serve(listener, std::future::pending()).await.expect_err("refused");
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test]
async fn objects_stream_through_it_beyond_the_limit_of_the_other_services() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let s3 = aws_sdk_s3::Client::new(&running.config());
    s3.create_bucket().bucket("landed").send().await.expect("created");
    let data: Vec<u8> = (0..20_u32 << 18).flat_map(u32::to_le_bytes).collect();
    s3.put_object().bucket("landed").key("a/b c/ü.gz").body(data.clone().into()).send().await.expect("put");
    let got = s3.get_object().bucket("landed").key("a/b c/ü.gz").send().await.expect("there");
    assert!(got.body.collect().await.expect("read").to_vec() == data, "the same bytes");
    assert_eq!(running.stand_in.s3.list("landed", "a/").await.expect("listed").len(), 1);
    let absent = s3.get_object().bucket("landed").key("none").send().await.expect_err("absent");
    assert_eq!(absent.into_service_error().code(), Some("NoSuchKey"));
    running.stop().await;
}
