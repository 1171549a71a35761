//! The body of a request that brings data: taken in piece by piece, and checked against what the request says of it.

use std::{io, mem, sync::Arc};

use base64_simd::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, dto::StreamingBlob, s3_error};

use super::store::{Algorithm, Digest, Incoming, Received, Store};
use crate::service_error::ServiceError;

/// How much is gathered before it is written, in bytes.
const BATCH: usize = 512 << 10;
/// Says which checksum a request brings.
pub(super) const ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

/// What a request says of its body.
pub(super) struct Claims {
    length: Option<u64>,
    md5: Option<String>,
    checksum: Option<Claim>,
}

/// The checksum that a request brings.
enum Claim {
    InHeader(Algorithm, String),
    InTrailer(Algorithm, Option<TrailingHeaders>),
}

impl Claim {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::InHeader(algorithm, _) | Self::InTrailer(algorithm, _) => *algorithm,
        }
    }
}

impl Claims {
    /// Reads the members of a request, and the headers that the library does not look at.
    ///
    /// # Errors
    /// They contradict each other.
    pub(super) fn read(
        length: Option<i64>,
        md5: Option<String>,
        checksums: Vec<(Algorithm, String)>,
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Self> {
        let header = single(checksums)?.map(|(algorithm, value)| Claim::InHeader(algorithm, value));
        let trailer = announced(headers)?.map(|algorithm| Claim::InTrailer(algorithm, trailers));
        let checksum = match (header, trailer) {
            (Some(_), Some(_)) => return Err(s3_error!(InvalidRequest, "Expecting a single x-amz-checksum- header")),
            (header, trailer) => header.or(trailer),
        };
        let algorithm = headers.get(ALGORITHM).map(|name| name.to_str().unwrap_or_default());
        match (algorithm, &checksum) {
            (Some(_), None) => Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
            )),
            (Some(name), Some(claim)) if claim.algorithm().name() != name => {
                Err(s3_error!(InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid."))
            }
            _ => Ok(Self { length: length.and_then(|length| u64::try_from(length).ok()), md5, checksum }),
        }
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.checksum.as_ref().map(Claim::algorithm)
    }

    /// Compares them with what has come in.
    ///
    /// # Errors
    /// The data is not what the request says it is.
    pub(super) fn check(&self, digest: &Digest) -> Result<(), ServiceError> {
        if self.length.is_some_and(|length| length != digest.size) {
            let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
            return Err(ServiceError::client("IncompleteBody", message));
        }
        if let Some(md5) = &self.md5 {
            let md5 = STANDARD.decode_to_vec(md5).ok().filter(|md5| md5.len() == digest.md5.len());
            let md5 =
                md5.ok_or_else(|| ServiceError::client("InvalidDigest", "The Content-MD5 you specified was invalid."))?;
            if md5 != digest.md5 {
                let message = "The Content-MD5 you specified did not match what we received.";
                return Err(ServiceError::client("BadDigest", message));
            }
        }
        match &self.checksum {
            Some(claim) => claim.check(digest),
            None => Ok(()),
        }
    }
}

impl Claim {
    fn check(&self, digest: &Digest) -> Result<(), ServiceError> {
        let name = self.algorithm().name();
        let claimed = match self {
            Self::InHeader(_, value) => value.clone(),
            Self::InTrailer(algorithm, trailers) => {
                let header = algorithm.header();
                let value = |headers: &HeaderMap| Some(headers.get(&header)?.to_str().ok()?.to_owned());
                let read = trailers.as_ref().and_then(|trailers| trailers.read(value).flatten());
                read.ok_or_else(|| {
                    ServiceError::client("MalformedTrailerError", format!("The request has no trailer {header}"))
                })?
            }
        };
        match &digest.checksum {
            Some(checksum) if checksum.value == claimed => Ok(()),
            _ => Err(ServiceError::client(
                "BadDigest",
                format!("The {name} you specified did not match the calculated checksum."),
            )),
        }
    }
}

/// The one checksum of a request.
pub(super) fn single(checksums: Vec<(Algorithm, String)>) -> S3Result<Option<(Algorithm, String)>> {
    match <[_; 1]>::try_from(checksums) {
        Ok([one]) => Ok(Some(one)),
        Err(none) if none.is_empty() => Ok(None),
        Err(_) => Err(s3_error!(InvalidRequest, "Expecting a single x-amz-checksum- header")),
    }
}

/// The checksum that `x-amz-trailer` announces.
fn announced(headers: &HeaderMap) -> S3Result<Option<Algorithm>> {
    let Some(trailer) = headers.get("x-amz-trailer") else { return Ok(None) };
    match trailer.to_str().ok().and_then(Algorithm::of_header) {
        Some(algorithm) => Ok(Some(algorithm)),
        None => Err(s3_error!(InvalidRequest, "The value specified in the x-amz-trailer header is not supported")),
    }
}

/// A request body that was received and is not written to its end yet.
pub(super) struct Body {
    claims: Claims,
    incoming: Option<Incoming>,
    rest: Vec<Bytes>,
}

impl Body {
    /// Takes in a body. Only a batch of it is in memory at a time.
    pub(super) async fn receive(store: &Arc<Store>, claims: Claims, body: Option<StreamingBlob>) -> S3Result<Self> {
        let (mut incoming, mut batch, mut size) = (None, Vec::new(), 0);
        if let Some(mut body) = body {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(broken)?;
                size += chunk.len();
                batch.push(chunk);
                if size >= BATCH {
                    let (written, algorithm) = (mem::take(&mut batch), claims.algorithm());
                    incoming = Some(store.run(move |store| Ok(write(store, incoming, algorithm, written)?)).await?);
                    size = 0;
                }
            }
        }
        Ok(Self { claims, incoming, rest: batch })
    }

    /// Writes the end, closes the data file and checks it.
    ///
    /// # Errors
    /// The data is not what the request says it is.
    pub(super) fn finish(self, store: &Store) -> Result<Received, ServiceError> {
        let received = write(store, self.incoming, self.claims.algorithm(), self.rest)?.finish();
        self.claims.check(&received.digest)?;
        Ok(received)
    }
}

fn write(
    store: &Store,
    incoming: Option<Incoming>,
    algorithm: Option<Algorithm>,
    batch: Vec<Bytes>,
) -> io::Result<Incoming> {
    let mut incoming = match incoming {
        Some(incoming) => incoming,
        None => store.receive(algorithm)?,
    };
    batch.iter().try_for_each(|chunk| incoming.write(chunk))?;
    Ok(incoming)
}

/// The error of a body that broke off or is not what was signed. The library's types of it are private; its words are not.
fn broken(error: StdError) -> S3Error {
    let words = error.to_string();
    if words.contains("Sha256Mismatch") {
        return mismatched_sha256();
    }
    if words.contains("SignatureMismatch") {
        return s3_error!(SignatureDoesNotMatch, "The signature of a chunk does not match its data");
    }
    s3_error!(IncompleteBody, "The request's body broke off, or is not of the form that its headers say: {words}")
}

pub(super) fn mismatched_sha256() -> S3Error {
    let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
    let mut error =
        S3Error::with_message(code, "The provided 'x-amz-content-sha256' header does not match what was computed.");
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}
