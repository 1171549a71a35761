//! Lambda of the stand-in through the SDK: functions as processes, and mappings that bring them records.

mod demo_function;
mod function;
mod functions;
mod mappings;

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
    path::PathBuf,
    time::Duration,
};

use aws_config::SdkConfig;
use aws_sdk_lambda::{
    primitives::Blob,
    types::{Environment, FunctionCode, LastUpdateStatus, Runtime, State},
};
use aws_stand_in::AccessKey;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::stand_in::{Running, config};

const FUNCTION: &str = "worker";
const ROLE: &str = "worker-role";

/// A stand-in with a role for functions, and the file in which a function notes what it saw.
struct Rig {
    folder: TempDir,
    running: Option<Running>,
    url: String,
    key: AccessKey,
}

/// One invocation as the function noted it.
#[derive(Debug, serde::Deserialize)]
struct Noted {
    process: u32,
    records: Vec<String>,
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < limit, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A zip whose bootstrap is this test binary, as the function in `function.rs`.
fn bootstrap() -> Vec<u8> {
    zipped("#!/bin/sh\nexec \"$TEST_BINARY\" --exact stand_in_lambda::function::process --nocapture\n")
}

fn zipped(bootstrap: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).expect("a file");
    zip.write_all(bootstrap.as_bytes()).expect("written");
    zip.finish().expect("a zip").into_inner()
}

fn is_alive(process: u32) -> bool {
    // A process that has ended and is not yet waited for has no command line.
    std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        let mut rig = Self { folder, running: None, url: String::new(), key };
        rig.start().await;
        rig.make_role(ROLE, "lambda.amazonaws.com").await;
        rig
    }

    async fn start(&mut self) {
        let running = Running::over(&self.folder.path().join("stand-in")).await;
        self.url.clone_from(&running.url);
        self.key = running.stand_in.key().clone();
        self.running = Some(running);
    }

    async fn stop(&mut self) {
        self.running.take().expect("it runs").stop().await;
    }

    fn config(&self) -> SdkConfig {
        config(&self.url, &self.key)
    }

    fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.config())
    }

    fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        aws_sdk_cloudwatchlogs::Client::new(&self.config())
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config())
    }

    async fn make_role(&self, name: &str, service: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}},
        ]});
        let iam = aws_sdk_iam::Client::new(&self.config());
        let made = iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).send();
        made.await.expect("a role");
    }

    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let binary = std::env::current_exe().expect("this binary").display().to_string();
        let notes = self.notes_file().display().to_string();
        let given = [("TEST_BINARY", binary.as_str()), ("NOTES", notes.as_str())];
        let all = given.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::builder().set_variables(Some(all.collect())).build()
    }

    /// Makes the function of these tests and waits until it is active.
    async fn make_function(&self, timeout: i32, environment: &[(&str, &str)]) {
        self.make_function_of(bootstrap(), timeout, environment).await;
    }

    async fn make_function_of(&self, zip: Vec<u8>, timeout: i32, environment: &[(&str, &str)]) {
        let made = self
            .lambda()
            .create_function()
            .function_name(FUNCTION)
            .runtime(Runtime::from("provided.al2023"))
            .handler("bootstrap")
            .role(role_arn(ROLE))
            .timeout(timeout)
            .environment(self.environment(environment))
            .code(FunctionCode::builder().zip_file(Blob::new(zip)).build())
            .tags("stack", "s-1")
            .send();
        assert_eq!(made.await.expect("created").state, Some(State::Pending));
        until("the function is active", async || {
            let found = self.lambda().get_function_configuration().function_name(FUNCTION).send().await;
            found.expect("there").state.filter(|state| *state == State::Active)
        })
        .await;
    }

    /// Waits until the last change of the function is over.
    async fn is_updated(&self) {
        until("the function is updated", async || {
            let found = self.lambda().get_function_configuration().function_name(FUNCTION).send().await;
            found.expect("there").last_update_status.filter(|status| *status == LastUpdateStatus::Successful)
        })
        .await;
    }

    async fn invoke(&self, payload: Value) -> (Option<String>, Value) {
        let invoked = self.lambda().invoke().function_name(FUNCTION).payload(Blob::new(payload.to_string())).send();
        let answer = invoked.await.expect("invoked");
        let body = answer.payload.expect("a payload").into_inner();
        (answer.function_error, serde_json::from_slice(&body).expect("JSON"))
    }

    fn notes_file(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    /// Every invocation that the function has noted.
    fn notes(&self) -> Vec<Noted> {
        let text = std::fs::read_to_string(self.notes_file()).unwrap_or_default();
        // A line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The records that the function has noted, in the order in which it saw them, each as often as it saw it.
    fn seen(&self) -> Vec<String> {
        self.notes().into_iter().flat_map(|note| note.records).collect()
    }

    /// How often each record was seen.
    fn seen_times(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        self.seen().into_iter().for_each(|record| *times.entry(record).or_default() += 1);
        times
    }
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::000000000000:role/{name}")
}
