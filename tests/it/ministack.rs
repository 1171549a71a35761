//! The way to S3 against ministack, an independent implementation of AWS: stream, Firehose, objects, SQL on DuckDB.
//!
//! It writes one object for each record, so the load is small.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::command::{Demo, until};

/// ministack on a free port; ends with the test.
pub struct Ministack {
    child: Child,
    pub address: SocketAddr,
    _data: TempDir,
}

impl Ministack {
    pub fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let data = TempDir::new().expect("a folder");
        let child = Command::new("ministack")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", address.port().to_string())
            .env("IOT_MTLS_ENABLED", "0")
            .env("S3_DATA_DIR", data.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ministack in PATH: pip install ministack duckdb docker cryptography psycopg2-binary");
        let mut ministack = Self { child, address, _data: data };
        until("ministack listens", || {
            assert!(ministack.child.try_wait().expect("a child").is_none(), "ministack has ended");
            TcpStream::connect(address).is_ok()
        });
        ministack
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("a child to end");
    }
}

fn run(demo: &Demo, ministack: &Ministack, settings: &[&str]) -> serde_json::Value {
    let url = ministack.url();
    let mut args = vec!["run", "stacks/store-sales-s3.yaml", "--rm", "--json", "--endpoint-url", &url];
    let small = ["load.duration=2s", "load.rate=100/s", "stream.shards=2", "deliver.s3.buffer.interval=1s"];
    args.extend(small.iter().chain(settings).flat_map(|setting| ["--set", *setting]));
    let mut command = demo.command(&args);
    command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")]);
    let output = command.output().expect("demo starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

#[test]
#[ignore = "needs ministack"]
fn a_stream_is_delivered_to_s3_and_asked_by_sql_and_nothing_is_left() {
    let (demo, ministack) = (Demo::new(), Ministack::start());
    for settings in [&["deliver.s3.compression=none"][..], &["deliver.s3.compression=gzip"]] {
        let result = run(&demo, &ministack, settings);
        for (what, expected) in [
            ("acknowledged", 200),
            ("landed_s3", 200),
            ("landed_sql", 200),
            ("lost", 0),
            ("duplicated", 0),
            ("leftovers", 0),
        ] {
            assert_eq!(result[what], expected, "{what} of {result}");
        }
    }
}
