//! Data on its way out.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;

use super::Store;

/// How much is read at a time, in bytes.
const PIECE: u64 = 256 << 10;

/// Reads a range of an object's data, whatever becomes of the object meanwhile.
pub(crate) struct Reader {
    segments: VecDeque<Segment>,
    current: Option<(File, u64)>,
    guard: Guard,
}

/// What is left to read of a file.
struct Segment {
    file: i64,
    range: Range<u64>,
}

/// Keeps the files of a content from being removed.
struct Guard {
    store: Arc<Store>,
    content: i64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.store.end_reading(self.content);
    }
}

impl Reader {
    /// Reads all of a content, which the index counts a reader of; `files` are its files and their sizes, in order.
    pub(super) fn new(store: Arc<Store>, content: i64, files: Vec<(i64, u64)>) -> Self {
        let segments = files.into_iter().map(|(file, size)| Segment { file, range: 0..size });
        Self { segments: segments.collect(), current: None, guard: Guard { store, content } }
    }

    /// Leaves out what is not in `range`.
    pub(crate) fn within(mut self, range: &Range<u64>) -> Self {
        let mut begin = 0;
        for segment in &mut self.segments {
            let end = begin + segment.range.end;
            segment.range = range.start.clamp(begin, end) - begin..range.end.clamp(begin, end) - begin;
            begin = end;
        }
        self.segments.retain(|segment| !segment.range.is_empty());
        self
    }

    /// Returns the next piece, which is empty at the end.
    pub(crate) fn read(&mut self) -> io::Result<Bytes> {
        let Some((file, left)) = self.advance()? else { return Ok(Bytes::new()) };
        let mut piece = vec![0; usize::try_from((*left).min(PIECE)).expect("a piece is small")];
        // A file is shorter than the index says only where a power cut took what had not been written yet.
        file.read_exact(&mut piece)?;
        *left -= piece.len() as u64;
        Ok(piece.into())
    }

    /// Returns whether everything has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.segments.is_empty() && self.current.as_ref().is_none_or(|(_, left)| *left == 0)
    }

    fn advance(&mut self) -> io::Result<Option<&mut (File, u64)>> {
        if self.current.as_ref().is_none_or(|(_, left)| *left == 0) {
            let Some(Segment { file, range }) = self.segments.pop_front() else { return Ok(None) };
            let mut opened = self.guard.store.open_data(file)?;
            opened.seek(SeekFrom::Start(range.start))?;
            self.current = Some((opened, range.end - range.start));
        }
        Ok(self.current.as_mut())
    }
}
