//! Workers as processes of this machine.

use std::{
    fs::{self, File},
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use super::{
    launch::{Launcher, Running},
    message::Seat,
};
use crate::load::Part;

/// The last words of a worker are no longer.
const LONGEST_WORDS: usize = 300;

/// Starts workers as processes of this program.
pub struct Processes {
    program: PathBuf,
    /// Where they and the coordinator meet.
    folder: PathBuf,
    /// Where they write their logs.
    log_of: LogOf,
}

/// The path of a part's acknowledgement log.
pub type LogOf = Box<dyn Fn(Part) -> PathBuf + Send + Sync>;

impl Processes {
    /// For a run whose workers meet in this folder, and write their logs there.
    ///
    /// # Errors
    /// It is not known which program this is.
    pub fn new(folder: &Path, log_of: LogOf) -> io::Result<Self> {
        Ok(Self { program: std::env::current_exe()?, folder: folder.to_owned(), log_of })
    }
}

impl Launcher for Processes {
    fn launch(&self, seat: Seat) -> io::Result<Box<dyn Running>> {
        let output = self.folder.join("output");
        fs::create_dir_all(&output)?;
        let said = output.join(format!("{}-of-{}.{}", seat.part.worker, seat.part.of, seat.generation));
        let mut command = Command::new(&self.program);
        command.args(["--quiet", "worker", "--part", &seat.part.to_string()]);
        command.args(["--generation", &seat.generation.to_string(), "--at"]).arg(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        // A Ctrl-C on the terminal is the coordinator's, who then ends them in order.
        command.process_group(0);
        Ok(Box::new(Process { child: command.spawn()?, said }))
    }

    fn log(&self, seat: Seat) -> Option<String> {
        fs::read_to_string((self.log_of)(seat.part)).ok()
    }
}

struct Process {
    child: Child,
    said: PathBuf,
}

impl Running for Process {
    fn ended(&mut self) -> Option<String> {
        let how = match self.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => how(status),
            Err(error) => error.to_string(),
        };
        let said = fs::read_to_string(&self.said).unwrap_or_default();
        let words: String = said.trim().lines().last().unwrap_or_default().chars().take(LONGEST_WORDS).collect();
        Some(if words.is_empty() { how } else { format!("{how}: {words}") })
    }

    fn kill(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}
