//! Room that is kept free on the state folder's disk: with nothing else free, it lets a stack be removed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate, statvfs},
    io::Errno,
};

use super::home::Home;

/// Enough for the journal of a removal, and for what the stand-in writes meanwhile.
const KEPT: u64 = 4 << 20;
/// Nothing is kept, and no stack is created, where that would be felt.
pub const PLENTY: u64 = 3 * KEPT;
/// With less, a removal may run into the end of the disk.
const LITTLE: u64 = 1 << 20;

impl Home {
    /// Keeps some room, where there is plenty and none is kept yet.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn keep_room(&self) -> io::Result<()> {
        let file = self.kept_room();
        if file.exists() || self.free()? < PLENTY {
            return Ok(());
        }
        let kept = fallocate(File::create(&file)?, FallocateFlags::empty(), 0, KEPT);
        if kept.is_err() {
            fs::remove_file(file)?;
        }
        // Some file systems cannot keep room.
        kept.or_else(|error| if error == Errno::OPNOTSUPP { Ok(()) } else { Err(error.into()) })
    }

    /// Gives the kept room free where there is little other; whether that was so.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn use_kept_room(&self) -> io::Result<bool> {
        if self.free()? >= LITTLE {
            return Ok(false);
        }
        match fs::remove_file(self.kept_room()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(true),
        }
    }

    fn free(&self) -> io::Result<u64> {
        free(self.root())
    }

    fn kept_room(&self) -> PathBuf {
        self.root().join("kept-room")
    }
}

/// Bytes that are free on the disk of a folder, which need not exist yet.
///
/// # Errors
/// The disk cannot be asked.
pub fn free(folder: &Path) -> io::Result<u64> {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let disk = statvfs(existing)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_once_and_used_only_where_there_is_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        home.keep_room().expect("kept");
        home.keep_room().expect("kept already");
        assert_eq!(home.kept_room().metadata().expect("a file").len(), KEPT);
        assert!(!home.use_kept_room().expect("plenty is free"));
        assert!(home.kept_room().exists());
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_has_the_room_of_its_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(free(&folder.path().join("not/yet")).expect("a disk") > 0);
        assert_eq!(free(Path::new("/proc/not/yet")).expect("a disk"), 0);
    }
}
