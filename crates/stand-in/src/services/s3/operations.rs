//! The S3 operations: objects by the library, buckets and what it lacks by us.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, dto::*, s3_error};
use s3s_fs::FileSystem;

use super::{
    bucket::{Bucket, Buckets, Upload, name_problem},
    tags::CreationTags,
    turns::Turns,
};
use crate::{ACCOUNT, durable::Durable};

/// Buckets of ours over the objects of the library.
pub(super) struct Operations {
    files: FileSystem,
    buckets: Arc<Durable<Buckets>>,
    root: std::path::PathBuf,
    turns: Turns,
}

impl Operations {
    /// Over the objects in `root`.
    pub(super) fn new(root: &Path, buckets: Arc<Durable<Buckets>>) -> io::Result<Self> {
        let files = FileSystem::new(root).map_err(|e| io::Error::other(format!("{e:?}")))?;
        Ok(Self { files, buckets, root: root.to_owned(), turns: Turns::default() })
    }

    fn bucket(&self, name: &str) -> S3Result<Bucket> {
        self.buckets
            .read()
            .get(name)
            .cloned()
            .ok_or_else(|| s3_error!(NoSuchBucket, "the bucket {name} does not exist"))
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Bucket)) -> S3Result<()> {
        self.buckets.change(|buckets| match buckets.get_mut(name) {
            Some(bucket) => {
                change(bucket);
                Ok(())
            }
            None => Err(Refusal(s3_error!(NoSuchBucket, "the bucket {name} does not exist"))),
        })?;
        Ok(())
    }

    fn admit_put(&self, bucket: &str, key: &str) -> S3Result<()> {
        if self.bucket(bucket)?.denies_put(bucket, key) {
            return Err(s3_error!(AccessDenied, "denied by the bucket's policy"));
        }
        Ok(())
    }

    /// A put that names what it replaces needs something to replace (S3 user guide, "Conditional writes"); the library
    /// compares the rest.
    fn must_be_there(&self, bucket: &str, key: &str, if_match: Option<&IfMatch>) -> S3Result<()> {
        if if_match.is_none() || self.root.join(bucket).join(key).is_file() {
            return Ok(());
        }
        Err(s3_error!(NoSuchKey, "If-Match: the key {key} does not exist"))
    }

    /// The library keeps what it knows of an object in a file beside the buckets, and leaves that when the object goes.
    fn forget_objects(&self, bucket: &str) -> io::Result<()> {
        let notes = format!(".bucket-{}.object-", base64_simd::URL_SAFE_NO_PAD.encode_to_string(bucket));
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&notes) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn is_empty(&self, bucket: &str) -> io::Result<bool> {
        let mut folders = vec![self.root.join(bucket)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    return Ok(false);
                }
                folders.push(entry.path());
            }
        }
        Ok(true)
    }
}

/// An error that a change of the durable state may end with.
struct Refusal(s3s::S3Error);

impl From<io::Error> for Refusal {
    fn from(e: io::Error) -> Self {
        Self(s3_error!(e, InternalError, "the stand-in cannot keep its state"))
    }
}

impl From<Refusal> for s3s::S3Error {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}

fn internal(e: io::Error) -> s3s::S3Error {
    s3_error!(e, InternalError, "the stand-in cannot use its files")
}

/// A 404 whose code the library has no name for.
fn not_configured(code: &'static str, message: &'static str) -> s3s::S3Error {
    let mut error = s3s::S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

fn answer<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn pairs(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect()
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let name = req.input.bucket;
        if let Some(problem) = name_problem(&name) {
            return Err(s3_error!(InvalidBucketName, "{}", problem));
        }
        let tags = req.extensions.get::<CreationTags>().cloned().unwrap_or_default();
        let ownership = req.input.object_ownership.map(|ownership| ownership.as_str().to_owned());
        std::fs::create_dir_all(self.root.join(&name)).map_err(internal)?;
        // In us-east-1 a bucket that the caller owns already answers 200 (S3 API reference, CreateBucket); it keeps its tags.
        self.buckets.change(|buckets| {
            let fresh = || Bucket { created: now(), tags: tags.0, ownership, ..Bucket::default() };
            buckets.entry(name.clone()).or_insert_with(fresh);
            Ok::<_, Refusal>(())
        })?;
        answer(CreateBucketOutput { location: Some(format!("/{name}")) })
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        let name = req.input.bucket;
        let bucket = self.bucket(&name)?;
        if !bucket.uploads.is_empty() || !self.is_empty(&name).map_err(internal)? {
            return Err(s3_error!(BucketNotEmpty, "the bucket {name} you tried to delete is not empty"));
        }
        std::fs::remove_dir_all(self.root.join(&name)).map_err(internal)?;
        self.forget_objects(&name).map_err(internal)?;
        self.buckets.change(|buckets| {
            buckets.remove(&name);
            Ok::<_, Refusal>(())
        })?;
        answer(DeleteBucketOutput {})
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.bucket(&req.input.bucket)?;
        let bucket_region = Some(crate::REGION.to_owned());
        answer(HeadBucketOutput { bucket_region, ..Default::default() })
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.bucket(&req.input.bucket)?;
        answer(GetBucketLocationOutput::default())
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let prefix = req.input.prefix.unwrap_or_default();
        let buckets = self.buckets.read();
        let found =
            buckets.iter().filter(|(name, _)| name.starts_with(&prefix)).map(|(name, bucket)| s3s::dto::Bucket {
                name: Some(name.clone()),
                creation_date: Some(timestamp(bucket.created)),
                ..Default::default()
            });
        let owner = Owner { id: Some(ACCOUNT.to_owned()), ..Default::default() };
        answer(ListBucketsOutput { buckets: Some(found.collect()), owner: Some(owner), ..Default::default() })
    }

    async fn put_bucket_tagging(
        &self,
        req: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let tags = pairs(req.input.tagging.tag_set);
        self.change(&req.input.bucket, |bucket| bucket.tags = tags)?;
        answer(PutBucketTaggingOutput::default())
    }

    async fn get_bucket_tagging(
        &self,
        req: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let tags = self.bucket(&req.input.bucket)?.tags;
        if tags.is_empty() {
            return Err(s3_error!(NoSuchTagSet, "the bucket has no tags"));
        }
        let tag_set = tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
        answer(GetBucketTaggingOutput { tag_set })
    }

    async fn delete_bucket_tagging(
        &self,
        req: S3Request<DeleteBucketTaggingInput>,
    ) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
        self.change(&req.input.bucket, |bucket| bucket.tags.clear())?;
        answer(DeleteBucketTaggingOutput::default())
    }

    async fn put_bucket_encryption(
        &self,
        req: S3Request<PutBucketEncryptionInput>,
    ) -> S3Result<S3Response<PutBucketEncryptionOutput>> {
        let encryption = req.input.server_side_encryption_configuration;
        self.change(&req.input.bucket, |bucket| bucket.encryption = Some(encryption))?;
        answer(PutBucketEncryptionOutput::default())
    }

    async fn get_bucket_encryption(
        &self,
        req: S3Request<GetBucketEncryptionInput>,
    ) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
        let encryption = self.bucket(&req.input.bucket)?.encryption.ok_or_else(|| {
            s3_error!(ServerSideEncryptionConfigurationNotFoundError, "the bucket has no default encryption")
        })?;
        answer(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(encryption) })
    }

    async fn put_public_access_block(
        &self,
        req: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        let block = req.input.public_access_block_configuration;
        self.change(&req.input.bucket, |bucket| bucket.public_access = Some(block))?;
        answer(PutPublicAccessBlockOutput::default())
    }

    async fn get_public_access_block(
        &self,
        req: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let missing =
            || not_configured("NoSuchPublicAccessBlockConfiguration", "the bucket has no public access block");
        let block = self.bucket(&req.input.bucket)?.public_access.ok_or_else(missing)?;
        answer(GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) })
    }

    async fn put_bucket_ownership_controls(
        &self,
        req: S3Request<PutBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<PutBucketOwnershipControlsOutput>> {
        let rule = req.input.ownership_controls.rules.into_iter().next();
        let rule = rule.ok_or_else(|| s3_error!(MalformedXML, "ownership controls need one rule"))?;
        let ownership = rule.object_ownership.as_str().to_owned();
        self.change(&req.input.bucket, |bucket| bucket.ownership = Some(ownership))?;
        answer(PutBucketOwnershipControlsOutput::default())
    }

    async fn get_bucket_ownership_controls(
        &self,
        req: S3Request<GetBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
        let ownership = self.bucket(&req.input.bucket)?.ownership;
        let ownership = ownership
            .ok_or_else(|| s3_error!(OwnershipControlsNotFoundError, "the bucket has no ownership controls"))?;
        let rules = vec![OwnershipControlsRule { object_ownership: ownership.into() }];
        answer(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules }) })
    }

    async fn put_bucket_policy(
        &self,
        req: S3Request<PutBucketPolicyInput>,
    ) -> S3Result<S3Response<PutBucketPolicyOutput>> {
        let policy = req.input.policy;
        let document = serde_json::from_str::<serde_json::Value>(&policy);
        if !document.is_ok_and(|document| document["Statement"].is_array() || document["Statement"].is_object()) {
            return Err(s3_error!(MalformedPolicy, "the policy is not a JSON object with a Statement"));
        }
        self.change(&req.input.bucket, |bucket| bucket.policy = Some(policy))?;
        answer(PutBucketPolicyOutput::default())
    }

    async fn get_bucket_policy(
        &self,
        req: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        let policy = self.bucket(&req.input.bucket)?.policy;
        let policy = policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "the bucket has no policy"))?;
        answer(GetBucketPolicyOutput { policy: Some(policy) })
    }

    async fn delete_bucket_policy(
        &self,
        req: S3Request<DeleteBucketPolicyInput>,
    ) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
        self.change(&req.input.bucket, |bucket| bucket.policy = None)?;
        answer(DeleteBucketPolicyOutput::default())
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.bucket(&req.input.bucket)?;
        answer(GetBucketVersioningOutput::default())
    }

    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let page = req.map_input(|input| ListObjectsV2Input {
            bucket: input.bucket,
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: input.max_keys,
            start_after: input.key_marker,
            ..Default::default()
        });
        let page = self.list_objects_v2(page).await?.output;
        let version = |object: Object| ObjectVersion {
            key: object.key,
            size: object.size,
            last_modified: object.last_modified,
            is_latest: Some(true),
            // A bucket that was never versioned has one version of each object, and its id is the word null.
            version_id: Some("null".to_owned()),
            ..Default::default()
        };
        answer(ListObjectVersionsOutput {
            name: page.name,
            prefix: page.prefix,
            max_keys: page.max_keys,
            is_truncated: page.is_truncated,
            next_version_id_marker: page.next_continuation_token.as_ref().map(|_| "null".to_owned()),
            next_key_marker: page.next_continuation_token,
            common_prefixes: page.common_prefixes,
            versions: page.contents.map(|objects| objects.into_iter().map(version).collect()),
            ..Default::default()
        })
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let (bucket, key) = (&req.input.bucket, &req.input.key);
        self.admit_put(bucket, key)?;
        let _turn = self.turns.take(bucket, key).await;
        self.must_be_there(bucket, key, req.input.if_match.as_ref())?;
        self.files.put_object(req).await
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        self.admit_put(&req.input.bucket, &req.input.key)?;
        self.files.copy_object(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.admit_put(&bucket, &key)?;
        let created = self.files.create_multipart_upload(req).await?;
        let upload_id = created.output.upload_id.clone().unwrap_or_default();
        self.change(&bucket, |bucket| {
            bucket.uploads.insert(upload_id, Upload { key, initiated: now() });
        })?;
        Ok(created)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let (bucket, upload_id) = (req.input.bucket.clone(), req.input.upload_id.clone());
        self.admit_put(&bucket, &req.input.key)?;
        let _turn = self.turns.take(&bucket, &req.input.key).await;
        self.must_be_there(&bucket, &req.input.key, req.input.if_match.as_ref())?;
        let completed = self.files.complete_multipart_upload(req).await?;
        self.change(&bucket, |bucket| {
            bucket.uploads.remove(&upload_id);
        })?;
        Ok(completed)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let (name, upload_id) = (req.input.bucket.clone(), req.input.upload_id.clone());
        if !self.bucket(&name)?.uploads.contains_key(&upload_id) {
            return Err(s3_error!(NoSuchUpload, "the upload {upload_id} does not exist"));
        }
        let aborted = self.files.abort_multipart_upload(req).await?;
        self.change(&name, |bucket| {
            bucket.uploads.remove(&upload_id);
        })?;
        Ok(aborted)
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let bucket = self.bucket(&req.input.bucket)?;
        let prefix = req.input.prefix.unwrap_or_default();
        let open = bucket.uploads.into_iter().filter(|(_, upload)| upload.key.starts_with(&prefix));
        let uploads = open.map(|(upload_id, upload)| MultipartUpload {
            upload_id: Some(upload_id),
            key: Some(upload.key),
            initiated: Some(timestamp(upload.initiated)),
            ..Default::default()
        });
        answer(ListMultipartUploadsOutput {
            bucket: Some(req.input.bucket),
            uploads: Some(uploads.collect()),
            is_truncated: Some(false),
            ..Default::default()
        })
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.get_object(req).await
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.head_object(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.bucket(&req.input.bucket)?;
        let _turn = self.turns.take(&req.input.bucket, &req.input.key).await;
        self.files.delete_object(req).await
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.delete_objects(req).await
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.list_objects(req).await
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.bucket(&req.input.bucket)?;
        self.files.list_objects_v2(req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.upload_part(req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.upload_part_copy(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.bucket(&req.input.bucket)?;
        self.files.list_parts(req).await
    }
}
