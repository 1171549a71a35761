//! The records of one shard, in segment files.
//!
//! A batch is written with one `write(2)` before it is acknowledged, so it survives the death of this process. It is not
//! synced: a loss of power can take the last moments. A torn end is found by its length, and cut, at opening; a record that was
//! damaged later is logged and stepped over, and only it is lost.
//! Records are never kept in memory; only a mark for each 64 KiB of file is.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use rustix::io::{Errno, pwritev};

use super::{
    StoredRecord,
    frame::{self, HEADER},
    limits::{Throttle, WriteRate},
    open_file::OpenFile,
    segment::{self, Mark, Segment, Stretch},
};

/// Pieces of memory that one call writes (writev(2), IOV_MAX).
const MOST_PIECES: usize = 1024;
/// Milliseconds between two looks for expired segments.
const TRIM_EVERY: u64 = 60_000;

/// A record on its way in, already checked.
pub(super) struct Incoming<'a> {
    pub(super) key: &'a str,
    pub(super) data: &'a [u8],
}

impl Incoming<'_> {
    /// Bytes of key and data.
    pub(super) fn size(&self) -> usize {
        self.key.len() + self.data.len()
    }
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum AppendError {
    /// The shard was split, merged or deleted: look up again where the records belong.
    #[error("the shard is closed")]
    Closed,
    /// The disk refused.
    #[error("cannot write a segment file: {0}; free space on the disk of the state folder and try again")]
    Io(#[from] io::Error),
}

/// The records of one shard.
pub(super) struct ShardLog {
    folder: PathBuf,
    segment_bytes: u64,
    state: Mutex<LogState>,
}

/// The last segment is the one that grows; there is always one.
struct LogState {
    segments: VecDeque<Segment>,
    end: u64,
    newest: u64,
    throttle: Option<Throttle>,
    closed: bool,
    trimmed_at: u64,
    /// The growing segment, and its first position.
    growing: Option<(u64, OpenFile)>,
}

impl ShardLog {
    /// Opens the shard in `folder`, made where it is missing; cuts a torn end.
    pub(super) fn open(folder: &Path, segment_bytes: u64, rate: Option<WriteRate>, now: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut segments = VecDeque::new();
        for base in segment::bases(folder)? {
            segments.push_back(Segment::find(folder, base)?);
        }
        if segments.is_empty() {
            segments.push_back(Segment::create(folder, 0, now)?);
        }
        let last = segments.len() - 1;
        let (end, newest) = mend(folder, &mut segments[last])?;
        let throttle = rate.map(|rate| Throttle::new(rate, now));
        let state = LogState { segments, end, newest, throttle, closed: false, trimmed_at: 0, growing: None };
        Ok(Self { folder: folder.to_owned(), segment_bytes, state: Mutex::new(state) })
    }

    /// Takes the records that the throttle admits, in order, and says the position of each: `None` for a throttled one.
    pub(super) fn append(&self, now: u64, records: &[&Incoming<'_>]) -> Result<Vec<Option<u64>>, AppendError> {
        let mut state = self.state();
        if state.closed {
            return Err(AppendError::Closed);
        }
        self.roll_if_full(&mut state, now)?;
        state.append(&self.folder, now, records)
    }

    /// No more records will come.
    pub(super) fn close(&self) {
        let mut state = self.state();
        (state.closed, state.growing) = (true, None);
    }

    /// The position after the newest record.
    pub(super) fn end(&self) -> u64 {
        self.state().end
    }

    /// The position of the oldest record that is kept.
    pub(super) fn start(&self) -> u64 {
        self.state().first_base()
    }

    /// Removes segments whose every record is older than `retention`; looks once a minute.
    pub(super) fn trim(&self, now: u64, retention: Duration) -> io::Result<()> {
        let mut state = self.state();
        if now.saturating_sub(state.trimmed_at) < TRIM_EVERY {
            return Ok(());
        }
        state.trimmed_at = now;
        let horizon = now.saturating_sub(retention.as_millis() as u64);
        let all_expired = state.end > state.last().base && state.newest <= horizon;
        if all_expired {
            let end = state.end;
            state.segments.push_back(Segment::create(&self.folder, end, now)?);
        }
        while state.segments.len() > 1 && (all_expired || state.segments[1].oldest <= horizon) {
            fs::remove_file(segment::path(&self.folder, state.first_base()))?;
            state.segments.pop_front();
        }
        Ok(())
    }

    /// Records from `position` on, at most so many and so many bytes of data, but at least one where there is one.
    pub(super) fn read(&self, position: u64, records: usize, bytes: usize) -> io::Result<Vec<StoredRecord>> {
        let mut found = super::read::FoundRecords::new(records, bytes);
        let mut position = position;
        while let Some(stretch) = self.stretch(position)? {
            let next = match found.take(&stretch, position) {
                Ok(next) => next,
                Err(e) if e.kind() == io::ErrorKind::NotFound && self.start() > stretch.base => self.start(),
                Err(e) => return Err(e),
            };
            if found.is_full() {
                break;
            }
            position = next;
        }
        Ok(found.records)
    }

    /// The position of the first record that arrived at `time` (in milliseconds) or later.
    pub(super) fn position_at(&self, time: u64) -> io::Result<u64> {
        let mut position = self.mark_before(time)?;
        loop {
            let batch = self.read(position, 1_000, 1 << 20)?;
            let Some(last) = batch.last() else { return Ok(position) };
            if let Some(hit) = batch.iter().find(|record| record.arrived_ms() >= time) {
                return Ok(hit.position);
            }
            position = last.position + 1;
        }
    }

    fn mark_before(&self, time: u64) -> io::Result<u64> {
        let base = {
            let state = self.state();
            let after = state.segments.partition_point(|segment| segment.oldest < time);
            state.segments[after.saturating_sub(1)].base
        };
        let mark = self.with_marks(base, |_, marks| {
            let after = marks.partition_point(|mark| mark.arrived < time);
            after.checked_sub(1).map_or(base, |i| marks[i].position)
        })?;
        Ok(mark.unwrap_or_else(|| self.start()))
    }

    /// Where to find `position`, or the first record after it that is kept; `None` at the end.
    fn stretch(&self, position: u64) -> io::Result<Option<Stretch>> {
        loop {
            let (base, end) = {
                let state = self.state();
                if position >= state.end {
                    return Ok(None);
                }
                let after = state.segments.partition_point(|segment| segment.base <= position);
                let index = after.saturating_sub(1);
                let end = state.segments.get(index + 1).map_or(state.end, |next| next.base);
                (state.segments[index].base, end)
            };
            let stretch = self.with_marks(base, |segment, marks| {
                let after = marks.partition_point(|mark| mark.position <= position);
                let start = Mark { position: base, offset: 0, arrived: segment.oldest };
                let from = after.checked_sub(1).map_or(start, |i| marks[i]);
                Stretch { path: segment::path(&self.folder, base), base, from, until: segment.bytes, end }
            })?;
            if stretch.is_some() {
                return Ok(stretch);
            }
        }
    }

    /// Looks at a segment and its marks, made first where it was only found on disk; `None` when it was trimmed meanwhile.
    fn with_marks<R>(&self, base: u64, look: impl FnOnce(&Segment, &[Mark]) -> R) -> io::Result<Option<R>> {
        let unread = self.state().segment(base).and_then(|s| s.marks.is_none().then_some(s.bytes));
        if let Some(bytes) = unread {
            let marks = match segment::scan(&self.folder, base, bytes) {
                Ok(scan) => scan.marks,
                Err(e) if e.kind() == io::ErrorKind::NotFound && self.start() > base => return Ok(None),
                Err(e) => return Err(e),
            };
            if let Some(segment) = self.state().segment(base) {
                segment.marks = Some(marks);
            }
        }
        Ok(self.state().segment(base).map(|segment| look(segment, segment.marks.as_deref().unwrap_or_default())))
    }

    fn roll_if_full(&self, state: &mut LogState, now: u64) -> io::Result<()> {
        if state.last().bytes >= self.segment_bytes {
            let next = Segment::create(&self.folder, state.end, now)?;
            state.segments.push_back(next);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl LogState {
    fn append(&mut self, folder: &Path, now: u64, records: &[&Incoming<'_>]) -> Result<Vec<Option<u64>>, AppendError> {
        let arrived = now.max(self.newest);
        let mut taken: Vec<([u8; HEADER], &Incoming<'_>)> = Vec::with_capacity(records.len());
        let mut positions = Vec::with_capacity(records.len());
        for record in records {
            let admitted = self.throttle.as_mut().is_none_or(|throttle| throttle.admits(now, record.size()));
            positions.push(admitted.then_some(self.end + taken.len() as u64));
            if admitted {
                taken.push((frame::header(arrived, record.key.as_bytes(), record.data), *record));
            }
        }
        let mut next = self.last().bytes;
        let file = self.growing_file(folder)?;
        write_at(&file, &taken, next)?;
        self.growing = file.keep().map(|file| (self.last().base, file));
        let mut begins = Vec::with_capacity(taken.len());
        for (_, record) in &taken {
            begins.push(next);
            next += (HEADER + record.size()) as u64;
        }
        self.grow(arrived, next, &begins);
        Ok(positions)
    }

    /// The file of the growing segment; after an error it is opened anew.
    fn growing_file(&mut self, folder: &Path) -> io::Result<OpenFile> {
        let base = self.last().base;
        match self.growing.take() {
            Some((known, file)) if known == base => Ok(file),
            _ => OpenFile::open(&segment::path(folder, base)),
        }
    }

    fn grow(&mut self, arrived: u64, bytes: u64, begins: &[u64]) {
        let first = self.end;
        self.end += begins.len() as u64;
        self.newest = arrived;
        let last = self.segments.back_mut().expect("a shard has a segment");
        if last.bytes == 0 {
            last.oldest = arrived;
        }
        last.bytes = bytes;
        let marks = last.marks.get_or_insert_default();
        for (position, &offset) in (first..).zip(begins) {
            segment::mark(marks, Mark { position, offset, arrived });
        }
    }

    fn segment(&mut self, base: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.base == base)
    }

    fn last(&self) -> &Segment {
        self.segments.back().expect("a shard has a segment")
    }

    fn first_base(&self) -> u64 {
        self.segments[0].base
    }
}

/// Cuts what is torn off the growing segment; says the position after its last record and when that one arrived.
fn mend(folder: &Path, segment: &mut Segment) -> io::Result<(u64, u64)> {
    let scan = segment::scan(folder, segment.base, segment.bytes)?;
    if scan.bytes < segment.bytes {
        let path = segment::path(folder, segment.base);
        tracing::warn!(path = %path.display(), torn = segment.bytes - scan.bytes, "cut the torn end of a segment");
        OpenOptions::new().write(true).open(path)?.set_len(scan.bytes)?;
        segment.bytes = scan.bytes;
    }
    segment.marks = Some(scan.marks);
    Ok((segment.base + scan.records, scan.newest.unwrap_or(0)))
}

/// Writes records with their headers at `offset`, from where they lie in memory. What a failed write left there is cut, so
/// that no half of it can be taken for a record.
fn write_at(file: &File, records: &[([u8; HEADER], &Incoming<'_>)], offset: u64) -> io::Result<()> {
    let pieces = records.iter().flat_map(|(header, record)| [&header[..], record.key.as_bytes(), record.data]);
    let mut pieces: Vec<IoSlice<'_>> = pieces.filter(|piece| !piece.is_empty()).map(IoSlice::new).collect();
    write_all_at(file, &mut pieces, offset).inspect_err(|_| cut(file, offset))
}

fn write_all_at(file: &File, mut pieces: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    while !pieces.is_empty() {
        match pwritev(file, &pieces[..pieces.len().min(MOST_PIECES)], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                IoSlice::advance_slices(&mut pieces, written);
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn cut(file: &File, offset: u64) {
    if let Err(e) = file.set_len(offset) {
        tracing::error!(error = %e, "cannot cut a failed write off a segment file");
    }
}
