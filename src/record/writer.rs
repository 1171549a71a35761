//! Writes a record as the run goes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{EVENTS, RUN, RecordError, RunFile, SECONDS, failed, is_under_way};
use crate::report::{
    RunReport,
    recorded::About,
    second::{Moment, Second},
};

/// The record of a run under way. While it lives, it holds the lock of its rows, so that others can tell a run under way
/// from one that was killed.
pub struct RecordWriter {
    folder: PathBuf,
    file: RunFile,
    seconds: File,
    events: File,
    broken: Option<String>,
}

impl RecordWriter {
    /// Makes the folder and writes what is known of the run. A record of that name that nobody writes any more goes: its
    /// run ended before it sent anything, or there would be no other of its name.
    ///
    /// # Errors
    /// The folder or a file in it cannot be made.
    pub fn begin(folder: PathBuf, about: About) -> Result<Self, RecordError> {
        if folder.exists() && !is_under_way(&folder)? {
            fs::remove_dir_all(&folder).map_err(failed("remove", &folder))?;
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder.parent().unwrap_or(&folder));
        made.and_then(|()| DirBuilder::new().mode(0o700).create(&folder)).map_err(failed("create", &folder))?;
        let (seconds, events) = (new_file(&folder.join(SECONDS))?, new_file(&folder.join(EVENTS))?);
        seconds.lock().map_err(failed("lock", folder.join(SECONDS)))?;
        let file = RunFile { about, ended: None, error: None, freshness_in: None, report: None };
        let writer = Self { folder, file, seconds, events, broken: None };
        writer.write_run()?;
        Ok(writer)
    }

    /// What the run is.
    pub fn about(&self) -> &About {
        &self.file.about
    }

    /// Adds a row. After one that could not be written, none is.
    pub fn second(&mut self, second: &Second) {
        let written = append(&mut self.seconds, second).map_err(failed("append to", self.folder.join(SECONDS)));
        self.note(written);
    }

    /// Adds what happened.
    pub fn moment(&mut self, moment: &Moment) {
        let written = append(&mut self.events, moment).map_err(failed("append to", self.folder.join(EVENTS)));
        self.note(written);
    }

    /// Why the record is incomplete; none where it is not.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Writes the result as far as there is one.
    pub fn report(&mut self, report: &RunReport) {
        let written = self.write_report(report);
        self.note(written);
    }

    /// Writes the result, and that the run is over.
    pub fn end(&mut self, report: &RunReport, error: Option<String>) {
        self.file.ended = Some(now());
        self.file.error = error;
        self.report(report);
    }

    fn write_report(&mut self, report: &RunReport) -> Result<(), RecordError> {
        let invalid = |source| RecordError::Invalid { path: self.folder.join(RUN), source };
        self.file.report = Some(to_raw_value(report).map_err(invalid)?);
        self.file.freshness_in = report.freshness_in.map(|destination| destination.label.to_owned());
        self.write_run()
    }

    /// A kill leaves the file as it was, or as it is to be.
    fn write_run(&self) -> Result<(), RecordError> {
        let (path, new) = (self.folder.join(RUN), self.folder.join("run.json.new"));
        let text =
            serde_json::to_vec(&self.file).map_err(|source| RecordError::Invalid { path: path.clone(), source })?;
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&new);
        let written = opened.and_then(|mut file| file.write_all(&text)).and_then(|()| fs::rename(&new, &path));
        written.map_err(failed("write", path))
    }

    /// From now on, no row finds room.
    #[cfg(test)]
    pub(super) fn fill_the_disk(&mut self) {
        self.seconds = OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    }

    /// The first error is the one to be told.
    fn note(&mut self, written: Result<(), RecordError>) {
        if let Err(error) = written {
            self.broken.get_or_insert_with(|| error.to_string());
        }
    }
}

fn new_file(path: &Path) -> Result<File, RecordError> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).map_err(failed("create", path))
}

/// Adds a line, in one write.
fn append(file: &mut File, line: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

/// RFC 3339 in UTC, to the second.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}
