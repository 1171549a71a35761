//! The AWS wire protocols: which service a request is for, and how each protocol writes an answer.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};

use super::{cbor, query::escape, rest::Answer, service_error::ServiceError, signature::Signature};

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// The content type of AWS JSON 1.1, the protocol of every JSON service but DynamoDB.
const JSON: &str = "application/x-amz-json-1.1";
/// The content type of AWS JSON 1.0, the protocol of DynamoDB.
const JSON_1_0: &str = "application/x-amz-json-1.0";
/// The content type of AWS CBOR 1.1, which Kinesis speaks too.
const CBOR: &str = "application/x-amz-cbor-1.1";
const FORM: &str = "application/x-www-form-urlencoded";

/// A service of the JSON protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonService {
    Kinesis,
    Firehose,
    Glue,
    Athena,
    DynamoDb,
    Logs,
    RedshiftData,
    RedshiftServerless,
    SecretsManager,
    Quotas,
}

impl JsonService {
    /// The service by what stands before the dot in `X-Amz-Target`.
    fn of_target(prefix: &str) -> Option<Self> {
        match prefix {
            "Kinesis_20131202" => Some(Self::Kinesis),
            "Firehose_20150804" => Some(Self::Firehose),
            "AWSGlue" => Some(Self::Glue),
            "AmazonAthena" => Some(Self::Athena),
            "DynamoDB_20120810" => Some(Self::DynamoDb),
            "Logs_20140328" => Some(Self::Logs),
            "RedshiftData" => Some(Self::RedshiftData),
            "RedshiftServerless" => Some(Self::RedshiftServerless),
            "secretsmanager" => Some(Self::SecretsManager),
            "ServiceQuotasV20190624" => Some(Self::Quotas),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::Firehose => "firehose",
            Self::Glue => "glue",
            Self::Athena => "athena",
            Self::DynamoDb => "dynamodb",
            Self::Logs => "logs",
            Self::RedshiftData => "redshift-data",
            Self::RedshiftServerless => "redshift-serverless",
            Self::SecretsManager => "secretsmanager",
            Self::Quotas => "servicequotas",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::DynamoDb => JSON_1_0,
            _ => JSON,
        }
    }

    /// What stands before the code of an error.
    fn error_namespace(self) -> &'static str {
        match self {
            Self::DynamoDb => "com.amazonaws.dynamodb.v20120810#",
            _ => "",
        }
    }
}

/// A service of the query protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryService {
    Iam,
    Sts,
}

impl QueryService {
    /// The service by the `Version` field of a request.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        match version {
            "2010-05-08" => Some(Self::Iam),
            "2011-06-15" => Some(Self::Sts),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// A service of a REST protocol with JSON in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestService {
    Lambda,
    Scheduler,
}

impl RestService {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::Scheduler => "scheduler",
        }
    }

    /// What an error says, in the fields that the service's model gives it.
    fn describe(self, error: &ServiceError) -> serde_json::Value {
        let whose = if error.status < 500 { "User" } else { "Service" };
        match self {
            Self::Lambda => serde_json::json!({"Type": whose, "message": error.message}),
            Self::Scheduler => serde_json::json!({"Message": error.message}),
        }
    }
}

/// What a request is, before its body is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Asks who answers here.
    Identity,
    /// The JSON protocol; the error is for a target that no service has.
    Json(Result<(JsonService, String), ServiceError>),
    /// The query protocol.
    Query,
    /// A REST protocol with JSON in it.
    Rest(RestService),
    /// S3's REST protocol.
    S3,
}

/// Where the stand-in says who it is. No bucket can be named so.
pub(crate) const IDENTITY_PATH: &str = "/_stand-in";

impl Route {
    /// By the target header, then by the form's content type, then by the service that the signature names; the rest is S3.
    pub(crate) fn of(request: &Parts) -> Self {
        let signed_for = Signature::of(request).ok().flatten().map(|signature| signature.service);
        let target = request.headers.get("x-amz-target");
        match (target.and_then(|target| target.to_str().ok()), signed_for.as_deref()) {
            _ if request.uri.path() == IDENTITY_PATH => Self::Identity,
            (Some(target), _) => Self::Json(read_target(target)),
            (None, Some("lambda")) => Self::Rest(RestService::Lambda),
            (None, Some("scheduler")) => Self::Rest(RestService::Scheduler),
            (
                None,
                Some(
                    "kinesis"
                    | "firehose"
                    | "glue"
                    | "athena"
                    | "dynamodb"
                    | "logs"
                    | "redshift-data"
                    | "redshift-serverless"
                    | "secretsmanager"
                    | "servicequotas",
                ),
            ) => Self::Json(Err(unknown_operation(
                "the request has no X-Amz-Target header, and the stand-in speaks JSON with this service",
            ))),
            (None, Some("iam" | "sts")) => Self::Query,
            (None, service) if service != Some("s3") && is_form(request) => Self::Query,
            _ => Self::S3,
        }
    }
}

fn read_target(target: &str) -> Result<(JsonService, String), ServiceError> {
    let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
    let service = JsonService::of_target(prefix)
        .ok_or_else(|| unknown_operation(&format!("no service of the stand-in has the target {target:?}")))?;
    Ok((service, operation.to_owned()))
}

fn unknown_operation(message: &str) -> ServiceError {
    ServiceError::client("UnknownOperationException", message)
}

fn is_form(request: &Parts) -> bool {
    request.method == Method::POST && request.uri.path() == "/" && media_type(&request.headers) == FORM
}

/// How the bodies of a JSON service are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    /// Of Kinesis alone.
    Cbor,
}

impl Encoding {
    /// By the content type of a request; refuses what the service does not speak.
    pub(crate) fn of(service: JsonService, headers: &HeaderMap) -> Result<Self, ServiceError> {
        let known = service.content_type();
        match media_type(headers) {
            given if given == known => Ok(Self::Json),
            CBOR if service == JsonService::Kinesis => Ok(Self::Cbor),
            other => Err(ServiceError {
                status: 415,
                code: "UnsupportedMediaTypeException",
                message: format!("the stand-in speaks {known} with {}, not {other:?}", service.name()),
            }),
        }
    }

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

    fn content_type(self, service: JsonService) -> &'static str {
        match self {
            Self::Json => service.content_type(),
            Self::Cbor => CBOR,
        }
    }
}

fn media_type(headers: &HeaderMap) -> &str {
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
pub(crate) fn json_answer(service: JsonService, encoding: Encoding, body: Bytes, request_id: &str) -> Response<Body> {
    response(StatusCode::OK, encoding.content_type(service), request_id, body)
}

/// An error in the JSON protocol; of no service where the target names none.
pub(crate) fn json_error(
    service: Option<JsonService>,
    encoding: Encoding,
    error: &ServiceError,
    request_id: &str,
) -> Response<Body> {
    let namespace = service.map_or("", JsonService::error_namespace);
    let content_type = service.map_or(JSON, |service| encoding.content_type(service));
    let body = serde_json::json!({"__type": format!("{namespace}{}", error.code), "message": error.message});
    let body = encoding.encode(body.to_string().into()).expect("an error is JSON");
    let mut response = response(status(error), content_type, request_id, body);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.code));
    response
}

/// An answer of the query protocol around an action's result.
pub(crate) fn query_answer(service: QueryService, action: &str, result: &str, request_id: &str) -> Response<Body> {
    let namespace = service.namespace();
    let body = format!(
        "<{action}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    );
    response(StatusCode::OK, "text/xml", request_id, body.into())
}

/// An error in the query protocol.
pub(crate) fn query_error(service: QueryService, error: &ServiceError, request_id: &str) -> Response<Body> {
    let namespace = service.namespace();
    let whose = if error.status < 500 { "Sender" } else { "Receiver" };
    let (code, message) = (error.code, escape(&error.message));
    let body = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{whose}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    );
    response(status(error), "text/xml", request_id, body.into())
}

/// An answer of a REST protocol.
pub(crate) fn rest_answer(answer: Answer, request_id: &str) -> Response<Body> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(status, "application/json", request_id, answer.body);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An error in a REST protocol.
pub(crate) fn rest_error(service: RestService, error: &ServiceError, request_id: &str) -> Response<Body> {
    let body = service.describe(error).to_string();
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
pub(crate) fn plain_json(value: &serde_json::Value, request_id: &str) -> Response<Body> {
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
    use http::Request;

    use super::*;

    fn request(method: Method, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).expect("a request").into_parts().0
    }

    const SIGNED_FOR_GLUE: (&str, &str) = (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/glue/aws4_request, SignedHeaders=host, Signature=00",
    );

    #[test]
    fn a_target_names_service_and_operation() {
        let route =
            |target| Route::of(&request(Method::POST, "/", &[("x-amz-target", target), ("content-type", JSON)]));
        let known = |service, operation: &str| Route::Json(Ok((service, operation.to_owned())));
        assert_eq!(route("Kinesis_20131202.PutRecords"), known(JsonService::Kinesis, "PutRecords"));
        assert_eq!(route("Firehose_20150804.PutRecord"), known(JsonService::Firehose, "PutRecord"));
        assert_eq!(route("AWSGlue.GetTable"), known(JsonService::Glue, "GetTable"));
        assert_eq!(route("AmazonAthena.GetWorkGroup"), known(JsonService::Athena, "GetWorkGroup"));
        assert_eq!(route("DynamoDB_20120810.GetItem"), known(JsonService::DynamoDb, "GetItem"));
        assert_eq!(route("Logs_20140328.FilterLogEvents"), known(JsonService::Logs, "FilterLogEvents"));
        assert!(
            matches!(route("AmazonSQS.SendMessage"), Route::Json(Err(error)) if error.code == "UnknownOperationException")
        );
    }

    #[test]
    fn without_a_target_the_form_or_the_signature_tells() {
        assert_eq!(Route::of(&request(Method::POST, "/", &[("content-type", FORM)])), Route::Query);
        assert_eq!(Route::of(&request(Method::POST, "/bucket", &[("content-type", FORM)])), Route::S3);
        assert_eq!(Route::of(&request(Method::GET, "/bucket/key", &[])), Route::S3);
        assert_eq!(Route::of(&request(Method::GET, IDENTITY_PATH, &[])), Route::Identity);
        assert!(matches!(Route::of(&request(Method::POST, "/", &[SIGNED_FOR_GLUE])), Route::Json(Err(_))));
    }

    #[test]
    fn only_kinesis_speaks_cbor() {
        let headers = |content_type| request(Method::POST, "/", &[("content-type", content_type)]).headers;
        let (cbor, json) = (headers(CBOR), headers("application/x-amz-json-1.1; charset=utf-8"));
        assert_eq!(Encoding::of(JsonService::Kinesis, &cbor), Ok(Encoding::Cbor));
        assert_eq!(Encoding::of(JsonService::Kinesis, &json), Ok(Encoding::Json));
        let error = Encoding::of(JsonService::Firehose, &cbor).expect_err("an error");
        assert_eq!(error.status, 415);
        assert!(error.message.contains("firehose") && error.message.contains(CBOR), "{error}");
        assert!(Encoding::of(JsonService::DynamoDb, &json).is_err(), "DynamoDB speaks 1.0");
    }
}
