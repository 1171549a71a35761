//! What a request needs to be allowed.

use http::{Method, request::Parts};
use serde::Deserialize;

use crate::{
    ACCOUNT, REGION,
    protocol::Protocol,
    query::{parse_form, parse_segment},
    service::{Call, Service},
};

/// An action, and on what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Permission {
    /// For example `kinesis:PutRecords`.
    pub(super) action: String,
    /// An ARN; `None` where the stand-in does not tell from the request, and any will do.
    pub(super) resource: Option<String>,
    /// What the keys of a listing of S3 begin with.
    pub(super) prefix: Option<String>,
}

/// How a request of Kinesis names its stream.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfStream {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

impl Permission {
    fn new(action: impl Into<String>, resource: Option<String>) -> Self {
        Self { action: action.into(), resource, prefix: None }
    }

    /// Of a call; `None` in the services whose requests do not name their action.
    pub(super) fn of_call(service: &dyn Service, call: &Call) -> Option<Self> {
        match service.protocol() {
            Protocol::Json(_) | Protocol::Query(_) => {}
            Protocol::Rest(_) | Protocol::S3 => return None,
        }
        let action = format!("{}:{}", service.name(), call.operation);
        Some(Self::new(action, (service.name() == "kinesis").then(|| stream_of(call)).flatten()))
    }

    /// Of a request in S3's protocol; `None` where it is none of what programs do with objects.
    pub(super) fn of_s3(request: &Parts) -> Option<Self> {
        let (bucket, key) = place_of(request);
        let query = parse_form(request.uri.query().unwrap_or_default().as_bytes());
        let has = |name: &str| query.iter().any(|(known, _)| known == name);
        let of_object = |action: &str| Some(Self::new(format!("s3:{action}"), Some(object_arn(&bucket, &key))));
        if key.is_empty() {
            return match request.method {
                Method::HEAD => Some(Self::to_list_bucket(request)?),
                Method::GET if has("list-type") || has("prefix") || query.is_empty() => Self::to_list_bucket(request),
                _ => None,
            };
        }
        match request.method {
            Method::GET if has("uploadId") => of_object("ListMultipartUploadParts"),
            Method::GET | Method::HEAD => of_object("GetObject"),
            Method::PUT if request.headers.contains_key("x-amz-copy-source") => None,
            Method::PUT | Method::POST => of_object("PutObject"),
            Method::DELETE if has("uploadId") => of_object("AbortMultipartUpload"),
            Method::DELETE => of_object("DeleteObject"),
            _ => None,
        }
    }

    /// To list the bucket that a request is about, as far as it asks.
    pub(super) fn to_list_bucket(request: &Parts) -> Option<Self> {
        let (bucket, key) = place_of(request);
        let query = parse_form(request.uri.query().unwrap_or_default().as_bytes());
        let asked = query.into_iter().find(|(name, _)| name == "prefix").map(|(_, prefix)| prefix);
        // A request for an object is no listing: it has no prefix.
        let prefix = key.is_empty().then(|| asked.unwrap_or_default());
        (!bucket.is_empty())
            .then(|| Self { prefix, ..Self::new("s3:ListBucket", Some(format!("arn:aws:s3:::{bucket}"))) })
    }
}

/// The ARN of the stream that a request names, in JSON or CBOR.
fn stream_of(call: &Call) -> Option<String> {
    let named: OfStream = call.read_cbor().or_else(|| serde_json::from_slice(&call.body).ok()).unwrap_or_default();
    named.stream_arn.or_else(|| Some(format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{}", named.stream_name?)))
}

/// Bucket and key of a path, empty where there is none.
fn place_of(request: &Parts) -> (String, String) {
    let path = request.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (parse_segment(bucket), parse_segment(key))
}

fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}
