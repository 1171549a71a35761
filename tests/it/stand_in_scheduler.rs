//! The stand-in's EventBridge Scheduler, through the AWS SDK.

use std::time::Duration;

use aws_sdk_scheduler::{
    Client,
    error::ProvideErrorMetadata,
    types::{
        ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Tag, Target,
    },
};
use chrono::{TimeDelta, Utc};

use crate::stand_in::Running;

const ROLE: &str = "arn:aws:iam::000000000000:role/switch";
const DELETE_STREAM: &str = "arn:aws:scheduler:::aws-sdk:kinesis:deleteStream";
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}, "ArnLike": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:000000000000:schedule-group/*"}}}]}"#;
const MAY_DELETE: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kinesis:DeleteStream", "Resource": "arn:aws:kinesis:us-east-1:000000000000:stream/orders"}]}"#;

struct Fixture {
    folder: tempfile::TempDir,
    running: Running,
    scheduler: Client,
    kinesis: aws_sdk_kinesis::Client,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let fixture = Self::over(folder).await;
        let iam = aws_sdk_iam::Client::new(&fixture.running.config());
        let role = iam.create_role().role_name("switch").assume_role_policy_document(TRUST);
        role.send().await.expect("created");
        let policy = iam.put_role_policy().role_name("switch").policy_name("p").policy_document(MAY_DELETE);
        policy.send().await.expect("put");
        fixture.kinesis.create_stream().stream_name("orders").shard_count(1).send().await.expect("created");
        fixture
    }

    async fn over(folder: tempfile::TempDir) -> Self {
        let running = Running::over(folder.path()).await;
        let (scheduler, kinesis) = (Client::new(&running.config()), aws_sdk_kinesis::Client::new(&running.config()));
        Self { folder, running, scheduler, kinesis }
    }

    async fn reopened(self) -> Self {
        self.running.stop().await;
        Self::over(self.folder).await
    }

    fn create(
        &self,
        name: &str,
        seconds: i64,
    ) -> aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder {
        self.scheduler
            .create_schedule()
            .name(name)
            .schedule_expression(at(seconds))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window())
            .target(target().build().expect("a target"))
            .action_after_completion(ActionAfterCompletion::Delete)
    }

    async fn gone(&self) {
        for _ in 0..200 {
            let described = self.kinesis.describe_stream_summary().stream_name("orders").send().await;
            if described.is_err_and(|e| e.into_service_error().is_resource_not_found_exception()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the stream is there still: {:?}", self.running.stand_in.scheduler.firings());
    }
}

fn at(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).format("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

fn window() -> FlexibleTimeWindow {
    FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().expect("a window")
}

fn target() -> aws_sdk_scheduler::types::builders::TargetBuilder {
    let input = r#"{"StreamName": "orders", "EnforceConsumerDeletion": true}"#;
    Target::builder().arn(DELETE_STREAM).role_arn(ROLE).input(input)
}

/// Status and code of a call that fails.
macro_rules! refusal {
    ($call:expr) => {{
        let error = $call.send().await.expect_err("refused");
        let status = error.raw_response().map(|response| response.status().as_u16());
        let error = error.into_service_error();
        assert!(error.message().is_some_and(|message| !message.is_empty()), "{error:?}");
        (status.unwrap_or_default(), error.code().unwrap_or_default().to_owned())
    }};
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn it_fires_at_its_time_and_is_gone() {
    let fixture = Fixture::new().await;
    let consumer = fixture.kinesis.describe_stream_summary().stream_name("orders").send().await.expect("there");
    let arn = consumer.stream_description_summary.expect("a summary").stream_arn;
    assert_eq!(arn, "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    fixture.create("ttl", 2).send().await.expect("made");
    fixture.gone().await;
    assert_eq!(refusal!(fixture.scheduler.get_schedule().name("ttl")), refused(404, "ResourceNotFoundException"));
    fixture.running.stop().await;
}

#[tokio::test]
async fn a_time_that_passes_while_the_stand_in_is_closed_fires_at_opening() {
    let fixture = Fixture::new().await;
    fixture.create("ttl", 2).send().await.expect("made");
    let folder = {
        fixture.running.stop().await;
        fixture.folder
    };
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let fixture = Fixture::over(folder).await;
    fixture.gone().await;
    fixture.running.stop().await;
}

#[tokio::test]
async fn what_was_made_is_shown_changed_and_outlives_a_reopening() {
    let fixture = Fixture::new().await;
    let retry = RetryPolicy::builder().maximum_retry_attempts(3).maximum_event_age_in_seconds(600).build();
    let create = fixture.create("ttl", 3_600).description("the switch").client_token("once");
    let create = create.target(target().retry_policy(retry.clone()).build().expect("a target"));
    let made = create.clone().send().await.expect("made");
    assert_eq!(made.schedule_arn(), "arn:aws:scheduler:us-east-1:000000000000:schedule/default/ttl");
    let again = create.clone().send().await.expect("the same answer to the same token");
    assert_eq!(again.schedule_arn(), made.schedule_arn());
    assert_eq!(refusal!(create.client_token("twice")), refused(409, "ConflictException"));

    let fixture = fixture.reopened().await;
    let shown = fixture.scheduler.get_schedule().name("ttl").send().await.expect("there");
    assert_eq!((shown.name(), shown.group_name()), (Some("ttl"), Some("default")));
    assert_eq!(shown.description(), Some("the switch"));
    assert_eq!(shown.state(), Some(&ScheduleState::Enabled));
    assert_eq!(shown.action_after_completion(), Some(&ActionAfterCompletion::Delete));
    assert_eq!(shown.flexible_time_window(), Some(&window()));
    assert_eq!(shown.target(), Some(&target().retry_policy(retry).build().expect("a target")));
    assert!(shown.creation_date().is_some_and(|time| (time.secs() - Utc::now().timestamp()).abs() < 60));

    let later = at(7_200);
    let update = fixture.scheduler.update_schedule().name("ttl").schedule_expression(&later);
    let update = update.flexible_time_window(window()).target(target().build().expect("a target"));
    update.state(ScheduleState::Disabled).send().await.expect("changed");
    let shown = fixture.scheduler.get_schedule().name("ttl").send().await.expect("there");
    assert_eq!(shown.schedule_expression(), Some(later.as_str()));
    assert_eq!(shown.state(), Some(&ScheduleState::Disabled));
    assert_eq!(shown.description(), None, "what an update does not say is the default again");

    fixture.scheduler.delete_schedule().name("ttl").send().await.expect("deleted");
    assert_eq!(refusal!(fixture.scheduler.delete_schedule().name("ttl")), refused(404, "ResourceNotFoundException"));
    fixture.running.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let fixture = Fixture::new().await;
    let invalid = refused(400, "ValidationException");
    assert_eq!(refusal!(fixture.create("ttl", -60)), invalid);
    assert_eq!(refusal!(fixture.create("a name", 60)), invalid);
    assert_eq!(refusal!(fixture.create("ttl", 60).schedule_expression("rate(5 minutes)")), invalid);
    assert_eq!(refusal!(fixture.create("ttl", 60).schedule_expression("tomorrow")), invalid);
    assert_eq!(refusal!(fixture.create("ttl", 60).schedule_expression_timezone("Europe/Berlin")), invalid);
    for target in [
        target().arn("arn:aws:lambda:us-east-1:000000000000:function:f"),
        target().role_arn("arn:aws:iam::000000000000:role/absent"),
        target().input("not JSON"),
        target().input("{}"),
    ] {
        assert_eq!(refusal!(fixture.create("ttl", 60).target(target.build().expect("a target"))), invalid);
    }
    let absent = refused(404, "ResourceNotFoundException");
    assert_eq!(refusal!(fixture.create("ttl", 60).group_name("absent")), absent);
    let update = fixture.scheduler.update_schedule().name("ttl").schedule_expression(at(60));
    let update = update.flexible_time_window(window()).target(target().build().expect("a target"));
    assert_eq!(refusal!(update), absent);
    assert!(fixture.running.stand_in.scheduler.schedule_names().is_empty());
    fixture.running.stop().await;
}

#[tokio::test]
async fn groups_hold_schedules_and_carry_tags() {
    let fixture = Fixture::new().await;
    let scheduler = &fixture.scheduler;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    let create = scheduler.create_schedule_group().name("demo").tags(tag("demo:stack", "one"));
    let arn = create.send().await.expect("made").schedule_group_arn;
    assert_eq!(arn, "arn:aws:scheduler:us-east-1:000000000000:schedule-group/demo");
    assert_eq!(refusal!(scheduler.create_schedule_group().name("demo")), refused(409, "ConflictException"));
    scheduler.tag_resource().resource_arn(&arn).tags(tag("more", "2")).send().await.expect("tagged");
    scheduler.untag_resource().resource_arn(&arn).tag_keys("demo:stack").send().await.expect("untagged");
    let tags = scheduler.list_tags_for_resource().resource_arn(&arn).send().await.expect("listed");
    assert_eq!(tags.tags(), [tag("more", "2")]);

    for name in ["a-1", "a-2", "b-1"] {
        fixture.create(name, 3_600).group_name("demo").send().await.expect("made");
    }
    fixture.create("a-3", 3_600).send().await.expect("made in the default group");
    let names = |schedules: &[aws_sdk_scheduler::types::ScheduleSummary]| {
        schedules.iter().filter_map(|schedule| schedule.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    let first = scheduler.list_schedules().group_name("demo").max_results(2).send().await.expect("listed");
    assert_eq!(names(first.schedules()), ["a-1", "a-2"]);
    let rest = scheduler.list_schedules().group_name("demo").set_next_token(first.next_token).send().await;
    assert_eq!(names(rest.expect("listed").schedules()), ["b-1"]);
    let by_prefix = scheduler.list_schedules().name_prefix("a-").send().await.expect("listed");
    assert_eq!(names(by_prefix.schedules()), ["a-3", "a-1", "a-2"]);

    scheduler.delete_schedule_group().name("demo").send().await.expect("deleted");
    assert_eq!(refusal!(scheduler.get_schedule_group().name("demo")), refused(404, "ResourceNotFoundException"));
    assert_eq!(fixture.running.stand_in.scheduler.schedule_names(), ["default/a-3"]);
    assert_eq!(refusal!(scheduler.delete_schedule_group().name("default")), refused(400, "ValidationException"));
    let groups = scheduler.list_schedule_groups().send().await.expect("listed");
    assert_eq!(groups.schedule_groups().iter().filter_map(|group| group.name()).collect::<Vec<_>>(), ["default"]);
    fixture.running.stop().await;
}
