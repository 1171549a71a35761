//! The events of one group on disk: lines of JSON in segment files, the newest segments kept.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

/// A new segment file is begun after so many bytes.
const SEGMENT: u64 = 4 << 20;
/// Older segments are removed: a group keeps its newest 32 MiB.
const KEPT: usize = 8;

/// An event on its way in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// When it happened, in milliseconds since the epoch.
    pub(crate) timestamp: u64,
    /// What happened.
    pub(crate) message: String,
}

/// An event as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) stream: String,
    pub(super) timestamp: u64,
    pub(super) ingested: u64,
    pub(super) message: String,
}

/// An append-only log; a position is a byte of all that was ever written.
pub(super) struct Journal {
    folder: PathBuf,
    log: Mutex<Log>,
}

struct Log {
    /// First position and length of each segment; there is always one.
    segments: Vec<(u64, u64)>,
    last: File,
}

impl Journal {
    /// Opens the log in `folder`, without the end that a crash may have torn.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Some(base) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                segments.push((base, entry.metadata()?.len()));
            }
        }
        segments.sort_unstable();
        if segments.is_empty() {
            segments.push((0, 0));
        }
        let (base, length) = segments.last_mut().expect("there is a segment");
        let last = open_segment(folder, *base)?;
        *length = whole_length(&folder.join(base.to_string()))?;
        last.set_len(*length)?;
        Ok(Self { folder: folder.to_owned(), log: Mutex::new(Log { segments, last }) })
    }

    /// Keeps `events`; they survive the end of the process.
    pub(super) fn append(&self, stream: &str, ingested: u64, events: &[Event]) -> io::Result<()> {
        let mut lines = Vec::new();
        for event in events {
            let (stream, message) = (stream.to_owned(), event.message.clone());
            serde_json::to_writer(&mut lines, &Stored { stream, timestamp: event.timestamp, ingested, message })?;
            lines.push(b'\n');
        }
        let mut log = self.lock();
        let (mut base, mut length) = *log.segments.last().expect("there is a segment");
        if length >= SEGMENT {
            (base, length) = (base + length, 0);
            log.last = open_segment(&self.folder, base)?;
            log.segments.push((base, 0));
            self.trim(&mut log)?;
        }
        if let Err(e) = log.last.write_all(&lines) {
            log.last.set_len(length)?;
            return Err(e);
        }
        *log.segments.last_mut().expect("there is a segment") = (base, length + lines.len() as u64);
        Ok(())
    }

    /// Shows every kept event from `position` on, with its position and the next one's, until `look` breaks.
    pub(super) fn scan(
        &self,
        position: u64,
        mut look: impl FnMut(u64, u64, Stored) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let segments = self.lock().segments.clone();
        for (base, length) in segments.into_iter().filter(|(base, length)| base + length > position) {
            let mut file = match File::open(self.folder.join(base.to_string())) {
                Ok(file) => file,
                // Trimmed since the look above.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            let mut at = position.max(base);
            file.seek(SeekFrom::Start(at - base))?;
            let (mut reader, mut line) = (BufReader::new(file), Vec::new());
            while at < base + length {
                line.clear();
                let next = at + reader.read_until(b'\n', &mut line)? as u64;
                if look(at, next, serde_json::from_slice(&line)?).is_break() {
                    return Ok(());
                }
                at = next;
            }
        }
        Ok(())
    }

    /// How much is stored.
    pub(super) fn bytes(&self) -> u64 {
        self.lock().segments.iter().map(|(_, length)| length).sum()
    }

    fn trim(&self, log: &mut Log) -> io::Result<()> {
        while log.segments.len() > KEPT {
            fs::remove_file(self.folder.join(log.segments[0].0.to_string()))?;
            log.segments.remove(0);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_segment(folder: &Path, base: u64) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(folder.join(base.to_string()))
}

/// How far the whole lines of a segment reach.
fn whole_length(path: &Path) -> io::Result<u64> {
    let text = fs::read(path)?;
    Ok(text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Event {
        Event { timestamp: 1, message: message.to_owned() }
    }

    fn messages(journal: &Journal) -> Vec<String> {
        let mut found = Vec::new();
        journal
            .scan(0, |_, _, stored| {
                found.push(stored.message);
                ControlFlow::Continue(())
            })
            .expect("scanned");
        found
    }

    #[test]
    fn a_torn_end_is_cut_off_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path()).expect("opens");
        journal.append("s", 2, &[event("one"), event("two")]).expect("appends");
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(folder.path().join("0")).expect("a segment");
        file.write_all(b"{\"stream\":\"s\",\"time").expect("a torn line");
        let journal = Journal::open(folder.path()).expect("opens again");
        journal.append("s", 3, &[event("three")]).expect("appends");
        assert_eq!(messages(&journal), ["one", "two", "three"]);
    }

    #[test]
    fn only_the_newest_segments_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path()).expect("opens");
        let long = "x".repeat(SEGMENT as usize);
        for n in 0..KEPT + 3 {
            journal.append("s", 2, &[event(&format!("{n}{long}"))]).expect("appends");
        }
        assert_eq!(messages(&journal).len(), KEPT);
        assert!(messages(&journal)[0].starts_with("3x"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), KEPT);
    }
}
