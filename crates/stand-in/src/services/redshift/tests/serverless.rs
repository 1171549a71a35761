//! Namespaces and workgroups.

use super::*;
use crate::query::write_form;

async fn until(rig: &Rig, operation: &str, body: Value, what: impl Fn(&Result<Value, ServiceError>) -> bool) {
    let wait = async {
        while !what(&rig.serverless(operation, body.clone()).await) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(120), wait).await.expect("it comes");
}

#[tokio::test]
async fn a_fresh_one_has_a_workgroup() {
    let rig = Rig::new();
    let answer = rig.serverless("GetWorkgroup", json!({"workgroupName": "demo"})).await.expect("there");
    let workgroup = &answer["workgroup"];
    assert_eq!(workgroup["status"], "AVAILABLE");
    assert_eq!(workgroup["endpoint"]["address"], "demo.000000000000.us-east-1.redshift-serverless.amazonaws.com");
    assert_eq!((&workgroup["endpoint"]["port"], &workgroup["namespaceName"]), (&json!(5439), &json!("demo")));
    let sent = json!({"ClusterIdentifier": "demo", "Database": "dev", "Sql": "SELECT 1"});
    let sent = rig.data("ExecuteStatement", sent).await.expect("the cluster is there too");
    assert_eq!(rig.ended(&sent).await["Status"], "FINISHED");
}

#[tokio::test]
async fn a_workgroup_of_ones_own_comes_and_goes_with_all_it_held() {
    let mut rig = Rig::new();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "redshift.amazonaws.com"},
    }]});
    let fields = [("RoleName", "copy"), ("AssumeRolePolicyDocument", &trust.to_string())];
    ask(&rig.iam, "CreateRole", write_form(fields)).await.expect("a role");
    let role = "arn:aws:iam::000000000000:role/copy";
    let tags = json!([{"key": "stack", "value": "s-1"}]);
    let namespace = json!({
        "namespaceName": "s-1", "manageAdminPassword": true, "dbName": "dev", "iamRoles": [role],
        "defaultIamRoleArn": role, "tags": tags,
    });
    let created = rig.serverless("CreateNamespace", namespace.clone()).await.expect("created")["namespace"].clone();
    assert!(text(&created["adminPasswordSecretArn"]).contains(":secret:redshift!s-1-admin"), "{created}");
    assert_eq!(rig.serverless("CreateNamespace", namespace).await.expect_err("taken").code, "ConflictException");
    let workgroup =
        json!({"workgroupName": "s-1", "namespaceName": "s-1", "baseCapacity": 8, "publiclyAccessible": false});
    let made = rig.serverless("CreateWorkgroup", workgroup).await.expect("created")["workgroup"].clone();
    assert_eq!(made["status"], "CREATING");
    let named = json!({"workgroupName": "s-1"});
    until(
        &rig,
        "GetWorkgroup",
        named.clone(),
        |answer| matches!(answer, Ok(a) if a["workgroup"]["status"] == "AVAILABLE"),
    )
    .await;
    rig.reopen();
    let listed =
        rig.serverless("ListTagsForResource", json!({"resourceArn": created["namespaceArn"]})).await.expect("tags");
    assert_eq!(listed["tags"], tags);

    rig.put("good", "{\"id\": 1}").await;
    let load = ["CREATE TABLE t (id INT)", "COPY t FROM 's3://lake/good' IAM_ROLE default JSON 'auto'"];
    let sent = json!({"WorkgroupName": made["workgroupArn"], "Database": "dev", "Sqls": load});
    let sent = rig.data("BatchExecuteStatement", sent).await.expect("taken");
    assert_eq!(rig.ended(&sent).await["Status"], "FINISHED");
    let foreign = "COPY t FROM 's3://lake/good' IAM_ROLE 'arn:aws:iam::000000000000:role/other' JSON 'auto'";
    let sent = json!({"WorkgroupName": "s-1", "Database": "dev", "Sql": foreign});
    let sent = rig.data("ExecuteStatement", sent).await.expect("taken");
    assert!(text(&rig.ended(&sent).await["Error"]).contains("not associated"));

    let space = json!({"namespaceName": "s-1"});
    let in_use = rig.serverless("DeleteNamespace", space.clone()).await.expect_err("in use");
    assert_eq!(in_use.code, "ConflictException");
    let gone = rig.serverless("DeleteWorkgroup", named.clone()).await.expect("going")["workgroup"].clone();
    assert_eq!(gone["status"], "DELETING");
    until(&rig, "GetWorkgroup", named, |answer| matches!(answer, Err(f) if f.code == "ResourceNotFoundException"))
        .await;
    rig.serverless("DeleteNamespace", space.clone()).await.expect("going");
    until(&rig, "GetNamespace", space, |answer| matches!(answer, Err(f) if f.code == "ResourceNotFoundException"))
        .await;
    let secrets = ask(&rig.redshift.secrets, "ListSecrets", "").await.expect("a list");
    assert!(!String::from_utf8_lossy(&secrets).contains("redshift!s-1"), "its secret goes with it");
    let warehouses = rig.folder.path().join("redshift/warehouses");
    assert_eq!(fs::read_dir(&warehouses).expect("a folder").count(), 0, "and its rows");
    fs::create_dir(warehouses.join("namespace-left-behind")).expect("a folder");
    rig.reopen();
    assert_eq!(fs::read_dir(&warehouses).expect("a folder").count(), 0, "and what a kill left of one");
}
