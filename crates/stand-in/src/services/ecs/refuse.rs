//! What ECS refuses, in its words.

use super::ServiceError;

/// The request cannot be carried out as it is.
pub(super) fn client(message: impl Into<String>) -> ServiceError {
    ServiceError::client("ClientException", message)
}

pub(super) fn parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::client("InvalidParameterException", message)
}

pub(super) fn not_covered(what: &str) -> ServiceError {
    parameter(format!("{what} is not supported by the stand-in here."))
}

pub(super) fn no_cluster() -> ServiceError {
    ServiceError::client("ClusterNotFoundException", "Cluster not found.")
}

pub(super) fn inactive_cluster() -> ServiceError {
    ServiceError::client("ClusterNotFoundException", "The referenced cluster was inactive.")
}

pub(super) fn no_task() -> ServiceError {
    parameter("The referenced task was not found.")
}

/// Letters, digits, `-` and `_`, 1 to 255 of them: the names of clusters and families.
pub(super) fn name(what: &str, name: &str) -> Result<(), ServiceError> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if (1..=255).contains(&name.len()) && name.bytes().all(is_known) {
        return Ok(());
    }
    Err(parameter(format!("{what} '{name}' is invalid: it has up to 255 letters, numbers, hyphens and underscores.")))
}
