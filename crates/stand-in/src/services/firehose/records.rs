//! Records that follow one another, as they will lie in an object.

use std::time::{SystemTime, UNIX_EPOCH};

/// Records that follow one another.
#[derive(Debug)]
pub(super) struct Records {
    data: Vec<u8>,
    /// Where in `data` each ends.
    ends: Vec<u32>,
    /// When the oldest arrived.
    oldest: SystemTime,
}

impl Records {
    /// None yet, of which the oldest arrived then.
    pub(super) fn new(oldest: SystemTime, capacity: usize) -> Self {
        Self { data: Vec::with_capacity(capacity), ends: Vec::new(), oldest }
    }

    /// Adds a record, and what is appended to each.
    pub(super) fn push(&mut self, record: &[u8], delimiter: &[u8]) {
        self.data.extend_from_slice(record);
        self.data.extend_from_slice(delimiter);
        self.ends.push(u32::try_from(self.data.len()).expect("a chunk is far smaller than 4 GiB"));
    }

    /// All of them one after another.
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    /// In bytes of data.
    pub(super) fn bytes(&self) -> usize {
        self.data.len()
    }

    /// When the oldest arrived.
    pub(super) fn oldest(&self) -> SystemTime {
        self.oldest
    }

    /// When the oldest arrived, in milliseconds since the epoch.
    pub(super) fn oldest_ms(&self) -> u64 {
        self.oldest.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64)
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.data[start as usize..*end as usize])
    }
}
