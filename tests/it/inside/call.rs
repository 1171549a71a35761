//! Which operation of which service a request asks for.

use bytes::Bytes;
use http::{Method, Request};

/// One call, as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    /// Service and operation by their names, `s3 PutObject`.
    pub name: String,
    /// Whether it is meant to change something.
    pub changes: bool,
    pub(super) protocol: Protocol,
    pub(super) method: Method,
}

/// How a service writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// AWS JSON, 1.0 and 1.1.
    Json,
    /// JSON by paths: Lambda, EventBridge Scheduler.
    Rest,
    /// Forms in, XML out: IAM, STS.
    Query,
    /// Forms in, XML out in another way: EC2.
    Ec2,
    /// XML by paths.
    S3,
}

impl Call {
    pub fn of(request: &Request<Bytes>) -> Self {
        let (protocol, service, operation) = operation(request);
        let changes = match operation.as_str() {
            "ExecuteStatement" | "BatchExecuteStatement" => !reads(request.body()),
            operation => {
                !["Get", "List", "Describe", "Head", "Simulate"].iter().any(|word| operation.starts_with(word))
            }
        };
        Self { name: format!("{service} {operation}"), changes, protocol, method: request.method().clone() }
    }
}

fn operation(request: &Request<Bytes>) -> (Protocol, String, String) {
    if let Some(target) = header(request, "x-amz-target") {
        let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
        return (Protocol::Json, json_service(prefix), operation.to_owned());
    }
    match signed_for(request) {
        Some(service @ "lambda") => (Protocol::Rest, service.to_owned(), lambda(request)),
        Some(service @ "scheduler") => (Protocol::Rest, service.to_owned(), scheduler(request)),
        Some(service @ "ec2") => (Protocol::Ec2, service.to_owned(), action(request.body())),
        Some(service @ ("iam" | "sts")) => (Protocol::Query, service.to_owned(), action(request.body())),
        _ => (Protocol::S3, "s3".to_owned(), s3(request)),
    }
}

fn json_service(prefix: &str) -> String {
    let name = match prefix {
        "Kinesis_20131202" => "kinesis",
        "Firehose_20150804" => "firehose",
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        "AWSGlue" => "glue",
        "AmazonAthena" => "athena",
        "DynamoDB_20120810" => "dynamodb",
        "Logs_20140328" => "logs",
        "RedshiftData" => "redshift-data",
        "RedshiftServerless" => "redshift-serverless",
        "secretsmanager" => "secretsmanager",
        "ServiceQuotasV20190624" => "servicequotas",
        other => other,
    };
    name.to_owned()
}

/// Statements that only look.
fn reads(body: &[u8]) -> bool {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let one = body["Sql"].as_str().into_iter();
    let mut all = one.chain(body["Sqls"].as_array().into_iter().flatten().filter_map(|sql| sql.as_str()));
    all.all(|sql| ["SELECT", "SHOW", "SET"].iter().any(|word| sql.trim_start().to_uppercase().starts_with(word)))
}

fn action(form: &[u8]) -> String {
    let form = String::from_utf8_lossy(form);
    form.split('&').find_map(|field| field.strip_prefix("Action=")).unwrap_or_default().to_owned()
}

fn lambda(request: &Request<Bytes>) -> String {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let name = match (request.method().as_str(), path.as_slice()) {
        ("POST", [_, "functions"]) => "CreateFunction",
        ("GET", [_, "functions"]) => "ListFunctions",
        ("GET", [_, "functions", _]) => "GetFunction",
        ("DELETE", [_, "functions", _]) => "DeleteFunction",
        ("GET", [_, "functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", [_, "functions", _, "configuration"]) => "UpdateFunctionConfiguration",
        ("PUT", [_, "functions", _, "code"]) => "UpdateFunctionCode",
        ("POST", [_, "functions", _, "invocations"]) => "Invoke",
        ("POST", [_, "event-source-mappings"]) => "CreateEventSourceMapping",
        ("GET", [_, "event-source-mappings"]) => "ListEventSourceMappings",
        ("GET", [_, "event-source-mappings", _]) => "GetEventSourceMapping",
        ("PUT", [_, "event-source-mappings", _]) => "UpdateEventSourceMapping",
        ("DELETE", [_, "event-source-mappings", _]) => "DeleteEventSourceMapping",
        (method, [_, "tags", ..]) => tags(method),
        ("GET", [_, "account-settings"]) => "GetAccountSettings",
        (method, path) => return format!("{method} {}", path.join("/")),
    };
    name.to_owned()
}

fn scheduler(request: &Request<Bytes>) -> String {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let name = match (request.method().as_str(), path.as_slice()) {
        ("POST", ["schedules", _]) => "CreateSchedule",
        ("GET", ["schedules", _]) => "GetSchedule",
        ("PUT", ["schedules", _]) => "UpdateSchedule",
        ("DELETE", ["schedules", _]) => "DeleteSchedule",
        ("GET", ["schedules"]) => "ListSchedules",
        ("POST", ["schedule-groups", _]) => "CreateScheduleGroup",
        ("GET", ["schedule-groups", _]) => "GetScheduleGroup",
        ("DELETE", ["schedule-groups", _]) => "DeleteScheduleGroup",
        ("GET", ["schedule-groups"]) => "ListScheduleGroups",
        ("GET", ["tags", ..]) => "ListTagsForResource",
        (method, ["tags", ..]) => tags(method),
        (method, path) => return format!("{method} {}", path.join("/")),
    };
    name.to_owned()
}

fn tags(method: &str) -> &'static str {
    match method {
        "GET" => "ListTags",
        "DELETE" => "UntagResource",
        _ => "TagResource",
    }
}

fn s3(request: &Request<Bytes>) -> String {
    let (path, query) = (request.uri().path().trim_start_matches('/'), request.uri().query().unwrap_or_default());
    let field = |name: &str| query.split('&').find_map(|field| field.split('=').next().filter(|key| *key == name));
    if let Some(named) = query.split('&').find_map(|field| field.strip_prefix("x-id=")) {
        return named.to_owned();
    }
    let in_bucket = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let method = request.method().as_str();
    let kinds = [
        ("tagging", "Tagging"),
        ("policy", "Policy"),
        ("publicAccessBlock", "PublicAccessBlock"),
        ("encryption", "Encryption"),
        ("versioning", "Versioning"),
        ("lifecycle", "Lifecycle"),
        ("ownershipControls", "OwnershipControls"),
        ("location", "Location"),
    ];
    let kind = kinds.iter().find(|(name, _)| field(name).is_some()).map(|(_, kind)| *kind);
    let verb = match method {
        "PUT" => "Put",
        "DELETE" => "Delete",
        _ => "Get",
    };
    let name = match (in_bucket, method, kind) {
        (true, "PUT", _) if field("uploadId").is_some() => "UploadPart",
        (true, "PUT", _) => "PutObject",
        (true, "GET", _) => "GetObject",
        (true, "HEAD", _) => "HeadObject",
        (true, "DELETE", _) if field("uploadId").is_some() => "AbortMultipartUpload",
        (true, "DELETE", _) => "DeleteObject",
        (true, "POST", _) if field("uploads").is_some() => "CreateMultipartUpload",
        (true, ..) => "CompleteMultipartUpload",
        (false, _, Some("PublicAccessBlock")) => return format!("{verb}PublicAccessBlock"),
        (false, _, Some(kind)) => return format!("{verb}Bucket{kind}"),
        (false, "GET", _) if path.is_empty() => "ListBuckets",
        (false, "GET", _) if field("versions").is_some() => "ListObjectVersions",
        (false, "GET", _) if field("uploads").is_some() => "ListMultipartUploads",
        (false, "GET", _) => "ListObjectsV2",
        (false, "HEAD", _) => "HeadBucket",
        (false, "PUT", _) => "CreateBucket",
        (false, "DELETE", _) => "DeleteBucket",
        (false, ..) => "DeleteObjects",
    };
    name.to_owned()
}

/// The service that the signature names: `Credential=KEY/20260101/us-east-1/SERVICE/aws4_request`.
fn signed_for(request: &Request<Bytes>) -> Option<&str> {
    let (_, credential) = header(request, "authorization")?.split_once("Credential=")?;
    credential.split(',').next()?.rsplit('/').nth(1)
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}
