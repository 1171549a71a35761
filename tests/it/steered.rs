//! A run with a hand on it: by events of its file, and from another process.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_kinesis::types::ShardIteratorType;
use demo_workload::{Key, store_sales::StoreSales};
use kinesis_demo::{
    aws::{Clients, Where},
    load::AckLog,
};
use serde_json::Value;

use crate::{
    command::{Demo, text},
    running::Running,
};

fn actions(report: &Value) -> Vec<String> {
    let named = |done: &Value| match &done["action"] {
        Value::String(name) => name.clone(),
        action => action.as_object().and_then(|action| action.keys().next().cloned()).unwrap_or_default(),
    };
    report["actions"].as_array().expect("a list").iter().map(named).collect()
}

#[test]
fn every_event_of_a_file_happens_and_nothing_is_lost() {
    let demo = Demo::new();
    let events = "load.events=[{at: 500ms, reshard: 6}, {at: 800ms, throttle: {shards: 2, share: 50%, for: 1s}}, \
                  {at: 1s, rate: 200/s}, {at: 1s, errors: {service: kinesis, share: 20%, for: 1s}}, \
                  {at: 1500ms, slow: {service: kinesis, by: 50ms, for: 500ms}}, {at: 2s, hot_key: {share: 50%, for: 1s}}, \
                  {at: 2500ms, mode: on-demand}]";
    let sets = ["--set", "load.duration=4s", "--set", events];
    let report = demo.json(&[&["run", "stacks/stream-only.yaml", "--rm", "--json"], &sets[..]].concat());
    assert_eq!(report["offered"], 400 + 3 * 200, "a rate is part of the schedule: {report}");
    assert_eq!((&report["landed_stream"], &report["lost"]), (&report["offered"], &0.into()), "{report}");
    assert_eq!(actions(&report), ["reshard", "fault", "fault", "fault", "hot_key", "on_demand"]);
    assert!(report["throttled"].as_u64().is_some_and(|throttled| throttled > 0), "{report}");
    assert!(report["hot"]["documents"].as_u64().is_some_and(|hot| (60..=140).contains(&hot)), "{report}");
    assert_eq!(report["problems"], Value::Array(Vec::new()), "{report}");
}

#[test]
fn a_delivery_that_stands_still_is_waited_for() {
    let demo = Demo::new();
    let sets = ["--set", "load.duration=1s", "--set", "load.rate=100/s", "--set", "deliver.s3.buffer.interval=1s"];
    let events = ["--set", "load.events=[{at: 100ms, stall: 4s}]"];
    let report =
        demo.json(&[&["run", "stacks/store-sales-s3.yaml", "--rm", "--json"], &sets[..], &events[..]].concat());
    assert_eq!((&report["landed_s3"], &report["lost"]), (&100.into(), &0.into()), "{report}");
    assert!(report["seconds"]["verify"].as_f64().is_some_and(|seconds| seconds > 2.0), "{report}");
}

#[test]
fn iterators_that_expire_while_the_stream_is_read_are_had_anew() {
    let demo = Demo::new();
    let sets = ["--set", "load.duration=1s", "--set", "load.events=[{at: 500ms, expire: 3s}]"];
    let report = demo.json(&[&["run", "stacks/stream-only.yaml", "--rm", "--json"], &sets[..]].concat());
    assert_eq!((&report["landed_stream"], &report["lost"]), (&report["offered"], &0.into()), "{report}");
    assert!(report["seconds"]["verify"].as_f64().is_some_and(|seconds| seconds > 1.0), "{report}");
}

#[test]
fn a_function_that_is_killed_at_work_loses_nothing() {
    let demo = Demo::new();
    // A record may be tried more often in three seconds than the stack's file has it retried.
    let retries = "deliver.dynamodb.mapping.retries=100";
    let load = ["--set", "load.duration=3s", "--set", "load.rate=100/s", "--set", retries];
    let sets = [&load[..], &["--set", "load.events=[{at: 500ms, kill: 3s}]"]].concat();
    let report = demo.json(&[&["run", "stacks/store-sales-dynamodb.yaml", "--json"], &sets[..]].concat());
    assert_eq!((&report["landed_dynamodb"], &report["lost"]), (&300.into(), &0.into()), "{report}");
    let id = report["stack"].as_str().expect("an id");
    let log = demo.files("local/logs").into_iter().filter_map(|path| std::fs::read(path).ok());
    let log: String = log.map(|data| text(&data)).collect();
    assert!(log.contains("Runtime exited with error: signal: 9"), "{id} was killed at work");
    demo.expect(0, &["down", id]);
}

#[test]
fn a_run_is_steered_from_another_process() {
    let demo = Demo::new();
    let control = |action: &[&str]| demo.expect(0, &[&["control", "stream-only"], action].concat());
    let none = demo.output(&["control", "stream-only", "pause"]);
    assert!(text(&none.stderr).contains("unknown stack 'stream-only'"), "{}", text(&none.stderr));
    let run = Running::start(&demo, &[]);
    assert!(control(&["pause"]).ends_with(" s: pause\n"));
    let resumed: Value = serde_json::from_str(&control(&["resume", "--json"])).expect("JSON");
    assert!(resumed["done"][0]["at"].as_f64().is_some_and(|at| at > 0.0), "{resumed}");
    control(&["rate", "400/s"]);
    control(&["hot-key", "celebrity", "30%", "1s"]);
    control(&["reshard", "6"]);
    control(&["throttle", "1", "50%", "1s"]);
    let wrong = demo.output(&["control", "stream-only", "stall", "1s"]);
    assert!(text(&wrong.stderr).contains("Firehose delivers nothing of this stack anyway"), "{}", text(&wrong.stderr));
    control(&["stop"]);
    let said = run.ends(0);
    for done in [": pause\n", ": rate 400/s\n", ": hot key celebrity: 30.0 % ", ": reshard to 6 shards\n", ": stop\n"] {
        assert_eq!(said.matches(done).count(), 2, "as it happens, and in the summary: {done} in {said}");
    }
    assert!(said.contains("lost 0"), "{said}");
    let over = demo.output(&["control", "stream-only", "pause"]);
    assert_eq!(over.status.code(), Some(1));
    assert!(text(&over.stderr).contains("no run of stream-only-"), "{}", text(&over.stderr));
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn every_worker_of_a_shared_run_is_steered_and_one_changes_the_stream() {
    let demo = Demo::new();
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    let workers = ["1/2", "2/2"].map(|part| Running::start(&demo, &["--workers", part, "--run", "shared"]));
    let control = |action: &[&str]| -> Vec<String> {
        let done = demo.json(&[&["control", "stream-only", "--json"], action].concat());
        let done = done["done"].as_array().expect("a list").iter();
        done.map(|done| done["worker"].as_str().expect("a worker").to_owned()).collect()
    };
    let both = ["1/2", "2/2"];
    assert_eq!(control(&["pause"]), both);
    assert_eq!(control(&["resume"]), both);
    assert_eq!(control(&["rate", "400/s"]), both);
    assert_eq!(control(&["reshard", "6"]), ["1/2"]);
    let said = demo.expect(0, &["control", "stream-only", "throttle", "1", "50%", "1s"]);
    assert!(said.ends_with(", by worker 1/2\n") && said.lines().count() == 1, "{said}");
    assert_eq!(control(&["stop"]), both);
    let [first, second] = workers.map(|worker| worker.ends(0));
    for done in [": pause\n", ": resume\n", ": rate 400/s\n", ": stop\n"] {
        assert!(first.contains(done) && second.contains(done), "{done} in {first}{second}");
    }
    assert!(first.contains(": reshard to 6 shards\n") && !second.contains("reshard to"), "{first}{second}");
    let verified = demo.json(&["verify", "stream-only", "--json"]);
    assert_eq!((&verified["lost"], &verified["problems"]), (&0.into(), &Value::Array(Vec::new())), "{verified}");
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn a_fault_by_hand_is_listed_until_it_is_cleared() {
    let demo = Demo::new();
    let fault = |args: &[&str]| demo.expect(0, &[&["local", "fault"], args].concat());
    let off = demo.output(&["local", "fault", "list"]);
    assert!(text(&off.stderr).contains("the stand-in is not running"), "{}", text(&off.stderr));
    demo.expect(0, &["local", "start"]);
    fault(&["errors", "kinesis", "100%", "60s"]);
    assert!(fault(&["list"]).starts_with("100 % of the calls to kinesis fail, for "));
    let none = demo.output(&["local", "fault", "throttle", "nowhere", "1", "50%", "1s"]);
    assert!(text(&none.stderr).contains("there is no kinesis stream nowhere"), "{}", text(&none.stderr));
    fault(&["clear"]);
    assert_eq!(fault(&["list"]), "");
    demo.expect(0, &["run", "stacks/stream-only.yaml", "--rm", "--set", "load.duration=1s"]);
}

/// Reads each shard after those that it came from: that is the order that consumers have.
async fn in_order(clients: &Clients, stream: &str) -> Vec<Key> {
    let shards = clients.kinesis.list_shards().stream_name(stream).send().await.expect("shards");
    let mut waiting: Vec<_> = shards.shards().to_vec();
    let (mut read, mut keys) = (Vec::new(), Vec::new());
    while !waiting.is_empty() {
        let is_next = |shard: &aws_sdk_kinesis::types::Shard| {
            let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
            parents.into_iter().flatten().all(|parent| read.iter().any(|id| id == parent))
        };
        let next = waiting.iter().position(is_next).expect("a shard whose parents are read");
        let id = waiting.remove(next).shard_id;
        let iterator = clients.kinesis.get_shard_iterator().stream_name(stream).shard_id(&id);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("an iterator");
        let records = clients.kinesis.get_records().set_shard_iterator(iterator.shard_iterator);
        let records = records.send().await.expect("records");
        assert_eq!(records.millis_behind_latest(), Some(0), "few enough for one call");
        for record in records.records() {
            let document: Value = serde_json::from_slice(record.data().as_ref()).expect("a document");
            let number = |field: &str| document[field].as_u64().expect("a number");
            keys.push(Key { ticket: number("ss_ticket_number"), item: number("ss_item_sk") });
        }
        read.push(id);
    }
    keys
}

#[tokio::test]
async fn an_ordered_load_stays_in_order_through_two_reshards() {
    let demo = Demo::new();
    let sets = ["load.duration=4s", "load.rate=200/s", "load.ordered=true", "load.partition_key=ticket"];
    let events = "load.events=[{at: 1s, reshard: 7}, {at: 2500ms, reshard: 5}]";
    let sets = sets.iter().chain([&events]).flat_map(|set| ["--set", *set]);
    let report = demo.json(&["run", "stacks/stream-only.yaml", "--json"].into_iter().chain(sets).collect::<Vec<_>>());
    assert_eq!((&report["lost"], &report["duplicated"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(actions(&report), ["reshard", "reshard"], "{report}");

    let url = demo.stand_in_environment().into_iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").expect("running").1;
    let clients = Clients::connect(Where::Local { url, credentials: (&demo.key()).into() }).await;
    let stream = report["stack"].as_str().expect("an id");
    let mut found: HashMap<u64, Vec<u64>> = HashMap::new();
    for Key { ticket, item } in in_order(&clients, stream).await {
        found.entry(ticket).or_default().push(item);
    }
    let log = demo.files("runs").into_iter().find(|path| path.extension().is_some_and(|end| end == "acks"));
    let tickets = AckLog::read(&log.expect("a log")).expect("read").tickets;
    let mut sent: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for Key { ticket, item } in StoreSales::new(1, 1).keys(tickets[0].clone()).take(800) {
        sent.entry(ticket).or_default().push(item);
    }
    assert_eq!(found.len(), sent.len());
    assert!(sent.iter().all(|(ticket, items)| found.get(ticket) == Some(items)), "{found:?}\n{sent:?}");
}
