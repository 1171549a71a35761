//! The stand-in's IAM, through the AWS SDK.

use aws_sdk_iam::{
    Client,
    error::ProvideErrorMetadata,
    types::{Role, Tag},
};

use crate::stand_in::Running;

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
const PERMISSIONS: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}]}"#;
const MANAGED: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

struct Fixture {
    folder: tempfile::TempDir,
    running: Running,
    iam: Client,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(folder.path()).await;
        let iam = Client::new(&running.config());
        Self { folder, running, iam }
    }

    async fn reopened(self) -> Self {
        self.running.stop().await;
        let running = Running::over(self.folder.path()).await;
        let iam = Client::new(&running.config());
        Self { folder: self.folder, running, iam }
    }

    async fn create(&self, path: &str, name: &str) -> Role {
        let created = self.iam.create_role().path(path).role_name(name).assume_role_policy_document(TRUST).send().await;
        created.expect("created").role.expect("a role")
    }
}

/// Status and code of a call that fails.
macro_rules! refusal {
    ($call:expr) => {{
        let error = $call.send().await.expect_err("refused");
        let status = error.raw_response().map(|response| response.status().as_u16());
        (status.unwrap_or_default(), error.into_service_error().code().unwrap_or_default().to_owned())
    }};
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Undoes the percent-encoding of a policy document.
fn decoded(document: &str) -> String {
    let mut parts = document.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (escaped, plain) = part.split_at(2);
        bytes.push(u8::from_str_radix(escaped, 16).expect("hexadecimal"));
        bytes.extend(plain.as_bytes());
    }
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_role_is_created_read_and_deleted() {
    let fixture = Fixture::new().await;
    let iam = &fixture.iam;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    let create = iam
        .create_role()
        .path("/demo/sales/")
        .role_name("firehose")
        .assume_role_policy_document(TRUST)
        .description("delivers <all> & more")
        .max_session_duration(7200)
        .tags(tag("stack", "sales"));
    let created = create.clone().send().await.expect("created").role.expect("a role");
    assert_eq!(created.arn(), "arn:aws:iam::000000000000:role/demo/sales/firehose");
    assert!(created.role_id().starts_with("AROA") && created.role_id().len() == 21, "{}", created.role_id());

    let role = iam.get_role().role_name("firehose").send().await.expect("there").role.expect("a role");
    assert_eq!(role, created);
    assert_eq!(role.description(), Some("delivers <all> & more"));
    assert_eq!(role.max_session_duration(), Some(7200));
    assert_eq!(role.tags(), [tag("stack", "sales")]);
    assert_eq!(decoded(role.assume_role_policy_document().expect("a trust policy")), TRUST);
    assert!(role.create_date().secs() > 1_700_000_000);

    assert_eq!(refusal!(create.clone()), refused(409, "EntityAlreadyExists"));
    assert_eq!(refusal!(create.clone().path("/").role_name("FireHose")), refused(409, "EntityAlreadyExists"));
    assert_eq!(
        refusal!(create.role_name("other").assume_role_policy_document("{")),
        refused(400, "MalformedPolicyDocument")
    );

    iam.delete_role().role_name("firehose").send().await.expect("deleted");
    assert_eq!(refusal!(iam.get_role().role_name("firehose")), refused(404, "NoSuchEntity"));
    assert_eq!(refusal!(iam.delete_role().role_name("firehose")), refused(404, "NoSuchEntity"));
    fixture.running.stop().await;
}

#[tokio::test]
async fn a_role_with_policies_is_not_deleted() {
    let fixture = Fixture::new().await;
    let iam = &fixture.iam;
    fixture.create("/", "r").await;

    let put = iam.put_role_policy().role_name("r").policy_name("deliver").policy_document(PERMISSIONS);
    put.clone().send().await.expect("put");
    put.send().await.expect("put again");
    let read = iam.get_role_policy().role_name("r").policy_name("deliver").send().await.expect("there");
    assert_eq!(decoded(read.policy_document()), PERMISSIONS);
    let listed = iam.list_role_policies().role_name("r").send().await.expect("listed");
    assert_eq!(listed.policy_names(), ["deliver"]);
    assert_eq!(refusal!(iam.delete_role().role_name("r")), refused(409, "DeleteConflict"));
    iam.delete_role_policy().role_name("r").policy_name("deliver").send().await.expect("deleted");
    let again = iam.delete_role_policy().role_name("r").policy_name("deliver");
    assert_eq!(refusal!(again), refused(404, "NoSuchEntity"));
    assert_eq!(refusal!(iam.get_role_policy().role_name("r").policy_name("deliver")), refused(404, "NoSuchEntity"));

    iam.attach_role_policy().role_name("r").policy_arn(MANAGED).send().await.expect("attached");
    let attached = iam.list_attached_role_policies().role_name("r").send().await.expect("listed");
    let [policy] = attached.attached_policies() else { panic!("{attached:?}") };
    assert_eq!((policy.policy_name(), policy.policy_arn()), (Some("AWSLambdaBasicExecutionRole"), Some(MANAGED)));
    assert_eq!(refusal!(iam.delete_role().role_name("r")), refused(409, "DeleteConflict"));
    iam.detach_role_policy().role_name("r").policy_arn(MANAGED).send().await.expect("detached");
    assert_eq!(refusal!(iam.detach_role_policy().role_name("r").policy_arn(MANAGED)), refused(404, "NoSuchEntity"));

    let profiles = iam.list_instance_profiles_for_role().role_name("r").send().await.expect("listed");
    assert!(profiles.instance_profiles().is_empty() && !profiles.is_truncated());
    iam.delete_role().role_name("r").send().await.expect("deleted");
    fixture.running.stop().await;
}

#[tokio::test]
async fn policies_are_checked_and_limited() {
    let fixture = Fixture::new().await;
    let iam = &fixture.iam;
    fixture.create("/", "r").await;
    let put =
        |name: &str, document: &str| iam.put_role_policy().role_name("r").policy_name(name).policy_document(document);
    assert_eq!(refusal!(put("p", TRUST)), refused(400, "MalformedPolicyDocument"));
    assert_eq!(refusal!(put("p", PERMISSIONS).role_name("absent")), refused(404, "NoSuchEntity"));
    let long = PERMISSIONS.replace("b/*", &"b".repeat(6_000));
    put("first", &long).send().await.expect("within the limit");
    assert_eq!(refusal!(put("second", &long)), refused(409, "LimitExceeded"));
    put("first", &long).send().await.expect("the same again is within the limit");

    for n in 0..10 {
        let arn = format!("arn:aws:iam::aws:policy/P{n}");
        iam.attach_role_policy().role_name("r").policy_arn(arn).send().await.expect("attached");
    }
    let attach = iam.attach_role_policy().role_name("r");
    assert_eq!(refusal!(attach.clone().policy_arn("arn:aws:iam::aws:policy/P10")), refused(409, "LimitExceeded"));
    assert_eq!(refusal!(attach.policy_arn("arn:aws:iam::000000000000:policy/none")), refused(404, "NoSuchEntity"));

    let update = iam.update_assume_role_policy().role_name("r");
    assert_eq!(refusal!(update.clone().policy_document(PERMISSIONS)), refused(400, "MalformedPolicyDocument"));
    let arn = "arn:aws:iam::000000000000:role/r";
    assert!(fixture.running.stand_in.iam.may_assume(arn, "firehose.amazonaws.com"));
    update.policy_document(TRUST.replace("firehose", "lambda")).send().await.expect("updated");
    assert!(!fixture.running.stand_in.iam.may_assume(arn, "firehose.amazonaws.com"));
    assert!(fixture.running.stand_in.iam.may_assume(arn, "lambda.amazonaws.com"));
    fixture.running.stop().await;
}

#[tokio::test]
async fn roles_are_listed_by_path_and_page() {
    let fixture = Fixture::new().await;
    for n in 0..5 {
        fixture.create("/demo/one/", &format!("one-{n}")).await;
    }
    fixture.create("/demo/two/", "two").await;
    fixture.create("/", "elsewhere").await;
    let names = |roles: &[Role]| roles.iter().map(|role| role.role_name().to_owned()).collect::<Vec<_>>();

    let all = fixture.iam.list_roles().send().await.expect("listed");
    assert_eq!(names(all.roles()), ["elsewhere", "one-0", "one-1", "one-2", "one-3", "one-4", "two"]);
    assert!(!all.is_truncated() && all.marker().is_none());

    let mut pages = fixture.iam.list_roles().path_prefix("/demo/one/").into_paginator().page_size(2).send();
    let mut sizes = Vec::new();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        sizes.push(page.roles().len());
        found.extend(names(page.roles()));
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(found, ["one-0", "one-1", "one-2", "one-3", "one-4"]);
    assert_eq!(fixture.running.stand_in.iam.role_names().len(), 7);
    fixture.running.stop().await;
}

#[tokio::test]
async fn tags_come_and_go_and_everything_outlives_a_reopening() {
    let fixture = Fixture::new().await;
    let created = fixture.create("/demo/", "r").await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    let put = fixture.iam.put_role_policy().role_name("r").policy_name("p").policy_document(PERMISSIONS);
    put.send().await.expect("put");
    let tags = fixture.iam.tag_role().role_name("r").tags(tag("Owner", "me")).tags(tag("ttl", "2h"));
    tags.send().await.expect("tagged");
    fixture.iam.tag_role().role_name("r").tags(tag("owner", "you")).send().await.expect("tagged again");
    fixture.iam.untag_role().role_name("r").tag_keys("TTL").send().await.expect("untagged");

    let fixture = fixture.reopened().await;
    let listed = fixture.iam.list_role_tags().role_name("r").send().await.expect("listed");
    assert_eq!(listed.tags(), [tag("owner", "you")]);
    let role = fixture.iam.get_role().role_name("r").send().await.expect("there").role.expect("a role");
    assert_eq!((role.arn(), role.role_id()), (created.arn(), created.role_id()));
    assert_eq!(role.create_date(), created.create_date());
    fixture.iam.get_role_policy().role_name("r").policy_name("p").send().await.expect("there");
    assert_eq!(refusal!(fixture.iam.tag_role().role_name("x").tags(tag("a", "b"))), refused(404, "NoSuchEntity"));
    fixture.running.stop().await;
}

/// What SimulatePrincipalPolicy says of each action on each resource.
async fn simulated(iam: &Client, principal: &str, actions: &[&str], resources: &[&str]) -> Vec<String> {
    let owned = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let simulate = iam.simulate_principal_policy().policy_source_arn(principal);
    let simulate = simulate.set_action_names(owned(actions)).set_resource_arns(owned(resources));
    let answer = simulate.send().await.expect("simulated");
    assert!(!answer.is_truncated());
    let say = |result: &aws_sdk_iam::types::EvaluationResult| {
        let resource = result.eval_resource_name().unwrap_or_default();
        format!("{} {resource} {}", result.eval_action_name(), result.eval_decision().as_str())
    };
    answer.evaluation_results().iter().map(say).collect()
}

#[tokio::test]
async fn policies_are_simulated() {
    let fixture = Fixture::new().await;
    let iam = &fixture.iam;
    let caller = iam.get_user().send().await.expect("answered").user.expect("a user");
    assert_eq!((caller.user_name(), caller.arn()), ("local", "arn:aws:iam::000000000000:user/local"));
    let calls = ["kinesis:CreateStream", "s3:PutObject"];
    let all = simulated(iam, caller.arn(), &calls, &[]).await;
    assert_eq!(all, ["kinesis:CreateStream * allowed", "s3:PutObject * allowed"]);

    let restricted = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": {"StringEquals": {"iam:PassedToService": "firehose.amazonaws.com"}}},
        {"Effect": "Deny", "Action": "kinesis:Delete?tream", "Resource": "arn:aws:kinesis:*:*:stream/kept-*"}]}"#;
    fixture.running.stand_in.iam.restrict_caller(Some(restricted)).expect("a policy");
    let (kept, other) =
        ("arn:aws:kinesis:us-east-1:000000000000:stream/kept-1", "arn:aws:kinesis:us-east-1:000000000000:stream/other");
    let said = simulated(iam, caller.arn(), &["Kinesis:DeleteStream", "iam:CreateRole"], &[kept, other]).await;
    let expected = [
        format!("Kinesis:DeleteStream {kept} explicitDeny"),
        format!("Kinesis:DeleteStream {other} allowed"),
        format!("iam:CreateRole {kept} implicitDeny"),
        format!("iam:CreateRole {other} implicitDeny"),
    ];
    assert_eq!(said, expected);
    let entry = aws_sdk_iam::types::ContextEntry::builder()
        .context_key_name("iam:PassedToService")
        .context_key_type(aws_sdk_iam::types::ContextKeyTypeEnum::String)
        .context_key_values("firehose.amazonaws.com")
        .build();
    let pass = iam.simulate_principal_policy().policy_source_arn(caller.arn()).action_names("iam:PassRole");
    let decision = async |pass: aws_sdk_iam::operation::simulate_principal_policy::builders::SimulatePrincipalPolicyFluentBuilder| {
        let answer = pass.send().await.expect("simulated");
        answer.evaluation_results()[0].eval_decision().as_str().to_owned()
    };
    assert_eq!(decision(pass.clone()).await, "implicitDeny", "nobody said whom it is passed to");
    assert_eq!(decision(pass.context_entries(entry)).await, "allowed");
    fixture.running.stand_in.iam.restrict_caller(None).expect("no policy");
    assert_eq!(simulated(iam, caller.arn(), &["iam:CreateRole"], &[]).await, ["iam:CreateRole * allowed"]);

    fixture.create("/demo/", "r").await;
    let put = iam.put_role_policy().role_name("r").policy_name("p").policy_document(PERMISSIONS);
    put.send().await.expect("put");
    let role = "arn:aws:iam::000000000000:role/demo/r";
    let said = simulated(iam, role, &["s3:PutObject"], &["arn:aws:s3:::b/key", "arn:aws:s3:::c/key"]).await;
    assert_eq!(said, ["s3:PutObject arn:aws:s3:::b/key allowed", "s3:PutObject arn:aws:s3:::c/key implicitDeny"]);
    let absent = iam.simulate_principal_policy().policy_source_arn("arn:aws:iam::000000000000:role/none");
    assert_eq!(refusal!(absent.action_names("s3:PutObject")), refused(404, "NoSuchEntity"));
    fixture.running.stop().await;
}

#[tokio::test]
async fn a_role_s_description_and_session_change_in_place() {
    let fixture = Fixture::new().await;
    fixture.create("/", "r").await;
    let update = fixture.iam.update_role().role_name("r").description("what it is for");
    update.max_session_duration(7_200).send().await.expect("updated");
    fixture.iam.update_role().role_name("r").send().await.expect("nothing to update");
    let role = fixture.iam.get_role().role_name("r").send().await.expect("there").role.expect("a role");
    assert_eq!((role.description(), role.max_session_duration()), (Some("what it is for"), Some(7_200)));
    assert_eq!(refusal!(fixture.iam.update_role().role_name("none")), refused(404, "NoSuchEntity"));
    fixture.running.stop().await;
}
