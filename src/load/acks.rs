//! The log of acknowledged documents, which survives a kill of the process.
//!
//! Lines of text: the header as JSON, then `tickets 1-5000` for each range as it is reserved, `acknowledged 0-499
//! 512-700` as answers come, `refused 17` for a document that the producer does not take and is not meant to, and `end 60000`, the number of documents offered, when the load ended by itself.
//! Every line goes to the operating system in one write, so a killed process tears at most the last line. The writer holds
//! the file's lock, so that others can tell a run under way from one that was cut off. A worker that finishes what another began
//! takes over its log: the new file has all of it, and takes the old one's place at once.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
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

/// The documents of a part that need not be sent any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsDone {
    /// Those that the service acknowledged.
    pub acknowledged: IntervalSet,
    /// Those that the producer refused as it should.
    pub refused: IntervalSet,
}

impl DocumentsDone {
    /// All of them.
    pub fn all(&self) -> IntervalSet {
        let mut all = self.acknowledged.clone();
        self.refused.intervals().for_each(|range| all.insert_range(range));
        all
    }

    /// Adds those of others.
    pub fn add(&mut self, other: &Self) {
        other.acknowledged.intervals().for_each(|range| self.acknowledged.insert_range(range));
        other.refused.intervals().for_each(|range| self.refused.insert_range(range));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.acknowledged.count() + self.refused.count()
    }
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
        Self::parse(&text, path)
    }

    /// Reads the text of a log; `path` is what errors call it.
    ///
    /// # Errors
    /// The header is not whole, or a whole line makes no sense.
    pub fn parse(text: &str, path: &Path) -> Result<Self, AckLogError> {
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
        let mut log = Self::new(header);
        for (index, line) in lines.enumerate() {
            let expected = "expected `tickets`, `acknowledged`, `refused` or `end`";
            log.add(line).ok_or_else(|| broken(index + 2, line, expected))?;
        }
        Ok(log)
    }

    /// One that says nothing yet.
    fn new(header: Header) -> Self {
        let (acknowledged, refused) = Default::default();
        Self { header, tickets: Vec::new(), acknowledged, refused, offered: None }
    }

    /// Its text, as short as it can be.
    pub fn text(&self) -> String {
        let header = serde_json::to_string(&self.header).expect("a header is JSON");
        let tickets = self.tickets.iter().map(tickets_line);
        let sets = [("acknowledged", &self.acknowledged), ("refused", &self.refused)];
        let sets = sets.into_iter().filter_map(|(what, documents)| set_line(what, documents));
        let end = self.offered.map(end_line);
        std::iter::once(header).chain(tickets).chain(sets).chain(end).map(|line| line + "\n").collect()
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

fn tickets_line(tickets: &RangeInclusive<u64>) -> String {
    format!("tickets {}-{}", tickets.start(), tickets.end())
}

/// None of no documents.
fn set_line(what: &str, documents: &IntervalSet) -> Option<String> {
    let ranges = documents.intervals().map(|range| format!(" {}-{}", range.start(), range.end()));
    (!documents.is_empty()).then(|| what.to_owned() + &ranges.collect::<String>())
}

fn end_line(offered: u64) -> String {
    format!("end {offered}")
}

fn parse_range(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// Writes a run's file.
pub struct AckWriter {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    /// What the file says, but for a line that could not be written.
    log: AckLog,
    /// Where the file is until it says as much as the one whose place it takes.
    beside: Option<PathBuf>,
}

impl AckWriter {
    /// A new file; one that is there already belongs to another run.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path, header: &Header) -> Result<Self, AckLogError> {
        let failed = |source| AckLogError::Io { doing: "create", path: path.to_owned(), source };
        let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(failed)?;
        Self::begin(path, file, AckLog::new(header.clone()), None)
    }

    /// A file that goes on where another worker's ended: it has what that one had acknowledged and refused, and takes the
    /// place of a file that is there once it says as much, so that a kill loses nothing.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn succeed(path: &Path, header: &Header, done: &DocumentsDone) -> Result<Self, AckLogError> {
        let beside = path.with_extension("acks.new");
        let failed = |source| AckLogError::Io { doing: "create", path: beside.clone(), source };
        let file = OpenOptions::new().append(true).create(true).open(&beside).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let DocumentsDone { acknowledged, refused } = done.clone();
        let log = AckLog { acknowledged, refused, ..AckLog::new(header.clone()) };
        Self::begin(path, file, log, Some(beside.clone()))
    }

    fn begin(path: &Path, file: File, log: AckLog, beside: Option<PathBuf>) -> Result<Self, AckLogError> {
        let failed = |source| AckLogError::Io { doing: "create", path: path.to_owned(), source };
        file.lock().map_err(failed)?;
        let header = serde_json::to_string(&log.header).map_err(|error| failed(error.into()))?;
        let writer = Self { path: path.to_owned(), inner: Mutex::new(Inner { file, log, beside }) };
        writer.line(&mut writer.inner(), &header)?;
        Ok(writer)
    }

    /// What it has written.
    pub fn log(&self) -> AckLog {
        self.inner().log.clone()
    }

    pub(super) fn tickets(&self, tickets: &RangeInclusive<u64>) -> Result<(), AckLogError> {
        let mut inner = self.inner();
        self.line(&mut inner, &tickets_line(tickets))?;
        inner.log.tickets.push(tickets.clone());
        let Some(beside) = inner.beside.take() else { return Ok(()) };
        let AckLog { acknowledged, refused, .. } = inner.log.clone();
        self.set(&mut inner, "acknowledged", &acknowledged)?;
        self.set(&mut inner, "refused", &refused)?;
        fs::rename(beside, &self.path).or_else(|error| self.lost(error))
    }

    pub(super) fn acknowledged(&self, documents: &IntervalSet) -> Result<(), AckLogError> {
        let mut inner = self.inner();
        self.set(&mut inner, "acknowledged", documents)?;
        documents.intervals().for_each(|range| inner.log.acknowledged.insert_range(range));
        Ok(())
    }

    pub(super) fn refused(&self, documents: &IntervalSet) -> Result<(), AckLogError> {
        let mut inner = self.inner();
        self.set(&mut inner, "refused", documents)?;
        documents.intervals().for_each(|range| inner.log.refused.insert_range(range));
        Ok(())
    }

    pub(super) fn end(&self, offered: u64) -> Result<(), AckLogError> {
        let mut inner = self.inner();
        self.line(&mut inner, &end_line(offered))?;
        inner.log.offered = Some(offered);
        Ok(())
    }

    /// Why a line was not written, when its thread ended before it could be.
    pub(super) fn lost(&self, source: io::Error) -> Result<(), AckLogError> {
        Err(AckLogError::Io { doing: "append to", path: self.path.clone(), source })
    }

    fn set(&self, inner: &mut Inner, what: &str, documents: &IntervalSet) -> Result<(), AckLogError> {
        set_line(what, documents).map_or(Ok(()), |line| self.line(inner, &line))
    }

    fn line(&self, inner: &mut Inner, line: &str) -> Result<(), AckLogError> {
        inner.file.write_all(format!("{line}\n").as_bytes()).or_else(|error| self.lost(error))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl AckWriter {
    /// A file of the test's own.
    pub(super) fn over(file: File, header: Header) -> Self {
        let inner = Inner { file, log: AckLog::new(header), beside: None };
        Self { path: PathBuf::from("a test's"), inner: Mutex::new(inner) }
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
    fn a_log_that_is_taken_over_has_all_of_it_and_takes_its_place_at_once() {
        let (_folder, path) = written();
        let before = AckLog::read(&path).expect("read");
        let done = DocumentsDone { acknowledged: before.acknowledged.clone(), refused: before.refused.clone() };
        let writer = AckWriter::succeed(&path, &header(), &done).expect("created");
        assert_eq!(AckLog::read(&path).expect("read"), before, "not before it says as much");
        writer.tickets(&(1..=50)).expect("written");
        let mut more = IntervalSet::default();
        more.insert_range(10..=12);
        writer.acknowledged(&more).expect("written");
        writer.end(33).expect("written");
        assert!(AckLog::is_under_way(&path).expect("asked"));
        let log = AckLog::read(&path).expect("read");
        assert_eq!(log.acknowledged.intervals().collect::<Vec<_>>(), [0..=12, 20..=29]);
        assert_eq!((&log, log.offered, log.tickets.len()), (&writer.log(), Some(33), 1));
        assert_eq!(AckLog::parse(&log.text(), &path).expect("its own text"), log);
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
