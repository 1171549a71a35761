use std::time::Duration;

use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{query::write_form, service::ask};

const ROLE: &str = "arn:aws:iam::000000000000:role/switch";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
const MAY_DELETE: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kinesis:DeleteStream","Resource":"arn:aws:kinesis:us-east-1:000000000000:stream/orders"}}"#;

struct Fixture {
    folder: TempDir,
    kinesis: Arc<Kinesis>,
    iam: Arc<Iam>,
    scheduler: Arc<Scheduler>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (kinesis, iam) = (open_kinesis(&folder), Iam::open(&folder.path().join("iam")).expect("opened"));
        let scheduler = open_scheduler(&folder, &kinesis, &iam);
        let fixture = Self { folder, kinesis, iam, scheduler };
        fixture.iam("CreateRole", &[("AssumeRolePolicyDocument", TRUST)]).await;
        fixture.iam("PutRolePolicy", &[("PolicyName", "p"), ("PolicyDocument", MAY_DELETE)]).await;
        let create = r#"{"StreamName":"orders","ShardCount":1}"#;
        ask(&fixture.kinesis, "CreateStream", create).await.expect("created");
        fixture
    }

    async fn iam(&self, action: &str, fields: &[(&str, &str)]) {
        let form = write_form([("RoleName", "switch")].iter().chain(fields).copied());
        ask(&self.iam, action, form).await.expect("an answer");
    }

    fn call(&self, method: &str, uri: &str, body: Value) -> Result<Value, ServiceError> {
        let parts = Request::builder().method(method).uri(uri).body(()).expect("a request").into_parts().0;
        let call = Call { request: parts, ..Call::of("", body.to_string()) };
        let answer = self.scheduler.answer(&call)?;
        Ok(serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// A schedule that deletes the stream `orders` in so many seconds.
    fn schedule(&self, name: &str, seconds: i64, then: &str) {
        self.call("POST", &format!("/schedules/{name}"), settings(self.in_seconds(seconds), then)).expect("made");
    }

    fn in_seconds(&self, seconds: i64) -> String {
        let at = clock::utc() + chrono::TimeDelta::seconds(seconds);
        at.format("at(%Y-%m-%dT%H:%M:%S)").to_string()
    }

    fn reopened(self) -> Self {
        drop(self.scheduler);
        let scheduler = open_scheduler(&self.folder, &self.kinesis, &self.iam);
        Self { scheduler, ..self }
    }

    async fn stream_is_there(&self) -> bool {
        let name = r#"{"StreamName":"orders"}"#;
        let described = ask(&self.kinesis, "DescribeStreamSummary", name).await;
        described.is_ok_and(|answer| !String::from_utf8_lossy(&answer).contains("DELETING"))
    }

    /// Waits, in simulated time, until a schedule has fired.
    async fn fired(&self) -> Vec<Firing> {
        for _ in 0..100_000 {
            let firings = self.scheduler.firings();
            if !firings.is_empty() {
                return firings;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("nothing fired");
    }
}

fn open_kinesis(folder: &TempDir) -> Arc<Kinesis> {
    Kinesis::open(&folder.path().join("kinesis")).expect("opened")
}

fn open_scheduler(folder: &TempDir, kinesis: &Arc<Kinesis>, iam: &Arc<Iam>) -> Arc<Scheduler> {
    Scheduler::open(&folder.path().join("scheduler"), kinesis.clone(), iam.clone()).expect("opened")
}

fn settings(expression: String, then: &str) -> Value {
    let input = json!({"StreamName": "orders", "EnforceConsumerDeletion": true}).to_string();
    json!({
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": schedule::DELETE_STREAM, "RoleArn": ROLE, "Input": input},
        "ActionAfterCompletion": then,
    })
}

#[tokio::test(start_paused = true)]
async fn it_deletes_the_stream_when_the_time_comes_and_then_itself() {
    let fixture = Fixture::new().await;
    fixture.schedule("s", 3_600, "DELETE");
    tokio::time::sleep(Duration::from_secs(3_500)).await;
    assert!(fixture.stream_is_there().await && fixture.scheduler.firings().is_empty(), "it is not time yet");
    let firings = fixture.fired().await;
    assert_eq!(firings.iter().map(|firing| &firing.outcome).collect::<Vec<_>>(), [&Ok(())]);
    assert!(!fixture.stream_is_there().await);
    assert!(fixture.scheduler.schedule_names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_stays_fires_once() {
    let fixture = Fixture::new().await;
    fixture.schedule("s", 60, "NONE");
    fixture.fired().await;
    tokio::time::sleep(Duration::from_secs(100_000)).await;
    assert_eq!(fixture.scheduler.firings().len(), 1);
    assert_eq!(fixture.scheduler.schedule_names(), ["default/s"]);
    let fixture = fixture.reopened();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(fixture.scheduler.firings().is_empty(), "and not again after a reopening");
}

#[tokio::test(start_paused = true)]
async fn a_time_that_passed_while_it_was_closed_fires_at_opening() {
    let fixture = Fixture::new().await;
    fixture.schedule("s", 2, "DELETE");
    let Fixture { folder, kinesis, iam, scheduler } = fixture;
    drop(scheduler);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let scheduler = open_scheduler(&folder, &kinesis, &iam);
    let fixture = Fixture { folder, kinesis, iam, scheduler };
    tokio::task::yield_now().await;
    assert_eq!(fixture.fired().await.len(), 1);
    assert!(!fixture.stream_is_there().await);
}

#[tokio::test(start_paused = true)]
async fn without_the_role_s_permission_the_stream_stays() {
    let fixture = Fixture::new().await;
    let elsewhere = MAY_DELETE.replace("orders", "another");
    fixture.iam("PutRolePolicy", &[("PolicyName", "p"), ("PolicyDocument", &elsewhere)]).await;
    fixture.schedule("s", 60, "DELETE");
    let firings = fixture.fired().await;
    let error = firings[0].outcome.clone().expect_err("denied");
    assert_eq!(error.code, "AccessDeniedException");
    assert!(error.message.contains("kinesis:DeleteStream on resource"), "{error}");
    assert!(fixture.stream_is_there().await);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_disabled_or_moved_does_not_fire() {
    let fixture = Fixture::new().await;
    fixture.schedule("s", 60, "DELETE");
    let mut later = settings(fixture.in_seconds(7_200), "DELETE");
    fixture.call("PUT", "/schedules/s", later.clone()).expect("moved");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(fixture.scheduler.firings().is_empty());
    later["State"] = json!("DISABLED");
    fixture.call("PUT", "/schedules/s", later.clone()).expect("disabled");
    tokio::time::sleep(Duration::from_secs(10_000)).await;
    assert!(fixture.scheduler.firings().is_empty() && fixture.stream_is_there().await);
    let refused = fixture.call("PUT", "/schedules/s", later).expect_err("its time is past");
    assert_eq!(refused.code, "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_tried_again_as_the_policy_says() {
    let fixture = Fixture::new().await;
    let mut made = settings(fixture.in_seconds(60), "DELETE");
    made["Target"]["RetryPolicy"] = json!({"MaximumRetryAttempts": 2});
    fixture.call("POST", "/schedules/s", made).expect("made");
    let failed = ServiceError::internal("not now");
    for (attempts, rest) in [(1, 1), (2, 1), (2, 0)] {
        let schedule = fixture.scheduler.known.read().schedules["default/s"].clone();
        fixture.scheduler.remember("default/s", &schedule, Some(&failed)).expect("noted");
        let known = fixture.scheduler.known.read().schedules.clone();
        assert_eq!(known.len(), rest);
        assert!(known.values().all(|schedule| schedule.failed_attempts == attempts && schedule.due.is_some()));
    }
}
