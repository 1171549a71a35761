use chrono::{DateTime, TimeDelta};
use serde_json::json;

use super::*;
use crate::engine::{Fingerprint, Holder, Journal, ResourceKey, journal::Entry};

fn text_of(status: &StackStatus) -> String {
    StatusText::of(status).to_string()
}

fn node(kind: &str) -> Node {
    let desired = json!({"mark": {"expires": "2026-11-24T18:00:00Z"}});
    Node { key: ResourceKey::new(kind, "a"), depends_on: Vec::new(), desired, detail: String::new() }
}

fn moment(text: &str) -> DateTime<Utc> {
    ttl::read(text).expect("a time")
}

fn key(kind: &str) -> ResourceKey {
    node(kind).key
}

struct Rig {
    _folder: tempfile::TempDir,
    journal: Journal,
}

impl Rig {
    fn new(endpoint: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path()).expect("a home");
        let target =
            Fingerprint { account: "1".into(), region: "us-east-1".into(), endpoint: endpoint.map(str::to_owned) };
        let id = "pipe-0a1b2c3d".parse().expect("an id");
        let journal = Journal::create(&home, &id, target, json!({})).expect("a journal");
        Self { _folder: folder, journal }
    }

    fn record(self, entries: impl IntoIterator<Item = Entry>) -> Self {
        entries.into_iter().for_each(|entry| self.journal.record(entry).expect("a legal entry"));
        self
    }

    fn made(self, kinds: &[&str]) -> Self {
        kinds.iter().fold(self, |rig, kind| {
            let (node, key) = (node(kind), key(kind));
            let accepted = Entry::Accepted { key: key.clone(), identity: "arn".into() };
            rig.record([Entry::Intended { node }, accepted, Entry::Ready { key }])
        })
    }

    fn begun(self) -> Self {
        let wanted = ["bucket", "role", "stream"].map(key).to_vec();
        self.record([Entry::Began { wanted }])
    }

    /// As it is found two minutes later, by whoever comes after `command`.
    fn found_after(&self, command: &str, now: bool) -> StackStatus {
        let state = self.journal.state();
        let since = "2026-11-24T16:00:00Z".to_owned();
        let holder = Some(Holder { pid: 4711, command: command.to_owned(), since });
        let later = ttl::read(state.last_at()).expect("a time") + TimeDelta::seconds(125);
        StackStatus { state, lock: Held { holder, now }, now: later }
    }
}

#[test]
fn a_half_made_stack_says_what_is_there_and_what_to_type() {
    let rig = Rig::new(Some("local")).begun().made(&["stream"]).record([Entry::Intended { node: node("role") }]);
    let status = StackStatus { now: moment("2026-11-24T16:02:05Z"), ..rig.found_after("demo up", false) };
    assert_eq!((status.stage(), status.is_left_behind()), (Stage::HalfMade, true));
    let said = text_of(&status);
    let first = "pipe-0a1b2c3d: 1 of 3 created, 1 unconfirmed (role, stream); `demo up` was cut off";
    assert!(said.starts_with(first), "{said}");
    assert!(said.contains("\n  costs nothing; expires in 1 h 57 min\n"));
    assert!(
        said.ends_with("\n  demo down pipe-0a1b2c3d    removes it; the same `demo up` continues to create it"),
        "{said}"
    );
    assert!(text_of(&rig.found_after("demo up", false)).contains("cut off 2 min ago\n"), "{said}");
}

#[test]
fn a_stack_on_aws_says_that_it_costs() {
    let said = text_of(&Rig::new(None).begun().made(&["stream"]).found_after("demo up", false));
    assert!(said.contains("\n  costs ") && !said.contains("nothing"), "{said}");
}

#[test]
fn a_half_gone_stack_is_taken_down_further() {
    let rig = Rig::new(Some("local")).begun().made(&["bucket", "role", "stream"]);
    assert_eq!(rig.found_after("demo up", false).stage(), Stage::Up);
    assert!(text_of(&rig.found_after("demo up", false)).contains("all 3 are up (bucket, role, stream)\n"));
    let rig = rig.record([Entry::Deleting { key: key("role") }]);
    let rig = rig.record([Entry::Gone { key: key("role") }, Entry::Deleting { key: key("stream") }]);
    let status = rig.found_after("demo down", false);
    assert_eq!((status.stage(), status.is_left_behind()), (Stage::HalfGone, true));
    let said = text_of(&status);
    assert!(said.contains("2 of 3 still there (bucket, stream); `demo down` was cut off 2 min ago"), "{said}");
    assert!(said.ends_with("demo down pipe-0a1b2c3d    continues to remove it"), "{said}");
}

#[test]
fn between_two_deletes_it_is_half_gone_too() {
    let rig = Rig::new(Some("local")).begun().made(&["bucket", "role", "stream"]);
    let rig = rig.record([Entry::Deleting { key: key("role") }, Entry::Gone { key: key("role") }]);
    assert!(!text_of(&rig.found_after("demo down", false)).contains("all 3"));
}

#[test]
fn who_works_on_it_is_named_and_nothing_is_advised_against_it() {
    let rig = Rig::new(Some("local")).begun().made(&["bucket"]);
    let status = rig.found_after("demo up", true);
    assert_eq!((status.stage(), status.is_left_behind()), (Stage::InUse, false));
    let said = text_of(&status);
    assert!(said.contains("locked by process 4711 (`demo up`"), "{said}");
    assert!(!said.contains("demo down"), "{said}");
}

#[test]
fn a_run_that_did_not_end_is_said() {
    let reserved = Entry::Reserved { run: "1".into(), first: 1, last: 9, workers: None };
    let rig = Rig::new(Some("local")).begun().made(&["bucket", "role", "stream"]).record([reserved]);
    let status = StackStatus { now: moment("2026-11-24T16:02:05Z"), ..rig.found_after("demo run", false) };
    let said = text_of(&status);
    assert!(status.is_left_behind() && said.contains("its last run was cut off"), "{said}");
    let rig = rig.record([Entry::Finished { run: "1".into(), summary: json!({}) }]);
    let status = StackStatus { now: moment("2026-11-24T16:02:05Z"), ..rig.found_after("demo run", false) };
    assert!(!status.is_left_behind(), "{}", text_of(&status));
    let past = StackStatus { now: moment("2026-11-24T18:30:00Z"), ..status };
    let said = text_of(&past);
    assert!(past.is_left_behind() && said.contains("expired 30 min ago"), "{said}");
}

#[test]
fn what_is_gone_needs_nothing() {
    let rig = Rig::new(None).record([Entry::Closed]);
    assert_eq!(text_of(&rig.found_after("demo down", false)), "pipe-0a1b2c3d: nothing is left");
}
