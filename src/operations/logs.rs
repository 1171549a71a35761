//! The acknowledgement logs of a stack's runs: where they are, and which of them exist.

use std::{fs, io, path::PathBuf};

use crate::{
    aws::{Clients, mirror},
    engine::{Home, ProviderError, StackId, State},
    fleet::{InBucket, RendezvousError, logs_in},
    load::{AckLog, AckLogError, Part},
};

/// The folder of one stack's logs.
pub struct Logs {
    folder: PathBuf,
}

/// Why the logs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// Their folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] io::Error),
    /// A log cannot be read.
    #[error(transparent)]
    AckLog(#[from] AckLogError),
    /// A log cannot be downloaded.
    #[error(transparent)]
    Mirror(#[from] ProviderError),
    /// The place where workers met cannot be read.
    #[error(transparent)]
    Rendezvous(#[from] RendezvousError),
}

/// The logs of some runs.
#[derive(Default)]
pub struct RunLogs {
    /// The logs that exist.
    pub logs: Vec<AckLog>,
    /// For people: the runs, or workers of runs, that still send documents.
    pub under_way: Vec<String>,
    /// For people: the workers whose logs are missing, so that their documents cannot be verified.
    pub missing: Vec<String>,
}

impl Logs {
    /// The logs of this stack.
    pub fn of(home: &Home, stack: &StackId) -> Self {
        Self { folder: home.runs().join(stack.as_str()) }
    }

    /// The log of a run, or of a worker's part of it.
    pub fn path(&self, run: &str, part: Part) -> PathBuf {
        let name = match part {
            part if part.is_whole() => format!("{run}.acks"),
            Part { worker, of } => format!("{run}.{worker}-of-{of}.acks"),
        };
        self.folder.join(name)
    }

    /// Downloads the logs of workers on other machines from the journal's mirror, if it has them.
    pub async fn download(&self, state: &State, mirror: &mirror::InBucket) -> Result<(), LogsError> {
        for run in runs(state) {
            for part in self.parts(&run)? {
                let path = self.path(&run, part);
                let name = path.file_name().expect("a log has a name").to_string_lossy();
                if !path.exists()
                    && let Some(text) = mirror.get_log(&name).await?
                {
                    fs::write(&path, text)?;
                }
            }
        }
        Ok(())
    }

    /// Keeps the logs of runs whose workers left them where they met, such as tasks whose coordinator was killed.
    ///
    /// # Errors
    /// The bucket cannot be read, or a file cannot be written.
    pub async fn collect(&self, state: &State, clients: &Clients, bucket: &str) -> Result<(), LogsError> {
        fs::create_dir_all(&self.folder)?;
        for run in state.runs().iter().filter(|run| run.workers.is_some() && run.summary.is_none()) {
            self.keep(&run.id, &logs_in(&InBucket::new(&clients.s3, bucket, &run.id)).await?)?;
        }
        Ok(())
    }

    /// Writes logs where the verification looks for them, unless those there say as much: each is whole or not there.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn keep(&self, run: &str, logs: &[AckLog]) -> io::Result<()> {
        for log in logs {
            let path = self.path(run, log.header.part);
            let says_less = |known: AckLog| known.acknowledged.count() < log.acknowledged.count();
            if AckLog::read(&path).map_or(true, says_less) {
                let new = path.with_extension("new");
                fs::write(&new, log.text())?;
                fs::rename(new, path)?;
            }
        }
        Ok(())
    }

    /// Reads the logs of all runs in a journal except `but`.
    pub fn of_runs(&self, state: &State, but: Option<&str>) -> Result<RunLogs, LogsError> {
        let mut found = RunLogs::default();
        for run in runs(state).into_iter().filter(|run| Some(run.as_str()) != but) {
            self.read(&run, &mut found)?;
        }
        Ok(found)
    }

    /// Reads the logs of one run.
    pub fn of_run(&self, run: &str) -> Result<RunLogs, LogsError> {
        let mut found = RunLogs::default();
        self.read(run, &mut found)?;
        Ok(found)
    }

    /// Whether any run of the stack is under way on this machine.
    pub fn is_under_way(&self) -> Result<bool, LogsError> {
        let names = match self.folder.read_dir() {
            Ok(names) => names.collect::<Result<Vec<_>, _>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let logs = names.iter().map(fs::DirEntry::path).filter(|path| path.extension().is_some_and(|is| is == "acks"));
        for log in logs {
            if AckLog::is_under_way(&log)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the logs of every worker of one run.
    fn read(&self, run: &str, found: &mut RunLogs) -> Result<(), LogsError> {
        for part in self.parts(run)? {
            let path = self.path(run, part);
            if path.exists() {
                // Asked first: what is written later is not read as if it were all.
                if AckLog::is_under_way(&path)? {
                    found.under_way.push(named(run, part));
                }
                found.logs.push(AckLog::read(&path)?);
            } else {
                let path = path.display();
                let whose = if part.is_whole() { String::new() } else { format!(" of worker {part}") };
                found.missing.push(format!("run {run}: no log{whose}; copy it to {path}"));
            }
        }
        Ok(())
    }

    /// The parts of a run's workers; the names of the logs that exist say how many there are.
    fn parts(&self, run: &str) -> Result<Vec<Part>, LogsError> {
        if self.path(run, Part::WHOLE).exists() || !self.folder.exists() {
            return Ok(vec![Part::WHOLE]);
        }
        let of = |name: &str| -> Option<u32> {
            let part = name.strip_prefix(run)?.strip_prefix('.')?.strip_suffix(".acks")?;
            part.split_once("-of-")?.1.parse().ok()
        };
        let names = self.folder.read_dir()?.collect::<Result<Vec<_>, _>>()?;
        let workers = names.iter().find_map(|entry| of(entry.file_name().to_str()?)).unwrap_or(1);
        Ok((1..=workers).map(|worker| Part { worker, of: workers }).collect())
    }
}

/// A worker of a run, for people.
pub(super) fn named(run: &str, part: Part) -> String {
    if part.is_whole() { run.to_owned() } else { format!("{run}, worker {part}") }
}

/// The ids of all runs, each once.
pub fn runs(state: &State) -> Vec<String> {
    let mut runs: Vec<String> = state.runs().iter().map(|run| run.id.clone()).collect();
    runs.dedup();
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logs_of_all_workers_are_found_and_missing_ones_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = Logs { folder: folder.path().to_owned() };
        let header =
            |part: &str| format!("{{\"run\":\"r\",\"workload\":\"store_sales\",\"scale\":1,\"seed\":1{part}}}\n");
        let write = |run: &str, part: Part, text: &str| fs::write(logs.path(run, part), text).expect("written");
        write("alone", Part::WHOLE, &header(""));
        for worker in [1, 3] {
            let part = format!(",\"part\":{{\"worker\":{worker},\"of\":3}}");
            write("shared", Part { worker, of: 3 }, &header(&part));
        }
        write("shared.2", Part::WHOLE, &header(""));
        let mut found = RunLogs::default();
        logs.read("alone", &mut found).expect("read");
        assert_eq!((found.logs.len(), found.missing.len()), (1, 0));
        logs.read("shared", &mut found).expect("read");
        let parts: Vec<_> = found.logs.iter().map(|log| log.header.part.worker).collect();
        assert_eq!(parts, [1, 1, 3]);
        let [missing] = &found.missing[..] else { panic!("{:?}", found.missing) };
        assert!(missing.contains("worker 2/3") && missing.ends_with("shared.2-of-3.acks"), "{missing}");
        logs.read("none", &mut found).expect("read");
        assert!(found.missing[1].starts_with("run none: no log; copy it to"), "{:?}", found.missing);
        assert!(found.under_way.is_empty());
        let second = fs::File::open(logs.path("shared", Part { worker: 3, of: 3 })).expect("a log");
        second.lock().expect("free");
        logs.read("shared", &mut found).expect("read");
        assert_eq!(found.under_way, ["shared, worker 3/3"]);
    }
}
