//! The process that a task's container is.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{container::LogTarget, credentials::Credentials};
use crate::{
    processes::{Door, Group, Lines, end_with_parent},
    services::logs::Logs,
};

/// How long the lines of a process may take to be written after its end.
const LAST_LINES: Duration = Duration::from_secs(5);
/// As Docker has it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a process is started with.
pub(super) struct Launch<'a> {
    /// The program and its arguments.
    pub(super) arguments: Vec<&'a str>,
    /// Those of the container's definition.
    pub(super) variables: BTreeMap<&'a str, &'a str>,
    /// Where it starts, empty and its own.
    pub(super) folder: PathBuf,
    pub(super) region: &'a str,
    /// Where the stand-in answers.
    pub(super) endpoint: String,
    pub(super) credentials: Option<Credentials>,
    /// Where its lines go.
    pub(super) log: Option<(Arc<Logs>, LogTarget)>,
}

pub(super) struct Process {
    /// First, so that it ends before its leader is waited for and the id may be another's.
    group: Group,
    child: Child,
    folder: PathBuf,
    /// Where it asks for the credentials of its role.
    _credentials: Option<Door>,
    written: Option<JoinHandle<()>>,
}

impl Process {
    pub(super) async fn start(launch: Launch<'_>) -> io::Result<Self> {
        let (program, arguments) = launch.arguments.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(&launch.folder)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&launch.folder)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", &launch.folder)
            .env("TMPDIR", &launch.folder)
            .env("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
            .env("AWS_REGION", launch.region)
            .env("AWS_DEFAULT_REGION", launch.region)
            .env("AWS_ENDPOINT_URL", &launch.endpoint)
            .envs(&launch.variables)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null());
        let credentials = match launch.credentials {
            Some(credentials) => {
                let (door, variables) = credentials.serve().await?;
                command.envs(variables);
                Some(door)
            }
            None => None,
        };
        let output = || if launch.log.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdout(output()).stderr(output());
        end_with_parent(&mut command);
        let mut child = command.spawn()?;
        let group = Group::led_by(&child);
        if let (Some(door), Some(id)) = (&credentials, group.id()) {
            door.open_to(id);
        }
        let written = launch.log.map(|(logs, LogTarget { group, stream })| {
            let (lines, written) = Lines::open(logs, group, stream);
            child.stdout.take().into_iter().for_each(|output| lines.follow(output));
            child.stderr.take().into_iter().for_each(|output| lines.follow(output));
            written
        });
        Ok(Self { group, child, folder: launch.folder, _credentials: credentials, written })
    }

    /// Waits for its end, and ends what it started and left behind. The number of a signal that ended it comes with 128 added,
    /// as a shell says it.
    pub(super) async fn exit_code(&mut self) -> i32 {
        let ended = self.child.wait().await;
        self.group.kill();
        ended.map_or_else(
            |e| {
                tracing::error!("how a task's process ended cannot be told: {e}");
                255
            },
            code_of,
        )
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        self.group.terminate_leader();
    }

    /// Ends it and what it started.
    pub(super) async fn kill(&mut self) -> i32 {
        self.group.kill();
        self.exit_code().await
    }

    /// Has the last lines of one that has ended written, and removes its folder.
    pub(super) async fn clear_away(self) {
        if let Some(written) = self.written
            && timeout(LAST_LINES, written).await.is_err()
        {
            tracing::warn!("a process outside of its task's group holds the task's output open");
        }
        if let Err(e) = fs::remove_dir_all(&self.folder) {
            tracing::warn!("{} cannot be removed: {e}", self.folder.display());
        }
    }
}

fn code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
