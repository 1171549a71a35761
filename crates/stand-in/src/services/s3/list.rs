//! ListObjects, ListObjectsV2 and ListObjectVersions.

use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD;
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
        ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass, ObjectVersion,
        ObjectVersionStorageClass, OptionalObjectAttributes, Owner,
    },
    s3_error,
};

use super::{
    refuse,
    store::{Entry, Listed, Page, Span, Store},
    wire::{answer, etag, owner},
};

/// What the three listings have in common.
struct Listing {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    max_keys: i32,
    encodes: bool,
}

impl Listing {
    fn read(
        bucket: String,
        prefix: Option<String>,
        delimiter: Option<String>,
        max_keys: Option<i32>,
        encoding: Option<&EncodingType>,
        attributes: Option<&Vec<OptionalObjectAttributes>>,
    ) -> S3Result<Self> {
        if attributes.is_some_and(|attributes| !attributes.is_empty()) {
            return Err(refuse::not_implemented("optional_object_attributes"));
        }
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
        let max_keys = refuse::limit("max-keys", max_keys)?;
        Ok(Self { bucket, prefix, delimiter, max_keys, encodes: refuse::encoding(encoding)? })
    }

    fn span(&self) -> Span {
        Span {
            prefix: self.prefix.clone().unwrap_or_default(),
            delimiter: self.delimiter.clone(),
            from: Vec::new(),
            limit: usize::try_from(self.max_keys).expect("it is not negative"),
        }
    }

    /// Finds a page of it that begins after a key, if one is given.
    async fn page_after(&self, store: &Arc<Store>, marker: Option<&str>) -> S3Result<Page> {
        let span = marker.into_iter().fold(self.span(), Span::after);
        self.page(store, span).await
    }

    async fn page(&self, store: &Arc<Store>, span: Span) -> S3Result<Page> {
        let bucket = self.bucket.clone();
        let page = store.run(move |store| store.page(&bucket, &span)).await?;
        // Nobody gets any further with pages of no entry.
        Ok(Page { next: page.next.filter(|_| self.max_keys > 0), ..page })
    }

    fn encoding_type(&self) -> Option<EncodingType> {
        self.encodes.then(|| EncodingType::from_static(EncodingType::URL))
    }

    fn encoded(&self, text: &str) -> String {
        if self.encodes { percent_encoded(text) } else { text.to_owned() }
    }

    fn encoded_if_any(&self, text: Option<&str>) -> Option<String> {
        text.map(|text| self.encoded(text))
    }

    /// The keys of a page, each as `show` has it, and its common prefixes.
    fn split<T>(&self, entries: Vec<Entry>, show: impl Fn(&Self, Listed) -> T) -> (Vec<T>, Vec<CommonPrefix>) {
        let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Object(object) => objects.push(show(self, object)),
                Entry::CommonPrefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(self.encoded(&prefix)) }),
            }
        }
        (objects, prefixes)
    }

    fn object(&self, listed: Listed, owner: Option<Owner>) -> Object {
        Object {
            key: Some(self.encoded(&listed.key)),
            size: i64::try_from(listed.size).ok(),
            last_modified: Some(listed.modified.into()),
            e_tag: etag(&listed.etag),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            owner,
            ..Object::default()
        }
    }
}

pub(super) async fn list_objects(
    store: &Arc<Store>,
    req: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let ListObjectsInput {
        bucket,
        delimiter,
        encoding_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        marker,
        max_keys,
        optional_object_attributes,
        prefix,
        // Whoever would pay: nobody does here.
        request_payer: _,
    } = req.input;
    let attributes = optional_object_attributes.as_ref();
    let listing = Listing::read(bucket, prefix, delimiter, max_keys, encoding_type.as_ref(), attributes)?;
    let page = listing.page_after(store, marker.as_deref()).await?;
    let last = page.entries.last().map(|entry| listing.encoded(entry.name()));
    // "Returned only if you have the delimiter request parameter specified" (Amazon S3 API reference, ListObjects): the last
    // key says the same otherwise.
    let next_marker = last.filter(|_| page.next.is_some() && listing.delimiter.is_some());
    let is_truncated = Some(page.next.is_some());
    let (contents, common_prefixes) =
        listing.split(page.entries, |listing, object| listing.object(object, Some(owner())));
    answer(ListObjectsOutput {
        prefix: Some(listing.encoded(listing.prefix.as_deref().unwrap_or_default())),
        marker: Some(listing.encoded(marker.as_deref().unwrap_or_default())),
        delimiter: listing.encoded_if_any(listing.delimiter.as_deref()),
        encoding_type: listing.encoding_type(),
        max_keys: Some(listing.max_keys),
        is_truncated,
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        next_marker,
        name: Some(listing.bucket),
        ..ListObjectsOutput::default()
    })
}

pub(super) async fn list_objects_v2(
    store: &Arc<Store>,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let ListObjectsV2Input {
        bucket,
        continuation_token,
        delimiter,
        encoding_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        fetch_owner,
        max_keys,
        optional_object_attributes,
        prefix,
        // Whoever would pay: nobody does here.
        request_payer: _,
        start_after,
    } = req.input;
    let attributes = optional_object_attributes.as_ref();
    let listing = Listing::read(bucket, prefix, delimiter, max_keys, encoding_type.as_ref(), attributes)?;
    let page = match &continuation_token {
        Some(token) => listing.page(store, Span { from: read_token(token)?, ..listing.span() }).await?,
        None => listing.page_after(store, start_after.as_deref()).await?,
    };
    let next = page.next.map(|key| URL_SAFE_NO_PAD.encode_to_string(key));
    let key_count = i32::try_from(page.entries.len()).ok();
    let shown_owner = (fetch_owner == Some(true)).then(owner);
    let (contents, common_prefixes) =
        listing.split(page.entries, |listing, object| listing.object(object, shown_owner.clone()));
    answer(ListObjectsV2Output {
        prefix: Some(listing.encoded(listing.prefix.as_deref().unwrap_or_default())),
        start_after: listing.encoded_if_any(start_after.as_deref()),
        delimiter: listing.encoded_if_any(listing.delimiter.as_deref()),
        encoding_type: listing.encoding_type(),
        max_keys: Some(listing.max_keys),
        key_count,
        is_truncated: Some(next.is_some()),
        continuation_token,
        next_continuation_token: next,
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        name: Some(listing.bucket),
        ..ListObjectsV2Output::default()
    })
}

pub(super) async fn list_object_versions(
    store: &Arc<Store>,
    req: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let ListObjectVersionsInput {
        bucket,
        delimiter,
        encoding_type,
        // The library's access check reads it, for every operation.
        expected_bucket_owner: _,
        key_marker,
        max_keys,
        optional_object_attributes,
        prefix,
        // Whoever would pay: nobody does here.
        request_payer: _,
        version_id_marker,
    } = req.input;
    if version_id_marker.is_some() && key_marker.is_none() {
        return Err(s3_error!(InvalidArgument, "A version-id marker cannot be specified without a key marker."));
    }
    let attributes = optional_object_attributes.as_ref();
    let listing = Listing::read(bucket, prefix, delimiter, max_keys, encoding_type.as_ref(), attributes)?;
    let page = listing.page_after(store, key_marker.as_deref()).await?;
    let is_truncated = page.next.is_some();
    let last = page.entries.last().filter(|_| is_truncated).map(|entry| listing.encoded(entry.name()));
    let (versions, common_prefixes) = listing.split(page.entries, |listing, object| {
        let Object { key, size, last_modified, e_tag, owner, .. } = listing.object(object, Some(owner()));
        ObjectVersion {
            key,
            size,
            last_modified,
            e_tag,
            owner,
            storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
            is_latest: Some(true),
            // A bucket that was never versioned has one version of each object, and its id is the word null.
            version_id: Some("null".to_owned()),
            ..ObjectVersion::default()
        }
    });
    answer(ListObjectVersionsOutput {
        prefix: Some(listing.encoded(listing.prefix.as_deref().unwrap_or_default())),
        key_marker: Some(listing.encoded(key_marker.as_deref().unwrap_or_default())),
        version_id_marker: Some(version_id_marker.unwrap_or_default()),
        delimiter: listing.encoded_if_any(listing.delimiter.as_deref()),
        encoding_type: listing.encoding_type(),
        max_keys: Some(listing.max_keys),
        is_truncated: Some(is_truncated),
        next_version_id_marker: last.as_ref().map(|_| "null".to_owned()),
        next_key_marker: last,
        versions: Some(versions),
        common_prefixes: Some(common_prefixes),
        name: Some(listing.bucket),
        ..ListObjectVersionsOutput::default()
    })
}

fn read_token(token: &str) -> S3Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode_to_vec(token)
        .map_err(|_| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

/// Encodes all but what is plain in a URL's path.
pub(super) fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}
