//! Data on its way in: hashed and written to a file that nothing names yet.

use std::{
    fs::File,
    io::{self, Write},
    sync::Arc,
};

use super::{
    checksum::{Algorithm, Digest, Digesting},
    data::DataFolder,
};

/// A data file under construction. It is removed when this is dropped.
pub(crate) struct Incoming {
    unnamed: Unnamed,
    file: File,
    digesting: Digesting,
}

/// A data file that is written and closed, with what is known of it. It is removed when this is dropped, unless the index
/// names it by then.
pub(crate) struct Received {
    unnamed: Unnamed,
    pub(crate) digest: Digest,
}

/// A file that no row of the index names.
struct Unnamed {
    folder: Arc<DataFolder>,
    number: i64,
    is_named: bool,
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.is_named {
            self.folder.remove(&[self.number]);
        }
    }
}

impl Incoming {
    /// Makes the file. A checksum is computed if an algorithm is named.
    pub(super) fn new(folder: &Arc<DataFolder>, algorithm: Option<Algorithm>) -> io::Result<Self> {
        let number = folder.number();
        let file = folder.create(number)?;
        let unnamed = Unnamed { folder: folder.clone(), number, is_named: false };
        Ok(Self { unnamed, file, digesting: Digesting::new(algorithm) })
    }

    /// Appends data.
    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.unnamed.folder.refuse_without_room(data.len())?;
        self.file.write_all(data)?;
        self.digesting.update(data);
        Ok(())
    }

    /// Closes the file.
    pub(crate) fn finish(self) -> Received {
        Received { unnamed: self.unnamed, digest: self.digesting.finish() }
    }
}

impl Received {
    /// Returns the number of the file, which is also that of a content that has this file alone.
    pub(super) fn number(&self) -> i64 {
        self.unnamed.number
    }

    /// The index names it now.
    pub(super) fn keep(mut self) {
        self.unnamed.is_named = true;
    }
}
