//! A service that goes away in the middle of a run, and others that look at a run under way.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::{
    command::{Demo, text, until},
    gate::Gate,
    running::Running,
};

#[test]
fn a_load_that_is_not_answered_any_more_says_why_and_ends() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    let run = Running::start(&demo, &["--set", "load.give_up=7s"]);
    gate.cut("PutRecords");
    let said = run.ends(4);
    let line = said.lines().find(|line| line.contains("no acknowledgement for ")).unwrap_or_else(|| panic!("{said}"));
    assert!(
        line.contains(" acknowledged   ") && line.contains("the connection ended before"),
        "while it lasts: {line}"
    );
    assert!(
        said.contains("error: the load ended early, with ") && said.contains("no acknowledgement for 7 s"),
        "{said}"
    );
    assert!(said.contains("problem: ") && said.contains(" documents failed: no acknowledgement"), "counted: {said}");
    gate.release("PutRecords");
    let verified = demo.json(&["verify", "stream-only", "--json"]);
    assert_eq!(verified["lost"], 0, "what was acknowledged is known and there: {verified}");
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn a_stand_in_that_is_killed_under_a_load_keeps_what_it_acknowledged() {
    for transport in ["json", "cbor"] {
        let demo = Demo::new();
        let load = format!("load={{rate: 2000/s, duration: 4s, transport: {transport}}}");
        let run = Running::start(&demo, &["--set", "stream.shards=40", "--set", &load]);
        let stand_in = demo.json(&["local", "status", "--json"])["pid"].as_i64().expect("a process");
        let stand_in = Pid::from_raw(stand_in as i32).expect("a process");
        kill_process(stand_in, Signal::KILL).expect("killed");
        until("its end", || test_kill_process(stand_in).is_err());
        demo.expect(0, &["local", "start"]);
        run.ends(0);
        let verified = demo.json(&["verify", "stream-only", "--json"]);
        assert_eq!((&verified["lost"], &verified["acknowledged"]), (&0.into(), &8_000.into()), "{verified}");
        demo.expect(0, &["down", "stream-only"]);
    }
}

#[test]
fn reads_whose_answers_are_cut_are_repeated_until_all_is_verified() {
    let stacks = [
        ("stream-only", "json"),
        ("stream-only", "cbor"),
        ("store-sales-s3", "json"),
        ("store-sales-redshift", "json"),
    ];
    for (stack, transport) in stacks {
        let stack = &format!("stacks/{stack}.yaml");
        let demo = Demo::new();
        let gate = Gate::before(&demo);
        let load = format!("load={{rate: 500/s, records: 500, duration: null, transport: {transport}}}");
        demo.expect(0, &["run", stack, "--set", &load]);
        gate.cut_answers(30);
        let verified = demo.json(&["verify", stack, "--json"]);
        assert_eq!((&verified["lost"], &verified["acknowledged"]), (&0.into(), &500.into()), "{verified}");
        assert_eq!(verified["problems"], Value::Array(Vec::new()), "{verified}");
        assert!(gate.answers_cut() > 0, "{stack} was read through cut answers");
        gate.cut_answers(0);
        demo.expect(0, &["down", stack]);
    }
}

#[test]
fn a_run_under_way_is_known_to_who_verifies_and_to_who_stops_the_stand_in() {
    let demo = Demo::new();
    let run = Running::start(&demo, &[]);
    let verify = demo.output(&["verify", "stream-only", "--json"]);
    let report: Value = serde_json::from_slice(&verify.stdout).unwrap_or_else(|e| panic!("{e}: {verify:?}"));
    assert_eq!(report["runs_under_way"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(report["runs_cut_off"], 0, "{report}");
    assert!(text(&verify.stderr).contains("is under way"), "{}", text(&verify.stderr));
    stop_is_refused(&demo, "demo run`, running since");
    drop(run);
    let verified = demo.json(&["verify", "stream-only", "--json"]);
    assert_eq!((&verified["runs_cut_off"], &verified["runs_under_way"]), (&1.into(), &Value::Array(Vec::new())));
    demo.expect(0, &["local", "stop"]);
}

#[test]
fn a_worker_of_a_shared_run_keeps_the_stand_in_too() {
    let demo = Demo::new();
    demo.expect(0, &["up", "stacks/stream-only.yaml"]);
    let worker = Running::start(&demo, &["--workers", "1/2", "--run", "shared"]);
    stop_is_refused(&demo, "locked by another process");
    drop(worker);
    demo.expect(0, &["local", "stop"]);
}

fn stop_is_refused(demo: &Demo, by: &str) {
    let stop = demo.output(&["local", "stop"]);
    let said = text(&stop.stderr);
    assert_eq!(stop.status.code(), Some(1), "{said}");
    assert!(said.contains("the stand-in is in use: stack stream-only-") && said.contains("--force"), "{said}");
    assert!(said.contains(by), "{said}");
    assert_eq!(demo.json(&["local", "status", "--json"])["running"], true);
}
