//! TLS: whom the transport trusts, and whom it does not.
//!
//! What is trusted is read from the environment of the process, so that the sending is done in another one: the same
//! test once more, which finds in its environment where to send.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use kinesis_producer::{Format, Severity, Wire};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::{STREAM, config, put};

/// Where the other process sends to, and whether it is to trust who answers.
const URL: &str = "KINESIS_DEMO_TEST_TLS_URL";
const TRUSTED: &str = "KINESIS_DEMO_TEST_TLS_TRUSTED";

/// Answers PutRecords of three records, over TLS, on a port that it prints.
const SERVER: &str = r#"
import http.server, json, ssl, sys
class Kinesis(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        entry = {"ShardId": "shardId-000000000000", "SequenceNumber": "1"}
        body = json.dumps({"FailedRecordCount": 0, "Records": [entry] * 3}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kinesis)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("a child to end");
    }
}

#[tokio::test]
#[ignore = "needs python3"]
async fn a_certificate_must_be_signed_by_someone_trusted() {
    if let (Ok(url), Ok(is_trusted)) = (std::env::var(URL), std::env::var(TRUSTED)) {
        return send(&url, is_trusted == "yes").await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("ours.pem"), ours.pem()).expect("written");
    std::fs::write(path("theirs.pem"), theirs.pem()).expect("written");
    std::fs::write(path("server.pem"), server_certificate(&ours)).expect("written");
    let (_server, port) = serve(&path("server.pem"));
    for (trusted, is_trusted) in [("ours.pem", "yes"), ("theirs.pem", "no")] {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["producer_wire::tls::a_certificate_must_be_signed_by_someone_trusted", "--exact", "--ignored"])
            .env("SSL_CERT_FILE", path(trusted))
            .env_remove("SSL_CERT_DIR")
            .env(URL, format!("https://localhost:{port}"))
            .env(TRUSTED, is_trusted)
            .output()
            .expect("this program runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{trusted}: {told}");
    }
}

async fn send(url: &str, is_trusted: bool) {
    let wire = Wire::new(&config(url), STREAM, Format::Json).expect("a transport");
    for _ in 0..2 {
        let answer = put(&wire, Format::Json).await;
        if is_trusted {
            assert_eq!(answer.expect("an answer").len(), 3);
        } else {
            let error = answer.expect_err("nobody signed it who is trusted");
            assert_eq!(error.severity(), Severity::Unavailable, "{error}");
            assert!(error.message().contains("certificate"), "{error}");
        }
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// The key and the certificate of a server on this machine.
fn server_certificate(issuer: &CertifiedIssuer<'static, KeyPair>) -> String {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    key.serialize_pem() + &certificate.pem()
}

fn serve(certificate: &Path) -> (Running, String) {
    let mut child = Command::new("python3")
        .args(["-c", SERVER])
        .arg(certificate)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 in PATH");
    let mut port = String::new();
    let told = BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut port);
    let server = Running(child);
    assert!(told.expect("a line") > 0, "the server has ended");
    (server, port.trim().to_owned())
}
