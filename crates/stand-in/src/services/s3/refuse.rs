//! What S3 has and the stand-in does not: refused wherever it is asked for.

use http::HeaderMap;
use s3s::{
    S3Error, S3Result,
    dto::{EncodingType, ObjectCannedACL, ServerSideEncryption, StorageClass},
    s3_error,
};

/// Refuses a request in which one of these members is given.
macro_rules! refuse_given {
    ($($member:ident),+ $(,)?) => {
        $(if $member.is_some() {
            return Err($crate::services::s3::refuse::not_implemented(stringify!($member)));
        })+
    };
}
pub(super) use refuse_given;

/// Refuses a request in which one of these members is given, in the words of a bucket that was created without Object Lock, as
/// all are here.
macro_rules! refuse_locked {
    ($($member:ident),+ $(,)?) => {
        $(if $member.is_some() {
            return Err(s3s::s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration"));
        })+
    };
}
pub(super) use refuse_locked;

/// Headers of S3 that are newer than the library, which passes over them.
const NEWER_HEADERS: [&str; 10] = [
    "x-amz-bucket-namespace",
    "x-amz-checksum-md5",
    "x-amz-checksum-sha512",
    "x-amz-checksum-xxhash128",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash64",
    "x-amz-object-annotation-directive",
    "x-amz-object-lock-event-hold",
    "x-amz-object-lock-event-hold-duration-days",
    "x-amz-object-lock-event-hold-duration-years",
];

/// Refuses a request with headers that the library would pass over.
pub(super) fn newer_headers(headers: &HeaderMap) -> S3Result {
    match NEWER_HEADERS.iter().find(|name| headers.contains_key(**name)) {
        None => Ok(()),
        Some(name) => Err(not_implemented(name)),
    }
}

/// Refuses something by its name in the API reference, in snake case.
pub(super) fn not_implemented(what: &str) -> S3Error {
    s3_error!(NotImplemented, "the stand-in's S3 does not cover {what}; leave it out")
}

/// What a new object may be told of itself.
pub(super) fn settings(
    acl: Option<&ObjectCannedACL>,
    class: Option<&StorageClass>,
    encrypted: Option<&ServerSideEncryption>,
) -> S3Result {
    self::acl(acl)?;
    storage_class(class)?;
    encryption(encrypted)
}

/// Every object is its owner's alone, which these say in two ways.
fn acl(acl: Option<&ObjectCannedACL>) -> S3Result {
    match acl.map(ObjectCannedACL::as_str) {
        None | Some(ObjectCannedACL::PRIVATE | ObjectCannedACL::BUCKET_OWNER_FULL_CONTROL) => Ok(()),
        Some(other) => Err(not_implemented(&format!("the ACL {other}"))),
    }
}

fn storage_class(class: Option<&StorageClass>) -> S3Result {
    match class.map(StorageClass::as_str) {
        None | Some(StorageClass::STANDARD) => Ok(()),
        Some(other) => Err(not_implemented(&format!("the storage class {other}"))),
    }
}

/// S3 encrypts every object with AES256 unless told otherwise (Amazon S3 user guide, "Protecting data with encryption"), so
/// asking for it changes nothing that a caller could see.
fn encryption(encryption: Option<&ServerSideEncryption>) -> S3Result {
    match encryption.map(ServerSideEncryption::as_str) {
        None | Some(ServerSideEncryption::AES256) => Ok(()),
        Some(other) => Err(not_implemented(&format!("the encryption {other}"))),
    }
}

/// Every object has one version, whose id is `null`.
pub(super) fn version(id: Option<&str>) -> S3Result {
    match id {
        None | Some("" | "null") => Ok(()),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid version id specified")),
    }
}

/// Returns whether a listing is to be percent-encoded.
pub(super) fn encoding(encoding: Option<&EncodingType>) -> S3Result<bool> {
    match encoding.map(EncodingType::as_str) {
        None => Ok(false),
        Some(EncodingType::URL) => Ok(true),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
    }
}

/// Refuses a number that a list cannot have, and returns how many entries it has at most.
pub(super) fn limit(name: &str, given: Option<i32>) -> S3Result<i32> {
    /// Amazon S3 API reference, ListObjectsV2, ListParts and ListMultipartUploads.
    const MOST: i32 = 1000;
    match given {
        Some(negative @ ..0) => Err(s3_error!(InvalidArgument, "{name} is {negative}, and cannot be negative")),
        given => Ok(given.unwrap_or(MOST).min(MOST)),
    }
}
