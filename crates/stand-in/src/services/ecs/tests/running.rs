//! Tasks as processes: what they get, what they say, how they end.

use super::*;

#[tokio::test]
async fn a_task_runs_its_command_and_says_how_it_ended() {
    let fixture = Fixture::new().await;
    fixture.define("echo $GREETING $NAME from $AWS_REGION; pwd; ls -a; exit 3").await;
    let of_container = json!({"name": "main", "environment": [{"name": "NAME", "value": "worker 1"}]});
    let request = request_with(json!({
        "overrides": {"containerOverrides": [of_container]},
        "startedBy": "run-1",
        "propagateTags": "TASK_DEFINITION",
        "tags": [{"key": "run", "value": "1"}],
    }));
    let started = fixture.call("RunTask", request).await.expect("started");
    assert_eq!(started["failures"], json!([]));
    let task = &started["tasks"][0];
    assert_eq!((&task["lastStatus"], &task["desiredStatus"]), (&json!("PROVISIONING"), &json!("RUNNING")));
    assert_eq!((&task["group"], &task["startedBy"]), (&json!("family:f"), &json!("run-1")));
    assert_eq!(task["tags"], json!([{"key": "of", "value": "definition"}, {"key": "run", "value": "1"}]));
    assert_eq!(task["availabilityZone"], "us-east-1b");
    assert_eq!(task["attachments"][0]["details"][0], json!({"name": "subnetId", "value": SUBNET}));

    let id = task["taskArn"].as_str().and_then(|arn| arn.rsplit('/').next()).expect("an id").to_owned();
    let ended = fixture.becomes(&id, "STOPPED").await;
    assert_eq!(ended["stopCode"], "EssentialContainerExited");
    assert_eq!(ended["stoppedReason"], "Essential container in task exited");
    assert_eq!((&ended["containers"][0]["exitCode"], &ended["desiredStatus"]), (&json!(3), &json!("STOPPED")));
    for time in ["createdAt", "startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt"] {
        assert!(ended[time].is_f64(), "{time}: {ended}");
    }
    let lines = fixture.lines().await;
    assert_eq!(lines[0], "hello worker 1 from us-east-1");
    let folder = fixture.folder.path().canonicalize().expect("there").join("ecs/tasks").join(&id);
    assert_eq!(lines[1], folder.display().to_string());
    assert_eq!(lines[2..], [".", ".."], "an empty folder of its own");
    assert!(!folder.exists(), "and gone with it");
    let stream = ask(&fixture.logs, "DescribeLogStreams", r#"{"logGroupName":"/workers"}"#).await.expect("listed");
    assert!(String::from_utf8_lossy(&stream).contains(&format!("\"run/main/{id}\"")), "{stream:?}");
}

#[tokio::test]
async fn a_task_that_is_stopped_is_told_first() {
    let fixture = Fixture::new().await;
    fixture.define("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done").await;
    let id = fixture.run().await;
    fixture.becomes(&id, "RUNNING").await;
    fixture.has_line("ready").await;
    let error = fixture.refused("DeleteCluster", json!({"cluster": "c"})).await;
    assert_eq!(error.code, "ClusterContainsTasksException");
    let stop = json!({"cluster": "c", "task": arn::task("c", &id), "reason": "enough"});
    let told = fixture.call("StopTask", stop.clone()).await.expect("told");
    assert_eq!(told["task"]["desiredStatus"], "STOPPED");
    let ended = fixture.becomes(&id, "STOPPED").await;
    assert_eq!((&ended["stopCode"], &ended["stoppedReason"]), (&json!("UserInitiated"), &json!("enough")));
    assert_eq!(ended["containers"][0]["exitCode"], 0);
    assert_eq!(fixture.lines().await, ["ready", "bye"]);
    let again = fixture.call("StopTask", stop).await.expect("it has stopped");
    assert_eq!(again["task"]["lastStatus"], "STOPPED");
    fixture.call("DeleteCluster", json!({"cluster": "c"})).await.expect("deleted");
    assert_eq!(fixture.refused("StopTask", json!({"cluster": "c", "task": "x"})).await.status, 400);
}

#[tokio::test]
async fn a_task_that_does_not_listen_is_killed_after_its_time() {
    let fixture = Fixture::new().await;
    fixture.define("trap '' TERM; sleep 600 & echo $!; while :; do sleep 0.05; done").await;
    let id = fixture.run().await;
    fixture.becomes(&id, "RUNNING").await;
    let child = loop {
        match fixture.lines().await.first() {
            Some(line) => break line.parse().expect("a process id"),
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert!(is_alive(child));
    fixture.call("StopTask", json!({"cluster": "c", "task": id})).await.expect("told");
    let ended = fixture.becomes(&id, "STOPPED").await;
    assert_eq!(ended["containers"][0]["exitCode"], 137);
    assert_eq!(ended["stoppedReason"], "Task stopped by user");
    while is_alive(child) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_before_it_runs_never_does() {
    let fixture = Fixture::new().await;
    fixture.define("echo never").await;
    let id = fixture.run().await;
    fixture.call("StopTask", json!({"cluster": "c", "task": id})).await.expect("told");
    let ended = fixture.becomes(&id, "STOPPED").await;
    assert_eq!((&ended["stopCode"], &ended["startedAt"]), (&json!("UserInitiated"), &Value::Null));
    assert!(fixture.lines().await.is_empty());
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let fixture = Fixture::new().await;
    fixture.define("true").await;
    let reasons = async |request: Value| {
        let started = fixture.call("RunTask", request).await.expect("accepted");
        let arn = started["tasks"][0]["taskArn"].as_str().expect("a task").to_owned();
        let ended = fixture.becomes(&arn, "STOPPED").await;
        assert_eq!(ended["stopCode"], "TaskFailedToStart");
        assert_eq!(ended["containers"][0]["exitCode"], Value::Null);
        (ended["stoppedReason"].to_string(), ended["containers"][0]["reason"].to_string())
    };
    let mut absent = definition("");
    absent["family"] = json!("absent");
    absent["containerDefinitions"][0]["entryPoint"] = json!(["/no/such/program"]);
    fixture.call("RegisterTaskDefinition", absent).await.expect("registered");
    let (task, container) = reasons(request_with(json!({"taskDefinition": "absent"}))).await;
    assert_eq!(task, "\"Task failed to start\"");
    assert!(container.contains("CannotStartContainerError") && container.contains("/no/such/program"), "{container}");

    let mut hidden = request();
    hidden["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] = json!("DISABLED");
    let (task, _) = reasons(hidden).await;
    assert!(task.contains("CannotPullContainerError"), "{task}");

    ask(&fixture.logs, "DeleteLogGroup", r#"{"logGroupName":"/workers"}"#).await.expect("deleted");
    let (task, _) = reasons(request()).await;
    assert!(task.contains("ResourceInitializationError") && task.contains("log group does not exist"), "{task}");
    fixture.iam("DeleteRolePolicy", &[("PolicyName", "p")]).await;
    let (task, _) = reasons(request()).await;
    assert!(task.contains("AccessDeniedException") && task.contains("logs:CreateLogStream"), "{task}");
}

#[tokio::test]
async fn tasks_end_with_the_stand_in() {
    let fixture = Fixture::new().await;
    fixture.define("echo $$; sleep 600; true").await;
    let id = fixture.run().await;
    fixture.becomes(&id, "RUNNING").await;
    let process = loop {
        match fixture.lines().await.first() {
            Some(line) => break line.parse().expect("a process id"),
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    assert!(is_alive(process));
    let fixture = fixture.reopened();
    while is_alive(process) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended = fixture.task(&id).await;
    assert_eq!((&ended["lastStatus"], &ended["stopCode"]), (&json!("STOPPED"), &json!("TerminationNotice")));
    fixture.ecs.end();
    assert_eq!(fixture.refused("RunTask", request()).await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_is_listed_for_an_hour() {
    let fixture = Fixture::new().await;
    fixture.define("true").await;
    let id = fixture.run().await;
    fixture.call("StopTask", json!({"cluster": "c", "task": id})).await.expect("told");
    fixture.becomes(&id, "STOPPED").await;
    let stopped = json!({"cluster": "c", "desiredStatus": "STOPPED"});
    let listed = async || fixture.call("ListTasks", stopped.clone()).await.expect("listed")["taskArns"].clone();
    tokio::time::advance(Duration::from_secs(3_500)).await;
    assert_eq!(listed().await, json!([arn::task("c", &id)]));
    tokio::time::advance(Duration::from_secs(100)).await;
    assert_eq!(listed().await, json!([]));
    let described = fixture.call("DescribeTasks", json!({"cluster": "c", "tasks": [id]})).await.expect("described");
    assert_eq!(described["failures"], json!([{"arn": arn::task("c", &id), "reason": "MISSING"}]));
}
