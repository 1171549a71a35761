//! Who signed a request (Signature Version 4 in its header), and whether it was the owner of the stand-in's key.
//!
//! S3's requests are verified by the library that reads them, which also knows presigned URLs and signed chunks.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use http::{HeaderMap, HeaderValue, header, request::Parts};

use crate::{keys::AccessKey, query::parse_form, service_error::ServiceError};

/// How far a request's time may be from the stand-in's (IAM user guide, "AWS Signature Version 4 for API requests").
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Amazon S3 user guide, "Download and upload objects with presigned URLs".
const LONGEST_URL: Duration = Duration::from_secs(7 * 86_400);
const TIME: &str = "%Y%m%dT%H%M%SZ";
pub(super) const REMEDY: &str = "Run `demo local env`: it prints the access key that this stand-in takes.";

/// What a request's signature says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    access_key: String,
    /// `YYYYMMDD`.
    date: String,
    pub(super) region: String,
    /// For example `kinesis`.
    pub(super) service: String,
    /// Those that are signed, and the signature in hexadecimal; none where it stands in the URL.
    header: Option<(Vec<String>, String)>,
}

impl Signature {
    /// `None` where the request is not signed, an error where the signature cannot be read.
    pub(super) fn of(request: &Parts) -> Result<Option<Self>, Refusal> {
        if let Some(value) = request.headers.get(header::AUTHORIZATION) {
            return Self::in_header(value).map(Some).ok_or(Refusal::Unreadable);
        }
        let query = request.uri.query().unwrap_or_default();
        if !query.contains("X-Amz-Credential=") {
            return Ok(None);
        }
        let fields = parse_form(query.as_bytes());
        let credential = fields.iter().find(|(name, _)| name == "X-Amz-Credential").map(|(_, value)| value.as_str());
        credential.and_then(Self::in_credential).map(Some).ok_or(Refusal::Unreadable)
    }

    /// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=host;x-amz-date, Signature=…`
    fn in_header(value: &HeaderValue) -> Option<Self> {
        let fields = value.to_str().ok()?.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        let signed = field("SignedHeaders")?.split(';').map(str::to_owned).collect();
        let header = Some((signed, field("Signature")?.to_owned()));
        Some(Self { header, ..Self::in_credential(field("Credential")?)? })
    }

    /// `KEY/20260101/us-east-1/SERVICE/aws4_request`
    fn in_credential(credential: &str) -> Option<Self> {
        let mut parts = credential.rsplitn(5, '/');
        let (end, service, region) = (parts.next()?, parts.next()?.to_owned(), parts.next()?.to_owned());
        let (date, access_key) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        (end == "aws4_request").then_some(Self { access_key, date, region, service, header: None })
    }
}

/// A request that names the stand-in's key, one of the services that it may be for, and this very time. Whether the owner of
/// the key sent it, [`Claim::verify`] tells.
pub(super) struct Claim<'a> {
    key: &'a AccessKey,
    request: &'a Parts,
    scope: Signature,
    signed: Vec<String>,
    signature: String,
    time: SystemTime,
}

impl<'a> Claim<'a> {
    /// Reads the headers; the body need not be there yet.
    pub(super) fn of(key: &'a AccessKey, services: &[&str], request: &'a Parts) -> Result<Self, Refusal> {
        let mut scope = Signature::of(request)?.ok_or(Refusal::NotSigned)?;
        let (signed, signature) = scope.header.take().ok_or(Refusal::InUrl)?;
        if scope.access_key != key.id {
            return Err(Refusal::UnknownKey);
        }
        if !services.contains(&scope.service.as_str()) {
            return Err(Refusal::Service(services.join("' or '")));
        }
        if let Some(name) = unsigned(&request.headers, &signed) {
            return Err(Refusal::Unsigned(name));
        }
        let told =
            request.headers.get("x-amz-date").and_then(|value| value.to_str().ok()).ok_or(Refusal::Unreadable)?;
        let time = NaiveDateTime::parse_from_str(told, TIME).map_err(|_| Refusal::Unreadable)?.and_utc();
        if told.split('T').next() != Some(scope.date.as_str()) {
            return Err(Refusal::Mismatch);
        }
        refuse_wrong_time(time, Utc::now())?;
        Ok(Self { key, request, scope, signed, signature, time: time.into() })
    }

    /// Signs the request again with the secret, over the SHA-256 of its body, and compares.
    pub(super) fn verify(self, sha256: [u8; 32]) -> Result<(), Refusal> {
        let expected = self.sign(sha256).ok_or(Refusal::Mismatch)?;
        if same(expected.as_bytes(), self.signature.as_bytes()) { Ok(()) } else { Err(Refusal::Mismatch) }
    }

    /// `None` where a header or the path is such that nobody could have signed it.
    fn sign(&self, sha256: [u8; 32]) -> Option<String> {
        let mut settings = SigningSettings::default();
        // What the client signed is signed again, whatever it is.
        settings.excluded_headers = None;
        let identity = Credentials::from(self.key).into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.scope.region)
            .name(&self.scope.service)
            .time(self.time)
            .settings(settings)
            .build()
            .expect("all that must be set is set")
            .into();
        let mut headers = Vec::new();
        for name in &self.signed {
            for value in self.request.headers.get_all(name) {
                headers.push((name.as_str(), value.to_str().ok()?));
            }
        }
        let (method, uri) = (self.request.method.as_str(), self.request.uri.to_string());
        let body = SignableBody::Precomputed(base16(&sha256));
        let signable = SignableRequest::new(method, uri, headers.into_iter(), body).ok()?;
        Some(sign(signable, &params).ok()?.into_parts().1)
    }
}

/// What a presigned URL has, all of it (Amazon S3 API reference, "Authenticating Requests: Using Query Parameters").
const IN_URL: &[&str] =
    &["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"];
/// The same of Signature Version 2, which botocore still makes for `us-east-1` unless told otherwise.
const IN_URL_OF_V2: &[&str] = &["AWSAccessKeyId", "Signature", "Expires"];

/// What the S3 library does not look at: it lets a request change what its signature does not cover, a URL last for years, and
/// a header of Signature Version 2 be of any time.
pub(super) fn check_s3(request: &Parts) -> Result<(), Refusal> {
    let is_v2 = |value: &HeaderValue| value.as_bytes().starts_with(b"AWS ");
    if request.headers.get(header::AUTHORIZATION).is_some_and(is_v2) {
        return Err(Refusal::OldVersion);
    }
    let fields = parse_form(request.uri.query().unwrap_or_default().as_bytes());
    let has = |name: &&str| fields.iter().any(|(known, _)| known == name);
    if !request.headers.contains_key(header::AUTHORIZATION) {
        for required in [IN_URL, IN_URL_OF_V2] {
            if required.iter().any(has) && !required.iter().all(has) {
                return Err(Refusal::IncompleteUrl(required));
            }
        }
    }
    let Ok(Some(signature)) = Signature::of(request) else { return Ok(()) };
    if let Some((signed, _)) = signature.header {
        return unsigned(&request.headers, &signed).map_or(Ok(()), |name| Err(Refusal::Unsigned(name)));
    }
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    if field("X-Amz-Expires").parse::<u64>().is_ok_and(|seconds| seconds > LONGEST_URL.as_secs()) {
        return Err(Refusal::TooLong);
    }
    let signed: Vec<&str> = field("X-Amz-SignedHeaders").split(';').collect();
    // What SDKs add to a URL that was signed before, and what it says of the body, which is not signed then.
    let left_out = ["x-amz-user-agent", "x-amz-checksum-mode", "x-amz-content-sha256"];
    let present = request.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-amz-"));
    let mut must = std::iter::once("host").chain(present).filter(|name| !left_out.contains(name));
    must.find(|name| !signed.contains(name)).map_or(Ok(()), |name| Err(Refusal::Unsigned(name.to_owned())))
}

/// A header that must be signed and is not: the host, the time, and all of AWS's own.
fn unsigned(headers: &HeaderMap, signed: &[String]) -> Option<String> {
    let present = headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-amz-"));
    let mut must = ["host", "x-amz-date"].into_iter().chain(present);
    must.find(|must| !signed.iter().any(|name| name == must)).map(str::to_owned)
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes as long wherever they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// In AWS's words, which name both times.
fn refuse_wrong_time(theirs: DateTime<Utc>, ours: DateTime<Utc>) -> Result<(), Refusal> {
    let minutes = LIFETIME.as_secs() / 60;
    let text = |time: DateTime<Utc>| time.format(TIME);
    let message = if theirs < ours - LIFETIME {
        let limit = text(ours - LIFETIME);
        format!("Signature expired: {} is now earlier than {limit} ({} - {minutes} min.)", text(theirs), text(ours))
    } else if theirs > ours + LIFETIME {
        let limit = text(ours + LIFETIME);
        format!(
            "Signature not yet current: {} is still later than {limit} ({} + {minutes} min.)",
            text(theirs),
            text(ours)
        )
    } else {
        return Ok(());
    };
    Err(Refusal::Time(message))
}

/// Why a request is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotSigned,
    Unreadable,
    /// It is signed in its URL.
    InUrl,
    UnknownKey,
    /// It is signed for another service than these.
    Service(String),
    /// This header is there and not signed.
    Unsigned(String),
    /// Its time is another, as this says.
    Time(String),
    /// The secret did not make this signature.
    Mismatch,
    /// It is of Signature Version 2, in a header.
    OldVersion,
    /// Its URL would last for longer than a week.
    TooLong,
    /// Its URL has some of these parameters and not the others.
    IncompleteUrl(&'static [&'static str]),
}

/// Codes and statuses differ by how a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Json,
    Query,
    Rest,
    S3,
}

impl Refusal {
    pub(super) fn error(self, dialect: Dialect) -> ServiceError {
        let (s3_status, s3_code) = self.of_s3();
        let (json, query, message) = match self {
            Self::NotSigned => (
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                "Missing Authentication Token: the request is not signed".to_owned(),
            ),
            Self::Unreadable => (
                "IncompleteSignatureException",
                "IncompleteSignature",
                "The request's signature cannot be read: it needs Credential, SignedHeaders, Signature and x-amz-date"
                    .to_owned(),
            ),
            Self::InUrl => (
                "IncompleteSignatureException",
                "IncompleteSignature",
                "The stand-in takes signatures in the URL for S3 only; sign in the Authorization header".to_owned(),
            ),
            Self::UnknownKey => (
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                format!("The security token included in the request is invalid. {REMEDY}"),
            ),
            Self::Service(services) => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                format!("Credential should be scoped to correct service: '{services}'."),
            ),
            Self::Unsigned(name) => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."),
            ),
            Self::OldVersion => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.".to_owned(),
            ),
            Self::TooLong => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds".to_owned(),
            ),
            Self::IncompleteUrl(required) => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                format!("Query-string authentication requires the parameters {}", required.join(", ")),
            ),
            Self::Time(message) => ("InvalidSignatureException", "SignatureDoesNotMatch", message),
            Self::Mismatch => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                format!(
                    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. {REMEDY}"
                ),
            ),
        };
        match dialect {
            Dialect::Json => ServiceError { status: 400, code: json, message },
            Dialect::Query => ServiceError { status: 403, code: query, message },
            Dialect::Rest => ServiceError { status: 403, code: json, message },
            Dialect::S3 => ServiceError { status: s3_status, code: s3_code, message },
        }
    }

    /// Status and code that S3 has for it (Amazon S3 API reference, "Error responses").
    fn of_s3(&self) -> (u16, &'static str) {
        match self {
            Self::TooLong => (400, "AuthorizationQueryParametersError"),
            Self::IncompleteUrl(required) if *required == IN_URL => (400, "AuthorizationQueryParametersError"),
            Self::OldVersion => (400, "InvalidRequest"),
            _ => (403, "AccessDenied"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};
    use sha2::{Digest, Sha256};

    use super::*;

    fn key() -> AccessKey {
        AccessKey { id: "LOCALAAAAAAAAAAAAAAA".to_owned(), secret: "the secret".to_owned() }
    }

    /// A request to Glue, signed by the SDK's signer at a time.
    fn signed(key: &AccessKey, time: SystemTime, body: &[u8]) -> Parts {
        let headers = [("host", "127.0.0.1:1"), ("x-amz-target", "AWSGlue.GetTables"), ("content-type", "a;  b")];
        let identity = Credentials::from(key).into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("glue")
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let signable = SignableRequest::new("POST", "/?b=2&a=%20", headers.into_iter(), SignableBody::Bytes(body));
        let (instructions, _) = sign(signable.expect("signable"), &params).expect("signed").into_parts();
        let mut request = Request::builder().method(Method::POST).uri("/?b=2&a=%20");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(()).expect("a request");
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }

    fn check(request: &Parts, body: &[u8]) -> Result<(), Refusal> {
        let key = key();
        Claim::of(&key, &["glue"], request)?.verify(Sha256::digest(body).into())
    }

    #[test]
    fn what_the_owner_signed_is_let_in() {
        assert_eq!(check(&signed(&key(), SystemTime::now(), b"{}"), b"{}"), Ok(()));
        let almost = SystemTime::now() - LIFETIME + Duration::from_secs(20);
        assert_eq!(check(&signed(&key(), almost, b"{}"), b"{}"), Ok(()));
    }

    #[test]
    fn what_was_changed_on_the_way_is_refused() {
        let request = || signed(&key(), SystemTime::now(), b"{}");
        assert_eq!(check(&request(), b"{ }"), Err(Refusal::Mismatch), "the body");
        let mut other = request();
        other.headers.insert("x-amz-target", HeaderValue::from_static("AWSGlue.DeleteTable"));
        assert_eq!(check(&other, b"{}"), Err(Refusal::Mismatch), "a header");
        let mut other = request();
        other.uri = "/?b=3&a=%20".parse().expect("a URI");
        assert_eq!(check(&other, b"{}"), Err(Refusal::Mismatch), "the query");
        let mut other = request();
        other.method = Method::PUT;
        assert_eq!(check(&other, b"{}"), Err(Refusal::Mismatch), "the method");
        let mut other = request();
        other.headers.insert("x-amz-more", HeaderValue::from_static("1"));
        assert_eq!(check(&other, b"{}"), Err(Refusal::Unsigned("x-amz-more".to_owned())));
    }

    #[test]
    fn another_key_secret_service_or_time_is_refused() {
        let thief = AccessKey { secret: "guessed".to_owned(), ..key() };
        assert_eq!(check(&signed(&thief, SystemTime::now(), b""), b""), Err(Refusal::Mismatch));
        let stranger = AccessKey { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), ..key() };
        assert_eq!(check(&signed(&stranger, SystemTime::now(), b""), b""), Err(Refusal::UnknownKey));
        let key = key();
        let request = signed(&key, SystemTime::now(), b"");
        let elsewhere = Claim::of(&key, &["iam", "sts"], &request).map(|_| ());
        assert_eq!(elsewhere, Err(Refusal::Service("iam' or 'sts".to_owned())));
        for time in [SystemTime::now() - 2 * LIFETIME, SystemTime::now() + 2 * LIFETIME] {
            let refused = check(&signed(&key, time, b""), b"");
            assert!(matches!(refused, Err(Refusal::Time(_))), "{refused:?}");
        }
    }

    #[test]
    fn a_request_to_s3_changes_nothing_that_its_signature_does_not_cover() {
        let check = |uri: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            check_s3(&request.body(()).expect("a request").into_parts().0)
        };
        let url = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
                   &X-Amz-Date=20260101T000000Z&X-Amz-Signature=0&X-Amz-SignedHeaders=host&X-Amz-Expires=";
        let (week, years) = (format!("{url}604800"), format!("{url}315360000"));
        assert_eq!(check(&week, &[("host", "localhost")]), Ok(()));
        assert_eq!(check(&week, &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]), Ok(()));
        assert_eq!(check(&years, &[]), Err(Refusal::TooLong));
        let copied = [("x-amz-copy-source", "/other/secret")];
        assert_eq!(check(&week, &copied), Err(Refusal::Unsigned("x-amz-copy-source".to_owned())));
        let authorization =
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, SignedHeaders=x-amz-date, Signature=0";
        let signed = [("authorization", authorization), ("x-amz-date", "20260101T000000Z")];
        assert_eq!(check("/b/k", &signed), Err(Refusal::Unsigned("host".to_owned())));
        assert_eq!(check("/b/k", &[("authorization", "AWS id:signature")]), Err(Refusal::OldVersion));
        let of_v2 = "/b/k?AWSAccessKeyId=k&Signature=0&Expires=2000000000";
        assert_eq!(check(of_v2, &[]), Ok(()));
        assert_eq!(check(&of_v2.replace("&Signature=0", ""), &[]), Err(Refusal::IncompleteUrl(IN_URL_OF_V2)));
        assert_eq!(check(&week.replace("&X-Amz-Signature=0", ""), &[]), Err(Refusal::IncompleteUrl(IN_URL)));
    }

    #[test]
    fn s3_has_codes_of_its_own_for_what_a_url_lacks() {
        let code = |refusal: Refusal| {
            let error = refusal.error(Dialect::S3);
            (error.status, error.code)
        };
        for refusal in [Refusal::TooLong, Refusal::IncompleteUrl(IN_URL)] {
            assert_eq!(code(refusal), (400, "AuthorizationQueryParametersError"));
        }
        assert_eq!(code(Refusal::IncompleteUrl(IN_URL_OF_V2)), (403, "AccessDenied"));
        assert_eq!(code(Refusal::OldVersion), (400, "InvalidRequest"));
        assert_eq!(code(Refusal::Mismatch), (403, "AccessDenied"));
    }

    #[test]
    fn what_is_not_signed_or_not_readably_is_refused() {
        let request = |headers: &[(&str, &str)], uri: &str| {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(()).expect("a request").into_parts().0
        };
        assert_eq!(check(&request(&[], "/"), b""), Err(Refusal::NotSigned));
        assert_eq!(check(&request(&[("authorization", "Bearer x")], "/"), b""), Err(Refusal::Unreadable));
        let half = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/glue/aws4_request";
        assert_eq!(check(&request(&[("authorization", half)], "/"), b""), Err(Refusal::Unreadable));
        let presigned = format!("/?X-Amz-Credential={}%2F20260101%2Fus-east-1%2Fglue%2Faws4_request", key().id);
        assert_eq!(check(&request(&[], &presigned), b""), Err(Refusal::InUrl));
    }
}
