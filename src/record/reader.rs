//! Reads a record back, also that of a run under way or killed.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use serde::de::DeserializeOwned;

use super::{EVENTS, RUN, RecordError, RunFile, SECONDS, failed, is_under_way};
use crate::{
    deliveries::DESTINATIONS,
    report::{
        RunReport,
        recorded::{FORMAT, Recorded, interrupted},
        second::{Moment, Second},
    },
};

/// How much of the rows a look at the latest one reads first: a row of 500 shards has some 10 kB.
const TAIL: u64 = 256 * 1024;

/// Reads a record with all its rows.
///
/// # Errors
/// It is not one, or cannot be read. What is torn is left out and told in the result.
pub fn read(folder: &Path) -> Result<Recorded, RecordError> {
    let mut torn = Vec::new();
    let seconds: Vec<Second> = lines(&folder.join(SECONDS), &mut torn)?;
    recorded(folder, seconds, torn)
}

/// Reads a record with the latest row of its load alone.
///
/// # Errors
/// As [`read`].
pub fn glance(folder: &Path) -> Result<Recorded, RecordError> {
    let path = folder.join(SECONDS);
    let tail = tail(&path).map_err(failed("read", &path))?;
    let mut rows =
        tail.split(|byte| *byte == b'\n').rev().filter_map(|line| serde_json::from_slice::<Second>(line).ok());
    let latest = rows.find(|row| row.load.is_some());
    recorded(folder, latest.into_iter().collect(), Vec::new())
}

fn recorded(folder: &Path, seconds: Vec<Second>, mut torn: Vec<String>) -> Result<Recorded, RecordError> {
    let path = folder.join(RUN);
    // Asked first: what ends meanwhile has its result then.
    let is_under_way = is_under_way(folder)?;
    let text = fs::read(&path).map_err(failed("read", &path))?;
    let invalid = |source| RecordError::Invalid { path: path.clone(), source };
    let RunFile { about, ended, error, freshness_in, report } = serde_json::from_slice(&text).map_err(invalid)?;
    if about.format > FORMAT {
        return Err(RecordError::Newer { path, format: about.format });
    }
    let moments: Vec<Moment> = lines(&folder.join(EVENTS), &mut torn)?;
    let json = report.map(|report| report.get().to_owned());
    let read = json.as_deref().map(serde_json::from_str::<RunReport>).transpose().map_err(invalid)?;
    let mut report = read.unwrap_or_else(|| interrupted(&about, with_load(&seconds), &moments));
    report.freshness_in =
        DESTINATIONS.into_iter().find(|destination| Some(destination.label) == freshness_in.as_deref());
    let bytes = size(folder)?;
    Ok(Recorded { about, ended, error, report, json, seconds, moments, torn, is_under_way, bytes })
}

fn with_load(seconds: &[Second]) -> Option<&Second> {
    seconds.iter().rev().find(|second| second.load.is_some())
}

/// The bytes of all files of a record.
fn size(folder: &Path) -> Result<u64, RecordError> {
    let sizes = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.metadata()?.len())).collect::<io::Result<Vec<_>>>());
    sizes.map(|sizes| sizes.iter().sum()).map_err(failed("read", folder))
}

/// The whole lines of a file; those that make no sense are left out, and told.
fn lines<T: DeserializeOwned>(path: &Path, torn: &mut Vec<String>) -> Result<Vec<T>, RecordError> {
    let text = fs::read(path).map_err(failed("read", path))?;
    let mut rows = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(row) => rows.push(row),
            Err(error) => {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                torn.push(format!("{file}, line {}: {error}", index + 1));
            }
        }
    }
    Ok(rows)
}

fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}
