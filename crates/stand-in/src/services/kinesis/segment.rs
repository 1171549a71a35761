//! One append-only file of a shard, named by the position of its first record.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::frame::{HEADER, Header};

/// Bytes of file between two marks.
const STRIDE: u64 = 64 << 10;

/// Where a record begins in its file: one in every 64 KiB is remembered.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) position: u64,
    pub(super) offset: u64,
    pub(super) arrived: u64,
}

/// A stretch of a segment file to read.
pub(super) struct Stretch {
    pub(super) path: PathBuf,
    pub(super) base: u64,
    pub(super) from: Mark,
    pub(super) until: u64,
    /// The position after its last record.
    pub(super) end: u64,
}

/// What is known of a segment file without reading it again.
pub(super) struct Segment {
    /// Position of the first record.
    pub(super) base: u64,
    /// Bytes of whole records.
    pub(super) bytes: u64,
    /// When the first record arrived, or the file was made.
    pub(super) oldest: u64,
    /// `None` until a segment that was found on disk is read.
    pub(super) marks: Option<Vec<Mark>>,
}

/// What reading a file from its start found.
pub(super) struct Scan {
    pub(super) marks: Vec<Mark>,
    pub(super) bytes: u64,
    /// Damaged ones included: they keep their positions.
    pub(super) records: u64,
    pub(super) newest: Option<u64>,
}

impl Segment {
    /// Makes the empty file of a new segment.
    pub(super) fn create(folder: &Path, base: u64, now: u64) -> io::Result<Self> {
        File::create(path(folder, base))?;
        Ok(Self { base, bytes: 0, oldest: now, marks: Some(Vec::new()) })
    }

    /// Takes up a file that lies there.
    pub(super) fn find(folder: &Path, base: u64) -> io::Result<Self> {
        let mut file = File::open(path(folder, base))?;
        let metadata = file.metadata()?;
        let mut header = Vec::with_capacity(HEADER);
        Read::by_ref(&mut file).take(HEADER as u64).read_to_end(&mut header)?;
        let oldest = match Header::parse(&header) {
            Some(first) => first.arrived,
            None => metadata.modified()?.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64),
        };
        Ok(Self { base, bytes: metadata.len(), oldest, marks: None })
    }
}

/// Remembers a record where the last mark is far enough behind.
pub(super) fn mark(marks: &mut Vec<Mark>, next: Mark) {
    if marks.last().is_none_or(|last| next.offset - last.offset >= STRIDE) {
        marks.push(next);
    }
}

/// The file of the segment that begins at `base`.
pub(super) fn path(folder: &Path, base: u64) -> PathBuf {
    folder.join(format!("{base:020}.log"))
}

/// The first positions of the segment files in `folder`, in order.
pub(super) fn bases(folder: &Path) -> io::Result<Vec<u64>> {
    let mut bases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        bases.extend(name.to_str().and_then(|name| name.strip_suffix(".log")?.parse::<u64>().ok()));
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Walks the first `bytes` of a file record by record, up to a torn end. A damaged one is stepped over: to the next whole one, or
/// to the end.
pub(super) fn scan(folder: &Path, base: u64, bytes: u64) -> io::Result<Scan> {
    let path = path(folder, base);
    let mut file = BufReader::with_capacity(256 << 10, File::open(&path)?);
    let mut found = Scan { marks: Vec::new(), bytes: 0, records: 0, newest: None };
    let mut frame = Vec::new();
    while found.bytes < bytes {
        let header = next_header(&mut file, &mut frame)?;
        let end = header.map_or(u64::MAX, |header| found.bytes + header.frame_len() as u64);
        let whole = header.filter(|_| end <= bytes);
        let position = base + found.records;
        match whole {
            Some(header) if body_fits(&mut file, header, &mut frame)? => {
                mark(&mut found.marks, Mark { position, offset: found.bytes, arrived: header.arrived });
                (found.bytes, found.newest) = (end, Some(header.arrived));
            }
            _ => match next_whole(file.get_ref(), found.bytes + 1, bytes)? {
                Some(next) => {
                    log_damage(&path, found.bytes);
                    found.bytes = next;
                    file.seek(SeekFrom::Start(next))?;
                }
                None if is_torn(file.get_ref(), found.bytes, bytes)? => break,
                None => {
                    log_damage(&path, found.bytes);
                    found.bytes = bytes;
                }
            },
        }
        found.records += 1;
    }
    Ok(found)
}

/// Where the first whole record at or behind `from` begins, before `until`.
pub(super) fn next_whole(file: &File, from: u64, until: u64) -> io::Result<Option<u64>> {
    let rest = stretch_of(file, from, until)?;
    let is_whole = |at: &usize| {
        let header = Header::parse(&rest[*at..]);
        header.is_some_and(|header| rest.get(*at..at + header.frame_len()).is_some_and(|frame| header.fits(frame)))
    };
    Ok((0..rest.len()).find(is_whole).map(|at| from + at as u64))
}

/// Whether an end without a whole record was never acknowledged: a kill leaves the beginning of a record, a loss of power zeros.
/// What has all its bytes and another checksum was damaged later; so was what has its checksum and another length.
fn is_torn(file: &File, from: u64, until: u64) -> io::Result<bool> {
    let rest = stretch_of(file, from, until)?;
    let Some(header) = Header::parse(&rest) else { return Ok(rest.len() < HEADER) };
    let is_short = rest.len() < header.frame_len() && !header.has_checksum_of(&rest);
    Ok(is_short || rest.iter().all(|byte| *byte == 0))
}

fn stretch_of(file: &File, from: u64, until: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; until.saturating_sub(from) as usize];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

/// Logs a record that is stepped over.
pub(super) fn log_damage(path: &Path, offset: u64) {
    let path = path.display();
    tracing::error!(%path, offset, "a record does not match its checksum and is left out; those behind it are kept");
}

fn next_header(file: &mut impl Read, frame: &mut Vec<u8>) -> io::Result<Option<Header>> {
    frame.clear();
    file.take(HEADER as u64).read_to_end(frame)?;
    Ok(Header::parse(frame))
}

fn body_fits(file: &mut impl Read, header: Header, frame: &mut Vec<u8>) -> io::Result<bool> {
    file.take(header.body_len() as u64).read_to_end(frame)?;
    Ok(header.fits(frame))
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*, sample::Index};

    use super::*;
    use crate::{arbitrary::text, services::kinesis::frame};

    /// A segment file in a folder of its own.
    fn segment(bytes: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(path(folder.path(), 7), bytes).expect("written");
        folder
    }

    /// The frames of records, and where each ends.
    fn frames(records: &[(String, Vec<u8>)]) -> (Vec<u8>, Vec<usize>) {
        let (mut frames, mut ends) = (Vec::new(), Vec::new());
        for (key, data) in records {
            frames.extend(frame::header(1, key.as_bytes(), data));
            frames.extend([key.as_bytes(), data.as_slice()].concat());
            ends.push(frames.len());
        }
        (frames, ends)
    }

    fn records() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
        collection::vec((text(), any::<Vec<u8>>()), 1..8)
    }

    proptest! {
        #[test]
        fn one_damaged_record_costs_no_other(records in records(), at: Index, other in 1..=255_u8) {
            let (mut frames, ends) = frames(&records);
            let at = at.index(frames.len());
            frames[at] ^= other;
            let folder = segment(&frames);
            let found = scan(folder.path(), 7, frames.len() as u64).expect("readable");
            prop_assert_eq!(found.records, ends.len() as u64);
            prop_assert_eq!(found.bytes, frames.len() as u64);
        }

        #[test]
        fn a_torn_end_is_left_out(records in records(), at: Index) {
            let (mut frames, ends) = frames(&records);
            frames.truncate(at.index(frames.len() + 1));
            let folder = segment(&frames);
            let found = scan(folder.path(), 7, frames.len() as u64).expect("readable");
            prop_assert_eq!(found.records, ends.iter().filter(|end| **end <= frames.len()).count() as u64);
        }

        #[test]
        fn no_file_breaks_the_scan(bytes: Vec<u8>) {
            let folder = segment(&bytes);
            let _found = scan(folder.path(), 7, bytes.len() as u64).expect("readable");
            let _segment = Segment::find(folder.path(), 7).expect("readable");
        }
    }
}
