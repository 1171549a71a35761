//! The stand-in in the background: started, found and stopped by whoever needs it.
//!
//! A folder has one stand-in at most. The serving process holds the lock `lock` for its life, so a file that a dead one left
//! behind fools nobody; who starts or stops one holds `control.lock` meanwhile, so two who start it at once get the same one.

mod call;
mod endpoint;
mod serve;

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

pub use call::CallError;
pub use endpoint::Endpoint;
pub use serve::{ServeError, serve};

use endpoint::Files;

use super::{faults::Fault, folder::make_private, keys::AccessKey};

/// How long a start may take: opening reads every stream's segments.
const START: Duration = Duration::from_secs(60);
/// How long an end may take before it is forced: open calls drain for up to five seconds.
const STOP: Duration = Duration::from_secs(15);
/// How long the operating system may take to end a killed process.
const KILL: Duration = Duration::from_secs(10);
/// How long another may be starting or stopping it: a start and a stop.
const CONTROL: Duration = Duration::from_secs(100);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Settings of the GNU allocator (mallopt(3)). By itself it keeps the buffers of deliveries in an arena for each thread, and
/// resident memory creeps up with the load; so, large ones go back to the system at once. Other allocators ignore them.
const ALLOCATOR: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_MMAP_THRESHOLD_", "262144"), ("MALLOC_TRIM_THRESHOLD_", "1048576")];
/// What the process has of its starter's environment: no AWS credentials among it.
const ENVIRONMENT: [&str; 10] = [
    "HOME",
    "KINESIS_DEMO_HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TMPDIR",
    "TZ",
    "XDG_STATE_HOME",
];
/// How much of the log an error quotes.
const TAIL_BYTES: u64 = 4096;

/// Who wanted the stand-in in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Started {
    /// A person did, so it stays until a person stops it.
    ByHand,
    /// A stack needed it, so it may go with the last stack.
    ForStack,
}

impl Started {
    /// As it is written on a command line: `by-hand` or `for-stack`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by-hand",
            Self::ForStack => "for-stack",
        }
    }
}

impl std::str::FromStr for Started {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::ByHand, Self::ForStack]
            .into_iter()
            .find(|started| started.as_str() == text)
            .ok_or_else(|| format!("{text:?} is neither by-hand nor for-stack"))
    }
}

/// Why the stand-in cannot be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Its folder cannot be used.
    #[error("the stand-in's folder {folder} cannot be used: {source}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program cannot be started.
    #[error("cannot start {program} as the stand-in: {source}", program = program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("the stand-in ended at its start ({status}); its log, {log}, ends with:\n{tail}", log = log.display())]
    Died {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// It lives, but its port is silent.
    #[error(
        "the stand-in over {folder} does not answer (waited {seconds} s): `demo local stop` ends it; its log, {log}, ends with:\n{tail}",
        folder = folder.display(), log = log.display()
    )]
    Silent {
        /// The folder that it serves.
        folder: PathBuf,
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// There is none.
    #[error("the stand-in is not running; start it with `demo local start`")]
    NotRunning,
    /// A call of its own failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It does not end.
    #[error("the stand-in (process {pid}) does not end, not even by SIGKILL: {why}")]
    DoesNotEnd {
        /// Its process.
        pid: u32,
        /// Why.
        why: String,
    },
}

/// The stand-in over one folder, seen from outside its process.
#[derive(Clone, Debug)]
pub struct Daemon {
    files: Files,
    program: Option<PathBuf>,
}

impl Daemon {
    /// The stand-in whose state lies in `folder`; the folder need not be there yet.
    pub fn at(folder: &Path) -> Self {
        Self { files: Files { folder: folder.to_owned() }, program: None }
    }

    /// Starts `program` instead of the one that runs now.
    pub fn with_program(self, program: &Path) -> Self {
        Self { program: Some(program.to_owned()), ..self }
    }

    /// Where the output of the process goes.
    pub fn log_path(&self) -> PathBuf {
        self.files.log()
    }

    /// The key that signs what it answers; there is one from its first start on.
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn key(&self) -> Result<AccessKey, DaemonError> {
        AccessKey::open(&self.files.folder).map_err(|e| self.folder_error(e))
    }

    /// Has something go wrong in the running stand-in for a while.
    ///
    /// # Errors
    /// It does not run, or there is nothing of that name in it.
    pub async fn inject(&self, fault: &Fault) -> Result<(), DaemonError> {
        let body = serde_json::to_string(fault).map_err(|e| self.folder_error(e.into()))?;
        self.call("InjectFault", &body).await.map(drop)
    }

    /// What goes wrong on purpose now, each with the seconds that are left.
    ///
    /// # Errors
    /// It does not run.
    pub async fn faults(&self) -> Result<Vec<Fault>, DaemonError> {
        let mut answer = self.call("ListFaults", "{}").await?;
        serde_json::from_value(answer["faults"].take()).map_err(|e| self.folder_error(e.into()))
    }

    /// Ends every fault.
    ///
    /// # Errors
    /// It does not run.
    pub async fn clear_faults(&self) -> Result<(), DaemonError> {
        self.call("ClearFaults", "{}").await.map(drop)
    }

    async fn call(&self, operation: &str, body: &str) -> Result<serde_json::Value, DaemonError> {
        let endpoint = self.status().await?.ok_or(DaemonError::NotRunning)?;
        Ok(call::call(endpoint.port, &self.key()?, operation, body).await?)
    }

    /// The running stand-in, started now unless it runs already, once it answers. One that was started for a stack and is now
    /// wanted by hand counts as started by hand from here on.
    ///
    /// # Errors
    /// It cannot be started, ends at once or does not answer within a minute; the log's last lines are quoted.
    pub async fn ensure(&self, how: Started) -> Result<Endpoint, DaemonError> {
        make_private(&self.files.folder).map_err(|e| self.folder_error(e))?;
        let _control = self.take_control().await?;
        let endpoint = match self.running().await? {
            Some(endpoint) => endpoint,
            None => self.start(how).await?,
        };
        if how == Started::ByHand && endpoint.started != how {
            let endpoint = Endpoint { started: how, ..endpoint };
            self.files.write_endpoint(&endpoint).map_err(|e| self.folder_error(e))?;
            return Ok(endpoint);
        }
        Ok(endpoint)
    }

    /// The running stand-in, or `None`. A stale endpoint file of a process that is gone counts for nothing.
    ///
    /// # Errors
    /// It runs, but its port is silent.
    pub async fn status(&self) -> Result<Option<Endpoint>, DaemonError> {
        let asked = Instant::now();
        match self.read_served_endpoint()? {
            None => Ok(None),
            Some(endpoint) if endpoint.answers().await => Ok(Some(endpoint)),
            // It may have ended since the file was read.
            Some(_) if !self.is_served()? => Ok(None),
            Some(_) => Err(self.silent(asked.elapsed(), 0)),
        }
    }

    /// Ends the running stand-in, and says which it was; `None` when there was none. First by SIGTERM, and after fifteen seconds by
    /// SIGKILL, which loses nothing that was acknowledged.
    ///
    /// # Errors
    /// It does not end.
    pub async fn stop(&self) -> Result<Option<Endpoint>, DaemonError> {
        if !self.is_served()? {
            return Ok(None);
        }
        let _control = self.take_control().await?;
        let Some(endpoint) = self.wait_for_endpoint().await? else { return Ok(None) };
        for (signal, patience) in [(Signal::TERM, STOP), (Signal::KILL, KILL)] {
            self.signal(&endpoint, signal)?;
            if self.ends_within(patience).await? {
                self.files.remove_endpoint().map_err(|e| self.folder_error(e))?;
                return Ok(Some(endpoint));
            }
        }
        Err(DaemonError::DoesNotEnd { pid: endpoint.pid, why: "it holds the lock of its folder still".to_owned() })
    }

    async fn start(&self, how: Started) -> Result<Endpoint, DaemonError> {
        self.files.remove_endpoint().map_err(|e| self.folder_error(e))?;
        let log = File::options().create(true).append(true).open(self.files.log()).map_err(|e| self.folder_error(e))?;
        let log_start = log.metadata().map_err(|e| self.folder_error(e))?.len();
        let mut ended = self.spawn(how, log)?;
        let deadline = Instant::now() + START;
        loop {
            if let Ok(status) = ended.try_recv() {
                let status = status.map_or_else(|e| e.to_string(), |status| status.to_string());
                return Err(DaemonError::Died { status, log: self.files.log(), tail: self.log_tail(log_start) });
            }
            if let Some(endpoint) = self.read_served_endpoint()?
                && endpoint.answers().await
            {
                return Ok(endpoint);
            }
            if Instant::now() > deadline {
                return Err(self.silent(START, log_start));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Starts the process with nothing of ours but the log, and has a thread reap it, which tells how it ended.
    fn spawn(&self, how: Started, log: File) -> Result<oneshot::Receiver<io::Result<ExitStatus>>, DaemonError> {
        let program = self.program.clone().map_or_else(std::env::current_exe, Ok);
        let program = program.map_err(|source| DaemonError::Program { program: PathBuf::from("demo"), source })?;
        let folder = std::path::absolute(&self.files.folder).map_err(|e| self.folder_error(e))?;
        let errors = log.try_clone().map_err(|e| self.folder_error(e))?;
        let mut child = Command::new(&program)
            .args(["local", "serve", "--background", how.as_str(), "--folder"])
            .arg(folder)
            .current_dir("/")
            .env_clear()
            .envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(ALLOCATOR)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|source| DaemonError::Program { program, source })?;
        let (tell, ended) = oneshot::channel();
        thread::spawn(move || {
            // Nobody listens any more once the start is over; then this only reaps.
            let _ = tell.send(child.wait());
        });
        Ok(ended)
    }

    /// The stand-in that serves already, once it answers; `None` when there is none, or no longer.
    async fn running(&self) -> Result<Option<Endpoint>, DaemonError> {
        let deadline = Instant::now() + START;
        while self.is_served()? {
            if let Some(endpoint) = self.files.read_endpoint().map_err(|e| self.folder_error(e))?
                && endpoint.answers().await
            {
                return Ok(Some(endpoint));
            }
            if Instant::now() > deadline {
                return Err(self.silent(START, 0));
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(None)
    }

    /// The endpoint of the process that serves; one that is just starting by itself has none yet, and is waited for.
    async fn wait_for_endpoint(&self) -> Result<Option<Endpoint>, DaemonError> {
        let deadline = Instant::now() + START;
        while self.is_served()? {
            if let Some(endpoint) = self.read_served_endpoint()? {
                return Ok(Some(endpoint));
            }
            if Instant::now() > deadline {
                return Err(self.silent(START, 0));
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(None)
    }

    fn signal(&self, endpoint: &Endpoint, signal: Signal) -> Result<(), DaemonError> {
        let refused = |why: String| DaemonError::DoesNotEnd { pid: endpoint.pid, why };
        let pid = i32::try_from(endpoint.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| refused("its endpoint file names no process".to_owned()))?;
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(e) => Err(refused(e.to_string())),
        }
    }

    async fn ends_within(&self, patience: Duration) -> Result<bool, DaemonError> {
        let deadline = Instant::now() + patience;
        while self.is_served()? {
            if Instant::now() > deadline {
                return Ok(false);
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(true)
    }

    /// Waits until no other process starts or stops this stand-in.
    async fn take_control(&self) -> Result<File, DaemonError> {
        let deadline = Instant::now() + CONTROL;
        loop {
            match self.files.lock_control().map_err(|e| self.folder_error(e))? {
                Some(lock) => return Ok(lock),
                None if Instant::now() > deadline => {
                    let why = format!("another process has been starting or stopping it for {} s", CONTROL.as_secs());
                    return Err(self.folder_error(io::Error::new(io::ErrorKind::TimedOut, why)));
                }
                None => sleep(LOOK_AGAIN).await,
            }
        }
    }

    fn read_served_endpoint(&self) -> Result<Option<Endpoint>, DaemonError> {
        if !self.is_served()? {
            return Ok(None);
        }
        self.files.read_endpoint().map_err(|e| self.folder_error(e))
    }

    fn is_served(&self) -> Result<bool, DaemonError> {
        self.files.is_served().map_err(|e| self.folder_error(e))
    }

    fn folder_error(&self, source: io::Error) -> DaemonError {
        DaemonError::Folder { folder: self.files.folder.clone(), source }
    }

    fn silent(&self, waited: Duration, log_start: u64) -> DaemonError {
        DaemonError::Silent {
            folder: self.files.folder.clone(),
            seconds: waited.as_secs(),
            log: self.files.log(),
            tail: self.log_tail(log_start),
        }
    }

    /// The end of what was logged from `start` on; for a person, so whatever cannot be read is said instead.
    fn log_tail(&self, start: u64) -> String {
        let read = || -> io::Result<String> {
            let mut log = File::open(self.files.log())?;
            let from = start.max(log.metadata()?.len().saturating_sub(TAIL_BYTES));
            log.seek(SeekFrom::Start(from))?;
            let mut tail = Vec::new();
            log.read_to_end(&mut tail)?;
            Ok(String::from_utf8_lossy(&tail).trim_end().to_owned())
        };
        read().unwrap_or_else(|e| format!("(the log cannot be read: {e})"))
    }
}
