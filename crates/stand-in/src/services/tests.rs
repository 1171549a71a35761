//! What is true of every service.

use std::collections::HashSet;

use http::{Request, request::Parts};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    protocol::Protocol,
    query::write_form,
    service::{Answer, Call},
    service_error::ServiceError,
};

fn opened() -> (TempDir, Services) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = AccessKey::open(folder.path()).expect("a key");
    let services = Services::open(folder.path(), &key).expect("opened");
    (folder, services)
}

impl Services {
    fn named(&self, name: &str) -> Arc<dyn Service> {
        let service = self.all.iter().find(|service| service.name() == name);
        service.unwrap_or_else(|| panic!("{name} is there")).clone()
    }

    async fn call(&self, name: &str, operation: &str, body: impl ToString) -> Answer {
        self.named(name).call(Call::of(operation, body.to_string())).await
    }

    async fn rest(&self, name: &str, method: &str, path: &str, body: Value) -> Answer {
        let request: Parts = Request::builder().method(method).uri(path).body(()).expect("a request").into_parts().0;
        let call = Call { request, ..Call::of(&format!("{method} {path}"), body.to_string()) };
        self.named(name).call(call).await
    }
}

fn refused(what: &str, answer: Answer) -> ServiceError {
    answer.err().unwrap_or_else(|| panic!("{what} is not refused"))
}

#[tokio::test]
async fn no_two_services_share_a_name_and_no_operation_stands_twice() {
    let (_folder, services) = opened();
    let mut names = HashSet::new();
    for service in &services.all {
        assert!(names.insert(service.name()), "{} stands twice", service.name());
        let operations = service.operations();
        let distinct: HashSet<&str> = operations.iter().copied().collect();
        assert!(!operations.is_empty() && distinct.len() == operations.len(), "{}: {operations:?}", service.name());
    }
}

/// What must be there before anything else is checked, where a request has parts that others have too.
fn needed(service: &str, operation: &str) -> Value {
    match (service, operation) {
        ("athena", "CreateNamedQuery") => json!({"Name": "", "Database": "", "QueryString": ""}),
        ("athena", "GetQueryResults") => json!({"QueryExecutionId": ""}),
        ("athena", "ListTagsForResource") => json!({"ResourceARN": ""}),
        ("firehose", "CreateDeliveryStream") => json!({"DeliveryStreamName": "d"}),
        ("firehose", "UpdateDestination") => {
            json!({"DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1", "DestinationId": "d"})
        }
        ("glue", "GetTables") => json!({"DatabaseName": "d"}),
        ("glue", "GetPartitions") => json!({"DatabaseName": "d", "TableName": "t"}),
        ("logs", "GetLogEvents") => json!({"logStreamName": "s"}),
        ("redshift-data", "ExecuteStatement") => json!({"Sql": ""}),
        ("redshift-data", "BatchExecuteStatement") => json!({"Sqls": []}),
        ("servicequotas", "ListServiceQuotas" | "ListAWSDefaultServiceQuotas") => json!({"ServiceCode": "kinesis"}),
        _ => json!({}),
    }
}

/// Of DynamoDB a library reads the requests; of S3 and the REST protocols each has tests of its own.
#[tokio::test]
async fn a_member_that_no_operation_has_is_refused_by_its_name() {
    let (_folder, services) = opened();
    for service in services.all.iter().filter(|service| service.name() != "dynamodb") {
        for operation in service.operations() {
            let body = match service.protocol() {
                Protocol::Json(_) => {
                    let mut body = needed(service.name(), operation);
                    body["NoSuchMember"] = json!(1);
                    body.to_string()
                }
                Protocol::Query(query) => {
                    write_form([("Action", operation), ("Version", query.version), ("NoSuchMember.member.1", "1")])
                }
                Protocol::Rest(_) | Protocol::S3 => continue,
            };
            let what = format!("{} {operation}", service.name());
            let error = refused(&what, services.call(service.name(), operation, body).await);
            assert!(error.message.contains("NoSuchMember is not supported by the stand-in"), "{what}: {error}");
        }
    }
}

#[tokio::test]
async fn a_member_of_a_rest_body_is_refused_likewise() {
    let (_folder, services) = opened();
    let target = json!({"Arn": "a", "RoleArn": "r", "NoSuchMember": 1});
    let schedule = json!({"ScheduleExpression": "", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target});
    let function =
        json!({"FunctionName": "f", "Role": "r", "Runtime": "r", "Handler": "h", "Code": {"NoSuchMember": 1}});
    for (service, method, path, body) in [
        ("scheduler", "POST", "/schedules/s", schedule),
        ("scheduler", "POST", "/schedule-groups/g", json!({"NoSuchMember": 1})),
        ("lambda", "POST", "/2015-03-31/functions", function),
        (
            "lambda",
            "POST",
            "/2015-03-31/event-source-mappings",
            json!({
                "FunctionName": "f", "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                "StartingPosition": "LATEST", "NoSuchMember": 1,
            }),
        ),
        ("lambda", "PUT", "/2015-03-31/functions/f/code", json!({"NoSuchMember": 1})),
    ] {
        let error = refused(path, services.rest(service, method, path, body).await);
        assert!(error.message.contains("NoSuchMember is not supported by the stand-in"), "{path}: {error}");
    }
}

#[tokio::test]
async fn tags_of_aws_itself_are_refused_wherever_there_are_tags() {
    let (_folder, services) = opened();
    let (map, list) = (json!({"aws:x": "y"}), json!([{"Key": "aws:x", "Value": "y"}]));
    let small = json!([{"key": "aws:x", "value": "y"}]);
    let table = json!({
        "TableName": "t", "BillingMode": "PAY_PER_REQUEST", "Tags": list,
        "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
    });
    let role = write_form([("RoleName", "r"), ("Tags.member.1.Key", "aws:x"), ("Tags.member.1.Value", "y")]);
    let group = write_form([
        ("GroupName", "g"),
        ("GroupDescription", "d"),
        ("TagSpecification.1.ResourceType", "security-group"),
        ("TagSpecification.1.Tag.1.Key", "aws:x"),
    ]);
    let calls = [
        ("athena", "CreateWorkGroup", json!({"Name": "w", "Tags": list}).to_string()),
        ("dynamodb", "CreateTable", table.to_string()),
        ("ec2", "CreateSecurityGroup", group),
        ("ecs", "CreateCluster", json!({"clusterName": "c", "tags": small}).to_string()),
        ("firehose", "CreateDeliveryStream", json!({"DeliveryStreamName": "d", "Tags": list}).to_string()),
        ("glue", "CreateDatabase", json!({"DatabaseInput": {"Name": "d"}, "Tags": map}).to_string()),
        ("iam", "TagRole", role),
        ("kinesis", "CreateStream", json!({"StreamName": "s", "ShardCount": 1, "Tags": map}).to_string()),
        ("logs", "CreateLogGroup", json!({"logGroupName": "g", "tags": map}).to_string()),
        ("redshift-serverless", "CreateNamespace", json!({"namespaceName": "new", "tags": small}).to_string()),
        ("secretsmanager", "CreateSecret", json!({"Name": "n", "SecretString": "s", "Tags": list}).to_string()),
    ];
    for (service, operation, body) in calls {
        let error = refused(operation, services.call(service, operation, body).await);
        assert!(error.status == 400 && error.message.contains("reserved for AWS"), "{service} {operation}: {error}");
    }
    let mapping = json!({"FunctionName": "f", "Tags": map});
    for (service, path, body) in [
        ("scheduler", "/schedule-groups/g", json!({"Tags": list})),
        ("lambda", "/2015-03-31/event-source-mappings", mapping),
    ] {
        let error = refused(path, services.rest(service, "POST", path, body).await);
        assert!(error.message.contains("reserved for AWS"), "{path}: {error}");
    }
}
