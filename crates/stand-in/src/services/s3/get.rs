//! GetObject and HeadObject.

use std::{ops::Range, sync::Arc};

use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::{
    Body, S3Error, S3Request, S3Response, S3Result,
    dto::{
        ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Range as RangeHeader,
        StreamingBlob, Timestamp, TimestampFormat,
    },
    s3_error,
};

use super::{
    checksums::{checksum_type, set_checksum},
    put::http_date,
    refuse::{self, refuse_given},
    store::{About, Object, Reader, Store},
    wire::{answer, etag},
};
use crate::service_error::ServiceError;

/// What both operations ask for.
struct Asked {
    bucket: String,
    key: String,
    conditions: Conditions,
    part_number: Option<i32>,
    range: Option<RangeHeader>,
    wants_checksum: bool,
    overrides: About,
}

/// What is required of an object that is read.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// What the answer is of an object.
struct Selection {
    range: Range<u64>,
    /// Whether a part of the object was asked for.
    is_partial: bool,
    parts_count: Option<i32>,
}

/// The members of both inputs are the same, and their types are not.
macro_rules! asked {
    ($input:ident, $req:expr) => {{
        let $input {
            bucket,
            checksum_mode,
            // The library's access check reads it, for every operation.
            expected_bucket_owner: _,
            if_match,
            if_modified_since,
            if_none_match,
            if_unmodified_since,
            key,
            part_number,
            range,
            // Whoever would pay: nobody does here.
            request_payer: _,
            response_cache_control,
            response_content_disposition,
            response_content_encoding,
            response_content_language,
            response_content_type,
            response_expires,
            sse_customer_algorithm,
            sse_customer_key,
            sse_customer_key_md5,
            version_id,
        } = $req.input;
        refuse_given!(sse_customer_algorithm, sse_customer_key, sse_customer_key_md5);
        refuse::version(version_id.as_deref())?;
        Asked {
            bucket,
            key,
            conditions: Conditions { if_match, if_none_match, if_modified_since, if_unmodified_since },
            part_number,
            range,
            wants_checksum: checksum_mode.is_some_and(|mode| mode.as_str() == "ENABLED"),
            overrides: About {
                content_type: response_content_type,
                content_encoding: response_content_encoding,
                content_disposition: response_content_disposition,
                content_language: response_content_language,
                cache_control: response_cache_control,
                expires: response_expires.as_ref().map(http_date).transpose()?,
                ..About::default()
            },
        }
    }};
}

/// Both answers say the same of the object.
macro_rules! described {
    ($output:ident, $object:expr, $selection:expr, $asked:expr) => {{
        let (object, selection, asked): (Object, &Selection, Asked) = ($object, $selection, $asked);
        let (about, overrides) = (object.about, asked.overrides);
        let whole = !selection.is_partial && asked.wants_checksum;
        let checksum = about.checksum.as_ref().filter(|_| whole);
        let content_type = overrides.content_type.or(about.content_type);
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            content_length: i64::try_from(selection.range.end - selection.range.start).ok(),
            content_range: selection.header(object.size),
            content_type: content_type.or_else(|| Some("binary/octet-stream".to_owned())),
            content_encoding: overrides.content_encoding.or(about.content_encoding),
            content_disposition: overrides.content_disposition.or(about.content_disposition),
            content_language: overrides.content_language.or(about.content_language),
            cache_control: overrides.cache_control.or(about.cache_control),
            expires: overrides.expires.or(about.expires).as_deref().and_then(parse_http_date),
            website_redirect_location: about.website_redirect_location,
            metadata: Some(about.metadata).filter(|metadata| !metadata.is_empty()),
            e_tag: etag(&object.etag),
            last_modified: Some(object.modified.into()),
            parts_count: selection.parts_count,
            checksum_type: checksum_type(checksum),
            ..$output::default()
        };
        set_checksum!(output, checksum);
        output
    }};
}

pub(super) async fn get_object(
    store: &Arc<Store>,
    req: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let asked = asked!(GetObjectInput, req);
    let (bucket, key) = (asked.bucket.clone(), asked.key.clone());
    let (object, reader) = store.run(move |store| store.read(&bucket, &key)).await?;
    asked.conditions.check(&object)?;
    let selection = asked.select(store, &object).await?;
    let body = Some(stream_of(reader.within(&selection.range)).await?);
    answer(GetObjectOutput { body, ..described!(GetObjectOutput, object, &selection, asked) })
}

pub(super) async fn head_object(
    store: &Arc<Store>,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let asked = asked!(HeadObjectInput, req);
    let (bucket, key) = (asked.bucket.clone(), asked.key.clone());
    let object = store.run(move |store| store.object(&bucket, &key)).await?;
    asked.conditions.check(&object)?;
    let selection = asked.select(store, &object).await?;
    let output = described!(HeadObjectOutput, object, &selection, asked);
    let status = if selection.is_partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    Ok(S3Response::with_status(output, status))
}

/// Data as a body: what is small at once, the rest piece by piece.
async fn stream_of(mut reader: Reader) -> S3Result<StreamingBlob> {
    let (first, reader) = tokio::task::spawn_blocking(move || reader.read().map(|first| (first, reader)))
        .await
        .map_err(S3Error::internal_error)?
        .map_err(|e| s3_error!(e, InternalError, "the data of the object cannot be read"))?;
    if reader.is_at_end() {
        return Ok(Body::from(first).into());
    }
    let rest = stream::try_unfold(reader, |mut reader| async {
        let read = tokio::task::spawn_blocking(move || reader.read().map(|piece| (piece, reader)));
        let (piece, reader) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, reader)))
    });
    Ok(StreamingBlob::wrap(futures::StreamExt::chain(stream::iter([Ok(first)]), rest)))
}

impl Asked {
    async fn select(&self, store: &Arc<Store>, object: &Object) -> S3Result<Selection> {
        match (self.range, self.part_number) {
            (None, None) => Ok(Selection { range: 0..object.size, is_partial: false, parts_count: None }),
            (Some(range), None) => {
                // A suffix of nothing would be nothing, and no header can say so.
                let range = if object.size == 0 { None } else { range.check(object.size).ok() };
                let range = range.ok_or_else(|| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
                Ok(Selection { range, is_partial: true, parts_count: None })
            }
            (None, Some(number)) => self.select_part(store, object, number).await,
            (Some(_), Some(_)) => {
                Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
            }
        }
    }

    async fn select_part(&self, store: &Arc<Store>, object: &Object, number: i32) -> S3Result<Selection> {
        let (part, asked) = (object.clone(), u32::try_from(number).unwrap_or(0));
        let range = store.run(move |store| store.part_range(&part, asked)).await?;
        let range = range.ok_or_else(no_such_part)?;
        let parts_count = object.about.parts.and_then(|parts| i32::try_from(parts).ok());
        Ok(Selection { range, is_partial: true, parts_count })
    }
}

impl Selection {
    fn header(&self, size: u64) -> Option<String> {
        let Range { start, end } = self.range;
        (self.is_partial && start < end).then(|| format!("bytes {start}-{}/{size}", end - 1))
    }
}

impl Conditions {
    /// By the rules of RFC 9110, section 13.2.2, which the API reference repeats.
    fn check(&self, object: &Object) -> S3Result {
        if self.fails(object) {
            return Err(precondition_failed());
        }
        if !self.is_not_modified(object) {
            return Ok(());
        }
        let mut unchanged = s3_error!(NotModified, "Not Modified");
        let mut headers = HeaderMap::new();
        let text = |text: String| HeaderValue::try_from(text).map_err(S3Error::internal_error);
        headers.insert(header::ETAG, text(format!("\"{}\"", object.etag))?);
        headers.insert(header::LAST_MODIFIED, text(http_date(&object.modified.into())?)?);
        unchanged.set_headers(headers);
        Err(unchanged)
    }

    /// The same for the source of a copy, which answers 412 in either case.
    pub(super) fn check_source(&self, object: &Object) -> S3Result {
        if self.fails(object) || self.is_not_modified(object) { Err(precondition_failed()) } else { Ok(()) }
    }

    fn fails(&self, object: &Object) -> bool {
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => !is_met(condition, object),
            (None, Some(time)) => modified(object) > *time,
            (None, None) => false,
        }
    }

    fn is_not_modified(&self, object: &Object) -> bool {
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => is_met(condition, object),
            (None, Some(time)) => modified(object) <= *time,
            (None, None) => false,
        }
    }
}

fn no_such_part() -> ServiceError {
    let message = "The requested partnumber is not satisfiable".to_owned();
    ServiceError { status: 416, code: "InvalidPartNumber", message }
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

fn is_met(condition: &ETagCondition, object: &Object) -> bool {
    condition.as_etag().is_none_or(|etag| etag.value() == object.etag)
}

fn modified(object: &Object) -> Timestamp {
    object.modified.whole_seconds().into()
}

fn parse_http_date(text: &str) -> Option<Timestamp> {
    Timestamp::parse(TimestampFormat::HttpDate, text).ok()
}
