//! Follows a record while a process writes it.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{EVENTS, RUN, RecordError, SECONDS, failed, is_under_way, reader};
use crate::report::{
    recorded::Recorded,
    second::{Moment, Second},
};

/// Reads what is new in a record.
pub struct Follower {
    folder: PathBuf,
    seconds: Lines,
    events: Lines,
    /// `run.json` as it was read last, and whether the run was under way.
    run: Option<(Vec<u8>, bool)>,
}

/// Something new in a record.
pub enum News {
    /// A row.
    Second(Box<Second>),
    /// Something happened.
    Moment(Moment),
    /// A line makes no sense.
    Torn(String),
    /// The run as far as it is known, with its latest row alone; comes after the rows that were written before it.
    Run(Box<Recorded>),
}

impl Follower {
    /// Begins at the start of a record, which need not have anything yet.
    pub fn new(folder: &Path) -> Self {
        let lines = |name| Lines { path: folder.join(name), offset: 0, number: 0 };
        Self { folder: folder.to_owned(), seconds: lines(SECONDS), events: lines(EVENTS), run: None }
    }

    /// Reads what is new, until there is nothing more.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(&mut self, take: &mut impl FnMut(News)) -> Result<(), RecordError> {
        // Asked first: the rows of a run that is over are all there.
        let run = self.run()?;
        self.events.read(&mut |moment| take(moment.map_or_else(News::Torn, News::Moment)))?;
        self.seconds
            .read(&mut |second| take(second.map_or_else(News::Torn, |second| News::Second(Box::new(second)))))?;
        run.map(Box::new).map(News::Run).into_iter().for_each(take);
        Ok(())
    }

    fn run(&mut self) -> Result<Option<Recorded>, RecordError> {
        let path = self.folder.join(RUN);
        let is_under_way = is_under_way(&self.folder)?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", path)(error)),
        };
        let now = Some((text, is_under_way));
        if now == self.run {
            return Ok(None);
        }
        self.run = now;
        reader::glance(&self.folder).map(Some)
    }
}

/// A file of lines that grows.
struct Lines {
    path: PathBuf,
    /// Where the first line begins that was not read.
    offset: u64,
    /// Lines that were read.
    number: u64,
}

impl Lines {
    /// Reads whole lines; one that is being written is left for the next time.
    fn read<T: DeserializeOwned>(&mut self, take: &mut impl FnMut(Result<T, String>)) -> Result<(), RecordError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        self.read_from(file, take).map_err(failed("read", &self.path))
    }

    fn read_from<T: DeserializeOwned>(
        &mut self,
        mut file: File,
        take: &mut impl FnMut(Result<T, String>),
    ) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.offset))?;
        let (mut reader, mut line) = (BufReader::new(file), Vec::new());
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            self.offset += line.len() as u64;
            self.number += 1;
            take(serde_json::from_slice(&line).map_err(|error| {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                format!("{name}, line {}: {error}", self.number)
            }));
            line.clear();
        }
        Ok(())
    }
}
