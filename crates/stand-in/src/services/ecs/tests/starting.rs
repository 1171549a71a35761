//! What RunTask starts, and what it refuses; what ListTasks shows of it.

use super::*;
use crate::faults::Effect;

#[tokio::test]
async fn a_request_that_is_sent_again_starts_nothing() {
    let fixture = Fixture::new().await;
    fixture.define("sleep 60").await;
    let first = request_with(json!({"clientToken": "t-1", "count": 2}));
    let tasks = async |request: Value| {
        let answer = fixture.call("RunTask", request).await.expect("answered");
        let tasks = answer["tasks"].as_array().expect("tasks").iter().map(|task| task["taskArn"].to_string());
        tasks.collect::<Vec<_>>()
    };
    let mut started = tasks(first.clone()).await;
    started.sort();
    assert_eq!(tasks(first).await, started);
    let error = fixture.refused("RunTask", request_with(json!({"clientToken": "t-1", "count": 3}))).await;
    assert!(error.code == "ConflictException" && error.message.contains(started[0].trim_matches('"')), "{error}");
    assert_eq!(tasks(request_with(json!({"clientToken": "t-2"}))).await.len(), 1);
}

#[tokio::test]
async fn tasks_are_listed_by_what_they_are() {
    let fixture = Fixture::new().await;
    fixture.define("sleep 60").await;
    let mut other = definition("sleep 60");
    other["family"] = json!("g");
    fixture.call("RegisterTaskDefinition", other).await.expect("registered");
    fixture.call("RunTask", request_with(json!({"count": 3, "startedBy": "one"}))).await.expect("started");
    let of_g = json!({"taskDefinition": arn::task_definition("g", 1), "startedBy": "two"});
    fixture.call("RunTask", request_with(of_g)).await.expect("started");
    let listed = async |filter: Value| {
        let mut request = json!({"cluster": "c"});
        for (name, value) in filter.as_object().expect("a filter") {
            request[name] = value.clone();
        }
        fixture.call("ListTasks", request).await.expect("listed")
    };
    let count = |answer: &Value| answer["taskArns"].as_array().expect("tasks").len();
    for (filter, expected) in [
        (json!({}), 4),
        (json!({"family": "f"}), 3),
        (json!({"startedBy": "two"}), 1),
        (json!({"desiredStatus": "STOPPED"}), 0),
        (json!({"desiredStatus": "PENDING"}), 0),
        (json!({"launchType": "FARGATE"}), 4),
        (json!({"launchType": "EC2"}), 0),
    ] {
        assert_eq!(count(&listed(filter.clone()).await), expected, "{filter}");
    }
    let first = listed(json!({"maxResults": 3})).await;
    let rest = listed(json!({"maxResults": 3, "nextToken": first["nextToken"]})).await;
    assert_eq!((count(&first), count(&rest), rest.get("nextToken")), (3, 1, None));
    fixture.refused("ListTasks", json!({"cluster": "c", "startedBy": "one", "family": "f"})).await;
    assert_eq!(fixture.refused("ListTasks", json!({"cluster": "d"})).await.code, "ClusterNotFoundException");
    let cluster = fixture.call("DescribeClusters", json!({"clusters": ["c"]})).await.expect("described");
    let cluster = &cluster["clusters"][0];
    let counted =
        [&cluster["pendingTasksCount"], &cluster["runningTasksCount"]].map(|it| it.as_u64().expect("a number"));
    assert_eq!(counted.iter().sum::<u64>(), 4);
}

#[tokio::test]
async fn the_quota_of_vcpus_is_held_to() {
    let fixture = Fixture::new().await;
    fixture.define("sleep 60").await;
    fixture.ecs.set_vcpu_quota(1);
    fixture.call("RunTask", request_with(json!({"count": 3}))).await.expect("three quarters of a vCPU");
    let error = fixture.refused("RunTask", request_with(json!({"count": 2}))).await;
    assert_eq!(error.message, "You've reached the limit on the number of vCPUs you can run concurrently");
    let id = fixture.run().await;
    fixture.call("StopTask", json!({"cluster": "c", "task": id})).await.expect("told");
    fixture.becomes(&id, "STOPPED").await;
    fixture.run().await;
}

#[tokio::test]
async fn without_capacity_each_task_is_a_failure() {
    let fixture = Fixture::new().await;
    fixture.define("sleep 60").await;
    fixture.faults.inject(Fault { effect: Effect::Exhaust { cluster: "c".to_owned() }, seconds: 60.0 });
    let request = request_with(json!({"count": 2, "clientToken": "t"}));
    let answer = fixture.call("RunTask", request.clone()).await.expect("answered");
    let why = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    assert_eq!(answer, json!({"tasks": [], "failures": [{"reason": why}, {"reason": why}]}));
    fixture.faults.clear();
    let answer = fixture.call("RunTask", request).await.expect("answered");
    assert_eq!(answer["tasks"].as_array().expect("tasks").len(), 2);
}

#[tokio::test]
async fn what_ecs_would_not_start_is_refused() {
    let fixture = Fixture::new().await;
    fixture.define("true").await;
    let mut idle = definition("");
    idle["family"] = json!("idle");
    let container = idle["containerDefinitions"][0].as_object_mut().expect("a container");
    container.retain(|name, _| !["entryPoint", "command"].contains(&name.as_str()));
    fixture.call("RegisterTaskDefinition", idle).await.expect("registered");
    let network = |network: Value| json!({"networkConfiguration": {"awsvpcConfiguration": network}});
    let role = "arn:aws:iam::000000000000:role/nobody";
    for (members, code, why) in [
        (json!({"cluster": "d"}), "ClusterNotFoundException", "Cluster not found."),
        (json!({"taskDefinition": "g"}), "ClientException", "TaskDefinition not found."),
        (json!({"taskDefinition": "idle"}), "ClientException", "runs no images"),
        (json!({"count": 11}), "InvalidParameterException", "between 1 and 10"),
        (json!({"launchType": "EC2"}), "InvalidParameterException", "not supported by the stand-in"),
        (json!({"enableExecuteCommand": true}), "InvalidParameterException", "enableExecuteCommand"),
        (json!({"networkConfiguration": null}), "InvalidParameterException", "Network Configuration must be provided"),
        (network(json!({"subnets": []})), "InvalidParameterException", "subnets can not be empty"),
        (network(json!({"subnets": ["subnet-1"]})), "InvalidParameterException", "InvalidSubnetID.NotFound"),
        (
            network(json!({"subnets": [SUBNET], "securityGroups": ["sg-1"]})),
            "InvalidParameterException",
            "(ErrorCode: InvalidGroup.NotFound)",
        ),
        (json!({"overrides": {"taskRoleArn": role}}), "ClientException", "ECS was unable to assume the role"),
        (
            json!({"overrides": {"containerOverrides": [{"name": "other"}]}}),
            "InvalidParameterException",
            "other is not a container in the TaskDefinition",
        ),
        (json!({"overrides": {"cpu": "512"}}), "ClientException", "512 CPU, 512 memory"),
    ] {
        let error = fixture.refused("RunTask", request_with(members.clone())).await;
        assert!(error.code == code && error.message.contains(why), "{members}: {error}");
    }
    let trust = TRUST.replace("ecs-tasks", "lambda");
    fixture.iam("UpdateAssumeRolePolicy", &[("PolicyDocument", &trust)]).await;
    assert!(fixture.refused("RunTask", request()).await.message.contains("ECS was unable to assume the role"));
    let listed = fixture.call("ListTasks", json!({"cluster": "c"})).await.expect("listed");
    assert_eq!(listed["taskArns"], json!([]), "nothing was started");
}
