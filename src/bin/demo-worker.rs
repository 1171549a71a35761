//! `demo-worker`: one worker of a load that `demo run` shares out, as a task runs it: a file that needs nothing else of its machine
//! but the certificates of authorities.

use std::{env, io, process::ExitCode};

use kinesis_demo::{
    engine::Cancel,
    fleet::{NoTask, Task},
    operations::{MemberError, task},
};
use tokio::signal::unix::{SignalKind, signal};

/// Why this worker ends without a result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it takes no arguments, but variables of its environment")]
    Arguments,
    #[error(transparent)]
    NoTask(#[from] NoTask),
    #[error("cannot take signals: {0}")]
    Signals(#[from] io::Error),
    #[error(transparent)]
    Member(#[from] MemberError),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-worker: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    if env::args_os().len() > 1 {
        return Err(Failure::Arguments);
    }
    let task = Task::of_variables(|name| env::var(name).ok())?;
    let cancel = Cancel::new();
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let raised = cancel.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        raised.raise();
    });
    let folder = env::temp_dir().join(format!("demo-worker-{}", std::process::id()));
    Ok(task::work(&task, &folder, &cancel).await?)
}
