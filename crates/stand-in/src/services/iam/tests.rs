use super::*;
use crate::{query::parse_form, service::ask};

const FIREHOSE: &str = "firehose.amazonaws.com";

fn trust(principal: &str, rest: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{rest}}}]}}"#
    )
}

#[test]
fn a_trust_policy_admits_whom_it_names() {
    for principal in [
        r#"{"Service":"firehose.amazonaws.com"}"#,
        r#"{"Service":["glue.amazonaws.com","firehose.amazonaws.com"]}"#,
        r#""*""#,
    ] {
        assert!(access::admits(&trust(principal, ""), FIREHOSE, None), "{principal}");
    }
    for principal in [r#"{"Service":"glue.amazonaws.com"}"#, r#"{"AWS":"arn:aws:iam::000000000000:root"}"#] {
        assert!(!access::admits(&trust(principal, ""), FIREHOSE, None), "{principal}");
    }
}

#[test]
fn conditions_are_held_to() {
    let firehose = r#"{"Service":"firehose.amazonaws.com"}"#;
    let admits =
        |condition: &str| access::admits(&trust(firehose, &format!(r#","Condition":{condition}"#)), FIREHOSE, None);
    assert!(admits(r#"{"StringEquals":{"sts:ExternalId":"000000000000"}}"#));
    assert!(admits(r#"{"StringEquals":{"AWS:SourceAccount":["1","000000000000"]}}"#));
    assert!(!admits(r#"{"StringEquals":{"sts:ExternalId":"111111111111"}}"#));
    assert!(!admits(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#));
}

#[test]
fn a_deny_overrules() {
    let document = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:*"},
        {"Effect":"Deny","Principal":"*","Action":["sts:Assume*Role"]}]}"#;
    assert!(!access::admits(document, FIREHOSE, None));
    assert!(access::admits(&document.replace("Assume*Role", "Assume*Roles"), FIREHOSE, None));
    assert!(!access::admits("not json", FIREHOSE, None));
}

#[test]
fn malformed_documents_say_what_is_wrong() {
    let permissions = [
        ("{", "invalid Json"),
        ("{}", "Statement"),
        (r#"{"Version":"2020-01-01","Statement":[]}"#, "version"),
        (r#"{"Statement":{"Action":"s3:*","Resource":"*"}}"#, "Effect"),
        (r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#, "actions"),
        (r#"{"Statement":{"Effect":"Allow","Action":"PutObject","Resource":"*"}}"#, "vendor"),
        (r#"{"Statement":{"Effect":"Allow","Action":"s3:*"}}"#, "resources"),
        (r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}}"#, "ARN format"),
        (r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}}"#, "principal"),
    ];
    for (document, why) in permissions {
        let error = policy::check_permissions(document).expect_err(document);
        assert_eq!(error.code, "MalformedPolicyDocument");
        assert!(error.message.contains(why), "{document}: {error}");
    }
    let good =
        r#"{"Statement":{"Effect":"Allow","Action":["s3:PutObject","kinesis:Get*"],"Resource":"arn:aws:s3:::b/*"}}"#;
    assert_eq!(policy::check_permissions(good), Ok(()));

    let with_resource = trust(r#"{"Service":"firehose.amazonaws.com"}"#, r#","Resource":"*""#);
    let without_principal = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}"#;
    let another_action = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}}"#;
    for (document, why) in
        [(with_resource.as_str(), "prohibited field"), (without_principal, "Principal"), (another_action, "STS")]
    {
        let error = policy::check_trust(document).expect_err(document);
        assert!(error.message.contains(why), "{document}: {error}");
    }
}

async fn call(iam: &Arc<Iam>, form: &str) -> Result<String, ServiceError> {
    let fields = parse_form(form.as_bytes());
    let action = Fields(&fields).get("Action").expect("an action");
    let answer = ask(iam, action, form.to_owned()).await?;
    Ok(String::from_utf8(answer.to_vec()).expect("XML"))
}

#[tokio::test]
async fn a_role_may_be_assumed_while_it_is_there_also_after_a_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let arn = "arn:aws:iam::000000000000:role/demo/r";
    let trust = crate::query::percent_encode(&trust(r#"{"Service":"firehose.amazonaws.com"}"#, ""));
    let iam = Iam::open(folder.path()).expect("opened");
    assert!(!iam.may_assume(arn, FIREHOSE));
    let create = format!("Action=CreateRole&RoleName=r&Path=/demo/&AssumeRolePolicyDocument={trust}");
    call(&iam, &create).await.expect("created");
    assert!(iam.may_assume(arn, FIREHOSE));
    assert!(!iam.may_assume("arn:aws:iam::000000000000:role/r", FIREHOSE));

    let iam = Iam::open(folder.path()).expect("opened again");
    assert!(iam.may_assume(arn, FIREHOSE));
    assert_eq!(iam.role_names(), ["r"]);
    call(&iam, "Action=DeleteRole&RoleName=r").await.expect("deleted");
    assert!(!iam.may_assume(arn, FIREHOSE));
}

#[tokio::test]
async fn fields_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let iam = Iam::open(folder.path()).expect("opened");
    let trust = crate::query::percent_encode(&trust(r#""*""#, ""));
    let long_trust = format!(
        "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={}",
        trust.replace("%22%2A%22", &format!("%22{}%22", "a".repeat(2_100)))
    );
    let tags: String = (1..=51).map(|n| format!("&Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=v")).collect();
    let cases = [
        ("Action=CreateRole&AssumeRolePolicyDocument={}".to_owned(), "ValidationError", "roleName"),
        (
            format!("Action=CreateRole&RoleName={}&AssumeRolePolicyDocument={trust}", "r".repeat(65)),
            "ValidationError",
            "64",
        ),
        (
            format!("Action=CreateRole&RoleName=a%2Fb&AssumeRolePolicyDocument={trust}"),
            "ValidationError",
            "alphanumeric",
        ),
        (format!("Action=CreateRole&RoleName=r&Path=demo&AssumeRolePolicyDocument={trust}"), "ValidationError", "path"),
        (
            format!("Action=CreateRole&RoleName=r&MaxSessionDuration=5&AssumeRolePolicyDocument={trust}"),
            "ValidationError",
            "3600",
        ),
        (long_trust, "LimitExceeded", "ACLSizePerRole"),
        (format!("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={trust}{tags}"), "LimitExceeded", "tags"),
        (
            format!(
                "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={trust}&Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=A&Tags.member.2.Value="
            ),
            "InvalidInput",
            "Duplicate",
        ),
        ("Action=ListRoles&MaxItems=0".to_owned(), "ValidationError", "maxItems"),
        ("Action=CreateUser".to_owned(), "InvalidAction", "CreateUser"),
    ];
    for (form, code, why) in cases {
        let error = call(&iam, &form).await.expect_err(&form);
        assert_eq!(error.code, code, "{form}: {error}");
        assert!(error.message.contains(why), "{form}: {error}");
    }
    assert!(iam.role_names().is_empty());
}

#[test]
fn a_source_is_held_to() {
    let scheduler = r#"{"Service":"scheduler.amazonaws.com"}"#;
    let group = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/demo";
    let condition =
        r#","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:scheduler:*:000000000000:schedule-group/d*"}}"#;
    let admits = |source| access::admits(&trust(scheduler, condition), "scheduler.amazonaws.com", source);
    assert!(admits(Some(group)));
    assert!(!admits(Some("arn:aws:scheduler:us-east-1:000000000000:schedule-group/other")));
    assert!(!admits(None), "who says no source has none");
}

#[test]
fn permissions_are_evaluated() {
    let decide = |statement: &str, action: &str, resource: &str| {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let request = access::Request { action, resource, context: Vec::new() };
        access::evaluate([document.as_str()], &request).name()
    };
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let allow = r#"{"Effect":"Allow","Action":["kinesis:Delete*"],"Resource":"arn:aws:kinesis:*:*:stream/?"}"#;
    assert_eq!(decide(allow, "kinesis:deletestream", stream), "allowed");
    assert_eq!(decide(allow, "kinesis:DeleteStream", &format!("{stream}s")), "implicitDeny");
    assert_eq!(decide(allow, "kinesis:CreateStream", stream), "implicitDeny");
    let both = format!(r#"[{allow},{{"Effect":"Deny","Action":"*","NotResource":"arn:aws:kinesis:*:*:stream/t"}}]"#);
    assert_eq!(decide(&both, "kinesis:DeleteStream", stream), "explicitDeny");
    assert_eq!(decide(&both, "kinesis:DeleteStream", &stream.replace("/s", "/t")), "allowed");
    let conditioned =
        allow.replace("\"Effect\"", r#""Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}},"Effect""#);
    assert_eq!(decide(&conditioned, "kinesis:DeleteStream", stream), "implicitDeny");
}
