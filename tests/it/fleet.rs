//! One load by several processes, which `demo run` starts and leads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    command::{Demo, text, until},
    running::Running,
};

const STREAM_ONLY: &str = "stacks/stream-only.yaml";
const THREE: [&str; 2] = ["--set", "load.workers=3"];

fn sets(load: &'static str) -> [&'static str; 6] {
    ["--set", load, "--set", "stream.shards=4", THREE[0], THREE[1]]
}

/// The processes of a home's workers, each with its part.
fn workers(demo: &Demo) -> Vec<(Pid, String)> {
    let home = demo.home.path().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // Gone meanwhile, or somebody else's.
        let Ok(line) = fs::read(entry.path().join("cmdline")) else { continue };
        let words: Vec<String> = line.split(|byte| *byte == 0).map(text).collect();
        let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1)).cloned();
        if let (true, Some(part)) = (after("--at").is_some_and(|at| at.starts_with(&home)), after("--part")) {
            found.push((pid, part));
        }
    }
    found
}

fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}"))
}

/// The folder where the workers of the present run meet.
fn meeting(demo: &Demo) -> Option<PathBuf> {
    let heartbeat = demo.files("stacks").into_iter().find(|path| path.ends_with("coordinator"));
    heartbeat.and_then(|path| path.parent().map(Path::to_owned))
}

fn nothing_is_left(demo: &Demo) {
    assert!(workers(demo).is_empty(), "{:?}", workers(demo));
    let left: Vec<_> =
        demo.files("stacks").into_iter().filter(|path| path.to_string_lossy().contains("/fleet/")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn one_command_has_three_processes_send_one_load() {
    let demo = Demo::new();
    let load = sets("load={rate: 1500/s, records: 3000, duration: null}");
    let output = demo.output(&[&["run", STREAM_ONLY, "--rm", "--json"], &load[..]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}\n{said}", text(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let counts = ["offered", "acknowledged", "landed_stream"].map(|field| number(&report, field));
    assert_eq!(counts, [3_000; 3], "{report}");
    let none = ["failed", "lost", "duplicated", "leftovers"].map(|field| number(&report, field));
    assert_eq!((none, &report["worker"], &report["problems"]), ([0; 4], &Value::Null, &Value::Array(Vec::new())));
    let asked = report["asked_per_second"].as_f64().expect("a rate");
    assert!((1_499.0..1_501.0).contains(&asked), "their parts of the rate add up: {report}");
    for worker in ["  1/3", "  2/3", "  3/3"] {
        assert!(said.contains(&format!("{worker}    done   1,000 acknowledged")), "{said}");
    }
    nothing_is_left(&demo);

    let runs = demo.json(&["runs", "--json"]);
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "one record: {runs}");
    let rows = demo.files("runs").into_iter().find(|path| path.ends_with("seconds.jsonl")).expect("rows");
    let rows = fs::read_to_string(rows).expect("rows");
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect();
    let loads: Vec<&Value> = rows.iter().map(|row| &row["load"]).filter(|load| !load.is_null()).collect();
    assert_eq!(loads.iter().map(|load| number(load, "acknowledged")).sum::<u64>(), 3_000, "{loads:?}");
    assert!(loads[0]["ack_latency_ms"]["p99"].as_f64().is_some_and(|ms| ms > 0.0), "{loads:?}");
}

#[test]
fn another_worker_finishes_the_part_of_one_that_is_killed() {
    let demo = Demo::new();
    let run = Running::start(
        &demo,
        &[&sets("load={rate: 300/s, records: 3000, duration: null}")[..], &["--rm", "--json"]].concat(),
    );
    let killed = workers(&demo).into_iter().find(|(_, part)| part == "2/3").expect("a worker").0;
    kill_process(killed, Signal::KILL).expect("it runs");
    let said = run.ends(0);
    assert!(said.contains("worker 2/3 ended (signal 9); another goes on from document 1"), "{said}");
    let report = said.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).expect("JSON");
    let counts = ["offered", "acknowledged", "landed_stream", "lost"].map(|field| number(&report, field));
    assert_eq!(counts, [3_000, 3_000, 3_000, 0], "{report}");
    assert!(number(&report, "duplicated") <= number(&report, "possible_duplicates"), "{report}");
    assert!(number(&report, "possible_duplicates") > 0, "some were due and not known as acknowledged: {report}");
    nothing_is_left(&demo);
}

#[test]
fn workers_whose_coordinator_is_killed_end_by_themselves_and_all_they_sent_is_found() {
    let demo = Demo::new();
    let run = Running::start(&demo, &THREE);
    assert_eq!(workers(&demo).len(), 3);
    run.kill();
    assert_eq!(workers(&demo).len(), 3, "they do not know yet");
    // A minute goes by for the workers: that is what its heartbeat says.
    let heartbeat = meeting(&demo).expect("a folder").join("coordinator");
    let pulse: Value = serde_json::from_slice(&fs::read(&heartbeat).expect("a heartbeat")).expect("JSON");
    assert_eq!(pulse["lease"]["secs"], 60);
    let mut shorter = pulse;
    (shorter["beat"], shorter["lease"]["secs"]) = (0.into(), 1.into());
    fs::write(&heartbeat, shorter.to_string()).expect("written");
    until("their end", || workers(&demo).is_empty());
    let verified = demo.json(&["verify", "stream-only", "--json"]);
    let acknowledged = number(&verified, "acknowledged");
    assert!(acknowledged > 0, "{verified}");
    assert_eq!((number(&verified, "landed_stream"), number(&verified, "lost")), (acknowledged, 0), "{verified}");
    assert_eq!(
        (&verified["runs_under_way"], &verified["problems"]),
        (&Value::Array(Vec::new()), &Value::Array(Vec::new()))
    );

    // The next run has nothing to do with what the killed one left, and leaves nothing itself.
    let load = sets("load={rate: 300/s, records: 300, duration: null}");
    let next = demo.json(&[&["run", STREAM_ONLY, "--json"], &load[..]].concat());
    assert_eq!((number(&next, "acknowledged"), number(&next, "lost")), (300, 0), "{next}");
    nothing_is_left(&demo);
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn control_reaches_all_workers_and_an_interrupt_ends_them_in_order() {
    let demo = Demo::new();
    let run = Running::start(&demo, &THREE);
    let control = |action: &[&str]| -> Value {
        let done = demo.json(&[&["control", "stream-only", "--json"], action].concat());
        assert_eq!(done["done"].as_array().map(Vec::len), Some(1), "one load: {done}");
        done["done"][0].clone()
    };
    let orders = || {
        let folder = meeting(&demo).expect("a folder");
        let statuses =
            (1..=3).map(|worker| fs::read(folder.join(format!("status-{worker}-of-3.1"))).expect("a status"));
        statuses.map(|text| serde_json::from_slice::<Value>(&text).expect("JSON")["orders"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(control(&["pause"])["worker"], "1/1");
    assert_eq!(orders(), [1, 1, 1], "done by each when the answer comes");
    control(&["resume"]);
    control(&["rate", "900/s"]);
    control(&["reshard", "6"]);
    assert_eq!(orders(), [3, 3, 3], "the stream is the coordinator's");
    control(&["stop"]);
    let said = run.ends(0);
    for done in [": pause\n", ": resume\n", ": rate 900/s\n", ": reshard to 6 shards\n", ": stop\n"] {
        assert_eq!(said.matches(done).count(), 2, "as it happens, and in the summary: {done} in {said}");
    }
    assert!(said.contains("lost 0"), "{said}");
    nothing_is_left(&demo);

    let mut interrupted =
        Interrupted(demo.spawn(&[&["run", STREAM_ONLY, "--set", "load.duration=300s"], &THREE[..]].concat()));
    until("three workers that send", || {
        let sends = |worker: &(Pid, String)| {
            meeting(&demo).is_some_and(|folder| {
                let status = folder.join(format!("status-{}.1", worker.1.replace('/', "-of-")));
                fs::read_to_string(status).is_ok_and(|status| status.contains("\"sending\""))
            })
        };
        workers(&demo).iter().filter(|worker| sends(worker)).count() == 3
    });
    kill_process(Pid::from_child(&interrupted.0), Signal::INT).expect("it runs");
    assert_eq!(interrupted.0.wait().expect("its end").code(), Some(130));
    nothing_is_left(&demo);
    demo.expect(0, &["down", "stream-only"]);
}

/// A run that is killed if the test fails.
struct Interrupted(Child);

impl Drop for Interrupted {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_that_shares_its_load_is_not_shared_by_hand_as_well() {
    let demo = Demo::new();
    let args = ["run", STREAM_ONLY, "--workers", "1/2", "--run", "a", "--set", "load.workers=2"];
    let output = demo.output(&args);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("`load.workers`, among 2: leave out --workers"), "{said}");
    assert!(demo.files("").is_empty(), "nothing was touched");
}
