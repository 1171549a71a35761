//! Segment files that stay open from one write to the next, as long as there are few enough of them.

use std::{
    fs::{File, OpenOptions},
    io,
    ops::Deref,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Files that stay open at most, in all streams together. Those of further shards are opened for each write, so that files are left
/// for connections.
const MOST: usize = 2_000;

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A file that is open for writing.
pub(super) struct OpenFile(File);

impl OpenFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(path)?;
        OPEN.fetch_add(1, Relaxed);
        Ok(Self(file))
    }

    /// Itself, unless too many are open.
    pub(super) fn keep(self) -> Option<Self> {
        (OPEN.load(Relaxed) <= MOST).then_some(self)
    }
}

impl Deref for OpenFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Relaxed);
    }
}
