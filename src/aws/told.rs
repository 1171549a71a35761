//! A failed call in one line, for people.

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What an SDK says of every failure of a sort, and what its causes say better.
const SAYS_NOTHING: [&str; 8] = [
    "client error (Connect)",
    "dispatch failure",
    "io error",
    "other",
    "response error",
    "service error",
    "the credential provider was not enabled",
    "unhandled error",
];

/// Characters of a reason that are shown.
const BRIEF: usize = 300;

/// Where nothing has any.
pub(super) const NO_CREDENTIALS: &str =
    "no credentials found, neither in the environment nor in a profile nor of a role";

/// The service's own code and message; without them, what stood in the way.
pub fn told<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match (error, error.code(), error.message()) {
        (_, Some(code), Some(message)) => in_one_line(&format!("{code}: {message}")),
        (_, Some(code), None) => code.to_owned(),
        (SdkError::ServiceError(refused), None, _) => {
            format!("HTTP status {}, without an error code of AWS", refused.raw().status().as_u16())
        }
        _ => chain(error),
    }
}

/// What an error and its causes say, each once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&error| error.source());
    let mut texts: Vec<String> = Vec::new();
    for text in all.map(|error| shortened(&in_one_line(&error.to_string()))) {
        if !SAYS_NOTHING.contains(&text.as_str()) && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// The chain of providers lists each that it has asked (aws-config, `ProviderChainError`).
fn shortened(text: &str) -> String {
    match text.split_once("no credentials found in chain") {
        Some(_) => NO_CREDENTIALS.to_owned(),
        None => text.to_owned(),
    }
}

/// A service's reason in one line, cut where it becomes a list of all that there is.
pub fn brief(reason: &str) -> String {
    let line = in_one_line(reason);
    match line.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn layers_that_say_nothing_or_the_same_again_are_left_out() {
        let layer = |text, below| Layer(text, Some(Box::new(below)));
        let refused = Layer("Connection refused (os error 111)", None);
        let connect = layer("tcp connect error\n  to: Connection refused (os error 111)", refused);
        let error = layer("dispatch failure", layer("io error", layer("client error (Connect)", connect)));
        assert_eq!(chain(&error), "tcp connect error to: Connection refused (os error 111)");
        assert_eq!(chain(&Layer("other", None)), "other", "better than nothing");
        let listed = "no credentials found in chain. Attempted:\n  Environment: not set\n  Profile: not enabled";
        let error = layer(
            "dispatch failure",
            layer("other", layer("the credential provider was not enabled", Layer(listed, None))),
        );
        assert_eq!(chain(&error), NO_CREDENTIALS);
        assert_eq!(brief("no column\n  named x"), "no column named x");
        assert_eq!(brief(&"é".repeat(301)), format!("{}…", "é".repeat(300)));
    }
}
