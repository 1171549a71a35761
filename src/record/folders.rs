//! Where records are, which there are, and which of them may go.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{RUN, RecordError, failed, reader};
use crate::{
    engine::{Home, StackId},
    load::Part,
    report::recorded::Recorded,
};

/// Where records are that another process began, and did not end.
const EARLIER: &str = "earlier";

/// The records of a state folder.
pub struct Records {
    root: PathBuf,
}

/// A record in its folder.
pub struct Kept {
    /// Its folder.
    pub folder: PathBuf,
    /// The record, with its latest row alone.
    pub run: Recorded,
}

impl Records {
    /// Those of this state folder.
    pub fn of(home: &Home) -> Self {
        Self { root: home.runs() }
    }

    /// The folder of a run, or of a worker's part of it.
    pub fn folder(&self, stack: &StackId, run: &str, part: Part) -> PathBuf {
        self.root.join(stack.as_str()).join(name(run, part))
    }

    /// Moves the record of a run to where it is no longer listed, if there is one: another process goes on with the run, and
    /// records that.
    ///
    /// # Errors
    /// The folder cannot be moved.
    pub fn set_aside(&self, stack: &StackId, run: &str) -> Result<(), RecordError> {
        let folder = self.folder(stack, run, Part::WHOLE);
        if !folder.exists() {
            return Ok(());
        }
        let earlier = self.root.join(stack.as_str()).join(EARLIER);
        fs::create_dir_all(&earlier).map_err(failed("create", &earlier))?;
        let free = (1..).map(|number: u64| earlier.join(format!("{run}-{number}"))).find(|place| !place.exists());
        fs::rename(&folder, free.expect("there are numbers enough")).map_err(failed("move", &folder))
    }

    /// Every record, the newest first, of one stack or of all: `stack` is an id or a name. Those that cannot be read hide
    /// no other; they come second.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn list(&self, stack: Option<&str>) -> Result<(Vec<Kept>, Vec<RecordError>), RecordError> {
        let (mut kept, mut unreadable) = (Vec::new(), Vec::new());
        for of_stack in folders(&self.root)?.into_iter().filter(|folder| is_of(folder, stack)) {
            for folder in folders(&of_stack)?.into_iter().filter(|folder| folder.join(RUN).exists()) {
                match reader::glance(&folder) {
                    Ok(run) => kept.push(Kept { folder, run }),
                    Err(error) => unreadable.push(error),
                }
            }
        }
        kept.sort_by(|a, b| (&b.run.about.started, &b.run.about.run).cmp(&(&a.run.about.started, &a.run.about.run)));
        Ok((kept, unreadable))
    }

    /// The record of a run: by its id, by `STACK/RUN` where several stacks have one of that name, or the newest.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn find(&self, run: Option<&str>) -> Result<Kept, RecordError> {
        let (kept, _) = self.list(None)?;
        let Some(asked) = run else {
            let none = || {
                RecordError::Unknown("no run is recorded on this machine; start one with `demo run FILE`".to_owned())
            };
            return kept.into_iter().next().ok_or_else(none);
        };
        let is_asked = |kept: &Kept| {
            let about = &kept.run.about;
            about.run == asked || asked.split_once('/') == Some((about.stack.as_str(), about.run.as_str()))
        };
        let mut found = kept.into_iter().filter(is_asked);
        let Some(first) = found.next() else {
            return Err(RecordError::Unknown(format!(
                "unknown run '{asked}'; `demo runs` lists the runs of this machine"
            )));
        };
        let others: Vec<_> = found.map(|other| format!("{}/{asked}", other.run.about.stack)).collect();
        if others.is_empty() {
            return Ok(first);
        }
        let all = format!("{}/{asked}, {}", first.run.about.stack, others.join(", "));
        Err(RecordError::Unknown(format!("several runs are named '{asked}': use one of {all}")))
    }
}

/// Of each stack's records, newest first, all after the first `keep`, but none of a run under way.
pub fn prunable(kept: Vec<Kept>, keep: usize) -> Vec<Kept> {
    let mut of_stack: HashMap<String, usize> = HashMap::new();
    let is_old = |kept: &Kept| {
        let newer = of_stack.entry(kept.run.about.stack.clone()).or_default();
        *newer += 1;
        *newer > keep && !kept.run.is_under_way
    };
    kept.into_iter().filter(is_old).collect()
}

/// Removes a record. A run that is listed as over writes nothing more.
///
/// # Errors
/// The folder cannot be removed.
pub fn remove(kept: &Kept) -> Result<(), RecordError> {
    fs::remove_dir_all(&kept.folder).map_err(failed("remove", &kept.folder))
}

/// The name of a run's record: that of the run, with the worker where it is a part.
pub fn name(run: &str, part: Part) -> String {
    match part {
        part if part.is_whole() => run.to_owned(),
        Part { worker, of } => format!("{run}.{worker}-of-{of}"),
    }
}

fn is_of(folder: &Path, stack: Option<&str>) -> bool {
    let id = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<StackId>().ok());
    id.is_some_and(|id| stack.is_none_or(|asked| id.as_str() == asked || id.name() == asked))
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let entries = entries.map_err(failed("read", folder))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    Ok(paths.filter(|path| path.is_dir()).collect())
}
