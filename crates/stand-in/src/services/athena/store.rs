//! What Athena needs of S3.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    service_error::ServiceError,
    services::s3::{Draft, Object, S3},
};

/// Buckets and objects, as the queries read and write them.
#[async_trait]
pub(super) trait Store: Send + Sync {
    fn exists(&self, bucket: &str) -> bool;
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, ServiceError>;
    async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ServiceError>;
    async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), ServiceError>;
    /// Begins an object that is written piece by piece.
    fn draft(&self) -> Result<Draft, ServiceError>;
    /// Puts drafts at their buckets and keys, all of them or none; waits for files.
    fn publish(&self, drafts: Vec<(String, String, Draft)>) -> Result<(), ServiceError>;
    /// Deletes an object, which may be absent; waits for files.
    fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError>;
}

#[async_trait]
impl Store for S3 {
    fn exists(&self, bucket: &str) -> bool {
        Self::exists(self, bucket)
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, ServiceError> {
        Self::list(self, bucket, prefix).await
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ServiceError> {
        Self::get(self, bucket, key).await
    }

    async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), ServiceError> {
        Self::put(self, bucket, key, data).await
    }

    fn draft(&self) -> Result<Draft, ServiceError> {
        Self::draft(self)
    }

    fn publish(&self, drafts: Vec<(String, String, Draft)>) -> Result<(), ServiceError> {
        Self::publish(self, drafts)
    }

    fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        Self::delete(self, bucket, key)
    }
}

/// A place in S3: `s3://bucket/prefix/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) bucket: String,
    /// Empty, or with a slash at its end.
    pub(super) prefix: String,
}

impl Location {
    /// Empty folders are left out, as Athena does it (Athena user guide, "Specify a table location in Amazon S3").
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("s3://").or_else(|| text.strip_prefix("s3a://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let folders = prefix.split('/').filter(|folder| !folder.is_empty()).map(|folder| format!("{folder}/"));
        (!bucket.is_empty()).then(|| Self { bucket: bucket.to_owned(), prefix: folders.collect() })
    }

    /// The folder below this one that a path of partitions names.
    pub(super) fn folder(&self, path: &str) -> Self {
        Self { bucket: self.bucket.clone(), prefix: format!("{}{path}/", self.prefix) }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}
