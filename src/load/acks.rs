//! The log of acknowledged documents, which survives a kill of the process.
//!
//! Lines of text: the header as JSON, then `tickets 1-5000` for each range as it is reserved, `acknowledged 0-499
//! 512-700` as answers come, `refused 17` for a document that the producer does not take and is not meant to, and `end 60000`, the number of documents offered, when the load ended by itself.
//! Every line goes to the operating system in one write, so a killed process tears at most the last line. The writer holds
//! the file's lock, so that others can tell a run under way from one that was cut off.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{flaws::Flaws, intervals::IntervalSet, origin::Origin, part::Part};

/// What the documents of a run follow from, with its tickets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The run's name.
    pub run: String,
    /// Its workload.
    #[serde(flatten)]
    pub origin: Origin,
    /// Which of its documents this is the file of.
    #[serde(default, skip_serializing_if = "Part::is_whole")]
    pub part: Part,
    /// Which of its documents are imperfect, if any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaws: Option<Flaws>,
}

/// What a run's file says.
#[derive(Clone, Debug, PartialEq)]
pub struct AckLog {
    /// What was loaded.
    pub header: Header,
    /// The tickets that the run reserved, in the order of its documents: document 0 is the first of the first range.
    pub tickets: Vec<RangeInclusive<u64>>,
    /// The documents acknowledged, numbered from 0 in the order in which they were made, over all parts of the run.
    pub acknowledged: IntervalSet,
    /// Those that the producer refused as it should.
    pub refused: IntervalSet,
    /// How many documents of this part were offered, when it ended by itself.
    pub offered: Option<u64>,
}

/// What is wrong with a run's file.
#[derive(Debug, thiserror::Error)]
pub enum AckLogError {
    /// It could not be read or written.
    #[error("cannot {doing} the acknowledgement log {}: {source}", .path.display())]
    Io {
        /// `create`, `read` or `append to`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has a line that no run writes.
    #[error("{}:{line}: {problem}: {text:?}; the file was changed by something else", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the line says.
        text: String,
        /// What was expected.
        problem: &'static str,
    },
}

impl AckLog {
    /// Whether its run is under way: a process still writes it.
    ///
    /// # Errors
    /// When the file cannot be opened or its lock cannot be asked for.
    pub fn is_under_way(path: &Path) -> Result<bool, AckLogError> {
        let failed = |source| AckLogError::Io { doing: "read", path: path.to_owned(), source };
        match File::open(path).map_err(failed)?.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Reads what a run has written. The last line is left out if it was torn.
    ///
    /// # Errors
    /// When there is no such file, its header is not whole, or a whole line makes no sense.
    pub fn read(path: &Path) -> Result<Self, AckLogError> {
        let text = std::fs::read_to_string(path).map_err(|source| AckLogError::Io {
            doing: "read",
            path: path.to_owned(),
            source,
        })?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let broken = |line: usize, text: &str, problem| AckLogError::Line {
            path: path.to_owned(),
            line,
            text: text.to_owned(),
            problem,
        };
        let mut lines = whole.split('\n');
        let first = lines.next().unwrap_or_default();
        let header = serde_json::from_str(first).map_err(|_| broken(1, first, "not a header"))?;
        let (acknowledged, refused) = Default::default();
        let mut log = Self { header, tickets: Vec::new(), acknowledged, refused, offered: None };
        for (index, line) in lines.enumerate() {
            let expected = "expected `tickets`, `acknowledged`, `refused` or `end`";
            log.add(line).ok_or_else(|| broken(index + 2, line, expected))?;
        }
        Ok(log)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let (what, numbers) = line.split_once(' ')?;
        match what {
            "tickets" => self.tickets.push(parse_range(numbers)?),
            "acknowledged" => add_ranges(numbers, &mut self.acknowledged)?,
            "refused" => add_ranges(numbers, &mut self.refused)?,
            "end" => self.offered = Some(numbers.parse().ok()?),
            _ => return None,
        }
        Some(())
    }
}

fn add_ranges(numbers: &str, to: &mut IntervalSet) -> Option<()> {
    for range in numbers.split(' ') {
        to.insert_range(parse_range(range)?);
    }
    Some(())
}

fn parse_range(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// Writes a run's file.
pub(super) struct AckWriter {
    path: PathBuf,
    file: Mutex<File>,
}

impl AckWriter {
    /// A new file; one that is there already belongs to another run.
    pub(super) fn create(path: &Path, header: &Header) -> Result<Self, AckLogError> {
        let failed = |source| AckLogError::Io { doing: "create", path: path.to_owned(), source };
        let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let writer = Self { path: path.to_owned(), file: Mutex::new(file) };
        writer.line(&serde_json::to_string(header).map_err(|error| failed(error.into()))?)?;
        Ok(writer)
    }

    /// A file of the test's own.
    #[cfg(test)]
    pub(super) fn over(file: File) -> Self {
        Self { path: PathBuf::from("a test's"), file: Mutex::new(file) }
    }

    pub(super) fn tickets(&self, tickets: &RangeInclusive<u64>) -> Result<(), AckLogError> {
        self.line(&format!("tickets {}-{}", tickets.start(), tickets.end()))
    }

    pub(super) fn acknowledged(&self, documents: &IntervalSet) -> Result<(), AckLogError> {
        self.ranges("acknowledged", documents)
    }

    pub(super) fn refused(&self, documents: &IntervalSet) -> Result<(), AckLogError> {
        self.ranges("refused", documents)
    }

    fn ranges(&self, what: &str, documents: &IntervalSet) -> Result<(), AckLogError> {
        if documents.is_empty() {
            return Ok(());
        }
        let mut line = what.to_owned();
        for range in documents.intervals() {
            line += &format!(" {}-{}", range.start(), range.end());
        }
        self.line(&line)
    }

    pub(super) fn end(&self, offered: u64) -> Result<(), AckLogError> {
        self.line(&format!("end {offered}"))
    }

    /// Why a line was not written, when its thread ended before it could be.
    pub(super) fn lost(&self, source: io::Error) -> Result<(), AckLogError> {
        Err(AckLogError::Io { doing: "append to", path: self.path.clone(), source })
    }

    fn line(&self, line: &str) -> Result<(), AckLogError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes()).or_else(|error| self.lost(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { run: "r-1".into(), origin: Origin::StoreSales { scale: 1, seed: 7 }, part: Part::WHOLE, flaws: None }
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r-1.acks");
        let writer = AckWriter::create(&path, &header()).expect("created");
        writer.tickets(&(1..=50)).expect("written");
        let mut documents = IntervalSet::default();
        writer.acknowledged(&documents).expect("nothing to write");
        (0..10).chain(20..30).for_each(|number| documents.insert(number));
        writer.acknowledged(&documents).expect("written");
        writer.tickets(&(90..=99)).expect("written");
        writer.acknowledged(&documents).expect("written");
        (folder, path)
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let (_folder, path) = written();
        let log = AckLog::read(&path).expect("read");
        assert_eq!((log.header, log.tickets, log.offered), (header(), vec![1..=50, 90..=99], None));
        assert_eq!(log.acknowledged.intervals().collect::<Vec<_>>(), [0..=9, 20..=29]);
        assert!(matches!(AckWriter::create(&path, &header()), Err(AckLogError::Io { doing: "create", .. })));
    }

    #[test]
    fn a_run_under_way_is_told_from_one_that_was_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r-1.acks");
        let writer = AckWriter::create(&path, &header()).expect("created");
        assert!(AckLog::is_under_way(&path).expect("asked"));
        AckLog::read(&path).expect("read all the same");
        drop(writer);
        assert!(!AckLog::is_under_way(&path).expect("asked"));
    }

    #[test]
    fn a_header_is_one_object() {
        let text = r#"{"run":"r-1","workload":"store_sales","scale":1,"seed":7}"#;
        assert_eq!(serde_json::from_str::<Header>(text).expect("a header"), header());
        assert_eq!(serde_json::to_string(&header()).expect("JSON"), text);
        let text = r#"{"run":"r-1","workload":"store_sales","scale":1,"seed":7,"part":{"worker":2,"of":3}}"#;
        let part = Header { part: Part { worker: 2, of: 3 }, ..header() };
        assert_eq!(serde_json::from_str::<Header>(text).expect("a header"), part);
        assert_eq!(serde_json::to_string(&part).expect("JSON"), text);
    }

    #[test]
    fn a_torn_line_says_nothing() {
        let (_folder, path) = written();
        let whole = AckLog::read(&path).expect("read");
        let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
        file.write_all(b"acknowledged 100-10").expect("torn");
        assert_eq!(AckLog::read(&path).expect("read"), whole);
        file.write_all(b"9\nend 110\n").expect("mended");
        let mended = AckLog::read(&path).expect("read");
        assert_eq!((mended.acknowledged.count(), mended.offered), (30, Some(110)));
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        let (_folder, path) = written();
        let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
        file.write_all(b"acknowledged 9-1\n").expect("broken");
        let message = AckLog::read(&path).expect_err("broken").to_string();
        assert!(message.contains("r-1.acks:6: ") && message.contains("acknowledged 9-1"), "{message}");
    }
}
