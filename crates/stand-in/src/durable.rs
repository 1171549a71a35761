//! A value kept on disk: changed in memory, then written whole beside the old file, synced and renamed over it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use serde::{Serialize, de::DeserializeOwned};

/// A value that survives SIGKILL at any moment: after [`Durable::change`] has returned, a reopened one has the change.
pub(crate) struct Durable<T> {
    path: PathBuf,
    value: Mutex<T>,
}

impl<T: Serialize + DeserializeOwned + Default + Clone> Durable<T> {
    /// Reads the value at `path`, or starts from the default where there is no file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let value = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {e}", path.display())))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => T::default(),
            Err(e) => return Err(e),
        };
        Ok(Self { path: path.to_owned(), value: Mutex::new(value) })
    }

    /// The value as it is now.
    pub(crate) fn read(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Applies `change` to a copy, writes that, and only then makes it the value. An `Err` of `change` leaves both as they were.
    pub(crate) fn change<R, E: From<io::Error>>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let mut value = self.read();
        let mut next = value.clone();
        let result = change(&mut next)?;
        self.write(&next)?;
        *value = next;
        Ok(result)
    }

    fn write(&self, value: &T) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}
