//! What a write or a delete requires of the object that it replaces.

use super::object::Object;
use crate::service_error::ServiceError;

/// A condition on the object of a key, checked in the transaction that changes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// There is none.
    #[default]
    None,
    /// `If-None-Match: *`: there is no object.
    Absent,
    /// `If-Match: *`: there is an object.
    Present,
    /// `If-Match`: there is an object of this ETag.
    ETag(String),
}

impl Condition {
    /// There is an object of this ETag, or of any where it is `*`.
    pub(crate) fn of_etag(etag: String) -> Self {
        if etag == "*" { Self::Present } else { Self::ETag(etag) }
    }

    /// # Errors
    /// `PreconditionFailed`, and `NoSuchKey` where an object is required and there is none (Amazon S3 user guide,
    /// "Add preconditions to S3 operations with conditional requests").
    pub(super) fn check(&self, key: &str, found: Option<&Object>) -> Result<(), ServiceError> {
        match (self, found) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::ETag(etag), Some(object)) if *etag == object.etag => Ok(()),
            (Self::Absent | Self::ETag(_), Some(_)) => Err(failed()),
            (Self::Present | Self::ETag(_), None) => Err(super::no_such_key(key)),
        }
    }
}

fn failed() -> ServiceError {
    ServiceError {
        status: 412,
        code: "PreconditionFailed",
        message: "At least one of the pre-conditions you specified did not hold".to_owned(),
    }
}
