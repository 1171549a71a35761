//! A stack's bucket where a coordinator and its workers meet, whatever machines they are on.

use async_trait::async_trait;
use aws_sdk_s3::Client;

use super::rendezvous::{Rendezvous, RendezvousError};
use crate::{
    aws::{folders::FLEET, objects::Objects},
    engine::mirror::{Put, Reflected},
};

const CONTENT: &str = "application/json";

/// The objects of one run in a stack's bucket.
pub struct InBucket {
    objects: Objects,
    prefix: String,
}

impl InBucket {
    /// Those of this run.
    pub fn new(s3: &Client, bucket: &str, run: &str) -> Self {
        Self { objects: Objects::new(s3, bucket), prefix: format!("{FLEET}{run}/") }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[async_trait]
impl Rendezvous for InBucket {
    fn title(&self) -> String {
        self.objects.title(&self.prefix)
    }

    async fn get(&self, name: &str) -> Result<Option<Reflected>, RendezvousError> {
        Ok(self.objects.get(&self.key(name)).await?)
    }

    async fn put(&self, name: &str, text: Vec<u8>, replaces: Option<&str>) -> Result<Put, RendezvousError> {
        Ok(self.objects.put(&self.key(name), (text, CONTENT), replaces).await?)
    }

    async fn list(&self) -> Result<Vec<String>, RendezvousError> {
        let keys = self.objects.list(&self.prefix).await?;
        Ok(keys.iter().filter_map(|key| key.strip_prefix(&self.prefix)).map(str::to_owned).collect())
    }

    async fn clear(&self) -> Result<(), RendezvousError> {
        let keys: Vec<_> = self.list().await?.iter().map(|name| self.key(name)).collect();
        Ok(self.objects.delete(&keys).await?)
    }
}
