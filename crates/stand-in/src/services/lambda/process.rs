//! One process of a function: started from its unpacked zip, given invocations one at a time, ended with everything that it
//! started.

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, sleep_until},
};

use super::{
    AccessKey, Logs, ServiceError, function, now,
    runtime::{Runtime, Said, Work},
};
use crate::{
    REGION,
    processes::{Group, Lines, end_with_parent},
};

/// How long a process may take until it asks for its first invocation (Lambda developer guide, "Init phase").
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long a process that is to be killed has worked by then: long enough to have begun.
const AT_WORK: Duration = Duration::from_millis(3);

/// What a function's processes are started with.
pub(super) struct Launch {
    pub(super) name: String,
    /// Where the zip is unpacked.
    pub(super) task: PathBuf,
    pub(super) handler: String,
    /// In MiB; passed to the process, not enforced.
    pub(super) memory: i64,
    pub(super) timeout: Duration,
    pub(super) log_group: String,
    /// Where the stand-in answers.
    pub(super) endpoint: String,
    /// With which it calls there.
    pub(super) key: AccessKey,
    pub(super) variables: BTreeMap<String, String>,
}

/// An invocation that has ended.
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) outcome: Outcome,
    /// The end of its log, in base64.
    pub(super) log: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What the function returned.
    Returned(Bytes),
    /// The error that it ended with, as JSON.
    Failed(Bytes),
}

impl Outcome {
    fn failed(id: &str, kind: &str, message: &str) -> Self {
        let error = json!({"errorType": kind, "errorMessage": format!("RequestId: {id} Error: {message}")});
        Self::Failed(error.to_string().into())
    }
}

pub(super) struct Process {
    launch: Arc<Launch>,
    /// An error where it could not be started, which its invocation says.
    running: Result<Running, String>,
    lines: Lines,
    /// How long it took to ask for its first invocation; until then it has not.
    init: Option<Duration>,
    usable: bool,
}

struct Running {
    /// First, so that it ends before its leader is waited for and the id may be another's.
    group: Group,
    child: Child,
    runtime: Runtime,
}

impl Process {
    pub(super) async fn start(launch: Arc<Launch>, logs: Arc<Logs>) -> Result<Self, ServiceError> {
        let stream = format!("{}/[$LATEST]{:032x}", chrono::Utc::now().format("%Y/%m/%d"), rand::random::<u128>());
        let runtime = Runtime::listen().await?;
        let (lines, _) = Lines::open(logs, launch.log_group.clone(), stream.clone());
        let running = spawn(&launch, &stream, runtime, &lines);
        let running = running.map_err(|e| format!("Couldn't run the bootstrap of {}: {e}", launch.name));
        Ok(Self { launch, running, lines, init: None, usable: true })
    }

    /// Whether it takes another invocation.
    pub(super) fn is_usable(&mut self) -> bool {
        let runs = |running: &mut Running| matches!(running.child.try_wait(), Ok(None));
        self.usable && self.running.as_mut().is_ok_and(runs)
    }

    /// Runs one invocation to its end, or until it is killed.
    pub(super) async fn invoke(&mut self, payload: Bytes, killed: bool) -> Invocation {
        let id = super::uuid();
        self.lines.clear_tail();
        self.lines.say(format!("START RequestId: {id} Version: $LATEST")).await;
        let init_before = self.init;
        let begun = Instant::now();
        let ended = self.run(&id, payload, killed).await;
        let outcome = ended.unwrap_or_else(|failure| {
            self.usable = false;
            failure
        });
        if let Outcome::Failed(error) = &outcome {
            self.lines.say(String::from_utf8_lossy(error).into_owned()).await;
        }
        let init = if init_before.is_none() { self.init } else { None };
        self.report(&id, begun.elapsed().saturating_sub(init.unwrap_or_default()), init).await;
        Invocation { id, outcome, log: self.lines.tail() }
    }

    /// How an invocation ended; an error where the process can take no other after it.
    async fn run(&mut self, id: &str, payload: Bytes, killed: bool) -> Result<Outcome, Outcome> {
        let running = match &mut self.running {
            Ok(running) => running,
            Err(why) => return Err(Outcome::failed(id, "Runtime.InvalidEntrypoint", why)),
        };
        if self.init.is_none() {
            let begun = Instant::now();
            running.become_ready(id).await?;
            self.init = Some(begun.elapsed());
        }
        let work = Work {
            id: id.to_owned(),
            payload,
            deadline: now() + self.launch.timeout.as_millis() as i64,
            function_arn: function::arn(&self.launch.name),
        };
        running.answer(work, self.launch.timeout, killed).await
    }

    /// END and REPORT, as Lambda writes them.
    async fn report(&self, id: &str, took: Duration, init: Option<Duration>) {
        self.lines.say(format!("END RequestId: {id}")).await;
        let ms = took.as_secs_f64() * 1000.0;
        let mut report = format!(
            "REPORT RequestId: {id}\tDuration: {ms:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB",
            ms.ceil(),
            self.launch.memory
        );
        if let Some(used) = self.memory_used() {
            report += &format!("\tMax Memory Used: {used} MB");
        }
        if let Some(init) = init {
            report += &format!("\tInit Duration: {:.2} ms", init.as_secs_f64() * 1000.0);
        }
        self.lines.say(report).await;
    }

    /// The peak memory of the process in MiB, where the system reports it.
    fn memory_used(&self) -> Option<u64> {
        let id = self.running.as_ref().ok()?.child.id()?;
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()?.div_ceil(1024))
    }
}

impl Running {
    /// Its output is read before its end is handled, or the last line would sometimes be lost with it.
    async fn become_ready(&mut self, id: &str) -> Result<(), Outcome> {
        let limit = Instant::now() + INIT_LIMIT;
        tokio::select! {
            biased;
            said = self.runtime.hear() => match said {
                Some(Said::Ready) => Ok(()),
                Some(Said::CannotStart(error)) => Err(Outcome::Failed(error)),
                other => Err(Outcome::failed(id, "Runtime.Unknown", &format!("it said {other:?} before its first call"))),
            },
            exit = self.child.wait() => Err(exited(id, exit)),
            () = sleep_until(limit) => {
                Err(Outcome::failed(id, "Sandbox.Timedout", &format!("no call within {INIT_LIMIT:?} of its start")))
            }
        }
    }

    async fn answer(&mut self, work: Work, timeout: Duration, killed: bool) -> Result<Outcome, Outcome> {
        let (id, limit) = (work.id.clone(), Instant::now() + timeout);
        if !self.runtime.give(work).await {
            return Err(Outcome::failed(&id, "Runtime.Unknown", "the runtime interface is gone"));
        }
        if killed {
            sleep(AT_WORK).await;
            self.group.kill();
        }
        loop {
            tokio::select! {
                biased;
                said = self.runtime.hear() => match said {
                    Some(Said::Returned(of, body)) if of == id => return Ok(Outcome::Returned(body)),
                    Some(Said::Failed(of, error)) if of == id => return Ok(Outcome::Failed(error)),
                    Some(Said::CannotStart(error)) => return Err(Outcome::Failed(error)),
                    // Of an invocation before, or the call for this one.
                    Some(_) => {}
                    None => return Err(Outcome::failed(&id, "Runtime.Unknown", "the runtime interface is gone")),
                },
                exit = self.child.wait() => return Err(exited(&id, exit)),
                () = sleep_until(limit) => {
                    let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
                    return Err(Outcome::failed(&id, "Sandbox.Timedout", &message));
                }
            }
        }
    }
}

fn exited(id: &str, exit: io::Result<ExitStatus>) -> Outcome {
    let how = exit.map_or_else(|e| e.to_string(), |status| status.to_string());
    Outcome::failed(id, "Runtime.ExitError", &format!("Runtime exited with error: {how}"))
}

fn spawn(launch: &Launch, stream: &str, runtime: Runtime, lines: &Lines) -> io::Result<Running> {
    let mut command = Command::new(launch.task.join("bootstrap"));
    command
        .current_dir(&launch.task)
        .env_clear()
        .envs(&launch.variables)
        .env("AWS_LAMBDA_RUNTIME_API", runtime.address().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &launch.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", launch.memory.to_string())
        .env("AWS_LAMBDA_LOG_GROUP_NAME", &launch.log_group)
        .env("AWS_LAMBDA_LOG_STREAM_NAME", stream)
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", &launch.key.id)
        .env("AWS_SECRET_ACCESS_KEY", &launch.key.secret)
        .env("AWS_ENDPOINT_URL", &launch.endpoint)
        .env("LAMBDA_TASK_ROOT", &launch.task)
        .env("_HANDLER", &launch.handler)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "en_US.UTF-8")
        .env("TZ", ":UTC")
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    end_with_parent(&mut command);
    let mut child = command.spawn()?;
    if let Some(output) = child.stdout.take() {
        lines.follow(output);
    }
    if let Some(output) = child.stderr.take() {
        lines.follow(output);
    }
    let group = Group::led_by(&child);
    if let Some(id) = group.id() {
        runtime.open_to(id);
    }
    Ok(Running { group, child, runtime })
}
