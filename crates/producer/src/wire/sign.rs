//! Signature Version 4 over a request whose body was hashed before.

use std::time::SystemTime;

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderName, HeaderValue, Request, header};

use super::{credentials::Lease, endpoint::Endpoint};

/// The service's name in a signature.
const SERVICE: &str = "kinesis";

/// Why a request could not be signed.
pub(super) type SignError = Box<dyn std::error::Error + Send + Sync>;

/// Adds the headers of the signature.
pub(super) fn add_signature<B>(
    request: &mut Request<B>,
    endpoint: &Endpoint,
    lease: &Lease,
    sha256: &[u8; 32],
    time: SystemTime,
) -> Result<(), SignError> {
    let params = v4::SigningParams::builder()
        .identity(&lease.identity)
        .region(&endpoint.region)
        .name(SERVICE)
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let text = |(name, value): (&'_ HeaderName, &'_ HeaderValue)| -> Option<(String, String)> {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers: Vec<_> =
        request.headers().iter().filter(|(name, _)| *name != header::USER_AGENT).filter_map(text).collect();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Precomputed(hex(sha256));
    let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body)?;
    let (added, _) = sign(signable, &params)?.into_parts().0.into_parts();
    for header in added {
        let mut value = HeaderValue::try_from(header.value())?;
        value.set_sensitive(header.sensitive());
        request.headers_mut().insert(HeaderName::from_static(header.name()), value);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |bits: u8| char::from(DIGITS[usize::from(bits)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
