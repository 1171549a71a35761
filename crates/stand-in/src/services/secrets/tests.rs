//! The life of a secret, and who may see it.

use super::*;
use crate::service::ask;

async fn call(secrets: &Arc<Secrets>, operation: &str, body: Value) -> Result<Value, ServiceError> {
    let answer = ask(secrets, operation, body.to_string()).await?;
    Ok(serde_json::from_slice(&answer).expect("JSON"))
}

#[tokio::test]
async fn a_secret_lives_over_a_restart_until_it_is_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let secrets = Secrets::open(folder.path()).expect("opens");
    let create = json!({"Name": "a/b", "SecretString": "hush", "Tags": [{"Key": "k", "Value": "v"}]});
    let created = call(&secrets, "CreateSecret", create.clone()).await.expect("created");
    let again = call(&secrets, "CreateSecret", create).await.expect_err("taken");
    assert_eq!(again.code, "ResourceExistsException");
    let secrets = Secrets::open(folder.path()).expect("opens again");
    let by_arn = json!({"SecretId": created["ARN"]});
    assert_eq!(call(&secrets, "GetSecretValue", by_arn.clone()).await.expect("there")["SecretString"], "hush");
    call(&secrets, "PutSecretValue", json!({"SecretId": "a/b", "SecretString": "psst"})).await.expect("put");
    assert_eq!(secrets.read("a/b").expect("there"), "psst");
    let described = call(&secrets, "DescribeSecret", by_arn.clone()).await.expect("there");
    assert_eq!(described["Tags"], json!([{"Key": "k", "Value": "v"}]));
    assert!(!described.to_string().contains("psst"), "{described}");
    let names = call(&secrets, "ListSecrets", json!({})).await.expect("a list");
    let names: Vec<&str> =
        names["SecretList"].as_array().expect("a list").iter().flat_map(|s| s["Name"].as_str()).collect();
    assert_eq!(names, ["a/b", "demo/redshift"]);
    let delete = json!({"SecretId": "a/b", "ForceDeleteWithoutRecovery": true});
    call(&secrets, "DeleteSecret", delete.clone()).await.expect("deleted");
    assert_eq!(call(&secrets, "DeleteSecret", delete).await.expect_err("gone").code, "ResourceNotFoundException");
}

#[tokio::test]
async fn the_same_version_again_changes_nothing_and_another_value_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let secrets = Secrets::open(folder.path()).expect("opens");
    let create = |value: &str| json!({"Name": "x", "ClientRequestToken": "t1", "SecretString": value});
    let created = call(&secrets, "CreateSecret", create("hush")).await.expect("created");
    assert_eq!(created["VersionId"], "t1");
    assert_eq!(call(&secrets, "CreateSecret", create("hush")).await, Ok(created));
    let other = call(&secrets, "CreateSecret", create("psst")).await.expect_err("taken");
    assert_eq!(other.code, "ResourceExistsException");
    let put = |value: &str| json!({"SecretId": "x", "ClientRequestToken": "t2", "SecretString": value});
    let version = call(&secrets, "PutSecretValue", put("psst")).await.expect("put");
    assert_eq!(version["VersionId"], "t2");
    assert_eq!(call(&secrets, "PutSecretValue", put("psst")).await, Ok(version));
    let other = call(&secrets, "PutSecretValue", put("hush")).await.expect_err("there with another value");
    assert_eq!(other.code, "ResourceExistsException");
    assert_eq!(secrets.read("x").expect("there"), "psst");
}

#[tokio::test]
async fn nobody_else_reads_a_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("secrets");
    let secrets = Secrets::open(&at).expect("opens");
    let value = json!({"Name": "x", "SecretString": "hush"});
    call(&secrets, "CreateSecret", value).await.expect("created");
    assert_eq!(fs::metadata(&at).expect("a folder").permissions().mode() & 0o777, 0o700);
    assert!(!format!("{:?}", secrets.all.read().0).contains("hush"), "Debug shows no value");
    let bad =
        ask(&secrets, "CreateSecret", Bytes::from_static(b"{\"Name\": \"y\", \"SecretString\": [\"hush\"]}")).await;
    let bad = bad.expect_err("refused").to_string();
    assert!(!bad.contains("hush"), "{bad}");
}
