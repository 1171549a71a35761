//! Reading records out of segment files, a piece at a time.

use std::{
    fs::File,
    io,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use rustix::{
    buffer::spare_capacity,
    io::{Errno, pread},
};

use super::{
    StoredRecord,
    frame::{HEADER, Header},
    segment::{self, Stretch},
};
use crate::buffers::Buffer;

/// Bytes of file that are read at once; a record holds on to its piece, so pieces stay small.
const PIECE: usize = 1 << 20;

/// The records found so far, up to a number and a size.
pub(super) struct FoundRecords {
    pub(super) records: Vec<StoredRecord>,
    most_records: usize,
    most_bytes: usize,
    bytes: usize,
    full: bool,
}

impl FoundRecords {
    pub(super) fn new(most_records: usize, most_bytes: usize) -> Self {
        Self { records: Vec::new(), most_records, most_bytes, bytes: 0, full: most_records == 0 }
    }

    /// Nothing more may be taken.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Takes records from `position` to the end of the stretch or until full; says the position after the last one seen.
    pub(super) fn take(&mut self, stretch: &Stretch, position: u64) -> io::Result<u64> {
        let file = File::open(&stretch.path)?;
        let (mut next, mut offset) = (stretch.from.position, stretch.from.offset);
        let mut piece_len = PIECE.min(self.most_bytes.saturating_add(64 << 10));
        while !self.full && offset < stretch.until {
            let piece = read_piece(&file, offset, piece_len.min((stretch.until - offset) as usize))?;
            let (mut seen, mut is_damaged) = (0, false);
            while let Some(header) = Header::parse(&piece[seen..]).filter(|h| h.frame_len() <= piece.len() - seen) {
                let frame = piece.slice(seen..seen + header.frame_len());
                if !header.fits(&frame) {
                    is_damaged = true;
                    break;
                }
                if next >= position && !self.admit(header, frame, next).ok_or_else(|| broken(stretch, offset))? {
                    return Ok(next);
                }
                seen += header.frame_len();
                next += 1;
            }
            let whole = Header::parse(&piece[seen..]).map_or(HEADER, Header::frame_len).max(PIECE);
            let is_last = offset + piece.len() as u64 >= stretch.until;
            offset += seen as u64;
            if is_damaged || (seen == 0 && (is_last || whole <= piece.len())) {
                let behind = segment::next_whole(&file, offset + 1, stretch.until)?;
                segment::log_damage(&stretch.path, offset);
                (offset, next) = (behind.unwrap_or(stretch.until), next + 1);
                continue;
            }
            piece_len = whole;
        }
        // Where several records in a row are damaged, nothing else says how many.
        Ok(if self.full { next } else { next.max(stretch.end) })
    }

    /// Takes a record unless that is too much: `Some(false)`; `None` when its key is no text.
    fn admit(&mut self, header: Header, frame: Bytes, position: u64) -> Option<bool> {
        let too_much = !self.records.is_empty() && self.bytes + header.data_len() > self.most_bytes;
        if too_much || self.records.len() >= self.most_records {
            self.full = true;
            return Some(false);
        }
        let (key, data) = (HEADER, HEADER + header.key_len());
        self.bytes += header.data_len();
        self.records.push(StoredRecord {
            position,
            arrived: UNIX_EPOCH + Duration::from_millis(header.arrived),
            partition_key: std::str::from_utf8(&frame[key..data]).ok()?.to_owned(),
            data: frame.slice(data..),
        });
        Some(true)
    }
}

/// So many bytes from `offset` on; the file has them.
fn read_piece(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut piece = Buffer::with_capacity(length);
    while piece.len() < length {
        let at = offset + piece.len() as u64;
        match pread(file, spare_capacity(&mut piece), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    piece.truncate(length);
    Ok(piece.into())
}

fn broken(stretch: &Stretch, offset: u64) -> io::Error {
    let place = stretch.path.display();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{place} is damaged near byte {offset}: the partition key of a record is not UTF-8; delete the stream and load it again"
        ),
    )
}
