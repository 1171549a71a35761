//! What may go wrong with a call, and how a service of each protocol writes it.

use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::json;

use super::{Call, call::Protocol};

/// What goes wrong with one try of a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// There is no connection: the service has seen nothing.
    Unreachable,
    /// It worked, and the connection broke before the answer.
    LoseAnswer,
    /// It worked, and the answer comes so much later.
    Delay(Duration),
    /// The service refuses it, and has done nothing.
    Answer { status: u16, code: &'static str, message: String },
    /// The service says that it has failed, and has done it all the same.
    AnswerAfter { status: u16, code: &'static str, message: String },
}

impl Fault {
    /// [`Fault::Answer`] with status 400, as most refusals are.
    pub fn refused(code: &'static str, message: &str) -> Self {
        Self::Answer { status: 400, code, message: message.to_owned() }
    }

    /// IAM does not let the caller.
    pub fn denied(message: &str) -> Self {
        Self::Answer { status: 403, code: "AccessDeniedException", message: message.to_owned() }
    }
}

/// A connection's own errors.
pub(super) struct Broken;

impl Broken {
    pub(super) fn refused() -> ConnectorError {
        ConnectorError::io("connection refused".into()).never_connected()
    }

    pub(super) fn reset() -> ConnectorError {
        ConnectorError::io("connection reset by peer".into())
    }
}

/// An error as the service that a call is for would write it.
pub fn written(call: &Call, status: u16, code: &str, message: &str) -> Response<Bytes> {
    let message_xml = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (content_type, body) = match call.protocol {
        Protocol::Json => ("application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string()),
        Protocol::Rest => ("application/json", json!({"message": message, "Message": message}).to_string()),
        Protocol::Query => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message_xml}</Message></Error>\
                 <RequestId>1</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::Ec2 => (
            "text/xml",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message_xml}</Message></Error></Errors>\
                 <RequestID>1</RequestID></Response>"
            ),
        ),
        Protocol::S3 if call.method == Method::HEAD => ("application/xml", String::new()),
        Protocol::S3 => (
            "application/xml",
            format!("<Error><Code>{code}</Code><Message>{message_xml}</Message><RequestId>1</RequestId></Error>"),
        ),
    };
    let answer = Response::builder().status(status).header("content-type", content_type);
    answer.header("x-amzn-errortype", code).body(body.into()).expect("a response")
}
