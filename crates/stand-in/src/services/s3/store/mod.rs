//! Where S3's buckets and objects lie: an index in SQLite, and data in files that are named by number and written once.
//!
//! A put writes and closes its data file first; then one transaction checks what there is to check, names the file in the index
//! and un-names what it replaces; the files of that are removed last, when nobody reads them any more. So a kill at any moment
//! leaves the old object or the new one, and at most files that no row names, which the next start removes.
//!
//! Everything here blocks: callers of the async world use [`Store::run`].

mod bucket;
mod buckets;
mod checksum;
mod condition;
mod data;
mod incoming;
mod index;
mod listing;
mod object;
mod objects;
mod reader;
#[cfg(test)]
mod tests;
mod uploads;

use std::{
    fs::File,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use data::DataFolder;
use index::Index;

use crate::service_error::ServiceError;

pub(super) use self::{
    bucket::{Bucket, name_problem},
    checksum::{Algorithm, Checksum, Digest, Digesting, Kind, hex},
    condition::Condition,
    incoming::{Incoming, Received},
    listing::{Entry, Page, Span},
    object::{About, Listed, Moment, Object},
    reader::Reader,
    uploads::{ChosenPart, Completion, Plan, Upload},
};

/// Every bucket and object of one state folder.
pub(super) struct Store {
    index: Mutex<Index>,
    data: Arc<DataFolder>,
}

impl Store {
    /// Opens the store in `folder`, or makes an empty one. Removes what a kill left.
    pub(super) fn open(folder: &Path) -> Result<Arc<Self>, ServiceError> {
        let index = Index::open(&folder.join("index.sqlite"))?;
        let data = DataFolder::open(&folder.join("data"), index.highest_number()?)?;
        data.sweep(|file| index.names_file(file))?;
        Ok(Arc::new(Self { index: Mutex::new(index), data: Arc::new(data) }))
    }

    /// Does work on a thread that may wait for files.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(ServiceError::internal)?
    }

    /// Begins to take in data. A checksum is computed if an algorithm is named.
    pub(super) fn receive(&self, algorithm: Option<Algorithm>) -> io::Result<Incoming> {
        Incoming::new(&self.data, algorithm)
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Removes the files of contents that no object has any more, but for those that somebody reads.
    fn discard(&self, mut index: MutexGuard<'_, Index>, discarded: Vec<(i64, Vec<i64>)>) {
        let files: Vec<i64> =
            discarded.into_iter().flat_map(|(content, files)| index.discard(content, files)).collect();
        drop(index);
        self.data.remove(&files);
    }

    fn end_reading(&self, content: i64) {
        let files = self.lock().end_reading(content);
        self.data.remove(&files);
    }

    fn open_data(&self, file: i64) -> io::Result<File> {
        self.data.read(file)
    }
}

pub(super) fn no_such_bucket(bucket: &str) -> ServiceError {
    ServiceError { status: 404, code: "NoSuchBucket", message: format!("the bucket {bucket} does not exist") }
}

pub(super) fn no_such_key(key: &str) -> ServiceError {
    ServiceError { status: 404, code: "NoSuchKey", message: format!("the key {key} does not exist") }
}
