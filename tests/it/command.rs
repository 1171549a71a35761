//! The real binary, in a state folder of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use aws_stand_in::AccessKey;
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes; a test that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// `demo`, with nothing of the caller's own.
pub struct Demo {
    pub home: TempDir,
}

impl Demo {
    pub fn new() -> Self {
        Self { home: TempDir::new().expect("a temporary folder") }
    }

    /// A run keeps no rate where tests share the processors, unless the test is about thresholds.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        if args.first() == Some(&"run") && !args.iter().any(|arg| arg.starts_with("thresholds.")) {
            command.args([args, &["--set", "thresholds.throughput=off"]].concat());
        } else {
            command.args(args);
        }
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        command.env("KINESIS_DEMO_HOME", self.home.path()).env("NO_COLOR", "1");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
    }

    pub fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("demo starts")
    }

    /// [`Demo::command`], with a key in its environment.
    pub fn command_with(&self, key: &AccessKey, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command.envs([("AWS_ACCESS_KEY_ID", &key.id), ("AWS_SECRET_ACCESS_KEY", &key.secret)]);
        command
    }

    /// The key of this home's stand-in.
    pub fn key(&self) -> AccessKey {
        AccessKey::open(&self.home.path().join("local")).expect("a key")
    }

    /// Runs to the end, which must be `code`; stdout.
    pub fn expect(&self, code: i32, args: &[&str]) -> String {
        let output = self.output(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "demo {}\n{out}\n{err}", args.join(" "));
        out
    }

    /// The variables that `demo local env` prints, for programs of others.
    pub fn stand_in_environment(&self) -> Vec<(String, String)> {
        let printed = self.expect(0, &["local", "env"]);
        let variables = printed.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let out = self.expect(0, args);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("demo starts")
    }

    /// Every file below a folder of the state.
    pub fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(&self.home.path().join(below), &mut files);
        files
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.command(&["local", "stop", "--force"]).output();
    }
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { walk(&path, into) } else { into.push(path) }
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for a condition.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
