//! PutObject.

use std::sync::Arc;

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{PutObjectInput, PutObjectOutput, Timestamp, TimestampFormat},
    s3_error,
};

use super::{
    body::{Body, Claims},
    checksums::{checksum_type, checksums_of, set_checksum},
    refuse::{self, refuse_given, refuse_locked},
    store::{About, Store},
    wire::{answer, condition, etag},
};

pub(super) async fn put_object(
    store: &Arc<Store>,
    req: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let PutObjectInput {
        acl,
        body,
        bucket,
        bucket_key_enabled,
        cache_control,
        // Read from its header: the library takes another one for it.
        checksum_algorithm: _,
        checksum_crc32,
        checksum_crc32c,
        checksum_crc64nvme,
        checksum_sha1,
        checksum_sha256,
        content_disposition,
        content_encoding,
        content_language,
        content_length,
        content_md5,
        content_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        expires,
        grant_full_control,
        grant_read,
        grant_read_acp,
        grant_write_acp,
        if_match,
        if_none_match,
        key,
        metadata,
        object_lock_legal_hold_status,
        object_lock_mode,
        object_lock_retain_until_date,
        // Whoever would pay: nobody does here.
        request_payer: _,
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        ssekms_encryption_context,
        ssekms_key_id,
        server_side_encryption,
        storage_class,
        tagging,
        website_redirect_location,
        write_offset_bytes,
    } = req.input;
    refuse_given!(grant_full_control, grant_read, grant_read_acp, grant_write_acp, bucket_key_enabled, ssekms_key_id);
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5, ssekms_encryption_context);
    refuse_given!(tagging, write_offset_bytes);
    refuse_locked!(object_lock_legal_hold_status, object_lock_mode, object_lock_retain_until_date);
    refuse::settings(acl.as_ref(), storage_class.as_ref(), server_side_encryption.as_ref())?;
    let condition = condition(if_match, if_none_match)?;
    let checksums = checksums_of!(checksum_crc32, checksum_crc32c, checksum_crc64nvme, checksum_sha1, checksum_sha256);
    let claims = Claims::read(content_length, content_md5, checksums, &req.headers, req.trailing_headers)?;
    let about = About {
        content_type,
        content_encoding: without_aws_chunked(content_encoding),
        content_disposition,
        content_language,
        cache_control,
        expires: expires.as_ref().map(http_date).transpose()?,
        website_redirect_location,
        metadata: metadata.unwrap_or_default(),
        ..About::default()
    };
    let body = Body::receive(store, claims, body).await?;
    let put = store.run(move |store| {
        let mut data = body.finish(store)?;
        let about = About { checksum: data.digest.checksum.take(), ..about };
        store.put((&bucket, &key), data, about, &condition)
    });
    let object = put.await?;
    let checksum = object.about.checksum.as_ref();
    let mut output = PutObjectOutput {
        e_tag: etag(&object.etag),
        checksum_type: checksum_type(checksum),
        server_side_encryption,
        ..PutObjectOutput::default()
    };
    set_checksum!(output, checksum);
    answer(output)
}

/// How a body is sent is not how the object is encoded (Amazon S3 API reference, "Signature Calculations for the
/// Authorization Header: Transferring Payload in Multiple Chunks").
pub(super) fn without_aws_chunked(encoding: Option<String>) -> Option<String> {
    let encoding = encoding?;
    let kept: Vec<&str> = encoding.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
    Some(kept.join(",")).filter(|encoding| !encoding.is_empty())
}

/// Writes a time as headers have it.
pub(super) fn http_date(time: &Timestamp) -> S3Result<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text)
        .map_err(|e| s3_error!(e, InvalidArgument, "a date cannot be written as HTTP has it"))?;
    String::from_utf8(text).map_err(|e| s3_error!(e, InternalError))
}
