//! The AWS wire protocols: how each names its services and operations, and writes an answer.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use serde_json::{Value, json};

use crate::{cbor, query::escape, service_error::ServiceError};

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// The largest body outside S3 and Lambda. The largest that AWS takes is PutRecords' 10 MiB of data, which base64 in JSON makes 14 MiB.
pub(crate) const BODY_LIMIT: usize = 16 << 20;

/// The content type of AWS JSON 1.1, the protocol of every JSON service but DynamoDB.
const JSON: &str = "application/x-amz-json-1.1";
/// The content type of AWS JSON 1.0, the protocol of DynamoDB.
const JSON_1_0: &str = "application/x-amz-json-1.0";
/// The content type of AWS CBOR 1.1, which Kinesis speaks too.
const CBOR: &str = "application/x-amz-cbor-1.1";

/// How requests name a service and its operations, and how it writes its answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    /// `X-Amz-Target` names both; JSON in and out.
    Json(Json),
    /// A form's `Version` names the service, its `Action` the operation; XML out.
    Query(Query),
    /// The signature names the service, method and path the operation; JSON in and out.
    Rest(Rest),
    /// S3's own: everything that nothing else is. Bodies are streams in both directions.
    S3,
}

/// The JSON protocol of one service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json {
    /// What stands before the dot in `X-Amz-Target`.
    pub(crate) target: &'static str,
    /// Whether it also speaks CBOR.
    cbor: bool,
    content_type: &'static str,
    /// What stands before the code of an error.
    error_namespace: &'static str,
}

impl Json {
    /// AWS JSON 1.1.
    pub(crate) const fn of_target(target: &'static str) -> Self {
        Self { target, cbor: false, content_type: JSON, error_namespace: "" }
    }

    /// With CBOR beside it.
    pub(crate) const fn with_cbor(self) -> Self {
        Self { cbor: true, ..self }
    }

    /// AWS JSON 1.0, whose errors have a namespace.
    pub(crate) const fn version_1_0(target: &'static str, error_namespace: &'static str) -> Self {
        Self { target, cbor: false, content_type: JSON_1_0, error_namespace }
    }

    /// How the bodies of a request to the service `name` are written; refuses what the service does not speak.
    pub(crate) fn encoding(&self, name: &str, headers: &HeaderMap) -> Result<Encoding, ServiceError> {
        match media_type(headers) {
            given if given == self.content_type => Ok(Encoding::Json),
            CBOR if self.cbor => Ok(Encoding::Cbor),
            other => Err(ServiceError {
                status: 415,
                code: "UnsupportedMediaTypeException",
                message: format!("the stand-in speaks {} with {name}, not {other:?}", self.content_type),
            }),
        }
    }
}

/// The query protocol of one service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// The `Version` field of its requests.
    pub(crate) version: &'static str,
    /// The XML namespace of its answers.
    pub(crate) namespace: &'static str,
    /// Around what its answers are written.
    style: QueryStyle,
}

/// What stands around the answers of a service of the query protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueryStyle {
    Common,
    /// Of EC2 alone, whose protocol is a query protocol of its own.
    Ec2,
}

impl Query {
    /// The query protocol that all but EC2 have.
    pub(crate) const fn new(version: &'static str, namespace: &'static str) -> Self {
        Self { version, namespace, style: QueryStyle::Common }
    }

    /// EC2's.
    pub(crate) const fn of_ec2(version: &'static str, namespace: &'static str) -> Self {
        Self { version, namespace, style: QueryStyle::Ec2 }
    }

    /// Refuses an operation that the service does not have.
    pub(crate) fn unknown_action(&self, action: &str) -> ServiceError {
        let message = match self.style {
            QueryStyle::Common => format!("Could not find operation {action} for version {}", self.version),
            QueryStyle::Ec2 => format!("The action {action} is not valid for this web service."),
        };
        ServiceError::client("InvalidAction", message)
    }
}

/// The REST protocol of one service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// The largest body of a request, in bytes.
    pub(crate) body_limit: usize,
    /// Writes an error in the fields that the service's model gives it.
    pub(crate) error_body: fn(&ServiceError) -> Value,
}

/// How the bodies of a JSON service are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    /// Of Kinesis alone.
    Cbor,
}

impl Encoding {
    /// A request's body in JSON.
    pub(crate) fn decode(self, body: Bytes) -> Result<Bytes, ServiceError> {
        match self {
            Self::Json => Ok(body),
            Self::Cbor => cbor::to_json(&body).map(Bytes::from),
        }
    }

    /// An answer that is written in JSON.
    pub(crate) fn encode(self, answer: Bytes) -> Result<Bytes, ServiceError> {
        match self {
            Self::Json => Ok(answer),
            Self::Cbor => cbor::of_json(&answer).map(Bytes::from),
        }
    }

    fn content_type(self, json: &Json) -> &'static str {
        match self {
            Self::Json => json.content_type,
            Self::Cbor => CBOR,
        }
    }
}

pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// A random UUID (RFC 9562, version 4), which is what AWS gives a request, an execution, a revision.
pub(crate) fn uuid() -> String {
    let random: u128 = rand::random();
    let bits = random & !(0xf << 76) & !(0x3 << 62) | (4 << 76) | (2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An answer of the JSON protocol, encoded.
pub(crate) fn json_answer(json: &Json, encoding: Encoding, body: Bytes, request_id: &str) -> Response<Body> {
    response(StatusCode::OK, encoding.content_type(json), request_id, body)
}

/// An error in the JSON protocol; of no service where the target names none.
pub(crate) fn json_error(
    json: Option<&Json>,
    encoding: Encoding,
    error: &ServiceError,
    request_id: &str,
) -> Response<Body> {
    let namespace = json.map_or("", |json| json.error_namespace);
    let content_type = json.map_or(JSON, |json| encoding.content_type(json));
    let body = json!({"__type": format!("{namespace}{}", error.code), "message": error.message});
    let body = encoding.encode(body.to_string().into()).expect("an error is JSON");
    let mut response = response(status(error), content_type, request_id, body);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.code));
    response
}

/// An answer of the query protocol around an action's result.
pub(crate) fn query_answer(query: &Query, action: &str, result: &[u8], request_id: &str) -> Response<Body> {
    let namespace = query.namespace;
    let result = String::from_utf8_lossy(result);
    let inside = match query.style {
        QueryStyle::Common => {
            format!("{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
        }
        QueryStyle::Ec2 => format!("<requestId>{request_id}</requestId>{result}"),
    };
    let body = format!("<{action}Response xmlns=\"{namespace}\">{inside}</{action}Response>");
    response(StatusCode::OK, "text/xml", request_id, body.into())
}

/// An error in the query protocol.
pub(crate) fn query_error(query: &Query, error: &ServiceError, request_id: &str) -> Response<Body> {
    let namespace = query.namespace;
    let whose = if error.status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (error.code, escape(&error.message));
    let body = match query.style {
        QueryStyle::Common => format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{whose}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ),
        QueryStyle::Ec2 => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
        ),
    };
    response(status(error), "text/xml", request_id, body.into())
}

/// An answer of a REST protocol.
pub(crate) fn rest_answer(
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    request_id: &str,
) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(status, "application/json", request_id, body);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An error in a REST protocol.
pub(crate) fn rest_error(rest: &Rest, error: &ServiceError, request_id: &str) -> Response<Body> {
    let body = (rest.error_body)(error).to_string();
    let mut response = response(status(error), "application/json", request_id, body.into());
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.code));
    response
}

/// An error in S3's protocol.
pub(crate) fn s3_error(error: &ServiceError, request_id: &str) -> Response<Body> {
    let (code, message) = (error.code, escape(&error.message));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    );
    response(status(error), "application/xml", request_id, body.into())
}

/// Plain JSON, for what is not AWS's.
pub(crate) fn plain_json(value: &Value, request_id: &str) -> Response<Body> {
    response(StatusCode::OK, "application/json", request_id, value.to_string().into())
}

fn status(error: &ServiceError) -> StatusCode {
    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn response(status: StatusCode, content_type: &'static str, request_id: &str, body: Bytes) -> Response<Body> {
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn only_a_service_that_says_so_speaks_cbor() {
        let headers =
            |content_type| HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let (cbor, json) = (headers(CBOR), headers("application/x-amz-json-1.1; charset=utf-8"));
        let kinesis = Json::of_target("Kinesis_20131202").with_cbor();
        assert_eq!(kinesis.encoding("kinesis", &cbor), Ok(Encoding::Cbor));
        assert_eq!(kinesis.encoding("kinesis", &json), Ok(Encoding::Json));
        let error = Json::of_target("Firehose_20150804").encoding("firehose", &cbor).expect_err("an error");
        assert_eq!(error.status, 415);
        assert!(error.message.contains("firehose") && error.message.contains(CBOR), "{error}");
        let dynamodb = Json::version_1_0("DynamoDB_20120810", "com.amazonaws.dynamodb.v20120810#");
        assert!(dynamodb.encoding("dynamodb", &json).is_err(), "DynamoDB speaks 1.0");
    }
}
