//! DeleteObject and DeleteObjects.

use std::sync::Arc;

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        Delete, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
        ObjectIdentifier,
    },
    s3_error,
};

use super::{
    refuse::{self, refuse_given},
    store::{Condition, Store},
    wire::{answer, condition},
};
use crate::service_error::ServiceError;

/// Amazon S3 API reference, DeleteObjects.
const MOST: usize = 1000;

pub(super) async fn delete_object(
    store: &Arc<Store>,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let DeleteObjectInput {
        bucket,
        bypass_governance_retention,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        if_match,
        if_match_last_modified_time,
        if_match_size,
        key,
        mfa,
        // Whoever would pay: nobody does here.
        request_payer: _,
        version_id,
    } = req.input;
    refuse_given!(bypass_governance_retention, if_match_last_modified_time, if_match_size, mfa);
    refuse::version(version_id.as_deref())?;
    let condition = condition(if_match, None)?;
    store.run(move |store| store.delete(&bucket, &key, &condition)).await?;
    answer(DeleteObjectOutput::default())
}

pub(super) async fn delete_objects(
    store: &Arc<Store>,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let DeleteObjectsInput {
        bucket,
        bypass_governance_retention,
        // The checksum itself is verified before the library takes the body apart.
        checksum_algorithm: _,
        delete: Delete { objects, quiet },
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        mfa,
        // Whoever would pay: nobody does here.
        request_payer: _,
    } = req.input;
    refuse_given!(bypass_governance_retention, mfa);
    if objects.is_empty() || objects.len() > MOST {
        return Err(s3_error!(MalformedXML, "DeleteObjects takes 1 to {MOST} keys, not {}", objects.len()));
    }
    let delete = store.run(move |store| {
        store.bucket(&bucket)?;
        Ok(objects.into_iter().map(|object| delete_one(store, &bucket, object)).collect::<Vec<_>>())
    });
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for result in delete.await? {
        match result {
            Ok(key) => deleted.push(DeletedObject { key: Some(key), ..DeletedObject::default() }),
            Err(error) => errors.push(error),
        }
    }
    if quiet == Some(true) {
        deleted.clear();
    }
    answer(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..DeleteObjectsOutput::default() })
}

/// Deletes one of many objects and returns its key.
fn delete_one(store: &Store, bucket: &str, object: ObjectIdentifier) -> Result<String, Error> {
    let ObjectIdentifier { e_tag, key, last_modified_time, size, version_id } = object;
    let condition = e_tag.map_or(Condition::None, |etag| Condition::of_etag(etag.into_value()));
    let result = if last_modified_time.is_some() || size.is_some() {
        let message = "the stand-in's S3 does not cover a delete by size or time; leave them out".to_owned();
        Err(ServiceError { status: 501, code: "NotImplemented", message })
    } else if !matches!(version_id.as_deref(), None | Some("" | "null")) {
        Err(ServiceError { status: 404, code: "NoSuchVersion", message: "The version does not exist".to_owned() })
    } else {
        store.delete(bucket, &key, &condition)
    };
    match result {
        Ok(()) => Ok(key),
        Err(ServiceError { code, message, .. }) => {
            Err(Error { code: Some(code.to_owned()), key: Some(key), message: Some(message), ..Error::default() })
        }
    }
}
