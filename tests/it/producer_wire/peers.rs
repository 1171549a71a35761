//! Both encodings against kinesis-mock, a Kinesis by others.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use aws_sdk_kinesis::Client;
use kinesis_producer::{Format, Transport, Wire};

use super::{STREAM, assert_all_written, bare, config, put, read_back, records, until_active};
use crate::command::until;

/// Ends with the test.
struct KinesisMock {
    child: Child,
    url: String,
}

impl KinesisMock {
    fn start() -> Self {
        let (address, other) = (free(), free());
        let child = Command::new("node")
            .arg("main.js")
            .current_dir(folder())
            .env("KINESIS_MOCK_PLAIN_PORT", address.port().to_string())
            .env("KINESIS_MOCK_TLS_PORT", other.port().to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node in PATH");
        let mut mock = Self { child, url: format!("http://{address}") };
        until("kinesis-mock listens", || {
            assert!(mock.child.try_wait().expect("a child").is_none(), "kinesis-mock has ended");
            TcpStream::connect(address).is_ok()
        });
        mock
    }
}

impl Drop for KinesisMock {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("a child to end");
    }
}

/// Where its program lies, which reads a file beside it.
fn folder() -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    let program = std::env::split_paths(&path).map(|folder| folder.join("kinesis-local")).find(|file| file.exists());
    let program = program.expect("kinesis-local in PATH: npm install kinesis-local@0.6");
    program.canonicalize().expect("a file").parent().expect("a folder").to_owned()
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}

#[tokio::test]
#[ignore = "needs kinesis-local"]
async fn kinesis_mock_takes_both_encodings() {
    let mock = KinesisMock::start();
    let config = config(&mock.url);
    let client = Client::new(&config);
    client.create_stream().stream_name(STREAM).shard_count(1).send().await.expect("created");
    until_active(&client).await;
    for format in [Format::Json, Format::Cbor] {
        let wire = Wire::new(&config, STREAM, format).expect("a transport");
        assert_all_written(&put(&wire, format).await.expect("an answer"));
        assert_eq!(wire.wants().format, format, "the encoding was taken");
    }
    assert_eq!(read_back(&client).await, [records(), records()].concat().iter().map(bare).collect::<Vec<_>>());
}
