//! Between the store's words and those of the S3 library.

use std::time::SystemTime;

use s3s::{
    S3Error, S3Response, S3Result,
    dto::{ETag, ETagCondition, Owner, Timestamp},
    s3_error,
};

use super::store::{Condition, Moment};
use crate::{ACCOUNT, service_error::ServiceError};

impl From<ServiceError> for S3Error {
    fn from(error: ServiceError) -> Self {
        let status = http::StatusCode::from_u16(error.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            return s3_error!(InternalError, "{}", error.message);
        }
        let code = error.code.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        let mut answer = Self::with_message(code, error.message);
        answer.set_status_code(status);
        answer
    }
}

impl From<Moment> for Timestamp {
    fn from(moment: Moment) -> Self {
        SystemTime::from(moment).into()
    }
}

/// Answers 200, or what the output implies.
pub(super) fn answer<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

/// The one owner of everything.
pub(super) fn owner() -> Owner {
    Owner { id: Some(ACCOUNT.to_owned()), ..Owner::default() }
}

/// An ETag as headers and listings have it.
pub(super) fn etag(value: &str) -> Option<ETag> {
    Some(ETag::Strong(value.to_owned()))
}

/// What a write or a delete requires by its headers.
///
/// # Errors
/// Both are given, or If-None-Match is not `*` (Amazon S3 API reference, PutObject).
pub(super) fn condition(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Condition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::None),
        (Some(ETagCondition::Any), None) => Ok(Condition::Present),
        (Some(ETagCondition::ETag(etag)), None) => Ok(Condition::ETag(etag.into_value())),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Absent),
        (None, Some(ETagCondition::ETag(_))) => {
            Err(s3_error!(NotImplemented, "A write takes no other If-None-Match than *"))
        }
        (Some(_), Some(_)) => Err(s3_error!(NotImplemented, "A write takes If-Match or If-None-Match, not both")),
    }
}
