//! CopyObject, and where it and UploadPartCopy copy from.

use std::{io, ops::Range, sync::Arc};

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        ChecksumAlgorithm, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETagCondition,
        MetadataDirective, TaggingDirective,
    },
    s3_error,
};

use super::{
    checksums::{checksum_type, set_checksum},
    get::Conditions,
    put::http_date,
    refuse::{self, refuse_given, refuse_locked},
    store::{About, Algorithm, Object, Reader, Received, Store},
    wire::{answer, condition, etag},
};
use crate::service_error::ServiceError;

pub(super) async fn copy_object(
    store: &Arc<Store>,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let CopyObjectInput {
        acl,
        bucket,
        bucket_key_enabled,
        cache_control,
        checksum_algorithm,
        content_disposition,
        content_encoding,
        content_language,
        content_type,
        copy_source,
        copy_source_if_match,
        copy_source_if_modified_since,
        copy_source_if_none_match,
        copy_source_if_unmodified_since,
        copy_source_sse_customer_algorithm,
        copy_source_sse_customer_key,
        copy_source_sse_customer_key_md5,
        // The library's access check reads both, for every operation.
        expected_bucket_owner: _,
        expected_source_bucket_owner: _,
        expires,
        grant_full_control,
        grant_read,
        grant_read_acp,
        grant_write_acp,
        key,
        metadata,
        metadata_directive,
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
        tagging_directive,
        website_redirect_location,
    } = req.input;
    refuse_given!(grant_full_control, grant_read, grant_read_acp, grant_write_acp, bucket_key_enabled, ssekms_key_id);
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5, ssekms_encryption_context);
    refuse_given!(copy_source_sse_customer_algorithm, copy_source_sse_customer_key, copy_source_sse_customer_key_md5);
    refuse_given!(tagging);
    refuse_locked!(object_lock_legal_hold_status, object_lock_mode, object_lock_retain_until_date);
    refuse::settings(acl.as_ref(), storage_class.as_ref(), server_side_encryption.as_ref())?;
    if tagging_directive.as_ref().is_some_and(|directive| directive.as_str() != TaggingDirective::COPY) {
        return Err(refuse::not_implemented("a tagging_directive other than COPY"));
    }
    let source = Source::of(&copy_source)?;
    let conditions = Conditions {
        if_match: copy_source_if_match,
        if_none_match: copy_source_if_none_match,
        if_modified_since: copy_source_if_modified_since,
        if_unmodified_since: copy_source_if_unmodified_since,
    };
    let replaces = match metadata_directive.as_ref().map(MetadataDirective::as_str) {
        None | Some(MetadataDirective::COPY) => false,
        Some(MetadataDirective::REPLACE) => true,
        Some(_) => return Err(s3_error!(InvalidArgument, "Unknown metadata directive.")),
    };
    let sets_nothing = !replaces && website_redirect_location.is_none() && server_side_encryption.is_none();
    let changes_nothing = sets_nothing && source.bucket == bucket && source.key == key;
    // Newer than the library: conditions on the object that the copy replaces.
    let tag = |name: &str| req.headers.get(name).map(|value| ETagCondition::parse_http_header(value.as_bytes()));
    let tag = |name| tag(name).transpose().map_err(|e| s3_error!(e, InvalidArgument, "{name} is no ETag"));
    let condition = condition(tag("if-match")?, tag("if-none-match")?)?;
    let algorithm = checksum_algorithm.as_ref().map(named_algorithm).transpose()?;
    let replacement = About {
        content_type,
        content_encoding,
        content_disposition,
        content_language,
        cache_control,
        expires: expires.as_ref().map(http_date).transpose()?,
        metadata: metadata.unwrap_or_default(),
        ..About::default()
    };

    let (original, reader) = source.open(store).await?;
    conditions.check_source(&original)?;
    if changes_nothing {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let copy = store.run(move |store| {
        let algorithm = algorithm.or(original.about.checksum.as_ref().map(|checksum| checksum.algorithm));
        let mut data = copied(store, reader, algorithm)?;
        let about = if replaces { replacement } else { original.about.of_copy() };
        let about = About { website_redirect_location, checksum: data.digest.checksum.take(), ..about };
        store.put((&bucket, &key), data, about, &condition)
    });
    let object = copy.await?;
    let checksum = object.about.checksum.as_ref();
    let mut result = CopyObjectResult {
        e_tag: etag(&object.etag),
        last_modified: Some(object.modified.into()),
        checksum_type: checksum_type(checksum),
        ..CopyObjectResult::default()
    };
    set_checksum!(result, checksum);
    answer(CopyObjectOutput { copy_object_result: Some(result), server_side_encryption, ..CopyObjectOutput::default() })
}

/// The object that is copied.
pub(super) struct Source {
    bucket: String,
    key: String,
}

impl Source {
    pub(super) fn of(source: &CopySource) -> S3Result<Self> {
        match source {
            CopySource::Bucket { bucket, key, version_id } => {
                refuse::version(version_id.as_deref())?;
                Ok(Self { bucket: bucket.to_string(), key: key.to_string() })
            }
            CopySource::AccessPoint { .. } => Err(refuse::not_implemented("a copy_source of an access point")),
            CopySource::Outpost { .. } => Err(refuse::not_implemented("a copy_source of an outpost")),
        }
    }

    pub(super) async fn open(self, store: &Arc<Store>) -> Result<(Object, Reader), ServiceError> {
        store.run(move |store| store.read(&self.bucket, &self.key)).await
    }
}

/// Writes what a reader reads to a data file of its own.
pub(super) fn copied(store: &Store, mut reader: Reader, algorithm: Option<Algorithm>) -> io::Result<Received> {
    let mut incoming = store.receive(algorithm)?;
    loop {
        let piece = reader.read()?;
        if piece.is_empty() {
            return Ok(incoming.finish());
        }
        incoming.write(&piece)?;
    }
}

/// `bytes=FIRST-LAST`, which a copied part has of its source.
pub(super) fn copied_range(header: &str, size: u64) -> S3Result<Range<u64>> {
    let ends = header.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    match ends {
        Some((first, last)) if first <= last && last < size => Ok(first..last + 1),
        Some((first, last)) if first <= last => {
            Err(s3_error!(InvalidArgument, "Range specified is not valid for source object of size: {size}"))
        }
        _ => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        )),
    }
}

pub(super) fn named_algorithm(name: &ChecksumAlgorithm) -> S3Result<Algorithm> {
    Algorithm::of_name(name.as_str())
        .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"))
}
