use http::Request;
use tempfile::TempDir;

use super::*;
use crate::{keys::AccessKey, query::write_form, service::ask, services::Services};

const ROLE: &str = "arn:aws:iam::000000000000:role/worker";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["kinesis:PutRecords","kinesis:ListShards"],"Resource":"arn:aws:kinesis:us-east-1:000000000000:stream/orders"},
    {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/run/*"},
    {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"run/*"}}}]}"#;

struct Fixture {
    _folder: TempDir,
    services: Services,
    sessions: Arc<Sessions>,
    session: Session,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        let services = Services::open(folder.path(), &key).expect("opened");
        let role = write_form([("RoleName", "worker"), ("AssumeRolePolicyDocument", TRUST)]);
        ask(&services.iam, "CreateRole", role).await.expect("made");
        let policy = write_form([("RoleName", "worker"), ("PolicyName", "p"), ("PolicyDocument", POLICY)]);
        ask(&services.iam, "PutRolePolicy", policy).await.expect("put");
        let sessions = Sessions::new(services.iam.clone());
        let session = sessions.begin(ROLE);
        Self { _folder: folder, services, sessions, session }
    }

    fn request(&self, method: Method, uri: &str) -> Parts {
        let request = Request::builder().method(method).uri(uri).header("x-amz-security-token", &self.session.token);
        request.body(()).expect("a request").into_parts().0
    }

    fn call(&self, service: &str, operation: &str, body: &str) -> Result<(), ServiceError> {
        let call = Call { request: self.request(Method::POST, "/"), ..Call::of(operation, body.to_owned()) };
        let service = self.services.all.iter().find(|it| it.name() == service).expect("a service");
        self.sessions.check(&**service, &call)
    }

    fn s3(&self, method: Method, uri: &str) -> bool {
        self.sessions.check_s3(&self.request(method, uri)).is_ok()
    }
}

#[tokio::test]
async fn a_role_puts_into_its_stream_and_no_other() {
    let fixture = Fixture::new().await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    for body in [r#"{"StreamName":"orders","Records":[]}"#.to_owned(), format!(r#"{{"StreamARN":"{arn}"}}"#)] {
        fixture.call("kinesis", "PutRecords", &body).expect("allowed");
    }
    fixture.call("kinesis", "ListShards", r#"{"NextToken":"t"}"#).expect("the token names the stream");
    fixture.call("sts", "GetCallerIdentity", "").expect("everybody may");
    for (service, operation, body) in [
        ("kinesis", "PutRecords", r#"{"StreamName":"others"}"#),
        ("kinesis", "DeleteStream", r#"{"StreamName":"orders"}"#),
        ("dynamodb", "PutItem", "{}"),
        ("iam", "ListRoles", ""),
        ("lambda", "GET /2015-03-31/functions", ""),
        ("stand-in", "ClearFaults", "{}"),
    ] {
        let error = fixture.call(service, operation, body).expect_err(operation);
        assert!(error.code.starts_with("AccessDenied"), "{error}");
    }
    let error = fixture.call("kinesis", "PutRecords", r#"{"StreamName":"others"}"#).expect_err("denied");
    assert!(error.message.contains("assumed-role/worker/stand-in is not authorized to perform: kinesis:PutRecords on"));
    assert!(error.message.contains(&arn.replace("orders", "others")), "{error}");
}

#[tokio::test]
async fn a_role_has_its_prefix_of_the_bucket_and_no_other() {
    let fixture = Fixture::new().await;
    for (method, uri) in [
        (Method::GET, "/b/run/1"),
        (Method::HEAD, "/b/run/a%20b"),
        (Method::PUT, "/b/run/1"),
        (Method::POST, "/b/run/1?uploads"),
        (Method::GET, "/b?list-type=2&prefix=run%2F1"),
    ] {
        assert!(fixture.s3(method, uri), "{uri}");
    }
    for (method, uri) in [
        (Method::GET, "/b/other/1"),
        (Method::GET, "/c/run/1"),
        (Method::DELETE, "/b/run/1"),
        (Method::GET, "/b?list-type=2"),
        (Method::GET, "/b?list-type=2&prefix=other"),
        (Method::PUT, "/b"),
        (Method::GET, "/"),
    ] {
        assert!(!fixture.s3(method, uri), "{uri}");
    }
    assert!(fixture.sessions.check_absence(&fixture.request(Method::GET, "/b/run/1")).is_err(), "it has no prefix");
    assert!(fixture.sessions.check_absence(&fixture.request(Method::PUT, "/b/run/1")).is_ok());
}

#[tokio::test]
async fn who_has_no_session_is_the_owner() {
    let Fixture { session, sessions, services, _folder } = Fixture::new().await;
    let request = |token: &str| {
        let uri = format!("/b/k?X-Amz-Security-Token={}", crate::query::percent_encode(token));
        Request::builder().uri(uri).body(()).expect("a request").into_parts().0
    };
    let (own, of_aws) = (request(&session.token), request("IQoJb3JpZ2luX2VjE"));
    assert!(sessions.check_s3(&own).is_err() && sessions.check_s3(&of_aws).is_ok());
    drop(session);
    assert!(sessions.check_s3(&own).is_ok(), "the session has ended");
    drop(services);
}
