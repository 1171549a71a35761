//! What `demo doctor` checks on this machine: state folder, disk, open files, stand-in, function binary, terminal.

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
    process::Command,
};

use aws_stand_in::daemon::{Daemon, Started};
use rustix::process::{Resource, getrlimit};

use super::context;
use crate::{
    aws::{
        packaging::{BINARY, Package},
        preflight::Finding,
    },
    engine::{Cause, Home},
    operations::target::release_stand_in,
};

/// The least recommended free space: the stand-in keeps every record for a day.
const ROOM_MIB: u64 = 2_048;
/// The least recommended limit: the stand-in keeps a file open for each shard, and a connection for each caller.
const OPEN_FILES: u64 = 1_024;

/// Runs all checks of this machine; `function` is the binary given on the command line.
pub async fn look(function: Option<&Path>) -> Vec<Finding> {
    let home = match context::home() {
        Ok(home) => home,
        Err(error) => {
            let advice = "set KINESIS_DEMO_HOME to a folder that you can write to";
            return vec![Finding::wrong(Cause::Other, "state folder", format!("{error:#}"), advice)];
        }
    };
    let mut findings = vec![state_folder(&home), room(home.root()), open_files()];
    findings.push(stand_in(&home).await);
    findings.extend([code(function), terminal()]);
    findings
}

fn state_folder(home: &Home) -> Finding {
    let (what, folder) = ("state folder", home.root().display().to_string());
    let probe = home.root().join(format!(".doctor-{}", std::process::id()));
    match fs::write(&probe, b"written").and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => Finding::fine(what, format!("{folder} is writable")),
        Err(error) => {
            let advice = "set KINESIS_DEMO_HOME to a folder that you can write to";
            Finding::wrong(Cause::Other, what, format!("{folder}: {error}"), advice)
        }
    }
}

fn room(folder: &Path) -> Finding {
    let what = "disk";
    match free_mib(folder) {
        Ok(free) if free >= ROOM_MIB => Finding::fine(what, format!("{free} MiB free for the stand-in")),
        Ok(free) => {
            let why = format!(
                "{free} MiB free for the stand-in, which keeps every record; at least {ROOM_MIB} MiB are recommended"
            );
            Finding::warning(what, why, "free some space, or set KINESIS_DEMO_HOME to a folder on another disk")
        }
        Err(error) => Finding::note(what, format!("cannot tell how much is free: {error}"), ""),
    }
}

/// The free space according to `df` (POSIX: sizes in KiB, the fourth column is the available space).
fn free_mib(folder: &Path) -> io::Result<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let free =
        text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)).and_then(|kib| kib.parse::<u64>().ok());
    free.map(|kib| kib / 1024).ok_or_else(|| io::Error::other("`df -Pk` printed no figure"))
}

fn open_files() -> Finding {
    let what = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(most) if most < OPEN_FILES => {
            let why = format!("a process may open {most}; the stand-in needs one for each shard and each caller");
            Finding::warning(what, why, format!("run `ulimit -n {OPEN_FILES}` in this shell before `demo`"))
        }
        Some(most) => Finding::fine(what, format!("a process may open {most}")),
        None => Finding::fine(what, "no limit"),
    }
}

/// Starts the stand-in if it is not running, calls it, and leaves it as it was.
async fn stand_in(home: &Home) -> Finding {
    let (what, daemon) = ("stand-in", Daemon::at(&home.local()));
    let started = match daemon.ensure(Started::ForStack).await {
        Ok(endpoint) if endpoint.answers().await => Ok(format!("answers at {}", endpoint.url())),
        Ok(endpoint) => Err(format!("{} does not answer", endpoint.url())),
        Err(error) => Err(error.to_string()),
    };
    let left = release_stand_in(home).await;
    match (started, left) {
        (Ok(why), Ok(())) => Finding::fine(what, why),
        (Err(why), _) => {
            Finding::wrong(Cause::Other, what, why, "read `demo local logs`; stop it with `demo local stop`")
        }
        (Ok(_), Err(error)) => {
            Finding::wrong(Cause::Other, what, format!("{error:#}"), "stop it with `demo local stop`")
        }
    }
}

fn code(function: Option<&Path>) -> Finding {
    match Package::find(function) {
        Ok(package) => {
            let (architecture, kilobytes) = (package.architecture.name(), package.size / 1000);
            Finding::fine(BINARY, format!("{} ({architecture}, zipped {kilobytes} kB)", package.binary.display()))
        }
        Err(error) => Finding::warning(BINARY, error.to_string(), "only a delivery to DynamoDB needs it"),
    }
}

fn terminal() -> Finding {
    if io::stderr().is_terminal() {
        return Finding::fine("terminal", "progress is shown in bars");
    }
    Finding::note("terminal", "none: progress is printed in plain lines; pass `--yes` to answer questions", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::preflight::Verdict;

    #[test]
    fn a_folder_says_how_much_is_free() {
        assert!(free_mib(Path::new(".")).expect("df is there") > 0);
        assert!(free_mib(Path::new("/no/such/folder")).is_err());
    }

    #[test]
    fn a_binary_that_is_not_there_is_no_failure_but_is_told() {
        let found = code(Some(Path::new("/no/such/binary")));
        assert_eq!(found.verdict, Verdict::Warning);
        assert!(found.why.contains("/no/such/binary"), "{}", found.why);
    }
}
