//! What the refusal of a whole request means for its records, on any transport.

use super::transport::Severity;

/// By the code that the service gave, or none, and the status of HTTP.
pub(super) fn severity(code: &str, status: u16) -> Severity {
    match (code, status) {
        (_, 429) | ("ProvisionedThroughputExceededException" | "LimitExceededException", _) => Severity::Throttled,
        (code, _) if code.contains("Throttling") || code.contains("RequestLimitExceeded") => Severity::Throttled,
        ("ServiceUnavailable" | "ServiceUnavailableException" | "RequestTimeout" | "RequestTimeoutException", _) => {
            Severity::Unavailable
        }
        // The next attempt is signed anew, by a clock that may have been corrected since.
        ("RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture", _) => Severity::Unavailable,
        (code, _) if code.starts_with("Internal") => Severity::Unavailable,
        // Of something between here and the service, which has written nothing.
        (_, 300..400 | 408 | 425) => Severity::Unavailable,
        // A gateway speaks for a service that may have done the work.
        (_, 502 | 504) => Severity::Unknown,
        (_, 200..300) => Severity::Unread,
        (_, 500..) => Severity::Unavailable,
        _ => Severity::Fatal,
    }
}

/// What to do about a refusal that sending again would not change.
pub(super) fn advice(code: &str) -> &'static str {
    match code {
        "ResourceNotFoundException" => "check the stream's name, the account and the region",
        code if code.starts_with("AccessDenied") => "allow kinesis:PutRecords on the stream to who sends",
        code if code.starts_with("KMS") => "check the stream's key in KMS, and allow kms:GenerateDataKey to who sends",
        code if code.starts_with("ExpiredToken") => "renew the credentials: loading them again gave the same",
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignatureException" => "check the credentials, and that they are of the endpoint's account",
        "ValidationException" | "InvalidArgumentException" | "SerializationException" => {
            "check the records against the stream's limits"
        }
        _ => "check that the stream exists, and the credentials",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_are_told_apart() {
        for (code, status, expected) in [
            ("ProvisionedThroughputExceededException", 400, Severity::Throttled),
            ("KMSThrottlingException", 400, Severity::Throttled),
            ("ThrottlingException", 400, Severity::Throttled),
            ("", 429, Severity::Throttled),
            ("InternalFailureException", 500, Severity::Unavailable),
            ("", 503, Severity::Unavailable),
            ("", 504, Severity::Unknown),
            ("", 200, Severity::Unread),
            ("", 307, Severity::Unavailable),
            ("", 408, Severity::Unavailable),
            ("InternalFailure", 400, Severity::Unavailable),
            ("RequestExpired", 400, Severity::Unavailable),
            ("RequestTimeTooSkewed", 403, Severity::Unavailable),
            ("ResourceNotFoundException", 400, Severity::Fatal),
            ("AccessDeniedException", 400, Severity::Fatal),
            ("ExpiredTokenException", 400, Severity::Fatal),
            ("ValidationException", 400, Severity::Fatal),
            ("InvalidArgumentException", 400, Severity::Fatal),
            ("", 404, Severity::Fatal),
        ] {
            assert_eq!(severity(code, status), expected, "{code} {status}");
        }
    }
}
