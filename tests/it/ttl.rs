//! The end of a stack that someone forgets: its stream goes by itself, and what is left is found and taken away.

use std::{sync::Arc, time::Duration};

use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode};
use aws_stand_in::internals::StandIn;
use chrono::{DateTime, TimeDelta, Utc};
use kinesis_demo::{
    aws::{Clients, Names, account, inventory, ownership},
    engine::{Applied, Cancel, Down, Home, Journal, Observed, Outcome},
    pipeline::{
        discover,
        lifecycle::{self, LifecycleError},
        ttl,
    },
    spec::{Name, Stack, Stream, StreamMode},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    command::Demo,
    families::attached::attach_channel,
    inside::Wire,
    lifecycle::{materials, store_sales},
};

const HOUR: Duration = Duration::from_secs(3_600);
const DELETE_STREAM: &str = "arn:aws:scheduler:::aws-sdk:kinesis:deleteStream";

struct World {
    folder: TempDir,
    clients: Clients,
    home: Home,
    _wire: Arc<Wire>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let wire = Wire::to(StandIn::open(&folder.path().join("local")).expect("opened"));
        let (clients, home) = (wire.clients().await, Home::at(folder.path().join("home")).expect("a home"));
        Self { folder, clients, home, _wire: wire }
    }

    async fn open(&self, stack: &Stack) -> Journal {
        lifecycle::open(&self.home, stack, json!({}), &self.clients).await.expect("opened")
    }

    async fn try_up(&self, stack: &Stack) -> Result<Applied, LifecycleError> {
        let journal = self.open(stack).await;
        lifecycle::up(&journal, stack, &materials(), &self.clients, &(), &Cancel::new()).await
    }

    async fn up(&self, stack: &Stack) -> Applied {
        self.try_up(stack).await.expect("up")
    }

    async fn down(&self, journal: &Journal) -> Down {
        lifecycle::down(journal, &self.clients, &(), &Cancel::new()).await.expect("down")
    }

    async fn has_stream(&self, name: &str) -> bool {
        self.clients.kinesis.list_streams().send().await.expect("listed").stream_names.iter().any(|other| other == name)
    }

    /// The time that the stack's schedule fires at, if there is one.
    async fn scheduled(&self, name: &str) -> Option<String> {
        let found = self.clients.scheduler.get_schedule().name(name).send().await;
        found.ok().and_then(|found| found.schedule_expression)
    }
}

fn living(ttl: Duration) -> Stack {
    Stack { ttl: Some(ttl), ..store_sales() }
}

fn outcome(applied: &Applied, kind: &str) -> Outcome {
    let of_kind = applied.resources.iter().find(|(key, _)| key.kind == kind);
    of_kind.unwrap_or_else(|| panic!("no {kind}: {applied:?}")).1
}

fn at(moment: DateTime<Utc>) -> String {
    format!("at({})", moment.format("%Y-%m-%dT%H:%M:%S"))
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_forgotten_stack_goes_by_itself_and_down_is_clean() {
    let world = World::new().await;
    let stack = living(2 * HOUR);
    let made = world.up(&stack).await;
    assert_eq!((made.resources.len(), outcome(&made, "schedule")), (9, Outcome::Created));
    let again = world.up(&stack).await;
    assert!(again.resources.iter().all(|(_, outcome)| *outcome == Outcome::Kept), "{again:?}");

    let journal = world.open(&stack).await;
    let (id, names) = (journal.id().clone(), Names::of(&stack, journal.id()));
    let expires = ttl::known(&journal.state()).expect("an end");
    assert_eq!(world.scheduled(id.as_str()).await, Some(at(expires)));
    tokio::time::sleep(2 * HOUR - Duration::from_secs(600)).await;
    assert!(world.has_stream(&names.stream).await, "its time is not over");
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if !world.has_stream(&names.stream).await {
            break;
        }
    }
    assert!(!world.has_stream(&names.stream).await, "its time is over");
    assert_eq!(world.scheduled(id.as_str()).await, None, "a schedule that has fired deletes itself");

    let gone = lifecycle::status(&journal.state(), &world.clients).await;
    let fired = gone.iter().find(|one| one.node.key.kind == "schedule").expect("known");
    assert_eq!(fired.observed, Ok(Observed::Absent));

    let down = world.down(&journal).await;
    assert!(down.is_clean() && down.removed.len() == 9, "{down:#?}");
    let already: Vec<_> =
        down.removed.iter().filter(|(_, how)| *how == Outcome::AlreadyGone).map(|(key, _)| &key.kind).collect();
    assert_eq!(already.len(), 2, "the stream and its schedule: {already:?}");
    assert!(account::look(&world.clients).await.expect("a look").stacks.is_empty());
}

/// AWS refuses to delete the stream then: `up` says so beforehand, and `down` names what is attached.
#[tokio::test(start_paused = true)]
async fn a_schedule_cannot_delete_a_stream_with_a_channel_and_that_is_said_beforehand() {
    let world = World::new().await;
    let stream = Stream { mode: StreamMode::OnDemand, ..store_sales().stream };
    let stack = Stack { stream, ..living(2 * HOUR) };
    world.up(&stack).await;
    let journal = world.open(&stack).await;
    let name = Names::of(&stack, journal.id()).stream;
    let warned = async || {
        let (id, state) = (journal.id(), journal.state());
        let report = lifecycle::check(&stack, id, &state, &materials(), &world.clients).await.expect("checked");
        report.0.into_iter().find(|finding| finding.what == "ttl")
    };
    assert_eq!(warned().await, None);
    attach_channel(&world.clients, &name, "theirs", None).await;
    let warning = warned().await.expect("a warning").to_string();
    assert!(warning.contains(&format!("cannot delete stream {name}, which has 1 channel attached")), "{warning}");
    assert!(warning.contains(&format!("demo down {}", journal.id())), "{warning}");
    tokio::time::sleep(3 * HOUR).await;
    assert!(world.has_stream(&name).await, "its schedule has fired in vain");
    let down = world.down(&journal).await;
    let kept = down.failed.iter().find(|(key, _)| key.kind == "stream").expect("the stream stays");
    assert!(kept.1.to_string().contains("channel theirs"), "{}", kept.1);
    assert!(down.leftovers.iter().any(|left| left.node.key.kind == "stream"), "{down:#?}");
}

#[tokio::test(start_paused = true)]
async fn another_time_to_live_is_another_time_of_the_same_schedule() {
    let world = World::new().await;
    world.up(&living(2 * HOUR)).await;
    let longer = living(4 * HOUR);
    let applied = world.up(&longer).await;
    assert_eq!(outcome(&applied, "schedule"), Outcome::Changed);
    let journal = world.open(&longer).await;
    let expires = ttl::opened_at(&journal.state()) + TimeDelta::hours(4);
    assert_eq!(world.scheduled(journal.id().as_str()).await, Some(at(expires)));
    assert_eq!(ttl::known(&journal.state()).map(ttl::written), Some(ttl::written(expires)));

    let stream = Names::of(&longer, journal.id()).stream;
    let tags = world.clients.kinesis.list_tags_for_stream().stream_name(stream).send().await.expect("listed").tags;
    let tag = tags.iter().find(|tag| tag.key() == ownership::EXPIRES).and_then(|tag| tag.value());
    assert_eq!(tag, Some(ttl::written(expires).as_str()), "what others read is what will happen");
}

#[tokio::test(start_paused = true)]
async fn a_stack_gets_a_time_to_live_but_not_rid_of_it() {
    let world = World::new().await;
    world.up(&store_sales()).await;
    let applied = world.up(&living(2 * HOUR)).await;
    assert_eq!(outcome(&applied, "schedule"), Outcome::Created);
    let refused = world.try_up(&store_sales()).await.expect_err("still scheduled");
    assert!(matches!(&refused, LifecycleError::StillScheduled(_)), "{refused}");
    assert!(refused.to_string().contains("ttl: 30d"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_stack_whose_time_is_over_is_not_brought_up() {
    let world = World::new().await;
    world.up(&living(2 * HOUR)).await;
    let refused = world.try_up(&living(Duration::ZERO)).await.expect_err("over");
    assert!(matches!(&refused, LifecycleError::Expired { .. }), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("demo down store-sales-") && said.contains("raise `ttl`"), "{said}");
    let journal = world.open(&store_sales()).await;
    let (stack, state) = (living(Duration::ZERO), journal.state());
    let planned = lifecycle::plan(&stack, journal.id(), &state, &materials(), &world.clients).await;
    assert!(matches!(planned, Err(LifecycleError::Expired { .. })));
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_schedule_is_not_touched() {
    let world = World::new().await;
    world.up(&living(2 * HOUR)).await;
    let stack = living(3 * HOUR);
    let journal = world.open(&stack).await;
    let (id, scheduler) = (journal.id().clone(), &world.clients.scheduler);
    drop(journal);
    let ours = scheduler.get_schedule().name(id.as_str()).send().await.expect("there");
    let target = ours.target.expect("a target");
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().expect("a window");
    let theirs = scheduler.update_schedule().name(id.as_str()).schedule_expression("at(2030-01-01T00:00:00)");
    theirs.target(target).flexible_time_window(window).description("mine").send().await.expect("taken over");

    let refused = world.try_up(&stack).await.expect_err("not ours");
    assert!(refused.to_string().contains("does not belong to this stack"), "{refused}");
    let journal = world.open(&stack).await;
    let down = world.down(&journal).await;
    assert!(!down.is_clean(), "what is not ours stays: {down:#?}");
    assert_eq!(world.scheduled(id.as_str()).await.as_deref(), Some("at(2030-01-01T00:00:00)"));
}

/// As another machine does it, which knows no journal.
#[tokio::test(start_paused = true)]
async fn an_account_tells_its_stacks_and_a_machine_without_their_journals_takes_one_away() {
    let world = World::new().await;
    world.up(&living(2 * HOUR)).await;
    let other = store_sales();
    let stream = Stream { name: Name::Stem("endless".to_owned()), ..other.stream.clone() };
    world.up(&Stack { name: "endless".to_owned(), stream, ..other }).await;
    let state = world.home.find("store-sales").expect("known");
    let (id, expires) = (state.id().expect("an id").clone(), ttl::known(&state).expect("an end"));

    let account = account::look(&world.clients).await.expect("a look");
    assert!(account.hidden.is_empty(), "{:?}", account.hidden);
    let past =
        |now| account.stacks.iter().filter(|stack| stack.is_past(now)).map(|stack| &stack.id).collect::<Vec<_>>();
    assert_eq!(account.stacks.len(), 2);
    assert!(past(expires - TimeDelta::seconds(1)).is_empty());
    assert_eq!(past(expires + TimeDelta::days(365)), [&id], "one that has no end is never past it");
    let ours = account.stacks.iter().find(|stack| stack.id == id).expect("found");
    assert_eq!((ours.nodes.len(), ours.cost(&world.clients).to_string()), (9, "nothing".to_owned()));
    let shards =
        |kind: &str| ours.nodes.iter().find(|node| node.key.kind == kind).map(|node| node.desired["shards"].clone());
    assert_eq!(shards("stream"), Some(json!(2)), "measured");

    let elsewhere = Home::at(world.folder.path().join("elsewhere")).expect("a home");
    let found = inventory::thorough(&world.clients, &id).await;
    let journal = discover::journal(&elsewhere, &id, &found, &world.clients).await.expect("a journal");
    let down = world.down(&journal).await;
    assert!(down.is_clean() && down.removed.len() == 9, "{down:#?}");
    let left = account::look(&world.clients).await.expect("a look").stacks;
    assert_eq!(left.iter().map(|stack| stack.id.name()).collect::<Vec<_>>(), ["endless"]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_on_time_as_its_role_alone_and_bears_the_mark() {
    let world = World::new().await;
    let stack = living(2 * HOUR);
    world.up(&stack).await;
    let journal = world.open(&stack).await;
    let found = world.clients.scheduler.get_schedule().name(journal.id().as_str()).send().await.expect("there");
    let target = found.target().expect("a target");
    let names = Names::of(&stack, journal.id());
    let input: serde_json::Value = serde_json::from_str(target.input().expect("an input")).expect("JSON");
    assert_eq!(
        (target.arn(), input),
        (DELETE_STREAM, json!({"StreamName": names.stream, "EnforceConsumerDeletion": true}))
    );
    assert!(target.role_arn().ends_with(&format!("{}{}", names.role_path, names.schedule_role)), "{target:?}");
    let window = found.flexible_time_window().map(|window| window.mode().clone());
    assert_eq!(window, Some(FlexibleTimeWindowMode::Off));
    assert_eq!(found.action_after_completion().map(|action| action.as_str()), Some("DELETE"));
    let description = found.description().expect("a description");
    assert!(description.contains(&format!("{}={}", ownership::STACK, journal.id())), "{description}");

    let role = world.clients.iam.get_role().role_name(&names.schedule_role).send().await.expect("there").role;
    let trust = role.and_then(|role| role.assume_role_policy_document).expect("a trust policy");
    assert!(trust.contains("SourceAccount") && trust.contains("scheduler.amazonaws.com"), "{trust}");
    let policies = world.clients.iam.list_role_policies().role_name(&names.schedule_role).send().await.expect("listed");
    let [policy] = policies.policy_names() else { panic!("{policies:?}") };
    let policy = world.clients.iam.get_role_policy().role_name(&names.schedule_role).policy_name(policy);
    let policy = policy.send().await.expect("there").policy_document;
    assert!(policy.contains("kinesis%3ADeleteStream") || policy.contains("kinesis:DeleteStream"), "{policy}");
    assert!(!policy.contains('*') && !policy.contains("%2A"), "{policy}");
}

#[test]
fn the_commands_tell_the_end_and_the_cost_of_a_stack() {
    let demo = Demo::new();
    demo.expect(0, &["up", "stacks/stream-only.yaml", "--set", "ttl=2h"]);
    let known = demo.json(&["ls", "--json"]);
    let id = known[0]["id"].as_str().expect("an id").to_owned();
    let left = known[0]["seconds_left"].as_i64().expect("an end");
    assert!((7_000..=7_200).contains(&left), "{known}");
    assert_eq!((&known[0]["costs"], &known[0]["dollars_an_hour"]), (&json!("nothing"), &json!(0.0)));
    let listed = demo.expect(0, &["ls"]);
    assert!(listed.contains("expires in 1 h 59 min") && listed.contains("costs nothing"), "{listed}");

    let found = demo.json(&["gc", "--json"]);
    assert_eq!(
        (found.as_array().map(Vec::len), &found[0]["id"], &found[0]["past"]),
        (Some(1), &json!(id), &json!(false))
    );
    demo.expect(0, &["gc", "--expired"]);
    assert_eq!(demo.json(&["gc", "--json"])[0]["id"], json!(id), "its time is not over, so it is still there");
    demo.expect(2, &["gc", "nobody-00000000"]);
    let taken = demo.json(&["gc", &id, "--json"]);
    assert_eq!(taken[0]["taken_away"], json!(true));
    assert_eq!(demo.json(&["ls", "--json"]), json!([]));
}

#[test]
fn the_cost_of_a_file_is_told_before_anything_is_made() {
    let demo = Demo::new();
    let args = ["cost", "stacks/store-sales-s3.yaml", "-c", "config/aws.yaml", "-c", "config/full-scale.yaml"];
    let said = demo.expect(0, &args);
    assert!(said.contains("cost: $8.10 an hour while it is up"), "{said}");
    let told = demo.json(&[&args[..], &["--json"]].concat());
    assert_eq!(told["dollars_an_hour"], json!(8.1));
    assert_eq!(told["load"]["documents"], json!(18e6));
    let own = demo.expect(0, &["cost", "stacks/your-own-json.yaml", "--region", "eu-central-1"]);
    assert!(
        own.contains("runs on the stand-in, which costs nothing") && own.contains("as there are none for eu-central-1"),
        "{own}"
    );
    demo.expect(0, &["cost", "stacks/store-sales-everything.yaml"]);
    assert!(demo.files("stacks").is_empty());
}
