//! The journal's mirror in the stack's bucket, replaced by conditional writes (S3 user guide, "Add preconditions to S3
//! operations with conditional requests").

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;

use super::{
    clients::Clients,
    failure::{broken, failure, is},
};
use crate::engine::{
    Cause, ProviderError,
    mirror::{Mirror, Put, Reflected},
};

/// What the keys of everything that the engine keeps in a bucket begin with.
pub(super) const FOLDER: &str = ".demo/";
/// The journal's key.
pub const KEY: &str = ".demo/journal.jsonl";

/// What says that something else lies there: another version, a write at the same time, or nothing (S3 API reference,
/// PutObject).
const BEATEN: [&str; 3] = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];
const CONTENT: &str = "application/x-ndjson";

/// A stack's bucket as the place of its journal.
pub struct InBucket {
    clients: Clients,
    bucket: String,
}

impl InBucket {
    /// The bucket of this name.
    pub fn new(clients: &Clients, bucket: impl Into<String>) -> Self {
        Self { clients: clients.clone(), bucket: bucket.into() }
    }

    /// From what a person gives: a bucket's name, or a URL such as `s3://bucket/.demo/journal.jsonl`.
    pub fn named(clients: &Clients, given: &str) -> Self {
        let path = given.strip_prefix("s3://").unwrap_or(given);
        Self::new(clients, path.split('/').next().unwrap_or_default())
    }

    /// Keeps the acknowledgement log of a worker beside the journal.
    pub async fn put_log(&self, name: &str, text: Vec<u8>) -> Result<(), ProviderError> {
        let (key, place) = self.log(name);
        let call = self.clients.s3.put_object().bucket(&self.bucket).key(key).content_type(CONTENT);
        let put = call.body(ByteStream::from(text)).send().await;
        put.map(drop).map_err(|error| failure("s3 PutObject", &place, &error))
    }

    /// The acknowledgement log of a worker, if it is kept here.
    pub async fn get_log(&self, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        let (key, place) = self.log(name);
        Ok(self.object(&key, &place).await?.map(|found| found.text))
    }

    fn log(&self, name: &str) -> (String, String) {
        let key = format!("{FOLDER}runs/{name}");
        let place = format!("s3://{}/{key}", self.bucket);
        (key, place)
    }

    async fn object(&self, key: &str, place: &str) -> Result<Option<Reflected>, ProviderError> {
        const CALL: &str = "s3 GetObject";
        let found = match self.clients.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => found,
            Err(error) if is(&error, &["NoSuchKey", "NoSuchBucket"]) => return Ok(None),
            Err(error) => return Err(failure(CALL, place, &error)),
        };
        let version = found.e_tag().unwrap_or_default().to_owned();
        let body = found
            .body
            .collect()
            .await
            .map_err(|error| broken(Cause::Unreachable, CALL, place, error.to_string(), "run the command again"))?;
        Ok(Some(Reflected { text: body.into_bytes().to_vec(), version }))
    }
}

#[async_trait]
impl Mirror for InBucket {
    fn title(&self) -> String {
        format!("s3://{}/{KEY}", self.bucket)
    }

    async fn get(&self) -> Result<Option<Reflected>, ProviderError> {
        self.object(KEY, &self.title()).await
    }

    async fn put(&self, text: &[u8], replaces: Option<&str>) -> Result<Put, ProviderError> {
        let call = self.clients.s3.put_object().bucket(&self.bucket).key(KEY).content_type(CONTENT);
        let call = match replaces {
            Some(version) => call.if_match(version),
            None => call.if_none_match("*"),
        };
        match call.body(ByteStream::from(text.to_vec())).send().await {
            Ok(answer) => Ok(Put::Done(answer.e_tag.unwrap_or_default())),
            Err(error) if is(&error, &BEATEN) => Ok(Put::Beaten),
            Err(error) if is(&error, &["NoSuchBucket"]) => Ok(Put::Nowhere),
            Err(error) => Err(failure("s3 PutObject", &self.title(), &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bucket_is_named_or_pointed_at() {
        let clients = Clients::nowhere().await;
        for given in ["mine", "s3://mine", "s3://mine/", "s3://mine/.demo/journal.jsonl"] {
            assert_eq!(InBucket::named(&clients, given).title(), "s3://mine/.demo/journal.jsonl");
        }
    }
}
