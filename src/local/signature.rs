//! Who signed a request, and for which service.

use http::{HeaderValue, header, request::Parts};

use super::{ACCESS_KEY, fault::Fault, protocol::Route, query::parse_form};

/// What a request's signature (SigV4) says of itself, in its header or in a presigned URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    access_key: String,
    /// For example `kinesis`.
    pub(super) service: String,
}

impl Signature {
    /// `None` where the request is not signed, an error where the signature cannot be read.
    pub(super) fn of(request: &Parts) -> Result<Option<Self>, ()> {
        if let Some(value) = request.headers.get(header::AUTHORIZATION) {
            return Self::in_header(value).map(Some).ok_or(());
        }
        let query = request.uri.query().unwrap_or_default();
        if !query.contains("X-Amz-Credential=") {
            return Ok(None);
        }
        let fields = parse_form(query.as_bytes());
        let credential = fields.iter().find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value.as_str());
        credential.and_then(Self::in_credential).map(Some).ok_or(())
    }

    fn in_header(value: &HeaderValue) -> Option<Self> {
        let (_, credential) = value.to_str().ok()?.split_once("Credential=")?;
        Self::in_credential(credential.split(',').next()?.trim())
    }

    /// `KEY/20260101/us-east-1/SERVICE/aws4_request`; the key itself may hold slashes.
    fn in_credential(credential: &str) -> Option<Self> {
        let mut parts = credential.rsplitn(5, '/');
        let service = parts.nth(1)?.to_owned();
        let access_key = parts.nth(2)?.to_owned();
        Some(Self { access_key, service })
    }
}

/// Refuses a request that is not signed, or with another access key than [`ACCESS_KEY`]. The signature itself is not verified:
/// the stand-in answers on loopback only, to whoever is on this machine.
pub fn check_caller(route: &Route, request: &Parts) -> Result<(), Fault> {
    let refusal = match Signature::of(request) {
        Ok(Some(signature)) if signature.access_key == ACCESS_KEY => return Ok(()),
        Ok(Some(_)) => Refusal::UnknownKey,
        Ok(None) => Refusal::NotSigned,
        Err(()) => Refusal::Unreadable,
    };
    match route {
        Route::Identity => Ok(()),
        Route::Json(_) | Route::Rest(_) => Err(refusal.in_json()),
        Route::Query => Err(refusal.in_query()),
        Route::S3 => Err(refusal.in_s3()),
    }
}

enum Refusal {
    NotSigned,
    Unreadable,
    UnknownKey,
}

const KEY_REMEDY: &str = "The stand-in takes the access key `local` only: `demo local env` prints what to set.";

impl Refusal {
    fn in_json(self) -> Fault {
        match self {
            Self::NotSigned => Fault::client("MissingAuthenticationTokenException", "Missing Authentication Token"),
            Self::Unreadable => Fault::client("IncompleteSignatureException", "Authorization names no Credential"),
            Self::UnknownKey => Fault::client(
                "UnrecognizedClientException",
                format!("The security token included in the request is invalid. {KEY_REMEDY}"),
            ),
        }
    }

    fn in_query(self) -> Fault {
        let (status, code, message) = match self {
            Self::NotSigned => {
                (403, "MissingAuthenticationToken", "Request is missing Authentication Token".to_owned())
            }
            Self::Unreadable => (400, "IncompleteSignature", "Authorization names no Credential".to_owned()),
            Self::UnknownKey => (
                403,
                "InvalidClientTokenId",
                format!("The security token included in the request is invalid. {KEY_REMEDY}"),
            ),
        };
        Fault { status, code, message }
    }

    fn in_s3(self) -> Fault {
        let (status, code, message) = match self {
            Self::NotSigned => (403, "AccessDenied", "Access Denied: the request is not signed".to_owned()),
            Self::Unreadable => {
                (400, "AuthorizationHeaderMalformed", "The authorization header names no Credential".to_owned())
            }
            Self::UnknownKey => (
                403,
                "InvalidAccessKeyId",
                format!("The AWS Access Key Id you provided does not exist in our records. {KEY_REMEDY}"),
            ),
        };
        Fault { status, code, message }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};

    use super::*;

    fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut builder = Request::builder().method(Method::GET).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).expect("a request").into_parts().0
    }

    const SIGNED: (&str, &str) = (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/glue/aws4_request, SignedHeaders=host, Signature=00",
    );

    #[test]
    fn only_the_local_key_is_let_in() {
        let refused = |uri: &str, headers: &[(&str, &str)]| {
            let request = request(uri, headers);
            check_caller(&Route::of(&request), &request).err().map(|fault| fault.code)
        };
        let presigned = |key: &str| format!("/b/k?X-Amz-Credential={key}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request");
        assert_eq!(refused("/", &[SIGNED]), None);
        assert_eq!(refused(&presigned("local"), &[]), None);
        assert_eq!(refused(&presigned("AKIA"), &[]), Some("InvalidAccessKeyId"));
        assert_eq!(refused("/b/k", &[]), Some("AccessDenied"));
        assert_eq!(refused("/b/k", &[("authorization", "Bearer x")]), Some("AuthorizationHeaderMalformed"));
        let target = ("x-amz-target", "AWSGlue.GetTable");
        assert_eq!(refused("/", &[target]), Some("MissingAuthenticationTokenException"));
        assert_eq!(
            refused("/", &[target, ("authorization", "AWS4 Credential=a/b/c/glue/aws4_request")]),
            Some("UnrecognizedClientException")
        );
    }
}
