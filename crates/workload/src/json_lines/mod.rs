//! A user's own documents: the lines of a file, over and over.
//!
//! The file is read through twice: once whole to check it, and again as its documents are sent. What is kept of it is a
//! place every thousand documents, so memory does not grow with the file.
//!
//! A document is a line that is one JSON object, has the declared key, fits into a record, and where that is asked for, has no
//! key twice in one object. It is sent byte for byte
//! with one `\n` at its end, whatever ended its line in the file. Lines of white space alone are counted and passed over;
//! every other line is broken.

mod lines;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

pub(super) use lines::record_bytes;
use lines::{Hashing, Line, Lines};

use super::{Identity, files};
use demo_formats::schema::Inferred;

/// Broken lines that are told one by one.
const TOLD: usize = 20;
/// Documents between two places that reading can begin at.
const STRIDE: u64 = 1_000;
const BUFFER: usize = 1 << 16;

/// What is shown of documents as they are read: the place of each, such as its line, and itself.
pub type Each<'a> = &'a mut dyn FnMut(u64, &[u8]);

/// What makes a line a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// By what documents are told apart: its key must be there.
    pub identity: Identity,
    /// Of a record: the document with its newline, and its partition key.
    pub max_bytes: usize,
}

/// What makes a line of a file a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRules {
    /// What every document keeps to.
    pub document: Rules,
    /// Whether a line with a key twice in one object is broken. Destinations differ in what they make of such a line.
    pub unique_keys: bool,
}

impl From<Rules> for LineRules {
    fn from(document: Rules) -> Self {
        Self { document, unique_keys: false }
    }
}

/// A file that was read through and checked.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    rules: LineRules,
    stamp: Stamp,
    /// Where documents 1, 1,001, 2,001, … begin: byte and line.
    places: Vec<(u64, u64)>,
    found: Found,
    inferred: Inferred,
}

/// What the check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Documents.
    pub documents: u64,
    /// Lines of white space alone.
    pub blank: u64,
    /// Lines that are no documents.
    pub broken: u64,
    /// The first twenty of them.
    pub first_broken: Vec<BrokenLine>,
    /// Of the largest document, its newline included.
    pub largest: usize,
    /// MD5 of the file, in hexadecimal.
    pub md5: String,
}

/// A line that is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLine {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Why a file's documents cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum JsonLinesError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has no document.
    #[error("{} has no document{}", .path.display(), told(.found))]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: Box<Found>,
    },
    /// It is not what was checked.
    #[error("{} has changed since it was checked; its documents are no longer known, so run it again", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// What tells a file from one that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl JsonLines {
    /// Reads a file through. Broken lines are no error: [`Found`] has them.
    ///
    /// # Errors
    /// It cannot be read, or has no document.
    pub fn open(path: &Path, rules: impl Into<LineRules>) -> Result<Self, JsonLinesError> {
        Self::open_with(path, rules, &mut |_, _| ())
    }

    /// [`JsonLines::open`] that shows each document and its line on the way.
    ///
    /// # Errors
    /// The same.
    pub fn open_with(path: &Path, rules: impl Into<LineRules>, each: Each<'_>) -> Result<Self, JsonLinesError> {
        let io = |source| JsonLinesError::Io { path: path.to_owned(), source };
        let file = files::open(path).map_err(io)?;
        let stamp = Stamp::of(&file).map_err(io)?;
        let mut opened = Self {
            path: path.to_owned(),
            rules: rules.into(),
            stamp,
            places: Vec::new(),
            found: Found::default(),
            inferred: Inferred::default(),
        };
        opened.check(file, each).map_err(io)?;
        if opened.found.documents == 0 {
            return Err(JsonLinesError::Empty { path: opened.path, found: Box::new(opened.found) });
        }
        Ok(opened)
    }

    fn check(&mut self, file: File, each: Each<'_>) -> io::Result<()> {
        let hashing = Hashing::new(file);
        let mut lines = Lines::new(BufReader::with_capacity(BUFFER, hashing), (0, 0));
        let mut line = Vec::new();
        loop {
            let place = lines.place();
            match lines.next(&mut line, &self.rules)? {
                None => break,
                Some(Line::Blank) => self.found.blank += 1,
                Some(Line::Broken(why)) => self.note_broken(lines.number(), why),
                Some(Line::Document) => {
                    if self.found.documents.is_multiple_of(STRIDE) {
                        self.places.push(place);
                    }
                    self.found.documents += 1;
                    self.found.largest = self.found.largest.max(line.len() + 1);
                    self.inferred.add(&line, lines.number())?;
                    each(lines.number(), &line);
                }
            }
        }
        self.found.md5 = lines.into_inner().into_inner().md5();
        Ok(())
    }

    fn note_broken(&mut self, line: u64, why: String) {
        self.found.broken += 1;
        if self.found.first_broken.len() < TOLD {
            self.found.first_broken.push(BrokenLine { line, why });
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the check found.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The schema that all of its documents show.
    pub fn inferred(&self) -> &Inferred {
        &self.inferred
    }

    /// By what its documents are told apart.
    pub fn identity(&self) -> &Identity {
        &self.rules.document.identity
    }

    /// Documents from number `first` on, counted from 1; behind the last comes the first again.
    pub fn documents(self: &Arc<Self>, first: u64) -> Documents {
        Documents { of: Arc::clone(self), lines: None, next: first.saturating_sub(1) % self.found.documents }
    }

    fn begin(&self, document: u64) -> Result<FileLines, JsonLinesError> {
        let io = |source| JsonLinesError::Io { path: self.path.clone(), source };
        let mut file = files::open(&self.path).map_err(io)?;
        if Stamp::of(&file).map_err(io)? != self.stamp {
            return Err(self.changed());
        }
        let place = self.places[(document / STRIDE) as usize];
        file.seek(SeekFrom::Start(place.0)).map_err(io)?;
        let mut lines = Lines::new(BufReader::with_capacity(BUFFER, file), place);
        let mut line = Vec::new();
        for _ in 0..document % STRIDE {
            self.next_document(&mut lines, &mut line)?;
        }
        Ok(lines)
    }

    fn next_document(&self, lines: &mut FileLines, line: &mut Vec<u8>) -> Result<(), JsonLinesError> {
        loop {
            let next = lines.next(line, &self.rules);
            match next.map_err(|source| JsonLinesError::Io { path: self.path.clone(), source })? {
                Some(Line::Document) => return Ok(()),
                Some(Line::Blank | Line::Broken(_)) => {}
                None => return Err(self.changed()),
            }
        }
    }

    fn changed(&self) -> JsonLinesError {
        JsonLinesError::Changed { path: self.path.clone() }
    }
}

/// The documents of a file, over and over.
pub struct Documents {
    of: Arc<JsonLines>,
    lines: Option<FileLines>,
    /// Counted from 0 in the file.
    next: u64,
}

type FileLines = Lines<BufReader<File>>;

impl Documents {
    /// Appends the next document with its newline.
    ///
    /// # Errors
    /// The file cannot be read, or has changed.
    pub fn next_into(&mut self, out: &mut Vec<u8>, line: &mut Vec<u8>) -> Result<(), JsonLinesError> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            None => self.lines.insert(self.of.begin(self.next)?),
        };
        self.of.next_document(lines, line)?;
        out.extend_from_slice(line);
        out.push(b'\n');
        self.next += 1;
        if self.next == self.of.found.documents {
            (self.next, self.lines) = (0, None);
        }
        Ok(())
    }
}

impl Found {
    /// The broken lines in a person's words, a line each; empty where there are none.
    pub fn broken_lines(&self) -> String {
        let told = self.first_broken.iter().map(|broken| format!("  line {}: {}\n", broken.line, broken.why));
        let more = self.broken - self.first_broken.len() as u64;
        let more = (more > 0).then(|| format!("  and {more} more\n"));
        told.chain(more).collect()
    }
}

fn told(found: &Found) -> String {
    if found.broken == 0 {
        return String::new();
    }
    format!(", and {} broken lines:\n{}", found.broken, found.broken_lines().trim_end())
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}
