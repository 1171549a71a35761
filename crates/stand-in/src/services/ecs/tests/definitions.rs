//! Registering, showing and removing task definitions.

use super::*;

#[tokio::test]
async fn a_definition_is_shown_as_it_was_registered() {
    let fixture = Fixture::new().await;
    let answer = fixture.call("RegisterTaskDefinition", definition("true")).await.expect("registered");
    let shown = &answer["taskDefinition"];
    assert_eq!(shown["taskDefinitionArn"], "arn:aws:ecs:us-east-1:000000000000:task-definition/f:1");
    assert_eq!((&shown["status"], &shown["cpu"], &shown["memory"]), (&json!("ACTIVE"), &json!("256"), &json!("512")));
    let (asked, container) = (&definition("true")["containerDefinitions"][0], &shown["containerDefinitions"][0]);
    for (name, value) in asked.as_object().expect("a container") {
        assert_eq!(container[name], *value, "{name}");
    }
    assert_eq!((&container["essential"], &container["portMappings"]), (&json!(true), &json!([])));
    let described = fixture.call("DescribeTaskDefinition", json!({"taskDefinition": "f", "include": ["TAGS"]})).await;
    assert_eq!(described.expect("described"), answer);
    let error = fixture.refused("DescribeTaskDefinition", json!({"taskDefinition": "g"})).await;
    assert_eq!((error.code, &*error.message), ("ClientException", "Unable to describe task definition."));
}

#[tokio::test]
async fn a_revision_has_its_life_and_its_number_is_never_given_again() {
    let mut fixture = Fixture::new().await;
    for script in ["one", "two", "three"] {
        fixture.define(script).await;
    }
    let arns = |revisions: &[u32]| json!(revisions.iter().map(|it| arn::task_definition("f", *it)).collect::<Vec<_>>());
    let listed = async |fixture: &Fixture, request: Value| {
        fixture.call("ListTaskDefinitions", request).await.expect("listed")["taskDefinitionArns"].clone()
    };
    assert_eq!(listed(&fixture, json!({"familyPrefix": "f"})).await, arns(&[1, 2, 3]));
    assert_eq!(listed(&fixture, json!({"sort": "DESC", "maxResults": 2})).await, arns(&[3, 2]));

    let third = json!({"taskDefinition": "f:3"});
    let gone = fixture.call("DeregisterTaskDefinition", third.clone()).await.expect("deregistered");
    assert_eq!(gone["taskDefinition"]["status"], "INACTIVE");
    let newest = fixture.call("DescribeTaskDefinition", json!({"taskDefinition": "f"})).await.expect("described");
    assert_eq!(newest["taskDefinition"]["revision"], 2);
    assert_eq!(listed(&fixture, json!({"status": "INACTIVE"})).await, arns(&[3]));
    let error = fixture.refused("RunTask", request_with(json!({"taskDefinition": "f:3"}))).await;
    assert_eq!(error.message, "TaskDefinition is inactive");

    fixture = fixture.reopened();
    let delete = json!({"taskDefinitions": ["f:3", "f:2", "f:9"]});
    let deleted = fixture.call("DeleteTaskDefinitions", delete).await.expect("answered");
    assert_eq!(deleted["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
    let reasons = deleted["failures"].as_array().expect("failures").iter().map(|it| it["reason"].to_string());
    let reasons: Vec<String> = reasons.collect();
    assert!(reasons[0].contains("still in ACTIVE status") && reasons[1].contains("does not exist"), "{reasons:?}");
    fixture.refused("DescribeTaskDefinition", third).await;
    fixture.define("four").await;
    assert_eq!(listed(&fixture, json!({})).await, arns(&[1, 2, 4]));
    assert_eq!(fixture.refused("DeregisterTaskDefinition", json!({"taskDefinition": "f"})).await.status, 400);
}

#[tokio::test]
async fn a_deleted_definition_lasts_as_long_as_its_tasks() {
    let fixture = Fixture::new().await;
    fixture.define("sleep 60").await;
    let id = fixture.run().await;
    fixture.call("DeregisterTaskDefinition", json!({"taskDefinition": "f:1"})).await.expect("deregistered");
    fixture.call("DeleteTaskDefinitions", json!({"taskDefinitions": ["f:1"]})).await.expect("deleted");
    let describe = json!({"taskDefinition": "f:1"});
    let shown = fixture.call("DescribeTaskDefinition", describe.clone()).await.expect("it is in use");
    assert_eq!(shown["taskDefinition"]["status"], "DELETE_IN_PROGRESS");
    fixture.call("StopTask", json!({"cluster": "c", "task": id})).await.expect("told");
    fixture.becomes(&id, "STOPPED").await;
    fixture.refused("DescribeTaskDefinition", describe).await;
    assert_eq!(fixture.task(&id).await["taskDefinitionArn"], arn::task_definition("f", 1));
}

#[tokio::test]
async fn what_fargate_would_not_take_is_refused() {
    let fixture = Fixture::new().await;
    let with = |change: fn(&mut Value)| {
        let mut changed = definition("true");
        change(&mut changed);
        changed
    };
    for (changed, why) in [
        (with(|it| it["family"] = json!("a b")), "The family 'a b' is invalid"),
        (with(|it| it["networkMode"] = json!("bridge")), "Fargate only supports network mode"),
        (with(|it| it["cpu"] = json!("300")), "No Fargate configuration exists for given values: 300 CPU, 512 memory"),
        (with(|it| it["memory"] = Value::Null), "'memory' be defined at the task level"),
        (with(|it| it["requiresCompatibilities"] = json!(["EC2"])), "not supported by the stand-in"),
        (with(|it| it["taskRoleArn"] = json!("arn:aws:iam::111111111111:role/r")), "Role is not valid"),
        (with(|it| it["executionRoleArn"] = Value::Null), "execution role ARN to support log driver awslogs"),
        (with(|it| it["containerDefinitions"] = json!([])), "Container list cannot be empty"),
        (with(|it| it["containerDefinitions"][0]["image"] = json!("")), "Container.image"),
        (with(|it| it["containerDefinitions"][0]["essential"] = json!(false)), "any essential containers"),
        (with(|it| it["containerDefinitions"][0]["stopTimeout"] = json!(121)), "less than or equal to 120"),
        (with(|it| it["containerDefinitions"][0]["user"] = json!("root")), "user is not supported by the stand-in"),
        (
            with(|it| it["containerDefinitions"][0]["logConfiguration"]["logDriver"] = json!("splunk")),
            "The log driver splunk is not supported",
        ),
        (
            with(|it| {
                it["containerDefinitions"][0]["logConfiguration"]["options"] = json!({"awslogs-group": "g"});
            }),
            "requires option 'awslogs-region'",
        ),
    ] {
        let error = fixture.refused("RegisterTaskDefinition", changed).await;
        assert!(error.status == 400 && error.message.contains(why), "{why}: {error}");
    }
}
