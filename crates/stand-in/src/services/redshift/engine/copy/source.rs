//! The objects that a COPY loads.

use std::{borrow::Cow, io::Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::{super::Failure, command::Copy};
use crate::services::s3::S3;

/// An object to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceObject {
    bucket: String,
    key: String,
}

#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    url: String,
    #[serde(default)]
    mandatory: bool,
}

impl std::fmt::Display for SourceObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl SourceObject {
    pub(super) fn parse(address: &str) -> Option<Self> {
        let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
        (!bucket.is_empty()).then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// Whatever the command's address stands for: the objects of its manifest, or every object with its prefix.
    pub(super) async fn all(copy: &Copy, s3: &S3) -> Result<Vec<(Self, Bytes)>, Failure> {
        let address = Self::parse(&copy.source)
            .ok_or_else(|| Failure::new(format!("the address {} has no bucket and key", copy.source)))?;
        if copy.is_manifest { address.of_manifest(s3).await } else { address.of_prefix(s3).await }
    }

    async fn of_prefix(&self, s3: &S3) -> Result<Vec<(Self, Bytes)>, Failure> {
        let listed = s3.list(&self.bucket, &self.key).await.map_err(|error| self.unreadable(&error))?;
        let mut objects = Vec::new();
        for object in listed {
            let source = Self { bucket: self.bucket.clone(), key: object.key };
            let data = source.get(s3).await?;
            objects.push((source, data));
        }
        if objects.is_empty() {
            return Err(Failure::new(format!("The specified S3 prefix '{}' does not exist", self.key)));
        }
        Ok(objects)
    }

    async fn of_manifest(&self, s3: &S3) -> Result<Vec<(Self, Bytes)>, Failure> {
        let problem = |why: String| Failure::new(format!("Problem reading manifest file - {self}: {why}"));
        let manifest = s3.get(&self.bucket, &self.key).await.map_err(|error| problem(error.to_string()))?;
        let manifest: Manifest = serde_json::from_slice(&manifest).map_err(|e| problem(e.to_string()))?;
        let mut objects = Vec::new();
        for entry in manifest.entries {
            let whole = Self::parse(&entry.url).filter(|source| !source.key.is_empty());
            let source = whole.ok_or_else(|| problem(format!("'{}' is no full path of an object", entry.url)))?;
            match s3.get(&source.bucket, &source.key).await {
                Ok(data) => objects.push((source, data)),
                Err(error) if error.code == "NoSuchKey" && !entry.mandatory => {}
                Err(error) => return Err(source.unreadable(&error)),
            }
        }
        if objects.is_empty() {
            return Err(problem("none of its files is there".into()));
        }
        Ok(objects)
    }

    pub(super) async fn get(&self, s3: &S3) -> Result<Bytes, Failure> {
        s3.get(&self.bucket, &self.key).await.map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &crate::service_error::ServiceError) -> Failure {
        Failure::new(format!("S3ServiceException: {}, Status {}, {self}: {}", error.code, error.status, error.message))
    }

    /// The object's text.
    pub(super) fn text<'a>(&self, data: &'a [u8], gzip: bool) -> Result<Cow<'a, [u8]>, Failure> {
        if !gzip {
            return Ok(Cow::Borrowed(data));
        }
        let mut text = Vec::new();
        let unzipped = MultiGzDecoder::new(data).read_to_end(&mut text);
        unzipped.map_err(|e| Failure::new(format!("{self} is no gzip file, as COPY's option GZIP has it: {e}")))?;
        Ok(Cow::Owned(text))
    }
}
