//! The processes of a run: the sink on one core, the client on the other.

use std::{
    collections::HashMap,
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
};

use tempfile::TempDir;

use crate::work::Work;

const CLIENT_CORE: &str = "0";
const SINK_CORE: &str = "1";
/// No run of a client takes so long.
const LONGEST_RUN_SECONDS: &str = "300";

/// The sink, until it is dropped.
pub struct Sink {
    child: Child,
    /// It ends when this does, however the bench ends.
    _until: Option<ChildStdin>,
    folder: TempDir,
    port: u16,
    control: u16,
}

/// Numbers by their names: `cpu_s=1.2 wall_s=2.0 …`.
pub type Figures = HashMap<String, f64>;

impl Sink {
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new("taskset")
            .args(["-c", SINK_CORE])
            .arg(std::env::current_exe()?)
            .arg("sink")
            .arg(authority(&folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the sink with taskset (Debian: util-linux): {error}"))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line)?;
        let ports: Vec<u16> = line.split_whitespace().filter_map(|port| port.parse().ok()).collect();
        let [port, control] = ports[..] else {
            return Err("the sink did not say where it is; see above for why".into());
        };
        Ok(Self { _until: child.stdin.take(), child, folder, port, control })
    }

    /// Forgets what came; `query` has the shards and the faults of the next run.
    pub fn reset(&self, query: &str) -> Result<(), Box<dyn Error>> {
        self.ask(&format!("/reset?{query}")).map(drop)
    }

    /// What came of the records with numbers below `expected`.
    pub fn counts(&self, expected: u64) -> Result<Figures, Box<dyn Error>> {
        self.ask(&format!("/counts?expected={expected}")).map(|text| figures(&text))
    }

    fn ask(&self, path: &str) -> Result<String, Box<dyn Error>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.control))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        body.ok_or_else(|| format!("the sink's control port answered `{answer}`").into())
    }

    /// Runs a client with the sink as its service; what it printed last.
    pub fn client(&self, program: &[String], work: &Work) -> Result<Figures, Box<dyn Error>> {
        let mut command = Command::new("timeout");
        command.arg(LONGEST_RUN_SECONDS).args(["taskset", "-c", CLIENT_CORE]).args(program).stdin(Stdio::null());
        work.hand_to(&mut command);
        command
            .env("BENCH_PORT", self.port.to_string())
            .env("AWS_ENDPOINT_URL", format!("https://127.0.0.1:{}", self.port))
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("SSL_CERT_FILE", authority(&self.folder))
            .env("AWS_CA_BUNDLE", authority(&self.folder));
        let output = command.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("`{}` ended with {}: {text}", program.join(" "), output.status).into());
        }
        Ok(figures(text.lines().last().unwrap_or("")))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn authority(folder: &TempDir) -> PathBuf {
    folder.path().join("authority.pem")
}

fn figures(text: &str) -> Figures {
    let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(name, number)| Some((name.to_owned(), number.parse().ok()?))).collect()
}
