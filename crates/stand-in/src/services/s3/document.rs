//! Requests whose body is a document about something, not an object's data: read whole, and checked against what the request
//! says of it, which the library does not.

use http::{HeaderMap, Method, Request, request::Parts};
use http_body_util::{BodyExt, Limited};
use s3s::{S3Result, s3_error};
use sha2::{Digest as _, Sha256};

use super::{
    body::{ALGORITHM, Claims, mismatched_sha256},
    refuse,
    store::{Algorithm, Digesting, hex},
    tags::CreationTags,
};

/// The largest document is CompleteMultipartUpload's: ten thousand parts with their checksums.
const LONGEST: usize = 4 << 20;

/// Reads the body of such a request, checks it, and hands the request on; any other goes on untouched, unless it asks for what
/// the library passes over.
pub(super) async fn check(request: Request<s3s::Body>) -> S3Result<Request<s3s::Body>> {
    refuse::newer_headers(request.headers())?;
    if !is_document(&request) {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await;
    let body = body.map_err(|e| s3_error!(IncompleteBody, "the request's body broke off, or is too long: {e}"))?;
    let body = body.to_bytes();
    check_digests(&parts.headers, &body)?;
    if creates_bucket(&parts) {
        parts.extensions.insert(CreationTags::parse(&body));
    }
    Ok(Request::from_parts(parts, s3s::Body::from(body)))
}

/// What puts data names a key, and posts of it are forms.
fn is_document(request: &Request<s3s::Body>) -> bool {
    let path = request.uri().path().trim_start_matches('/');
    let names_key = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let has = |name: &str, words: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().starts_with(words))
    };
    match *request.method() {
        Method::PUT => !names_key && !has("x-amz-content-sha256", "streaming-"),
        Method::POST => !has("content-type", "multipart/form-data") && !has("x-amz-content-sha256", "streaming-"),
        _ => false,
    }
}

fn creates_bucket(request: &Parts) -> bool {
    request.method == Method::PUT && request.uri.query().is_none_or(str::is_empty) && request.uri.path().len() > 1
}

fn check_digests(headers: &HeaderMap, body: &[u8]) -> S3Result {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let sha256 = text("x-amz-content-sha256").filter(|claimed| claimed.len() == 64);
    if sha256.is_some_and(|claimed| claimed != hex(&Sha256::digest(body))) {
        return Err(mismatched_sha256());
    }
    let checksums = Algorithm::ALL.into_iter().filter_map(|one| Some((one, text(&one.header())?)));
    // Of CompleteMultipartUpload they are the object's, not the document's.
    let checksums = if headers.contains_key(ALGORITHM) { checksums.collect() } else { Vec::new() };
    let claims = Claims::read(None, text("content-md5"), checksums, headers, None)?;
    let mut digesting = Digesting::new(claims.algorithm());
    digesting.update(body);
    Ok(claims.check(&digesting.finish())?)
}
