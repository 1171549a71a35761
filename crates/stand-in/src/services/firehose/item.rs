//! A record that is to be delivered.

use std::time::SystemTime;

use bytes::Bytes;

/// A record, and where to read on after it.
pub(super) struct Item {
    pub(super) position: u64,
    pub(super) next: u64,
    pub(super) arrived: SystemTime,
    pub(super) data: Bytes,
}
