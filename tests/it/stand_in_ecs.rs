//! ECS and EC2 of the stand-in over the wire: who starts a task, what becomes of it when the stand-in is killed, and their whole
//! life through boto3.

use std::{fs, path::Path, process::Command, time::Duration};

use aws_sigv4::http_request::{SignableBody, SignableRequest};
use aws_stand_in::{
    AccessKey,
    daemon::{Daemon, Started},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    command::{Demo, text},
    stand_in::{Running, config, instructions},
};

/// Calls in the protocols of ECS and EC2, for which there is no SDK here.
struct Caller {
    host: String,
    key: AccessKey,
}

impl Caller {
    fn new(url: &str, key: &AccessKey) -> Self {
        Self { host: url.trim_start_matches("http://").to_owned(), key: key.clone() }
    }

    /// The request, as text.
    fn signed(&self, service: &str, headers: &[(&str, &str)], body: &str) -> String {
        let all = [("host", self.host.as_str())].into_iter().chain(headers.iter().copied());
        let signable = SignableRequest::new("POST", "/", all, SignableBody::Bytes(body.as_bytes())).expect("signable");
        let signed = instructions(signable, &self.key, service);
        let headers = headers.iter().copied().chain(signed.headers());
        let lines: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (host, length) = (&self.host, body.len());
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n{body}")
    }

    fn signed_for_ecs(&self, operation: &str, body: &Value) -> String {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
        self.signed("ecs", &headers, &body.to_string())
    }

    fn run_task(&self) -> String {
        let network = json!({"subnets": ["subnet-0123456789abcdefa"], "assignPublicIp": "ENABLED"});
        let body = json!({
            "cluster": "c",
            "taskDefinition": "f",
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": network},
        });
        self.signed_for_ecs("RunTask", &body)
    }

    /// The status of the answer, and its body.
    async fn exchange(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.host).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    async fn ecs(&self, operation: &str, body: Value) -> Value {
        let (status, answer) = self.exchange(&self.signed_for_ecs(operation, &body)).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        serde_json::from_str(&answer).expect("JSON")
    }

    async fn ec2(&self, form: &str) -> (u16, String) {
        let form_type = [("content-type", "application/x-www-form-urlencoded")];
        self.exchange(&self.signed("ec2", &form_type, form)).await
    }

    /// The cluster `c`, and the family `f` of a script.
    async fn make(&self, script: &str) {
        self.ecs("CreateCluster", json!({"clusterName": "c"})).await;
        let definition = json!({
            "family": "f",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{"name": "main", "image": "none", "command": ["sh", "-c", script]}],
        });
        self.ecs("RegisterTaskDefinition", definition).await;
    }

    async fn tasks(&self, desired: &str) -> Vec<String> {
        let listed = self.ecs("ListTasks", json!({"cluster": "c", "desiredStatus": desired})).await;
        let arns = listed["taskArns"].as_array().expect("tasks").iter();
        arns.map(|arn| arn.as_str().expect("an ARN").to_owned()).collect()
    }
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < limit, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn is_alive(process: u32) -> bool {
    // A process that has ended and is not yet waited for has no command line.
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test]
async fn only_the_owner_of_the_key_starts_a_task() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let caller = Caller::new(&running.url, running.stand_in.key());
    caller.make("sleep 60").await;
    let good = caller.run_task();
    let thief = Caller::new(&running.url, &AccessKey { secret: "guessed".to_owned(), ..caller.key.clone() });
    let unsigned: String = good.split_inclusive("\r\n").filter(|line| !line.starts_with("authorization")).collect();
    for bad in [
        unsigned,
        thief.run_task(),
        good.replace("Connection: close", "Origin: https://evil.example\r\nConnection: close"),
        good.replace("Connection: close", "Origin: null\r\nConnection: close"),
        good.replace(&caller.host, "evil.example"),
        good.replace("\"f\"", "\"g\""),
    ] {
        let (status, answer) = caller.exchange(&bad).await;
        assert!(matches!(status, 400 | 403), "{bad}\n{answer}");
    }
    assert!(caller.tasks("RUNNING").await.is_empty(), "none of them has started a task");
    assert_eq!(caller.exchange(&good).await.0, 200);
    assert_eq!(caller.tasks("RUNNING").await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn ec2_writes_its_answers_in_its_own_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let caller = Caller::new(&running.url, running.stand_in.key());
    let (status, answer) = caller.ec2("Action=DescribeVpcs&Version=2016-11-15").await;
    let begins = "<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>";
    assert!(status == 200 && answer.starts_with(begins), "{answer}");
    assert!(answer.contains("<vpcSet><item><vpcId>vpc-"), "{answer}");
    let (status, answer) = caller.ec2("Action=RunInstances&Version=2016-11-15").await;
    assert_eq!(status, 400);
    let error = "<Response><Errors><Error><Code>InvalidAction</Code>\
                 <Message>The action RunInstances is not valid for this web service.</Message></Error></Errors>";
    assert!(answer.starts_with(error), "{answer}");
    let thief = Caller::new(&running.url, &AccessKey { secret: "guessed".to_owned(), ..caller.key.clone() });
    let (status, answer) = thief.ec2("Action=DescribeVpcs&Version=2016-11-15").await;
    assert!(status == 403 && answer.starts_with("<Response><Errors><Error><Code>"), "{answer}");
    running.stop().await;
}

#[tokio::test]
async fn a_killed_stand_in_does_not_leave_its_tasks_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::at(&folder.path().join("local")).with_program(Path::new(env!("CARGO_BIN_EXE_demo")));
    let endpoint = daemon.ensure(Started::ForStack).await.expect("started");
    let caller = Caller::new(&endpoint.url(), &daemon.key().expect("a key"));
    let noted = folder.path().join("process");
    caller.make(&format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", noted.display())).await;
    let process_of_task = async || {
        caller.exchange(&caller.run_task()).await;
        let read = async || fs::read_to_string(&noted).ok();
        let process: u32 = until("the task runs", read).await.trim().parse().expect("a process id");
        fs::remove_file(&noted).expect("removed");
        process
    };
    let process = process_of_task().await;
    assert!(is_alive(process));
    let [task] = caller.tasks("RUNNING").await.try_into().expect("one");
    let stand_in = Pid::from_raw(i32::try_from(endpoint.pid).expect("a process id")).expect("not 0");
    kill_process(stand_in, Signal::KILL).expect("killed");
    until("the process ends after the stand-in", async || (!is_alive(process)).then_some(())).await;

    daemon.ensure(Started::ForStack).await.expect("started again");
    let described = caller.ecs("DescribeTasks", json!({"cluster": "c", "tasks": [task]})).await;
    let described = &described["tasks"][0];
    assert_eq!((&described["lastStatus"], &described["desiredStatus"]), (&json!("STOPPED"), &json!("STOPPED")));
    assert_eq!(described["stoppedReason"], "The stand-in ended while the task ran.");
    let process = process_of_task().await;
    daemon.stop().await.expect("stopped");
    until("the process ends with the stand-in", async || (!is_alive(process)).then_some(())).await;
}

#[tokio::test]
async fn a_quota_of_fargate_is_what_ecs_holds_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let quotas = aws_sdk_servicequotas::Client::new(&config(&running.url, running.stand_in.key()));
    let quota = async || {
        let asked = quotas.get_service_quota().service_code("fargate").quota_code("L-3032A538").send().await;
        asked.expect("answered").quota.expect("a quota").value()
    };
    assert_eq!(quota().await, Some(6.0));
    running.stand_in.ecs.set_vcpu_quota(100);
    assert_eq!(quota().await, Some(100.0));
    running.stop().await;
}

#[test]
#[ignore = "needs boto3"]
fn boto3_takes_a_fleet_through_its_life() {
    let demo = Demo::new();
    demo.expect(0, &["local", "start"]);
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stand_in_ecs.py"));
    let output = python.env_remove("AWS_PROFILE").envs(demo.stand_in_environment()).output().expect("python3 in PATH");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    demo.expect(0, &["local", "stop"]);
}
