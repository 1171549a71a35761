//! Objects of a bucket that are replaced only by who has seen what they replace (S3 user guide, "Add preconditions to S3
//! operations with conditional requests").

use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier},
};

use super::failure::{broken, failure, is};
use crate::engine::{
    Cause, ProviderError,
    mirror::{Put, Reflected},
};

/// What says that something else lies there: another version, a write at the same time, or nothing (S3 API reference,
/// PutObject).
const BEATEN: [&str; 3] = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];
const NO_BUCKET: &str = "NoSuchBucket";

/// A bucket.
#[derive(Clone)]
pub struct Objects {
    s3: Client,
    bucket: String,
}

impl Objects {
    /// The bucket of this name.
    pub fn new(s3: &Client, bucket: impl Into<String>) -> Self {
        Self { s3: s3.clone(), bucket: bucket.into() }
    }

    /// For people, such as `s3://bucket/key`.
    pub fn title(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// An object; none where there is none, or no bucket.
    ///
    /// # Errors
    /// The call fails.
    pub async fn get(&self, key: &str) -> Result<Option<Reflected>, ProviderError> {
        const CALL: &str = "s3 GetObject";
        let found = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => found,
            Err(error) if is(&error, &["NoSuchKey", NO_BUCKET]) => return Ok(None),
            Err(error) => return Err(failure(CALL, &self.title(key), &error)),
        };
        let version = found.e_tag().unwrap_or_default().to_owned();
        let body = found.body.collect().await.map_err(|error| {
            broken(Cause::Unreachable, CALL, &self.title(key), error.to_string(), "run the command again")
        })?;
        Ok(Some(Reflected { text: body.into_bytes().to_vec(), version }))
    }

    /// Puts an object in place of that version of it, or where nothing is.
    ///
    /// # Errors
    /// The call fails.
    pub async fn put(
        &self,
        key: &str,
        (text, content): (Vec<u8>, &str),
        replaces: Option<&str>,
    ) -> Result<Put, ProviderError> {
        let call = self.s3.put_object().bucket(&self.bucket).key(key).content_type(content);
        let call = match replaces {
            Some(version) => call.if_match(version),
            None => call.if_none_match("*"),
        };
        match call.body(ByteStream::from(text)).send().await {
            Ok(answer) => Ok(Put::Done(answer.e_tag.unwrap_or_default())),
            Err(error) if is(&error, &BEATEN) => Ok(Put::Beaten),
            Err(error) if is(&error, &[NO_BUCKET]) => Ok(Put::Nowhere),
            Err(error) => Err(failure("s3 PutObject", &self.title(key), &error)),
        }
    }

    /// The keys that begin so, in their order; none where there is no bucket.
    ///
    /// # Errors
    /// A call fails.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, ProviderError> {
        let (mut keys, mut token) = (Vec::new(), None);
        loop {
            let call = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let page = match call.set_continuation_token(token).send().await {
                Ok(page) => page,
                Err(error) if is(&error, &[NO_BUCKET]) => return Ok(Vec::new()),
                Err(error) => return Err(failure("s3 ListObjectsV2", &self.title(prefix), &error)),
            };
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Deletes objects.
    ///
    /// # Errors
    /// A call fails.
    pub async fn delete(&self, keys: &[String]) -> Result<(), ProviderError> {
        const CALL: &str = "s3 DeleteObjects";
        for keys in keys.chunks(KEYS_A_CALL) {
            let named =
                |key: &String| ObjectIdentifier::builder().key(key).build().expect("a key is all that it needs");
            let delete = Delete::builder().set_objects(Some(keys.iter().map(named).collect())).quiet(true).build();
            let delete = delete.expect("objects are all that it needs");
            let deleted = self.s3.delete_objects().bucket(&self.bucket).delete(delete).send().await;
            let deleted = deleted.map_err(|error| failure(CALL, &self.title(&keys[0]), &error))?;
            if let Some(left) = deleted.errors().first() {
                let (key, why) = (left.key().unwrap_or_default(), left.message().unwrap_or_default());
                let advice = "run `demo down` to remove it with its bucket";
                return Err(broken(Cause::Other, CALL, &self.title(key), why.to_owned(), advice));
            }
        }
        Ok(())
    }
}

/// Objects a DeleteObjects call takes (S3 API reference, DeleteObjects).
const KEYS_A_CALL: usize = 1000;
