mod definitions;
mod running;
mod starting;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{faults::Fault, query::write_form, service::ask};

const ROLE: &str = "arn:aws:iam::000000000000:role/worker";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
const MAY_LOG: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:000000000000:log-group:/workers:*"}}"#;
const SUBNET: &str = "subnet-0123456789abcdefb";

struct Fixture {
    folder: TempDir,
    iam: Arc<Iam>,
    logs: Arc<Logs>,
    ec2: Arc<Ec2>,
    faults: Arc<Faults>,
    ecs: Arc<Ecs>,
}

impl Fixture {
    /// An ECS that serves, with the cluster `c`, a role that may write into the log group `/workers`, and this group.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let iam = Iam::open(&folder.path().join("iam")).expect("opened");
        let logs = Logs::open(&folder.path().join("logs")).expect("opened");
        let ec2 = Ec2::open(&folder.path().join("ec2")).expect("opened");
        let faults = Arc::new(Faults::default());
        let ecs = open(&folder, &iam, &logs, &ec2, &faults);
        let fixture = Self { folder, iam, logs, ec2, faults, ecs };
        fixture.iam("CreateRole", &[("AssumeRolePolicyDocument", TRUST)]).await;
        fixture.iam("PutRolePolicy", &[("PolicyName", "p"), ("PolicyDocument", MAY_LOG)]).await;
        ask(&fixture.logs, "CreateLogGroup", r#"{"logGroupName":"/workers"}"#).await.expect("made");
        fixture.call("CreateCluster", json!({"clusterName": "c"})).await.expect("made");
        fixture
    }

    /// The same after the stand-in ended and began again.
    fn reopened(self) -> Self {
        drop(self.ecs);
        let ecs = open(&self.folder, &self.iam, &self.logs, &self.ec2, &self.faults);
        Self { ecs, ..self }
    }

    async fn iam(&self, action: &str, fields: &[(&str, &str)]) {
        let form = write_form([("RoleName", "worker")].iter().chain(fields).copied());
        ask(&self.iam, action, form).await.expect("an answer");
    }

    async fn call(&self, operation: &str, body: Value) -> Result<Value, ServiceError> {
        let answer = ask(&self.ecs, operation, body.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    async fn refused(&self, operation: &str, body: Value) -> ServiceError {
        self.call(operation, body).await.expect_err("refused")
    }

    /// Registers the family `f` with a container that runs this script.
    async fn define(&self, script: &str) {
        self.call("RegisterTaskDefinition", definition(script)).await.expect("registered");
    }

    /// Starts a task of the family `f` and returns its id.
    async fn run(&self) -> String {
        let answer = self.call("RunTask", request()).await.expect("started");
        let arn = answer["tasks"][0]["taskArn"].as_str().expect("a task").to_owned();
        arn.rsplit('/').next().expect("an id").to_owned()
    }

    async fn task(&self, id: &str) -> Value {
        let answer = self.call("DescribeTasks", json!({"cluster": "c", "tasks": [id], "include": ["TAGS"]})).await;
        answer.expect("described")["tasks"][0].clone()
    }

    async fn becomes(&self, id: &str, status: &str) -> Value {
        for _ in 0..6_000 {
            let task = self.task(id).await;
            if task["lastStatus"] == status {
                return task;
            }
            assert_ne!(task["lastStatus"], "STOPPED", "before {status}: {task}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the task never becomes {status}: {}", self.task(id).await)
    }

    /// The lines of the log group.
    async fn lines(&self) -> Vec<String> {
        let found = ask(&self.logs, "FilterLogEvents", r#"{"logGroupName":"/workers"}"#).await.expect("found");
        let found: Value = serde_json::from_slice(&found).expect("JSON");
        let events = found["events"].as_array().expect("events").iter();
        events.map(|event| event["message"].as_str().expect("a line").to_owned()).collect()
    }

    async fn has_line(&self, wanted: &str) {
        for _ in 0..6_000 {
            if self.lines().await.iter().any(|line| line == wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line is {wanted}: {:?}", self.lines().await)
    }
}

fn open(folder: &TempDir, iam: &Arc<Iam>, logs: &Arc<Logs>, ec2: &Arc<Ec2>, faults: &Arc<Faults>) -> Arc<Ecs> {
    let key = AccessKey::open(folder.path()).expect("a key");
    let folder = folder.path().join("ecs");
    let sessions = Sessions::new(iam.clone());
    let ecs = Ecs::open(&folder, iam.clone(), logs.clone(), ec2.clone(), key, faults.clone(), sessions);
    let ecs = ecs.expect("opened");
    ecs.start("127.0.0.1:4566".parse().expect("an address"));
    ecs
}

fn definition(script: &str) -> Value {
    json!({
        "family": "f",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "taskRoleArn": ROLE,
        "executionRoleArn": ROLE,
        "containerDefinitions": [{
            "name": "main",
            "image": "public.ecr.aws/amazonlinux/amazonlinux:2023-minimal",
            "entryPoint": ["sh", "-c"],
            "command": [script],
            "environment": [{"name": "GREETING", "value": "hello"}],
            "stopTimeout": 1,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "/workers",
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "run",
                },
            },
        }],
        "tags": [{"key": "of", "value": "definition"}],
    })
}

fn request() -> Value {
    json!({
        "cluster": "c",
        "taskDefinition": "f",
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [SUBNET], "assignPublicIp": "ENABLED"}},
    })
}

/// The request with some members in the place of its own.
fn request_with(members: Value) -> Value {
    let mut request = request();
    for (name, value) in members.as_object().expect("members") {
        request[name] = value.clone();
    }
    request
}

fn is_alive(process: u32) -> bool {
    // A process that has ended and is not yet waited for has no command line.
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test(start_paused = true)]
async fn a_deleted_cluster_is_shown_for_a_while_and_may_be_made_again() {
    let fixture = Fixture::new().await;
    let made = json!({"clusterName": "c", "tags": [{"key": "k", "value": "v"}]});
    let there = fixture.call("CreateCluster", made.clone()).await.expect("it is there");
    assert_eq!((&there["cluster"]["status"], &there["cluster"]["tags"]), (&json!("ACTIVE"), &json!([])));
    let deleted = fixture.call("DeleteCluster", json!({"cluster": arn::cluster("c")})).await.expect("deleted");
    assert_eq!(deleted["cluster"]["status"], "INACTIVE");
    let error = fixture.refused("RunTask", request()).await;
    assert_eq!((error.code, &*error.message), ("ClusterNotFoundException", "The referenced cluster was inactive."));
    let listed = fixture.call("ListClusters", json!({})).await.expect("listed");
    assert_eq!(listed["clusterArns"], json!([]));

    let describe = json!({"clusters": ["c"], "include": ["TAGS"]});
    let described = async || fixture.call("DescribeClusters", describe.clone()).await.expect("described");
    assert_eq!(described().await["clusters"][0]["status"], "INACTIVE");
    tokio::time::advance(Duration::from_secs(3_601)).await;
    assert_eq!(described().await["failures"], json!([{"arn": arn::cluster("c"), "reason": "MISSING"}]));
    fixture.call("CreateCluster", made).await.expect("made again");
    assert_eq!(described().await["clusters"][0]["tags"], json!([{"key": "k", "value": "v"}]));
    assert_eq!(fixture.refused("DeleteCluster", json!({"cluster": "d"})).await.code, "ClusterNotFoundException");
}

#[tokio::test]
async fn each_kind_of_resource_has_its_tags() {
    let fixture = Fixture::new().await;
    fixture.define("sleep 60").await;
    let id = fixture.run().await;
    for resource in [arn::cluster("c"), arn::task_definition("f", 1), arn::task("c", &id)] {
        let tags = json!([{"key": "k", "value": "v"}, {"key": "l", "value": ""}]);
        fixture.call("TagResource", json!({"resourceArn": resource, "tags": tags})).await.expect("tagged");
        let untag = json!({"resourceArn": resource, "tagKeys": ["l", "of"]});
        fixture.call("UntagResource", untag).await.expect("untagged");
        let listed = fixture.call("ListTagsForResource", json!({"resourceArn": resource})).await.expect("listed");
        assert_eq!(listed["tags"], json!([{"key": "k", "value": "v"}]), "{resource}");
    }
    assert_eq!(fixture.task(&id).await["tags"], json!([{"key": "k", "value": "v"}]));
    for absent in [arn::cluster("d"), arn::task_definition("f", 2), arn::task("c", "x"), "f:1".to_owned()] {
        let error = fixture.refused("ListTagsForResource", json!({"resourceArn": absent})).await;
        assert!(["ClusterNotFoundException", "InvalidParameterException"].contains(&error.code), "{absent}: {error}");
    }
}
