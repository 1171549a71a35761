//! Room on the disk of the state folder. Data is refused while there still is some, so that catalogs and journals can be
//! written, and stacks removed.

use std::{io, path::Path};

use rustix::fs::statvfs;

use crate::service_error::ServiceError;

/// What data leaves free, in bytes.
const KEPT: u64 = 8 << 20;
/// What to do where there is none.
const ADVICE: &str =
    "free space on the disk of the stand-in's state folder, or remove a stack with its data (`demo down STACK`)";

/// Refuses so many bytes of data where the disk of `folder` would be left with too little.
///
/// # Errors
/// It would be, or the free space cannot be read.
pub(crate) fn refuse_without_room(folder: &Path, bytes: usize) -> io::Result<()> {
    let disk = statvfs(folder)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= KEPT + bytes as u64 {
        return Ok(());
    }
    let why = format!("the disk of {} is full: {free} bytes are free, and data leaves {KEPT}", folder.display());
    Err(io::Error::new(io::ErrorKind::StorageFull, why))
}

impl From<io::Error> for ServiceError {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::internal(format!("{e}; {ADVICE}")),
            _ => Self::internal(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_has_no_room_for_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        refuse_without_room(folder.path(), 1).expect("a byte has room");
        let error = refuse_without_room(folder.path(), usize::MAX >> 1).expect_err("no disk is so large");
        let told = ServiceError::from(error).message;
        assert!(told.contains("is full: ") && told.ends_with("(`demo down STACK`)"), "{told}");
        let other = ServiceError::from(io::Error::from(io::ErrorKind::NotFound)).message;
        assert!(!other.contains("demo down"), "{other}");
    }
}
