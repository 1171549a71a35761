//! Data files: named by number, written once, never changed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

use crate::room::refuse_without_room;

/// The folder of the data files.
pub(super) struct DataFolder {
    folder: PathBuf,
    next: AtomicI64,
}

impl DataFolder {
    /// Makes the folder if it is missing. Numbers begin above `highest`.
    pub(super) fn open(folder: &Path, highest: i64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), next: AtomicI64::new(highest + 1) })
    }

    /// Returns a number that no file and no content has.
    pub(super) fn number(&self) -> i64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Refuses data that its disk has no room for.
    pub(super) fn refuse_without_room(&self, bytes: usize) -> io::Result<()> {
        refuse_without_room(&self.folder, bytes)
    }

    /// Makes an empty file.
    pub(super) fn create(&self, number: i64) -> io::Result<File> {
        File::create_new(self.path(number))
    }

    /// Opens a file to read it.
    pub(super) fn read(&self, number: i64) -> io::Result<File> {
        File::open(self.path(number))
    }

    /// Removes files. One that cannot be removed stays until the next start, whose sweep says why.
    pub(super) fn remove(&self, numbers: &[i64]) {
        for &number in numbers {
            if let Err(e) = fs::remove_file(self.path(number)) {
                tracing::warn!("cannot remove {}: {e}", self.path(number).display());
            }
        }
    }

    /// Removes the files of writes that a kill cut off: those that `is_named` does not know.
    pub(super) fn sweep<E: From<io::Error>>(&self, is_named: impl Fn(i64) -> Result<bool, E>) -> Result<(), E> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(number) = number
                && !is_named(number)?
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, number: i64) -> PathBuf {
        self.folder.join(number.to_string())
    }
}
