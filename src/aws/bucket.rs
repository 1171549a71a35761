//! The bucket that records land in.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    Tag, Tagging,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    clients::{Clients, Where},
    contents::{Contents, Whose},
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    mirror,
    ownership::{self, Ownership, Tags},
    pace::Pace,
    permission::{On, Statement},
    tags,
};
use crate::engine::{Cause, Difference, Foreign, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// The one region whose name CreateBucket does not take (S3 API reference, CreateBucket).
const NO_CONSTRAINT: &str = "us-east-1";
/// "The XML you provided was not well-formed or did not validate against our published schema" (S3 API reference, "Error
/// responses"): of a service whose CreateBucket has no tags yet.
const NOT_IN_SCHEMA: &str = "MalformedXML";
const GONE_BUDGET: Duration = Duration::from_secs(60 * 60);
const CLEAN_LISTS: u32 = 2;

/// A bucket as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Whether the journal's mirror is in it.
    pub mirror: bool,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

impl Desired {
    /// What stays until everything else is gone: the beginning of its keys.
    fn spared(&self) -> Option<&'static str> {
        self.mirror.then_some(mirror::FOLDER)
    }
}

/// Knows buckets.
pub struct Buckets(pub Clients);

#[async_trait]
impl Kind for Buckets {
    type Desired = Desired;

    const KIND: &'static str = "bucket";
    const LAYER: Layer = Layer::Foundation;
    const NAMED_BY_USER: bool = true;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// What each of S3's operations asks for is told in the S3 user guide, "Required permissions for Amazon S3 API
    /// operations". Query results, a large function's code, manifests and the journal's mirror are written by who is
    /// calling.
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const BUCKET: [&str; 15] = [
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:GetBucketLocation",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetEncryptionConfiguration",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:ListBucketVersions",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutEncryptionConfiguration",
            "s3:TagResource",
        ];
        const OBJECTS: [&str; 5] =
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"];
        let objects = On::Objects { bucket: wanted.name.clone(), prefix: String::new() };
        vec![Statement::new(&BUCKET, [On::Bucket(wanted.name.clone())]), Statement::new(&OBJECTS, [objects])]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Desired { name, ownership, .. } = wanted;
        match self.0.s3.head_bucket().bucket(name).send().await {
            Ok(_) => {}
            Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
                Some(404) => return Ok(Observed::Absent),
                Some(403) => return Ok(foreign("it belongs to another account, or you may not see it (403)")),
                Some(301) => return Ok(foreign("it is in another region (301)")),
                // Its answers have no body: what is wrong, the next call is told.
                Some(400) => {}
                _ => return Err(failure("s3 HeadBucket", name, &error)),
            },
        }
        let Some(tags) = self.tags(name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = ownership.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let differs = [self.differences(name).await?, tags::differences(ownership, pairs(&tags))].concat();
        Ok(Observed::Ours { identity: self.0.bucket_arn(name), ready: true, differs })
    }

    /// The engine has read first: where a bucket is ours already, us-east-1 answers 200 and resets its ACLs.
    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let Desired { name, ownership, .. } = wanted;
        let tags = to_tags(ownership.all(), name)?;
        let sent = match self.call_create(name, Some(tags.clone())).await {
            Ok(()) => true,
            Err(error) if error.message.starts_with(NOT_IN_SCHEMA) => {
                self.call_create(name, None).await.map(|()| false)?
            }
            Err(error) => return Err(error),
        };
        self.tag_where_missing(name, ownership, tags, sent).await?;
        Ok(self.0.bucket_arn(name))
    }

    async fn make_ready(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        let private = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let call = self.0.s3.put_public_access_block().bucket(name);
        let answer = call.public_access_block_configuration(private).send().await;
        answer.map_err(|error| failure("s3 PutPublicAccessBlock", name, &error))?;
        let aes = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build();
        let aes = aes.map_err(|error| invalid(name, &error))?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(aes).build();
        let encrypted = ServerSideEncryptionConfiguration::builder().rules(rule).build();
        let encrypted = encrypted.map_err(|error| invalid(name, &error))?;
        let call = self.0.s3.put_bucket_encryption().bucket(name);
        let answer = call.server_side_encryption_configuration(encrypted).send().await;
        answer.map_err(|error| failure("s3 PutBucketEncryption", name, &error)).map(drop)
    }

    /// PutBucketTagging replaces all tags, also those that somebody else has put. What else differs, `make_ready` puts
    /// once more.
    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let Desired { name, ownership, .. } = wanted;
        if !tags::among(differs) {
            return Ok(());
        }
        let mut all = ownership::collected(pairs(&self.tags(name).await?.unwrap_or_default()));
        all.extend(tags::changing(ownership));
        self.tag(name, to_tags(all, name)?).await
    }

    async fn foreign(&self, wanted: &Desired) -> Result<Vec<Foreign>, ProviderError> {
        self.contents(wanted).foreign().await
    }

    async fn delete_foreign(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let mut pace = Pace::within(GONE_BUDGET);
        while self.contents(wanted).empty(Whose::Others, progress).await? > 0 {
            pace.wait(progress, "s3 DeleteObjects", &wanted.name, "deleting what others put there").await?;
        }
        Ok(())
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let (Desired { name, .. }, contents) = (wanted, self.contents(wanted));
        self.deny_writes(name, wanted.spared()).await;
        let mut pace = Pace::within(GONE_BUDGET);
        let mut clean = 0;
        loop {
            match contents.empty(Whose::Ours { but: wanted.spared() }, progress).await {
                Ok(0) => clean += 1,
                Ok(_) => clean = 0,
                Err(error) if error.message.starts_with("NoSuchBucket") => return Ok(()),
                Err(error) => return Err(error),
            }
            if clean >= CLEAN_LISTS {
                if wanted.spared().is_some() {
                    contents.empty(Whose::Ours { but: None }, progress).await?;
                }
                match self.0.s3.delete_bucket().bucket(name).send().await {
                    Ok(_) => return Ok(()),
                    Err(error) if is(&error, &["NoSuchBucket"]) => return Ok(()),
                    Err(error) if is(&error, &["BucketNotEmpty"]) => clean = 0,
                    Err(error) => return Err(failure("s3 DeleteBucket", name, &error)),
                }
                // Somebody may have put it there just now.
                let foreign = contents.foreign().await?;
                if !foreign.is_empty() {
                    return Err(Foreign::kept(&foreign, name, &wanted.ownership.stack));
                }
            }
            pace.wait(progress, "s3 DeleteBucket", name, "checking for late objects").await?;
        }
    }

    /// In this region. A bucket that hides its tags, and is not called as ours are, is somebody else's.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let hidden =
            |name: &str, error: &ProviderError| error.cause == Cause::Permission && name.parse::<StackId>().is_err();
        let names = self.names().await?.into_iter().filter(|name| scope.may_be(name));
        let tags = |name: String| async move {
            match self.tags(&name).await {
                Ok(tags) => Ok(ownership::collected(pairs(&tags.unwrap_or_default()))),
                Err(error) if hidden(&name, &error) => Ok(Tags::new()),
                Err(error) => Err(error),
            }
        };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = self.0.cli(&format!("s3 rb --force s3://{name}"));
            Self::found(&name, &Desired { name: name.clone(), ownership, ..Desired::default() }, command)
        };
        Ok(ownership::ours(scope, names, tags).await?.into_iter().map(owned).collect())
    }
}

impl Buckets {
    fn contents<'a>(&'a self, wanted: &'a Desired) -> Contents<'a> {
        Contents { clients: &self.0, bucket: &wanted.name, stack: &wanted.ownership.stack }
    }

    async fn call_create(&self, name: &str, tags: Option<Vec<Tag>>) -> Result<(), ProviderError> {
        let region = self.0.region();
        let place = (region != NO_CONSTRAINT).then(|| BucketLocationConstraint::from(region));
        let given = (place.is_some() || tags.is_some())
            .then(|| CreateBucketConfiguration::builder().set_location_constraint(place).set_tags(tags).build());
        let call = self.0.s3.create_bucket().bucket(name).set_create_bucket_configuration(given);
        let answer = call.object_ownership(ObjectOwnership::BucketOwnerEnforced).send().await;
        answer.map_err(|error| failure("s3 CreateBucket", name, &error)).map(drop)
    }

    /// AWS takes the tags with CreateBucket; other implementations may pass over them there, and a partition of AWS that does
    /// not know them refuses the call, which is then made without (`sent` is false). A bucket that has others, or on AWS none
    /// although they were sent, was there before: in us-east-1 CreateBucket answers 200 to whoever has it already.
    async fn tag_where_missing(
        &self,
        name: &str,
        ownership: &Ownership,
        tags: Vec<Tag>,
        sent: bool,
    ) -> Result<(), ProviderError> {
        let found = self.tags(name).await?.unwrap_or_default();
        if ownership.is_on(pairs(&found)).is_ok() {
            return Ok(());
        }
        if !found.is_empty() || sent && matches!(self.0.place(), Where::Aws { endpoint_url: None, .. }) {
            let message = "it already exists and does not belong to this stack".to_owned();
            let advice = "choose another name in the stack file";
            return Err(broken(Cause::Other, "s3 CreateBucket", name, message, advice));
        }
        self.tag(name, tags).await
    }

    /// Every bucket of the account in this region.
    async fn names(&self) -> Result<Vec<String>, ProviderError> {
        let mut names = Vec::new();
        let mut pages = self.0.s3.list_buckets().bucket_region(self.0.region()).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("s3 ListBuckets", "the account", &error))?;
            names.extend(page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name));
        }
        Ok(names)
    }

    async fn tag(&self, name: &str, tags: Vec<Tag>) -> Result<(), ProviderError> {
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(|error| invalid(name, &error))?;
        let answer = self.0.s3.put_bucket_tagging().bucket(name).tagging(tagging).send().await;
        answer.map_err(|error| failure("s3 PutBucketTagging", name, &error)).map(drop)
    }

    async fn differences(&self, name: &str) -> Result<Vec<Difference>, ProviderError> {
        let mut differences = Vec::new();
        if !self.is_private(name).await? {
            differences.push(Difference::in_place("public access", "not blocked", "blocked"));
        }
        let (is, wanted) = (self.encryption(name).await?, ServerSideEncryption::Aes256);
        if is.as_ref() != Some(&wanted) {
            let is = is.as_ref().map_or("none", ServerSideEncryption::as_str);
            differences.push(Difference::in_place("encryption", is, wanted.as_str()));
        }
        Ok(differences)
    }

    async fn is_private(&self, name: &str) -> Result<bool, ProviderError> {
        let found = match self.0.s3.get_public_access_block().bucket(name).send().await {
            Ok(answer) => answer.public_access_block_configuration,
            Err(error) if is(&error, &["NoSuchPublicAccessBlockConfiguration"]) => None,
            Err(error) => return Err(failure("s3 GetPublicAccessBlock", name, &error)),
        };
        let blocks = |found: &PublicAccessBlockConfiguration| {
            [
                found.block_public_acls(),
                found.ignore_public_acls(),
                found.block_public_policy(),
                found.restrict_public_buckets(),
            ]
        };
        Ok(found.is_some_and(|found| blocks(&found).iter().all(|block| *block == Some(true))))
    }

    async fn encryption(&self, name: &str) -> Result<Option<ServerSideEncryption>, ProviderError> {
        let found = match self.0.s3.get_bucket_encryption().bucket(name).send().await {
            Ok(answer) => answer.server_side_encryption_configuration,
            Err(error) if is(&error, &["ServerSideEncryptionConfigurationNotFoundError"]) => None,
            Err(error) => return Err(failure("s3 GetBucketEncryption", name, &error)),
        };
        let rule = found.and_then(|found| found.rules.into_iter().next());
        Ok(rule.and_then(|rule| rule.apply_server_side_encryption_by_default).map(|rule| rule.sse_algorithm))
    }

    /// None when the bucket is not there.
    async fn tags(&self, name: &str) -> Result<Option<Vec<Tag>>, ProviderError> {
        match self.0.s3.get_bucket_tagging().bucket(name).send().await {
            Ok(answer) => Ok(Some(answer.tag_set)),
            Err(error) if is(&error, &["NoSuchTagSet"]) => Ok(Some(Vec::new())),
            Err(error) if is(&error, &["NoSuchBucket"]) => Ok(None),
            Err(error) => Err(failure("s3 GetBucketTagging", name, &error)),
        }
    }

    /// Keeps late writers out. Emptying works without it, only slower, so a refusal is no reason to stop.
    async fn deny_writes(&self, name: &str, spared: Option<&str>) {
        let policy = no_more_writes(&self.0.bucket_arn(name), spared);
        if let Err(error) = self.0.s3.put_bucket_policy().bucket(name).policy(policy.to_string()).send().await {
            tracing::debug!("{}", failure("s3 PutBucketPolicy", name, &error));
        }
    }
}

/// The policy document of a bucket that is being emptied, but for keys that begin with `spared`.
pub fn no_more_writes(bucket_arn: &str, spared: Option<&str>) -> Value {
    let mut statement = json!({"Sid": "NoMoreWrites", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"});
    match spared {
        Some(prefix) => statement["NotResource"] = json!(format!("{bucket_arn}/{prefix}*")),
        None => statement["Resource"] = json!(format!("{bucket_arn}/*")),
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn foreign(why: &str) -> Observed {
    Observed::Foreign { why: why.to_owned() }
}

fn to_tags(tags: Tags, name: &str) -> Result<Vec<Tag>, ProviderError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().map_err(|error| invalid(name, &error));
    tags.into_iter().map(tag).collect()
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key(), tag.value()))
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> ProviderError {
    broken(Cause::Other, "preparing an S3 call", name, error.to_string(), "")
}
