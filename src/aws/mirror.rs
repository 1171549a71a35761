//! The journal's mirror in the stack's bucket, replaced by conditional writes.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;

use super::{clients::Clients, failure::failure, objects::Objects};
use crate::engine::{
    ProviderError,
    mirror::{Mirror, Put, Reflected},
};

/// What the keys of everything that the engine keeps in a bucket begin with.
pub(super) const FOLDER: &str = ".demo/";
/// The journal's key.
pub const KEY: &str = ".demo/journal.jsonl";

const CONTENT: &str = "application/x-ndjson";

/// A stack's bucket as the place of its journal.
pub struct InBucket {
    clients: Clients,
    bucket: String,
    objects: Objects,
}

impl InBucket {
    /// The bucket of this name.
    pub fn new(clients: &Clients, bucket: impl Into<String>) -> Self {
        let bucket = bucket.into();
        Self { objects: Objects::new(&clients.s3, &bucket), clients: clients.clone(), bucket }
    }

    /// From what a person gives: a bucket's name, or a URL such as `s3://bucket/.demo/journal.jsonl`.
    pub fn named(clients: &Clients, given: &str) -> Self {
        let path = given.strip_prefix("s3://").unwrap_or(given);
        Self::new(clients, path.split('/').next().unwrap_or_default())
    }

    /// Keeps the acknowledgement log of a worker beside the journal.
    pub async fn put_log(&self, name: &str, text: Vec<u8>) -> Result<(), ProviderError> {
        let key = log_key(name);
        let call = self.clients.s3.put_object().bucket(&self.bucket).key(&key).content_type(CONTENT);
        let put = call.body(ByteStream::from(text)).send().await;
        put.map(drop).map_err(|error| failure("s3 PutObject", &self.objects.title(&key), &error))
    }

    /// The acknowledgement log of a worker, if it is kept here.
    pub async fn get_log(&self, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.objects.get(&log_key(name)).await?.map(|found| found.text))
    }
}

fn log_key(name: &str) -> String {
    format!("{FOLDER}runs/{name}")
}

#[async_trait]
impl Mirror for InBucket {
    fn title(&self) -> String {
        self.objects.title(KEY)
    }

    async fn get(&self) -> Result<Option<Reflected>, ProviderError> {
        self.objects.get(KEY).await
    }

    async fn put(&self, text: &[u8], replaces: Option<&str>) -> Result<Put, ProviderError> {
        self.objects.put(KEY, (text.to_vec(), CONTENT), replaces).await
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
