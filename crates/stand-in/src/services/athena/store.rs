//! What Athena needs of S3.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    service_error::ServiceError,
    services::s3::{Object, S3},
};

/// Buckets and objects, as the queries read and write them.
#[async_trait]
pub(super) trait Store: Send + Sync {
    fn exists(&self, bucket: &str) -> bool;
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, ServiceError>;
    async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ServiceError>;
    async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), ServiceError>;
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
}
