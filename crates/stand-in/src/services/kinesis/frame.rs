//! A record as it lies in a segment file: length, checksum, arrival, length of the key; then key and data.

use flate2::Crc;

/// Bytes before the key.
pub(super) const HEADER: usize = 20;
/// Where that begins which the checksum is of.
const CHECKED: usize = 8;
/// No record with its key is longer: 10 MiB of data and 256 characters of key.
const LONGEST: usize = (10 << 20) + 1024;

/// The fixed part of a frame.
#[derive(Clone, Copy)]
pub(super) struct Header {
    body: usize,
    checksum: u32,
    key: usize,
    /// In milliseconds since the epoch.
    pub(super) arrived: u64,
}

impl Header {
    /// Reads the header at the front of `bytes`; `None` when there is no whole and plausible one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let header = Self {
            body: word(0)? as usize,
            checksum: word(4)?,
            arrived: u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?),
            key: word(16)? as usize,
        };
        (header.body <= LONGEST && header.key <= header.body).then_some(header)
    }

    /// Header, key and data together, in bytes.
    pub(super) fn frame_len(self) -> usize {
        HEADER + self.body
    }

    /// Bytes of key and data.
    pub(super) fn body_len(self) -> usize {
        self.body
    }

    /// Bytes of data.
    pub(super) fn data_len(self) -> usize {
        self.body - self.key
    }

    /// Bytes of the key.
    pub(super) fn key_len(self) -> usize {
        self.key
    }

    /// Whether `frame`, header and body, is what was written.
    pub(super) fn fits(self, frame: &[u8]) -> bool {
        frame.len() == self.frame_len() && self.has_checksum_of(frame)
    }

    /// Whether the checksum is that of `frame`, whatever length the header says.
    pub(super) fn has_checksum_of(self, frame: &[u8]) -> bool {
        checksum(&[&frame[CHECKED..]]) == self.checksum
    }
}

/// The header of a record, which key and data follow.
pub(super) fn header(arrived: u64, key: &[u8], data: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[0..4].copy_from_slice(&((key.len() + data.len()) as u32).to_le_bytes());
    header[8..16].copy_from_slice(&arrived.to_le_bytes());
    header[16..20].copy_from_slice(&(key.len() as u32).to_le_bytes());
    let checksum = checksum(&[&header[CHECKED..], key, data]);
    header[4..8].copy_from_slice(&checksum.to_le_bytes());
    header
}

fn checksum(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.sum()
}
