//! ListMultipartUploads and ListParts.

use std::sync::Arc;

use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, EncodingType, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
        ListPartsOutput, MultipartUpload, Part, StorageClass,
    },
    s3_error,
};

use super::{
    checksums::set_checksum,
    list::percent_encoded,
    multipart::{algorithm_named, kind_named},
    refuse::{self, refuse_given},
    store::{Store, Upload},
    wire::{answer, etag, owner},
};

pub(super) async fn list_parts(
    store: &Arc<Store>,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let ListPartsInput {
        bucket,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        key,
        max_parts,
        part_number_marker,
        // Whoever would pay: nobody does here.
        request_payer: _,
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        upload_id,
    } = req.input;
    refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5);
    let max_parts = refuse::limit("max-parts", max_parts)?;
    let marker = u32::try_from(part_number_marker.unwrap_or(0))
        .map_err(|e| s3_error!(e, InvalidArgument, "part-number-marker is no number of a part"))?;
    let (at, id) = ((bucket.clone(), key.clone()), upload_id.clone());
    let (upload, mut parts) = store.run(move |store| store.parts((&at.0, &at.1), &id, marker)).await?;
    let limit = usize::try_from(max_parts).expect("it is not negative");
    let is_truncated = parts.len() > limit && limit > 0;
    parts.truncate(limit);
    let last = parts.last().map_or(marker, |part| part.number);
    let parts = parts.into_iter().map(|part| {
        let mut listed = Part {
            part_number: i32::try_from(part.number).ok(),
            size: i64::try_from(part.size).ok(),
            last_modified: Some(part.modified.into()),
            e_tag: etag(&part.etag),
            ..Part::default()
        };
        set_checksum!(listed, part.checksum.as_ref());
        listed
    });
    answer(ListPartsOutput {
        parts: Some(parts.collect()),
        bucket: Some(bucket),
        key: Some(key),
        upload_id: Some(upload_id),
        max_parts: Some(max_parts),
        part_number_marker: i32::try_from(marker).ok(),
        next_part_number_marker: i32::try_from(last).ok(),
        is_truncated: Some(is_truncated),
        owner: Some(owner()),
        initiator: Some(initiator()),
        storage_class: Some(standard()),
        checksum_algorithm: upload.plan.checksum.map(|(algorithm, _)| algorithm_named(algorithm)),
        checksum_type: upload.plan.checksum.map(|(_, kind)| kind_named(kind)),
        ..ListPartsOutput::default()
    })
}

pub(super) async fn list_uploads(
    store: &Arc<Store>,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let ListMultipartUploadsInput {
        bucket,
        delimiter,
        encoding_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        key_marker,
        max_uploads,
        prefix,
        // Whoever would pay: nobody does here.
        request_payer: _,
        upload_id_marker,
    } = req.input;
    let encodes = refuse::encoding(encoding_type.as_ref())?;
    let max_uploads = refuse::limit("max-uploads", max_uploads)?;
    let prefix = prefix.unwrap_or_default();
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
    let (name, begin) = (bucket.clone(), prefix.clone());
    let uploads = store.run(move |store| store.uploads(&name, &begin)).await?;

    let rest = after_marker(uploads, key_marker.as_deref(), upload_id_marker.as_deref());
    let limit = usize::try_from(max_uploads).expect("it is not negative");
    let page = UploadsPage::of(rest, &prefix, delimiter.as_deref(), key_marker.as_deref(), limit);
    let encoded = |text: &str| if encodes { percent_encoded(text) } else { text.to_owned() };
    let shown = |upload: Upload| MultipartUpload {
        key: Some(encoded(&upload.key)),
        upload_id: Some(upload.id),
        initiated: Some(upload.initiated.into()),
        owner: Some(owner()),
        initiator: Some(initiator()),
        storage_class: Some(standard()),
        checksum_algorithm: upload.plan.checksum.map(|(algorithm, _)| algorithm_named(algorithm)),
        checksum_type: upload.plan.checksum.map(|(_, kind)| kind_named(kind)),
    };
    let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encoded(prefix)) });
    answer(ListMultipartUploadsOutput {
        bucket: Some(bucket),
        prefix: Some(encoded(&prefix)),
        delimiter: delimiter.as_deref().map(encoded),
        encoding_type: encodes.then(|| EncodingType::from_static(EncodingType::URL)),
        key_marker: Some(encoded(key_marker.as_deref().unwrap_or_default())),
        upload_id_marker: Some(upload_id_marker.unwrap_or_default()),
        max_uploads: Some(max_uploads),
        is_truncated: Some(page.next.is_some()),
        next_key_marker: page.next.as_ref().map(|(key, _)| encoded(key)),
        next_upload_id_marker: page.next.as_ref().map(|(_, id)| id.clone()),
        common_prefixes: Some(prefixes.collect()),
        uploads: Some(page.uploads.into_iter().map(shown).collect()),
        ..ListMultipartUploadsOutput::default()
    })
}

/// A page of a bucket's uploads.
#[derive(Default)]
struct UploadsPage {
    uploads: Vec<Upload>,
    prefixes: Vec<String>,
    /// The key and the upload id that the next page begins after, if there is one.
    next: Option<(String, String)>,
}

impl UploadsPage {
    fn of(all: Vec<Upload>, prefix: &str, delimiter: Option<&str>, marker: Option<&str>, limit: usize) -> Self {
        let (mut page, mut last) = (Self::default(), (String::new(), String::new()));
        for upload in all {
            let rest = &upload.key[prefix.len()..];
            let at = delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            let common = at.map(|at| upload.key[..prefix.len() + at].to_owned());
            if common.is_some() && (common.as_ref() == page.prefixes.last() || common.as_deref() <= marker) {
                continue;
            }
            if page.uploads.len() + page.prefixes.len() == limit {
                page.next = Some(last).filter(|_| limit > 0);
                break;
            }
            match common {
                Some(common) => {
                    last = (common.clone(), String::new());
                    page.prefixes.push(common);
                }
                None => {
                    last = (upload.key.clone(), upload.id.clone());
                    page.uploads.push(upload);
                }
            }
        }
        page
    }
}

/// Those after a key, and after an upload of that key where one is named.
fn after_marker(mut uploads: Vec<Upload>, key: Option<&str>, id: Option<&str>) -> Vec<Upload> {
    let Some(key) = key else { return uploads };
    let named = uploads.iter().position(|upload| upload.key == key && Some(upload.id.as_str()) == id);
    let begin = match named {
        Some(named) => named + 1,
        None => uploads.partition_point(|upload| upload.key.as_str() <= key),
    };
    uploads.split_off(begin)
}

fn standard() -> StorageClass {
    StorageClass::from_static(StorageClass::STANDARD)
}

fn initiator() -> Initiator {
    Initiator { id: owner().id, ..Initiator::default() }
}
