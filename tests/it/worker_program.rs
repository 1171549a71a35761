//! The program of a task: put into a bucket, fetched by the task's command, and run if it is the one that was meant.

use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use kinesis_demo::{
    aws::{Clients, worker_program::WorkerProgram},
    fleet::{Seat, Task},
    load::Part,
};
use tokio::task::spawn_blocking;

use crate::{command::text, stand_in::Running};

const BUCKET: &str = "shop-0a1b2c3d";
const LASTS: Duration = Duration::from_secs(600);

/// What a task's container does.
async fn run(variables: Vec<(&'static str, String)>) -> Output {
    let [shell, arguments @ ..] = WorkerProgram::command();
    let mut command = Command::new(shell);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(variables);
    spawn_blocking(move || command.output().expect("a shell")).await.expect("no panic")
}

#[tokio::test]
async fn a_task_runs_the_program_that_was_meant_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let clients = Clients::connect(running.place()).await;
    clients.s3.create_bucket().bucket(BUCKET).send().await.expect("created");
    let program = WorkerProgram::find(Some(Path::new(env!("CARGO_BIN_EXE_demo-worker")))).expect("a program");
    for _ in ["new", "there already"] {
        program.put(&clients.s3, BUCKET).await.expect("put");
    }
    let fetched = program.variables(&clients.s3, BUCKET, LASTS).await.expect("signed").to_vec();
    let output = run(fetched.clone()).await;
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said, "demo-worker: DEMO_PART is not set: `demo run` sets it for the workers that it starts\n");

    // It has its own variables, and meets nobody.
    let task = Task {
        region: clients.region().to_owned(),
        endpoint_url: Some(running.url.clone()),
        bucket: BUCKET.to_owned(),
        run: "friday".to_owned(),
        seat: Seat { part: Part { worker: 1, of: 2 }, generation: 1 },
    };
    let key = running.stand_in.key().clone();
    let own = [("AWS_ACCESS_KEY_ID", key.id), ("AWS_SECRET_ACCESS_KEY", key.secret)];
    let output = run([fetched.clone(), task.variables(), own.to_vec()].concat()).await;
    let said = text(&output.stderr);
    assert_eq!(said, "demo-worker: s3://shop-0a1b2c3d/.demo/fleet/friday/ is gone: the run has ended\n");

    let body = b"#!/bin/sh\necho another program >&2\n".to_vec();
    clients.s3.put_object().bucket(BUCKET).key(program.key()).body(body.into()).send().await.expect("put");
    let output = run(fetched.clone()).await;
    let said = text(&output.stderr);
    assert!(!output.status.success() && !said.contains("another program"), "{said}");
    clients.s3.delete_object().bucket(BUCKET).key(program.key()).send().await.expect("deleted");
    let output = run(fetched).await;
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("404"), "{said}");
    running.stop().await;
}

#[test]
fn a_program_that_no_task_could_run_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("worker");
    let missing = WorkerProgram::find(Some(&path)).expect_err("missing").to_string();
    assert!(missing.contains("cannot read the workers' program") && missing.contains("--bin demo-worker"), "{missing}");
    std::fs::write(&path, "#!/bin/sh\n").expect("written");
    let script = WorkerProgram::find(Some(&path)).expect_err("a script").to_string();
    assert!(script.contains("cannot be the workers' program: it is a script"), "{script}");
}
