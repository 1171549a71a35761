//! A small object of ours in the stack's bucket. It goes with the bucket too, which is emptied before it is deleted.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{Ownership, STACK},
    permission::Statement,
};
use crate::engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// The user metadata that says which stack it belongs to; a colon is not allowed in a header's name.
const METADATA: &str = "demo-stack";

/// An object as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// What it holds.
    pub text: String,
    /// Whose it is; in its user metadata.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

impl Desired {
    fn title(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// Knows objects.
pub struct Objects(pub Clients);

#[async_trait]
impl Kind for Objects {
    type Desired = Desired;

    /// Keys are named `bucket/key`.
    const KIND: &'static str = "object";
    const LAYER: Layer = Layer::Content;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Those of its bucket.
    fn permissions(_wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        Vec::new()
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        const CALL: &str = "s3 GetObject";
        let found = match self.0.s3.get_object().bucket(&wanted.bucket).key(&wanted.key).send().await {
            Ok(found) => found,
            Err(error) if is(&error, &["NoSuchKey", "NoSuchBucket"]) => return Ok(Observed::Absent),
            Err(error) => return Err(failure(CALL, &wanted.title(), &error)),
        };
        let ownership =
            found.metadata().and_then(|metadata| metadata.get(METADATA)).map(|stack| (STACK, stack.as_str()));
        if let Err(why) = wanted.ownership.is_on(ownership) {
            return Ok(Observed::Foreign { why });
        }
        let body = found.body.collect().await.map_err(|error| {
            broken(Cause::Unreachable, CALL, &wanted.title(), error.to_string(), "run the command again")
        })?;
        let same = body.into_bytes() == wanted.text.as_bytes();
        let differs =
            if same { Vec::new() } else { vec![Difference::in_place("text", "another", "as in the stack file")] };
        Ok(Observed::Ours { identity: self.arn(wanted), ready: true, differs })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let call = self.0.s3.put_object().bucket(&wanted.bucket).key(&wanted.key);
        let call = call.metadata(METADATA, &wanted.ownership.stack).content_type("application/json");
        let answer = call.body(ByteStream::from(wanted.text.clone().into_bytes())).send().await;
        answer.map_err(|error| failure("s3 PutObject", &wanted.title(), &error))?;
        Ok(self.arn(wanted))
    }

    /// Put again, over what is there.
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        self.create(wanted, progress).await.map(drop)
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        match self.0.s3.delete_object().bucket(&wanted.bucket).key(&wanted.key).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["NoSuchKey", "NoSuchBucket"]) => Ok(()),
            Err(error) => Err(failure("s3 DeleteObject", &wanted.title(), &error)),
        }
    }

    /// None beside the buckets: ours lie in buckets of ours, and go with them.
    async fn owned(&self, _scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        Ok(Vec::new())
    }
}

impl Objects {
    fn arn(&self, wanted: &Desired) -> String {
        format!("{}/{}", self.0.bucket_arn(&wanted.bucket), wanted.key)
    }
}
