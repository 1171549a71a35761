//! The S3 operations, as the library's trait has them: those of buckets are here, the others in files of their own.

use std::sync::Arc;

use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, dto::*, s3_error};

use super::{
    copy, delete, get, list, multipart, put,
    refuse::{self, refuse_given},
    store::{Bucket, Moment, Store, name_problem},
    tags::CreationTags,
    uploads,
    wire::{answer, owner},
};
use crate::{REGION, region::Region, tags::reserved};

/// The operations over a store.
pub(super) struct Operations(pub(super) Arc<Store>);

impl Operations {
    async fn bucket(&self, name: String) -> S3Result<Bucket> {
        Ok(self.0.run(move |store| store.bucket(&name)).await?)
    }

    async fn change(&self, name: String, change: impl FnOnce(&mut Bucket) + Send + 'static) -> S3Result<()> {
        Ok(self.0.run(move |store| store.change_bucket(&name, change)).await?)
    }
}

/// A 404 whose code the library has no name for.
fn not_configured(code: &'static str, message: &'static str) -> s3s::S3Error {
    let mut error = s3s::S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

fn pairs(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect()
}

fn check_tags(tags: &[(String, String)]) -> S3Result {
    reserved(tags.iter().map(|(key, _)| key)).map_or(Ok(()), |problem| Err(s3_error!(InvalidTag, "{problem}")))
}

/// Amazon S3 API reference, ListBuckets.
const MOST_BUCKETS: i32 = 10_000;

/// The region that a request is for; every bucket is in it.
fn region(extensions: &http::Extensions) -> &str {
    extensions.get::<Region>().map_or(REGION, Region::name)
}

fn check_location(configuration: Option<CreateBucketConfiguration>, region: &str) -> S3Result {
    let Some(CreateBucketConfiguration { bucket, location, location_constraint }) = configuration else {
        return Ok(());
    };
    refuse_given!(bucket, location);
    match location_constraint {
        Some(wanted) if wanted.as_str() != region => Err(s3_error!(
            IllegalLocationConstraintException,
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to: it is in {region}",
            wanted.as_str()
        )),
        _ => Ok(()),
    }
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let CreateBucketInput {
            acl,
            bucket: name,
            create_bucket_configuration,
            grant_full_control,
            grant_read,
            grant_read_acp,
            grant_write,
            grant_write_acp,
            object_lock_enabled_for_bucket,
            object_ownership,
        } = req.input;
        refuse_given!(grant_full_control, grant_read, grant_read_acp, grant_write, grant_write_acp);
        if let Some(acl) = acl.filter(|acl| acl.as_str() != BucketCannedACL::PRIVATE) {
            return Err(refuse::not_implemented(&format!("the ACL {}", acl.as_str())));
        }
        if object_lock_enabled_for_bucket == Some(true) {
            return Err(refuse::not_implemented("object_lock_enabled_for_bucket"));
        }
        check_location(create_bucket_configuration, region(&req.extensions))?;
        if let Some(problem) = name_problem(&name) {
            return Err(s3_error!(InvalidBucketName, "{}", problem));
        }
        let tags = req.extensions.get::<CreationTags>().cloned().unwrap_or_default().0;
        check_tags(&tags)?;
        let ownership = object_ownership.map(|ownership| ownership.as_str().to_owned());
        let bucket = Bucket { created: Moment::now().whole_seconds(), tags, ownership, ..Bucket::default() };
        let location = Some(format!("/{name}"));
        // In us-east-1 a bucket that the caller owns already answers 200 (S3 API reference, CreateBucket); it keeps its tags.
        self.0.run(move |store| store.create_bucket(&name, &bucket)).await?;
        answer(CreateBucketOutput { location })
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.0.run(move |store| store.delete_bucket(&req.input.bucket)).await?;
        answer(DeleteBucketOutput {})
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket_region = Some(region(&req.extensions).to_owned());
        self.bucket(req.input.bucket).await?;
        answer(HeadBucketOutput { bucket_region, ..Default::default() })
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        // None for us-east-1 (S3 API reference, GetBucketLocation).
        let location = Some(region(&req.extensions)).filter(|region| *region != REGION);
        let location_constraint = location.map(|region| BucketLocationConstraint::from(region.to_owned()));
        self.bucket(req.input.bucket).await?;
        answer(GetBucketLocationOutput { location_constraint })
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let ListBucketsInput { bucket_region, continuation_token, max_buckets, prefix } = req.input;
        let (prefix, after) = (prefix.unwrap_or_default(), continuation_token.unwrap_or_default());
        let in_region = bucket_region.is_none_or(|wanted| wanted == region(&req.extensions));
        let most = usize::try_from(max_buckets.unwrap_or(MOST_BUCKETS)).unwrap_or(0);
        if !(1..=MOST_BUCKETS as usize).contains(&most) {
            return Err(s3_error!(InvalidArgument, "max-buckets must be between 1 and {MOST_BUCKETS}"));
        }
        let mut found = self.0.run(|store| store.buckets()).await?;
        found.retain(|(name, _)| in_region && name.starts_with(&prefix) && *name > after);
        let is_truncated = found.len() > most;
        found.truncate(most);
        let continuation_token = found.last().filter(|_| is_truncated).map(|(name, _)| name.clone());
        let found = found.into_iter().map(|(name, bucket)| s3s::dto::Bucket {
            name: Some(name),
            creation_date: Some(bucket.created.into()),
            ..Default::default()
        });
        answer(ListBucketsOutput {
            buckets: Some(found.collect()),
            owner: Some(owner()),
            continuation_token,
            prefix: Some(prefix).filter(|prefix| !prefix.is_empty()),
        })
    }

    async fn put_bucket_tagging(
        &self,
        req: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let tags = pairs(req.input.tagging.tag_set);
        check_tags(&tags)?;
        self.change(req.input.bucket, move |bucket| bucket.tags = tags).await?;
        answer(PutBucketTaggingOutput::default())
    }

    async fn get_bucket_tagging(
        &self,
        req: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let tags = self.bucket(req.input.bucket).await?.tags;
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
        self.change(req.input.bucket, |bucket| bucket.tags.clear()).await?;
        answer(DeleteBucketTaggingOutput::default())
    }

    async fn put_bucket_encryption(
        &self,
        req: S3Request<PutBucketEncryptionInput>,
    ) -> S3Result<S3Response<PutBucketEncryptionOutput>> {
        let encryption = req.input.server_side_encryption_configuration;
        self.change(req.input.bucket, move |bucket| bucket.encryption = Some(encryption)).await?;
        answer(PutBucketEncryptionOutput::default())
    }

    async fn get_bucket_encryption(
        &self,
        req: S3Request<GetBucketEncryptionInput>,
    ) -> S3Result<S3Response<GetBucketEncryptionOutput>> {
        let encryption = self.bucket(req.input.bucket).await?.encryption.ok_or_else(|| {
            s3_error!(ServerSideEncryptionConfigurationNotFoundError, "the bucket has no default encryption")
        })?;
        answer(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(encryption) })
    }

    async fn put_public_access_block(
        &self,
        req: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        let block = req.input.public_access_block_configuration;
        self.change(req.input.bucket, move |bucket| bucket.public_access = Some(block)).await?;
        answer(PutPublicAccessBlockOutput::default())
    }

    async fn get_public_access_block(
        &self,
        req: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let missing =
            || not_configured("NoSuchPublicAccessBlockConfiguration", "the bucket has no public access block");
        let block = self.bucket(req.input.bucket).await?.public_access.ok_or_else(missing)?;
        answer(GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) })
    }

    async fn put_bucket_ownership_controls(
        &self,
        req: S3Request<PutBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<PutBucketOwnershipControlsOutput>> {
        let rule = req.input.ownership_controls.rules.into_iter().next();
        let rule = rule.ok_or_else(|| s3_error!(MalformedXML, "ownership controls need one rule"))?;
        let ownership = rule.object_ownership.as_str().to_owned();
        self.change(req.input.bucket, move |bucket| bucket.ownership = Some(ownership)).await?;
        answer(PutBucketOwnershipControlsOutput::default())
    }

    async fn get_bucket_ownership_controls(
        &self,
        req: S3Request<GetBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
        let ownership = self.bucket(req.input.bucket).await?.ownership;
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
        self.change(req.input.bucket, move |bucket| bucket.policy = Some(policy)).await?;
        answer(PutBucketPolicyOutput::default())
    }

    async fn get_bucket_policy(
        &self,
        req: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        let policy = self.bucket(req.input.bucket).await?.policy;
        let policy = policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "the bucket has no policy"))?;
        answer(GetBucketPolicyOutput { policy: Some(policy) })
    }

    async fn delete_bucket_policy(
        &self,
        req: S3Request<DeleteBucketPolicyInput>,
    ) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
        self.change(req.input.bucket, |bucket| bucket.policy = None).await?;
        answer(DeleteBucketPolicyOutput::default())
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.bucket(req.input.bucket).await?;
        answer(GetBucketVersioningOutput::default())
    }

    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        list::list_object_versions(&self.0, req).await
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        put::put_object(&self.0, req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        get::get_object(&self.0, req).await
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        get::head_object(&self.0, req).await
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        copy::copy_object(&self.0, req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        delete::delete_object(&self.0, req).await
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        delete::delete_objects(&self.0, req).await
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        list::list_objects(&self.0, req).await
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        list::list_objects_v2(&self.0, req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::create(&self.0, req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::upload_part(&self.0, req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        multipart::upload_part_copy(&self.0, req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(&self.0, req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(&self.0, req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        uploads::list_parts(&self.0, req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        uploads::list_uploads(&self.0, req).await
    }
}
