//! The objects under a key prefix of a bucket.

use aws_sdk_s3::Client;
use bytes::Bytes;

use crate::aws::{told::told, whole_object::whole_object};

/// A bucket, and the prefix of the keys in question.
#[derive(Clone, Debug)]
pub struct Folder {
    client: Client,
    bucket: String,
    prefix: String,
}

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Its bytes, as they are stored.
    pub bytes: u64,
}

/// Why the objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// A call failed.
    #[error("S3 {call} of s3://{bucket}/{key}: {why}")]
    Call {
        /// For example `ListObjectsV2`.
        call: &'static str,
        /// The bucket.
        bucket: String,
        /// The key, or the prefix of a listing.
        key: String,
        /// The service's own words.
        why: String,
    },
    /// An object does not hold what was sent.
    #[error("s3://{bucket}/{key} line {line}: {why}; the object is not what the producer sent")]
    Content {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl Folder {
    /// The objects under `prefix`.
    pub fn new(client: &Client, bucket: &str, prefix: &str) -> Self {
        Self { client: client.clone(), bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// An object's address, `s3://…`.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The keys of all objects.
    pub async fn list(&self) -> Result<Vec<String>, ObjectsError> {
        let (objects, _) = self.list_sizes().await?;
        Ok(objects.into_iter().map(|object| object.key).collect())
    }

    /// All objects, and the calls that it took: one for each thousand of them (S3 API reference, ListObjectsV2).
    pub async fn list_sizes(&self) -> Result<(Vec<ListedObject>, u32), ObjectsError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).into_paginator().send();
        let (mut objects, mut calls) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| self.failed("ListObjectsV2", &self.prefix, told(&e)))?;
            calls += 1;
            objects.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                let bytes = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                Some(ListedObject { key: object.key?, bytes })
            }));
        }
        Ok((objects, calls))
    }

    /// A whole object.
    pub async fn fetch(&self, key: &str) -> Result<Bytes, ObjectsError> {
        let fetched = whole_object(&self.client, &self.bucket, key).await;
        fetched.map_err(|error| self.failed("GetObject", key, error.to_string()))
    }

    fn failed(&self, call: &'static str, key: &str, why: String) -> ObjectsError {
        ObjectsError::Call { call, bucket: self.bucket.clone(), key: key.to_owned(), why }
    }
}
