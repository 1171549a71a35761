//! Bodies of S3 requests as they go over the wire: what is not what its headers say is refused, and stores nothing.

use std::{fs, path::Path, time::Duration};

use aws_sdk_s3::Client;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_stand_in::REGION;
use chrono::Utc;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::stand_in::Running;

const KEY: &str = "/bucket/k";
const OLD: &[u8] = b"old";

/// A stand-in with an object in it.
struct Fixture {
    folder: TempDir,
    running: Running,
    s3: Client,
}

/// A request that is signed, with all but its body.
struct Signed {
    head: String,
    signature: String,
    time: chrono::DateTime<Utc>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(folder.path()).await;
        let s3 = Client::new(&running.config());
        s3.create_bucket().bucket("bucket").send().await.expect("created");
        s3.put_object().bucket("bucket").key("k").body(OLD.to_vec().into()).send().await.expect("put");
        Self { folder, running, s3 }
    }

    /// Signs a request whose `x-amz-content-sha256` is `payload`.
    fn sign(&self, method: &str, path: &str, headers: &[(&str, &str)], payload: &str) -> Signed {
        let host = self.running.url.trim_start_matches("http://");
        let all: Vec<(&str, &str)> = [("host", host)].into_iter().chain(headers.iter().copied()).collect();
        let signable =
            SignableRequest::new(method, path, all.iter().copied(), SignableBody::Precomputed(payload.into()));
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let time = Utc::now();
        let identity = aws_sdk_s3::config::Credentials::from(self.running.stand_in.key()).into();
        let params = v4::SigningParams::builder().identity(&identity).region(REGION).name("s3").time(time.into());
        let params = params.settings(settings).build().expect("parameters").into();
        let (instructions, signature) = sign(signable.expect("signable"), &params).expect("signed").into_parts();
        let mut lines: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        lines.extend(instructions.headers().map(|(name, value)| format!("{name}: {value}\r\n")));
        Signed { head: format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n"), signature, time }
    }

    /// Puts with these headers; whatever the body is, its length is told.
    fn put(&self, headers: &[(&str, &str)], payload: &str, length: usize) -> Signed {
        let length = length.to_string();
        let headers: Vec<_> = headers.iter().copied().chain([("content-length", length.as_str())]).collect();
        self.sign("PUT", KEY, &headers, payload)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.running.url.trim_start_matches("http://")).await.expect("connected")
    }

    async fn send(&self, request: &Signed, body: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.head.as_bytes()).await.expect("written");
        stream.write_all(body).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    }

    /// Sends a put that is refused, and looks whether anything of it is there.
    async fn expect_refusal(&self, what: &str, request: &Signed, body: &[u8], status: u16, code: &str) {
        let answer = self.send(request, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        assert!(answer.contains(&format!("<Code>{code}</Code>")), "{what}: {answer}");
        assert!(answer.contains("x-amz-request-id: ") && answer.contains("x-amz-id-2: "), "{what}: {answer}");
        self.only_the_old_is_there(what).await;
    }

    async fn only_the_old_is_there(&self, what: &str) {
        let got = self.s3.get_object().bucket("bucket").key("k").send().await.expect("there");
        assert_eq!(got.body.collect().await.expect("read").to_vec(), OLD, "{what}");
        assert_eq!(data_files(self.folder.path()), 1, "{what}");
    }
}

fn data_files(folder: &Path) -> usize {
    fs::read_dir(folder.join("s3/data")).expect("a folder").count()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signed {
    /// A chunk of a signed body after the one of this signature, with its own.
    fn chunk(&self, secret: &str, before: &str, data: &[u8]) -> (Vec<u8>, String) {
        let (date, time) = (self.time.format("%Y%m%d"), self.time.format("%Y%m%dT%H%M%SZ"));
        let (empty, digest) = (hex(&Sha256::digest(b"")), hex(&Sha256::digest(data)));
        let words =
            format!("AWS4-HMAC-SHA256-PAYLOAD\n{time}\n{date}/{REGION}/s3/aws4_request\n{before}\n{empty}\n{digest}");
        let key = v4::generate_signing_key(secret, self.time.into(), REGION, "s3");
        let signature = v4::calculate_signature(key, words.as_bytes());
        let head = format!("{:x};chunk-signature={signature}\r\n", data.len());
        ([head.as_bytes(), data, b"\r\n"].concat(), signature)
    }
}

#[tokio::test]
async fn a_body_of_another_hash_or_digest_is_refused() {
    let fixture = Fixture::new().await;
    let other = hex(&Sha256::digest(b"new"));
    let put = fixture.put(&[], &other, 3);
    fixture.expect_refusal("sha256", &put, b"neu", 400, "XAmzContentSHA256Mismatch").await;
    for (header, value, code) in [
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==", "BadDigest"),
        ("content-md5", "no digest", "InvalidDigest"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-sha256", "AAAAAA==", "BadDigest"),
        ("x-amz-sdk-checksum-algorithm", "CRC32", "InvalidRequest"),
    ] {
        let put = fixture.put(&[(header, value)], "UNSIGNED-PAYLOAD", 3);
        fixture.expect_refusal(header, &put, b"new", 400, code).await;
    }
    let put = fixture.put(&[("content-md5", "jf5evR8T6pBVYzgQj2Yvcw==")], "UNSIGNED-PAYLOAD", 3);
    let answer = fixture.send(&put, b"neu").await;
    assert!(answer.contains("<Code>BadDigest</Code>"), "{answer}");
    fixture.running.stop().await;
}

#[tokio::test]
async fn headers_that_are_newer_than_the_library_are_refused() {
    let fixture = Fixture::new().await;
    for header in ["x-amz-checksum-sha512", "x-amz-object-lock-event-hold", "x-amz-bucket-namespace"] {
        let put = fixture.put(&[(header, "1")], "UNSIGNED-PAYLOAD", 3);
        fixture.expect_refusal(header, &put, b"new", 501, "NotImplemented").await;
    }
    fixture.running.stop().await;
}

#[tokio::test]
async fn a_document_of_another_hash_is_refused() {
    let fixture = Fixture::new().await;
    let document = b"<Delete><Object><Key>k</Key></Object></Delete>";
    let length = document.len().to_string();
    let headers = [("content-length", length.as_str())];
    let delete = fixture.sign("POST", "/bucket?delete=", &headers, &hex(&Sha256::digest(b"another")));
    fixture.expect_refusal("sha256", &delete, document, 400, "XAmzContentSHA256Mismatch").await;
    let headers = [headers[0], ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")];
    let delete = fixture.sign("POST", "/bucket?delete=", &headers, &hex(&Sha256::digest(document)));
    fixture.expect_refusal("md5", &delete, document, 400, "BadDigest").await;
    let delete = fixture.sign("POST", "/bucket?delete=", &headers[..1], &hex(&Sha256::digest(document)));
    let answer = fixture.send(&delete, document).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("<Key>k</Key>"), "{answer}");
    fixture.running.stop().await;
}

#[tokio::test]
async fn signed_chunks_are_whole_and_signed_or_refused() {
    let fixture = Fixture::new().await;
    let secret = fixture.running.stand_in.key().secret.clone();
    let signed = |length: usize| {
        let headers = [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "10")];
        fixture.put(&headers, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", length)
    };
    let body = |request: &Signed, pieces: &[&[u8]]| {
        let (mut body, mut before) = (Vec::new(), request.signature.clone());
        for piece in pieces {
            let (chunk, signature) = request.chunk(&secret, &before, piece);
            body.extend(chunk);
            before = signature;
        }
        body
    };
    let length = |pieces: &[&[u8]]| body(&signed(0), pieces).len();

    let cut: [&[u8]; 2] = [b"01234", b""];
    let put = signed(length(&cut));
    fixture.expect_refusal("too short", &put, &body(&put, &cut), 400, "IncompleteBody").await;
    let open: [&[u8]; 1] = [b"01234"];
    let put = signed(length(&open));
    fixture.expect_refusal("no last chunk", &put, &body(&put, &open), 400, "IncompleteBody").await;
    let whole: [&[u8]; 3] = [b"01234", b"56789", b""];
    let put = signed(length(&whole));
    let mut forged = body(&put, &whole);
    let at = forged.windows(5).position(|window| window == b"56789").expect("there");
    forged[at] = b'6';
    fixture.expect_refusal("forged", &put, &forged, 403, "SignatureDoesNotMatch").await;
    let put = signed(length(&whole));
    let answer = fixture.send(&put, &body(&put, &whole)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let got = fixture.s3.get_object().bucket("bucket").key("k").send().await.expect("there");
    assert_eq!((got.content_length(), got.content_encoding()), (Some(10), None));
    fixture.running.stop().await;
}

#[tokio::test]
async fn an_announced_trailer_has_to_come_and_to_be_right() {
    let fixture = Fixture::new().await;
    let put = |body: &str| {
        let headers = [
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "3"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        fixture.put(&headers, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body.len())
    };
    for (what, body, code) in [
        ("none", "3\r\nnew\r\n0\r\n\r\n", "MalformedTrailerError"),
        ("wrong", "3\r\nnew\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
        ("short", "2\r\nne\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "IncompleteBody"),
    ] {
        fixture.expect_refusal(what, &put(body), body.as_bytes(), 400, code).await;
    }
    fixture.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_leaves_nothing() {
    let fixture = Fixture::new().await;
    let half = vec![b'x'; 2 << 20];
    let put = fixture.put(&[], "UNSIGNED-PAYLOAD", 2 * half.len());
    let mut stream = fixture.connect().await;
    stream.write_all(put.head.as_bytes()).await.expect("written");
    stream.write_all(&half).await.expect("written");
    until("its data comes in", || data_files(fixture.folder.path()) == 2).await;
    drop(stream);
    until("it is gone", || data_files(fixture.folder.path()) == 1).await;
    fixture.only_the_old_is_there("half a body").await;
    fixture.running.stop().await;
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_url_of_an_older_signature_needs_all_its_parameters() {
    let fixture = Fixture::new().await;
    let get = |path: &str, header: &str| {
        let host = fixture.running.url.trim_start_matches("http://").to_owned();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n");
        Signed { head, signature: String::new(), time: Utc::now() }
    };
    for (path, header, status, code) in [
        ("/bucket/k?AWSAccessKeyId=x&Expires=2000000000", "", 403, "AccessDenied"),
        ("/bucket/k?X-Amz-Signature=0&X-Amz-Expires=60", "", 400, "AuthorizationQueryParametersError"),
        ("/bucket/k", "Authorization: AWS key:signature\r\n", 400, "InvalidRequest"),
    ] {
        fixture.expect_refusal(path, &get(path, header), b"", status, code).await;
    }
    fixture.running.stop().await;
}
