//! The stand-in over real sockets: who is let in, which service answers, and how it ends.

use std::{path::Path, sync::Arc};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sts::error::ProvideErrorMetadata;
use kinesis_demo::local::{ACCESS_KEY, REGION, server::StandIn};
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
        config(&self.url, ACCESS_KEY)
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

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.trim_start_matches("http://")).await.expect("connected")
    }
}

pub fn config(url: &str, access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, ACCESS_KEY, None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=00\r\n";

fn request(head: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
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
    let sts = aws_sdk_sts::Client::new(&config(&running.url, "AKIAIOSFODNN7EXAMPLE"));
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
        (request("POST /", json, "{}"), 400, "MissingAuthenticationTokenException"),
        (request("POST /", form, get_identity), 403, "<Code>MissingAuthenticationToken</Code>"),
        (request("GET /bucket/key", "", ""), 403, "<Code>AccessDenied</Code>"),
    ] {
        let answer = running.exchange(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(code), "{answer}");
        assert!(answer.contains("x-amzn-requestid: "), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_no_service_knows_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let json = |target: &str, kind: &str| {
        format!("{SIGNED}X-Amz-Target: {target}\r\nContent-Type: application/x-amz-{kind}-1.1\r\n")
    };
    let form = format!("{SIGNED}Content-Type: application/x-www-form-urlencoded\r\n");
    for (request, status, code) in [
        (request("POST /", &json("AmazonSQS.ListQueues", "json"), "{}"), 400, "UnknownOperationException"),
        (request("POST /", &json("Firehose_20150804.ListDeliveryStreams", "cbor"), ""), 415, "UnsupportedMediaType"),
        (request("POST /", &form, "Action=ListUsers&Version=2010-05-08"), 400, "<Code>InvalidAction</Code>"),
        (request("POST /", &form, "Action=GetSessionToken&Version=2011-06-15"), 400, "<Code>InvalidAction</Code>"),
        (request("POST /", &form, "Action=ListQueues&Version=2012-11-05"), 400, "<Code>InvalidAction</Code>"),
        (request("POST /", &form, "Version=2010-05-08"), 400, "<Code>MissingAction</Code>"),
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
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{SIGNED}X-Amz-Target: Kinesis_20131202.PutRecords\r\nContent-Type: application/x-amz-json-1.1\r\n\r\n",
        17 << 20
    );
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
    for _ in 0..2 {
        stream.write_all(b"GET /_stand-in HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("written");
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
