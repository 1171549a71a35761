//! From an SDK's error to one that says which call failed on what, why, and what to do next.

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    retry::{Failure, action, classify, quota_advice, skew},
    told::told,
};
use crate::engine::{Cause, ProviderError};

const NO_ANSWER: &str = "the endpoint did not answer: check the network, then run the command again";

/// What an SDK call's failure means, with the service's own code and message.
pub(super) fn failure<E>(call: &str, resource: &str, error: &SdkError<E, HttpResponse>) -> ProviderError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let message = told(error);
    let (cause, advice) = match error {
        SdkError::ServiceError(refused) => refusal(call, resource, error, refused.raw()),
        SdkError::ConstructionFailure(_) => (Cause::Other, String::new()),
        // A connection that was cut on the way has a kind, credentials that are not there have none.
        SdkError::DispatchFailure(failure) if failure.is_other() && failure.as_other().is_none() => {
            (Cause::Permission, no_credentials(&message).to_owned())
        }
        _ => (Cause::Unreachable, NO_ANSWER.to_owned()),
    };
    ProviderError { cause, call: call.to_owned(), resource: resource.to_owned(), message, advice }
}

/// By what the chain of providers says of the one that failed (aws-config, `sso`).
fn no_credentials(why: &str) -> &'static str {
    match why.contains("SSO") {
        true => "log in with `aws sso login` (with `--profile` where you use one), then run the command again",
        false => {
            "log in (`aws sso login`, `aws configure`), or set AWS_PROFILE, `target.aws.profile`, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        }
    }
}

fn refusal(call: &str, resource: &str, error: &dyn ProvideErrorMetadata, answer: &HttpResponse) -> (Cause, String) {
    let service = call.split(' ').next().unwrap_or_default();
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    let status = answer.status().as_u16();
    match classify(service, code, message) {
        Failure::Other if code.is_empty() && matches!(status, 429 | 503) => {
            advised(Failure::Rate, call, resource, None)
        }
        Failure::Other if code.is_empty() && status == 403 => advised(Failure::Denied, call, resource, None),
        Failure::Other if status >= 500 => (Cause::Unreachable, FAILED.to_owned()),
        kind => advised(kind, call, resource, skew(message, answer.headers().get("date"))),
    }
}

const FAILED: &str = "internal error of the service; the call may have worked: run the command again, it checks first";

fn advised(kind: Failure, call: &str, resource: &str, skew: Option<String>) -> (Cause, String) {
    let advice = match kind {
        Failure::Skewed => {
            let skew = skew.unwrap_or_else(|| "too far from the service's clock".to_owned());
            format!("this machine's clock is {skew}: set it, then run the command again to continue")
        }
        Failure::Expired => {
            "the credentials have expired; nothing is lost: log in again, then run the command again to \
                          continue"
                .to_owned()
        }
        Failure::Unknown => {
            "these credentials are not valid, or no longer; nothing is lost: log in again (check with `aws \
                          sts get-caller-identity`), then run the command again to continue"
                .to_owned()
        }
        Failure::Denied => format!(
            "allow {} on {resource} for the caller (`aws sts get-caller-identity`), then run the command again",
            action(call)
        ),
        Failure::Quota => quota_advice(call),
        Failure::Role | Failure::Rate | Failure::Busy => {
            "this passes by itself: run the command again later".to_owned()
        }
        Failure::Other => String::new(),
    };
    (kind.cause(), advice)
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
