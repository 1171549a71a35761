//! S3 over files on disk.

use std::{io, path::Path, sync::Arc};

use bytes::Bytes;

use super::fault::Fault;

/// The service.
pub struct S3 {}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
}

impl S3 {
    /// Opens the buckets that lie in `folder`.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        let _ = folder;
        unimplemented!()
    }

    /// Whether the bucket exists.
    pub fn exists(&self, bucket: &str) -> bool {
        let _ = bucket;
        unimplemented!()
    }

    /// Puts an object for another service of the stand-in: whole or not at all, synced before it returns; a put of the same key replaces it.
    pub async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), Fault> {
        let _ = (bucket, key, data);
        unimplemented!()
    }

    /// Every object under a key prefix, in key order.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, Fault> {
        let _ = (bucket, prefix);
        unimplemented!()
    }

    /// An object's data; `NoSuchKey` when it is not there.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, Fault> {
        let _ = (bucket, key);
        unimplemented!()
    }
}
