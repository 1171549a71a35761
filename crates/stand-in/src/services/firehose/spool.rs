//! Records that were put directly, on disk until they are delivered.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::item::Item;
use crate::room::refuse_without_room;

/// A new segment file is begun after so many bytes.
const SEGMENT: u64 = 16 << 20;
/// More is not taken while delivery is stuck.
const FULL: u64 = 1 << 30;
/// Length of the data, then milliseconds since the epoch.
const HEADER: usize = 12;

/// An append-only log in segment files named by the position that they begin at; a position is a byte of the log.
pub(super) struct Spool {
    folder: PathBuf,
    log: Mutex<Log>,
}

struct Log {
    /// Length of each segment by its first position.
    segments: BTreeMap<u64, u64>,
    last: File,
}

impl Log {
    fn end(&self) -> u64 {
        self.segments.last_key_value().map_or(0, |(base, length)| base + length)
    }

    fn bytes(&self) -> u64 {
        self.segments.values().sum()
    }
}

impl Spool {
    /// Opens the log in `folder`, without the end that a crash may have torn.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut segments = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Some(base) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                segments.insert(base, entry.metadata()?.len());
            }
        }
        let last_base = segments.last_key_value().map_or(0, |(base, _)| *base);
        let last = open_segment(folder, last_base)?;
        let whole = whole_length(&last)?;
        last.set_len(whole)?;
        segments.insert(last_base, whole);
        Ok(Self { folder: folder.to_owned(), log: Mutex::new(Log { segments, last }) })
    }

    /// Takes all of `records` or none; `false` when the log is full. They survive the end of the process.
    pub(super) fn append(&self, records: &[Vec<u8>], arrived: SystemTime) -> io::Result<bool> {
        let mut frames = Vec::with_capacity(records.iter().map(|record| HEADER + record.len()).sum());
        let ms = arrived.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64);
        for record in records {
            let length = u32::try_from(record.len()).map_err(io::Error::other)?;
            frames.extend_from_slice(&length.to_be_bytes());
            frames.extend_from_slice(&ms.to_be_bytes());
            frames.extend_from_slice(record);
        }
        refuse_without_room(&self.folder, frames.len())?;
        let mut log = self.lock();
        if log.bytes() + frames.len() as u64 > FULL {
            return Ok(false);
        }
        let (base, length) = log.segments.last_key_value().map_or((0, 0), |(base, length)| (*base, *length));
        let (base, length) = if length >= SEGMENT {
            log.last = open_segment(&self.folder, base + length)?;
            (base + length, 0)
        } else {
            (base, length)
        };
        if let Err(e) = log.last.write_all(&frames) {
            log.last.set_len(length)?;
            return Err(e);
        }
        log.segments.insert(base, length + frames.len() as u64);
        Ok(true)
    }

    /// The position after the newest record.
    pub(super) fn end(&self) -> u64 {
        self.lock().end()
    }

    /// Records from `position` on, at most `max_bytes` of data but at least one.
    pub(super) fn read(&self, position: u64, max_bytes: usize) -> io::Result<Vec<Item>> {
        let found = self.lock().segments.range(..=position).next_back().map(|(base, length)| (*base, *length));
        let Some((base, length)) = found.filter(|(base, length)| position < base + length) else {
            return Ok(Vec::new());
        };
        let file = File::open(self.folder.join(base.to_string()))?;
        let (mut items, mut at, mut bytes) = (Vec::new(), position - base, 0);
        while at < length {
            let (size, arrived) = header(&file, at)?;
            if !items.is_empty() && bytes + size > max_bytes {
                break;
            }
            let mut data = vec![0; size];
            file.read_exact_at(&mut data, at + HEADER as u64)?;
            let next = at + (HEADER + size) as u64;
            items.push(Item { position: base + at, next: base + next, arrived, data: Bytes::from(data) });
            (at, bytes) = (next, bytes + size);
        }
        Ok(items)
    }

    /// Removes the segments that lie wholly before `position`; the newest one stays.
    pub(super) fn trim(&self, position: u64) -> io::Result<()> {
        let mut log = self.lock();
        while log.segments.len() > 1 {
            let Some((base, length)) = log.segments.first_key_value().map(|(base, length)| (*base, *length)) else {
                break;
            };
            if base + length > position {
                break;
            }
            fs::remove_file(self.folder.join(base.to_string()))?;
            log.segments.remove(&base);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_segment(folder: &Path, base: u64) -> io::Result<File> {
    OpenOptions::new().create(true).read(true).append(true).open(folder.join(base.to_string()))
}

fn header(file: &File, at: u64) -> io::Result<(usize, SystemTime)> {
    let (mut length, mut ms) = ([0; 4], [0; 8]);
    file.read_exact_at(&mut length, at)?;
    file.read_exact_at(&mut ms, at + 4)?;
    Ok((u32::from_be_bytes(length) as usize, UNIX_EPOCH + Duration::from_millis(u64::from_be_bytes(ms))))
}

/// How far the whole records of a segment reach.
fn whole_length(file: &File) -> io::Result<u64> {
    let (length, mut at) = (file.metadata()?.len(), 0);
    while at + HEADER as u64 <= length {
        let next = at + HEADER as u64 + header(file, at)?.0 as u64;
        if next > length {
            break;
        }
        at = next;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*, sample::Index};

    use super::*;

    #[test]
    fn a_torn_end_is_cut_off_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path()).expect("opens");
        assert!(spool.append(&[b"one".to_vec(), b"two".to_vec()], SystemTime::now()).expect("appends"));
        let end = spool.end();
        drop(spool);
        let mut file = OpenOptions::new().append(true).open(folder.path().join("0")).expect("a segment");
        file.write_all(&[0, 0, 0, 9, 1, 2]).expect("a torn frame");
        let spool = Spool::open(folder.path()).expect("opens again");
        assert_eq!(spool.end(), end);
        assert!(spool.append(&[b"three".to_vec()], SystemTime::now()).expect("appends"));
        let data: Vec<Bytes> = spool.read(0, 1 << 20).expect("reads").into_iter().map(|item| item.data).collect();
        assert_eq!(data, ["one", "two", "three"]);
        assert_eq!(spool.read(0, 1).expect("reads").len(), 1);
        assert_eq!(spool.read(end, 1 << 20).expect("reads")[0].data, "three");
    }

    #[test]
    fn delivered_segments_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path()).expect("opens");
        for _ in 0..3 {
            assert!(spool.append(&[vec![7; SEGMENT as usize]], SystemTime::now()).expect("appends"));
        }
        let second = spool.read(0, 1).expect("reads")[0].next;
        assert_eq!(spool.read(second, 1).expect("reads")[0].position, second);
        spool.trim(spool.end()).expect("trims");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_was_whole_before_a_cut_comes_back(records in collection::vec(any::<Vec<u8>>(), 1..6), cut: Index) {
            let folder = tempfile::tempdir().expect("a folder");
            let spool = Spool::open(folder.path()).expect("opens");
            prop_assert!(spool.append(&records, SystemTime::now()).expect("appends"));
            let ends: Vec<u64> = spool.read(0, usize::MAX).expect("reads").iter().map(|item| item.next).collect();
            let cut = cut.index(spool.end() as usize + 1) as u64;
            drop(spool);
            File::options().write(true).open(folder.path().join("0")).expect("a segment").set_len(cut).expect("cut");
            let spool = Spool::open(folder.path()).expect("opens again");
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let found: Vec<Bytes> = spool.read(0, usize::MAX).expect("reads").into_iter().map(|item| item.data).collect();
            prop_assert_eq!(&found, &records[..whole]);
        }
    }
}
