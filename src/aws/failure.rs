//! From an SDK's error to one that says which call failed on what, why, and what to do next.

use std::{error::Error, fmt::Debug};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};
use serde::de::DeserializeOwned;

use crate::engine::{Cause, Node, ProviderError};

/// What an SDK call's failure means, with the service's own code and message.
pub(super) fn failure<E, R>(call: &str, resource: &str, error: &SdkError<E, R>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug,
{
    let message = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    };
    let (cause, advice) = judge(error);
    ProviderError { cause, call: call.to_owned(), resource: resource.to_owned(), message, advice: advice.to_owned() }
}

fn judge<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> (Cause, &'static str) {
    match error {
        SdkError::ServiceError(_) => judge_code(error.code().unwrap_or_default()),
        SdkError::ConstructionFailure(_) => (Cause::Other, ""),
        SdkError::DispatchFailure(failure) if failure.is_other() => {
            (Cause::Permission, "no credentials were found that work; see `aws sts get-caller-identity`")
        }
        _ => (Cause::Unreachable, "the endpoint did not answer; check the network and try the same command again"),
    }
}

fn judge_code(code: &str) -> (Cause, &'static str) {
    match code {
        _ if code.contains("Expired") => {
            (Cause::Permission, "log in again and repeat the same command; it goes on from where it stopped")
        }
        _ if code.contains("AccessDenied")
            || code.contains("Unauthorized")
            || code.contains("UnrecognizedClient")
            || code.contains("InvalidClientTokenId")
            || code.contains("InvalidAccessKeyId")
            || code.contains("SignatureDoesNotMatch") =>
        {
            (Cause::Permission, "allow this action for who is calling (`aws sts get-caller-identity`), then try again")
        }
        _ if code.contains("LimitExceeded") || code.contains("QuotaExceeded") || code.contains("TooMany") => {
            (Cause::Quota, "a limit of the account; raise it in the Service Quotas console, or ask for less")
        }
        _ => (Cause::Other, ""),
    }
}

/// Whether a service answered with one of these codes.
pub(super) fn is<E: ProvideErrorMetadata>(error: &E, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

/// Whether a service's message has one of these texts in it.
pub(super) fn says<E: ProvideErrorMetadata>(error: &E, texts: &[&str]) -> bool {
    error.message().is_some_and(|message| texts.iter().any(|text| message.contains(text)))
}

/// An error of ours about a call's answer.
pub(super) fn broken(cause: Cause, call: &str, resource: &str, message: String, advice: &str) -> ProviderError {
    ProviderError { cause, call: call.to_owned(), resource: resource.to_owned(), message, advice: advice.to_owned() }
}

/// A node's properties as this kind's own type.
pub(super) fn desired<T: DeserializeOwned>(node: &Node) -> Result<T, ProviderError> {
    serde_json::from_value(node.desired.clone()).map_err(|error| {
        broken(
            Cause::Other,
            "reading the journal",
            &node.key.to_string(),
            format!("its properties are not understood: {error}"),
            "use the version of demo that made the stack",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        assert_eq!(judge_code("AccessDeniedException").0, Cause::Permission);
        assert_eq!(judge_code("ExpiredTokenException").0, Cause::Permission);
        assert_eq!(judge_code("LimitExceededException").0, Cause::Quota);
        assert_eq!(judge_code("ResourceInUseException").0, Cause::Other);
    }
}
