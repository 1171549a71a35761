//! Multipart uploads: created, given parts, completed and aborted.

use std::sync::Arc;

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CopyPartResult,
        CreateMultipartUploadInput, CreateMultipartUploadOutput, UploadPartCopyInput, UploadPartCopyOutput,
        UploadPartInput, UploadPartOutput,
    },
    s3_error,
};

use super::{
    body::{Body, Claims, single},
    checksums::{checksum_type, checksums_of, set_checksum},
    copy::{Source, copied, copied_range, named_algorithm},
    get::Conditions,
    list::percent_encoded,
    put::{http_date, without_aws_chunked},
    refuse::{self, refuse_given, refuse_locked},
    store::{About, Algorithm, ChosenPart, Completion, Kind, Plan, Store, Upload},
    wire::{answer, condition, etag},
};

pub(super) async fn create(
    store: &Arc<Store>,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let CreateMultipartUploadInput {
        acl,
        bucket,
        bucket_key_enabled,
        cache_control,
        checksum_algorithm,
        checksum_type,
        content_disposition,
        content_encoding,
        content_language,
        content_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        expires,
        grant_full_control,
        grant_read,
        grant_read_acp,
        grant_write_acp,
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
    } = req.input;
    refuse_given!(grant_full_control, grant_read, grant_read_acp, grant_write_acp, bucket_key_enabled, ssekms_key_id);
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5, ssekms_encryption_context, tagging);
    refuse_locked!(object_lock_legal_hold_status, object_lock_mode, object_lock_retain_until_date);
    refuse::settings(acl.as_ref(), storage_class.as_ref(), server_side_encryption.as_ref())?;
    let checksum = planned_checksum(checksum_algorithm.as_ref(), checksum_type.as_ref())?;
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
    let (plan, at) = (Plan { about, checksum }, (bucket.clone(), key.clone()));
    let id = store.run(move |store| store.create_upload((&at.0, &at.1), &plan)).await?;
    answer(CreateMultipartUploadOutput {
        bucket: Some(bucket),
        key: Some(key),
        upload_id: Some(id),
        checksum_algorithm: checksum.map(|(algorithm, _)| algorithm_named(algorithm)),
        checksum_type: checksum.map(|(_, kind)| kind_named(kind)),
        server_side_encryption,
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn upload_part(
    store: &Arc<Store>,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let UploadPartInput {
        body,
        bucket,
        // Read from its header: the library takes another one for it.
        checksum_algorithm: _,
        checksum_crc32,
        checksum_crc32c,
        checksum_crc64nvme,
        checksum_sha1,
        checksum_sha256,
        content_length,
        content_md5,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        key,
        part_number,
        // Whoever would pay: nobody does here.
        request_payer: _,
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        upload_id,
    } = req.input;
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5);
    let number = valid_number(part_number)?;
    let checksums = checksums_of!(checksum_crc32, checksum_crc32c, checksum_crc64nvme, checksum_sha1, checksum_sha256);
    let claims = Claims::read(content_length, content_md5, checksums, &req.headers, req.trailing_headers)?;
    let at = (bucket, key);
    let upload = find(store, &at, &upload_id).await?;
    if let Some((planned, _)) = upload.plan.checksum
        && claims.algorithm() != Some(planned)
    {
        let brought = claims.algorithm().map_or("null".to_owned(), |algorithm| algorithm.name().to_lowercase());
        let planned = planned.name().to_lowercase();
        return Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {planned}, actual checksum Type: {brought}"
        ));
    }
    let body = Body::receive(store, claims, body).await?;
    let put = store.run(move |store| {
        let data = body.finish(store)?;
        store.put_part((&at.0, &at.1), &upload_id, number, data)
    });
    let part = put.await?;
    let mut output = UploadPartOutput { e_tag: etag(&part.etag), ..UploadPartOutput::default() };
    set_checksum!(output, part.checksum.as_ref());
    answer(output)
}

pub(super) async fn upload_part_copy(
    store: &Arc<Store>,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let UploadPartCopyInput {
        bucket,
        copy_source,
        copy_source_if_match,
        copy_source_if_modified_since,
        copy_source_if_none_match,
        copy_source_if_unmodified_since,
        copy_source_range,
        copy_source_sse_customer_algorithm,
        copy_source_sse_customer_key,
        copy_source_sse_customer_key_md5,
        // The library's access check reads both, for every operation.
        expected_bucket_owner: _,
        expected_source_bucket_owner: _,
        key,
        part_number,
        // Whoever would pay: nobody does here.
        request_payer: _,
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        upload_id,
    } = req.input;
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5);
    refuse_given!(copy_source_sse_customer_algorithm, copy_source_sse_customer_key, copy_source_sse_customer_key_md5);
    let (number, source) = (valid_number(part_number)?, Source::of(&copy_source)?);
    let conditions = Conditions {
        if_match: copy_source_if_match,
        if_none_match: copy_source_if_none_match,
        if_modified_since: copy_source_if_modified_since,
        if_unmodified_since: copy_source_if_unmodified_since,
    };
    let at = (bucket, key);
    let upload = find(store, &at, &upload_id).await?;
    let (original, mut reader) = source.open(store).await?;
    conditions.check_source(&original)?;
    if let Some(range) = copy_source_range {
        reader = reader.within(&copied_range(&range, original.size)?);
    }
    let algorithm = upload.plan.checksum.map(|(algorithm, _)| algorithm);
    let put = store.run(move |store| {
        let data = copied(store, reader, algorithm)?;
        store.put_part((&at.0, &at.1), &upload_id, number, data)
    });
    let part = put.await?;
    let mut result = CopyPartResult {
        e_tag: etag(&part.etag),
        last_modified: Some(part.modified.into()),
        ..CopyPartResult::default()
    };
    set_checksum!(result, part.checksum.as_ref());
    answer(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() })
}

pub(super) async fn complete(
    store: &Arc<Store>,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let CompleteMultipartUploadInput {
        bucket,
        checksum_crc32,
        checksum_crc32c,
        checksum_crc64nvme,
        checksum_sha1,
        checksum_sha256,
        checksum_type: asked_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        if_match,
        if_none_match,
        key,
        mpu_object_size,
        multipart_upload,
        // Whoever would pay: nobody does here.
        request_payer: _,
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        upload_id,
    } = req.input;
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5);
    let parts = multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let completion = Completion {
        parts: parts.into_iter().map(chosen).collect::<S3Result<_>>()?,
        condition: condition(if_match, if_none_match)?,
        size: mpu_object_size.map(valid_size).transpose()?,
        kind: asked_type.as_ref().map(kind_of).transpose()?,
        checksum: single(checksums_of!(
            checksum_crc32,
            checksum_crc32c,
            checksum_crc64nvme,
            checksum_sha1,
            checksum_sha256
        ))?,
    };
    let at = (bucket.clone(), key.clone());
    let object = store.run(move |store| store.complete_upload((&at.0, &at.1), &upload_id, &completion)).await?;
    let checksum = object.about.checksum.as_ref();
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{}", percent_encoded(&key))),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: etag(&object.etag),
        checksum_type: checksum_type(checksum),
        ..CompleteMultipartUploadOutput::default()
    };
    set_checksum!(output, checksum);
    answer(output)
}

pub(super) async fn abort(
    store: &Arc<Store>,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let AbortMultipartUploadInput {
        bucket,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        if_match_initiated_time,
        key,
        // Whoever would pay: nobody does here.
        request_payer: _,
        upload_id,
    } = req.input;
    refuse_given!(if_match_initiated_time);
    store.run(move |store| store.abort_upload((&bucket, &key), &upload_id)).await?;
    answer(AbortMultipartUploadOutput::default())
}

async fn find(store: &Arc<Store>, (bucket, key): &(String, String), id: &str) -> S3Result<Upload> {
    let (bucket, key, id) = (bucket.clone(), key.clone(), id.to_owned());
    Ok(store.run(move |store| store.upload((&bucket, &key), &id)).await?)
}

fn planned_checksum(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> S3Result<Option<(Algorithm, Kind)>> {
    let Some(algorithm) = algorithm.map(named_algorithm).transpose()? else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(s3_error!(InvalidRequest, "x-amz-checksum-type needs an x-amz-checksum-algorithm")),
        };
    };
    let kind = kind.map(kind_of).transpose()?.unwrap_or_else(|| algorithm.default_kind());
    if !algorithm.allows(kind) {
        let (kind, algorithm) = (kind.name(), algorithm.name().to_lowercase());
        return Err(s3_error!(
            InvalidRequest,
            "The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
        ));
    }
    Ok(Some((algorithm, kind)))
}

fn chosen(part: CompletedPart) -> S3Result<ChosenPart> {
    let CompletedPart {
        checksum_crc32,
        checksum_crc32c,
        checksum_crc64nvme,
        checksum_sha1,
        checksum_sha256,
        e_tag,
        part_number,
    } = part;
    let (Some(e_tag), Some(number)) = (e_tag, part_number) else {
        return Err(s3_error!(MalformedXML, "Each part needs a PartNumber and an ETag"));
    };
    let checksums = checksums_of!(checksum_crc32, checksum_crc32c, checksum_crc64nvme, checksum_sha1, checksum_sha256);
    Ok(ChosenPart { number: valid_number(number)?, etag: e_tag.into_value(), checksum: single(checksums)? })
}

/// Amazon S3 user guide, "Amazon S3 multipart upload limits".
fn valid_number(number: i32) -> S3Result<u32> {
    match u32::try_from(number) {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive")),
    }
}

fn valid_size(size: i64) -> S3Result<u64> {
    u64::try_from(size).map_err(|e| s3_error!(e, InvalidArgument, "x-amz-mp-object-size is no size"))
}

fn kind_of(name: &ChecksumType) -> S3Result<Kind> {
    Kind::of_name(name.as_str())
        .ok_or_else(|| s3_error!(InvalidRequest, "Value for x-amz-checksum-type header is invalid."))
}

pub(super) fn kind_named(kind: Kind) -> ChecksumType {
    ChecksumType::from_static(kind.name())
}

pub(super) fn algorithm_named(algorithm: Algorithm) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from_static(algorithm.name())
}
