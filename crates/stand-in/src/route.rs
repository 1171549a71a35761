//! Which service a request is for, before its body is read.

use std::sync::Arc;

use http::{Method, request::Parts};

use crate::{
    protocol::{Json, Protocol, Rest, media_type},
    service::Service,
    service_error::ServiceError,
    signature::Signature,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// Where the stand-in says who it is. No bucket can be named so.
pub(crate) const IDENTITY_PATH: &str = "/_stand-in";

/// What a request is.
pub(crate) enum Route {
    /// Asks who answers here.
    Identity,
    /// Names a service of the JSON protocol, and its operation.
    Json(Json, Arc<dyn Service>, String),
    /// Is in the JSON protocol, and names no service.
    Unknown(ServiceError),
    /// Is in the query protocol, whose body names the service.
    Query,
    /// Is for a service of a REST protocol with JSON in it.
    Rest(Rest, Arc<dyn Service>),
    /// Is in S3's protocol.
    S3,
}

impl Route {
    /// Goes by the target header, then by the form's content type, then by the service that the signature names; the rest is
    /// S3.
    pub(crate) fn of(request: &Parts, services: &[Arc<dyn Service>]) -> Self {
        if request.uri.path() == IDENTITY_PATH {
            return Self::Identity;
        }
        if let Some(target) = request.headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
            return Self::of_target(target, services);
        }
        let signed_for = Signature::of(request).ok().flatten().map(|signature| signature.service);
        let service = services.iter().find(|service| Some(service.name()) == signed_for.as_deref());
        match service.map(|service| (service.protocol(), service)) {
            Some((Protocol::Json(_), _)) => Self::Unknown(unknown_operation(
                "the request has no X-Amz-Target header, and the stand-in speaks JSON with this service",
            )),
            Some((Protocol::Query(_), _)) => Self::Query,
            Some((Protocol::Rest(rest), service)) => Self::Rest(rest, service.clone()),
            Some((Protocol::S3, _)) => Self::S3,
            None if is_form(request) => Self::Query,
            None => Self::S3,
        }
    }

    fn of_target(target: &str, services: &[Arc<dyn Service>]) -> Self {
        let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
        let named = services.iter().find_map(|service| match service.protocol() {
            Protocol::Json(json) if json.target == prefix => Some((json, service)),
            _ => None,
        });
        match named {
            Some((json, service)) => Self::Json(json, service.clone(), operation.to_owned()),
            None => {
                let why = format!("no service of the stand-in has the target {target:?}");
                Self::Unknown(unknown_operation(&why))
            }
        }
    }
}

fn unknown_operation(message: &str) -> ServiceError {
    ServiceError::client("UnknownOperationException", message)
}

fn is_form(request: &Parts) -> bool {
    request.method == Method::POST && request.uri.path() == "/" && media_type(&request.headers) == FORM
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{keys::AccessKey, services::Services};

    /// What a request is taken for, in a word or two.
    async fn route(method: Method, uri: &str, headers: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        let services = Services::open(folder.path(), &key).expect("opened").all;
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        match Route::of(&builder.body(()).expect("a request").into_parts().0, &services) {
            Route::Identity => "identity".to_owned(),
            Route::Json(_, service, operation) => format!("{} {operation}", service.name()),
            Route::Unknown(error) => error.code.to_owned(),
            Route::Query => "query".to_owned(),
            Route::Rest(_, service) => service.name().to_owned(),
            Route::S3 => "s3".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_target_names_service_and_operation() {
        let expected = [
            ("Kinesis_20131202.PutRecords", "kinesis PutRecords"),
            ("Firehose_20150804.PutRecord", "firehose PutRecord"),
            ("AWSGlue.GetTable", "glue GetTable"),
            ("AmazonAthena.GetWorkGroup", "athena GetWorkGroup"),
            ("DynamoDB_20120810.GetItem", "dynamodb GetItem"),
            ("Logs_20140328.FilterLogEvents", "logs FilterLogEvents"),
            ("RedshiftData.ExecuteStatement", "redshift-data ExecuteStatement"),
            ("AmazonEC2ContainerServiceV20141113.RunTask", "ecs RunTask"),
            ("AmazonSQS.SendMessage", "UnknownOperationException"),
        ];
        for (target, named) in expected {
            assert_eq!(route(Method::POST, "/", &[("x-amz-target", target)]).await, named);
        }
    }

    #[tokio::test]
    async fn without_a_target_the_form_or_the_signature_tells() {
        let form = ("content-type", FORM);
        assert_eq!(route(Method::POST, "/", &[form]).await, "query");
        assert_eq!(route(Method::POST, "/bucket", &[form]).await, "s3");
        assert_eq!(route(Method::GET, "/bucket/key", &[]).await, "s3");
        assert_eq!(route(Method::GET, IDENTITY_PATH, &[]).await, "identity");
        let signed = [
            ("glue", "UnknownOperationException"),
            ("sts", "query"),
            ("ec2", "query"),
            ("lambda", "lambda"),
            ("scheduler", "scheduler"),
            ("s3", "s3"),
            ("sqs", "query"),
        ];
        for (service, named) in signed {
            let scope = format!("Credential=k/20260101/us-east-1/{service}/aws4_request");
            let value = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00");
            assert_eq!(route(Method::POST, "/", &[("authorization", &value), form]).await, named, "{service}");
        }
    }
}
