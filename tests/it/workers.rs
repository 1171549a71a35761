//! One run shared by several processes: with one state folder, and on machines of their own.

use std::{
    fs,
    path::Path,
    process::{Child, Output, Stdio},
};

use aws_stand_in::AccessKey;
use serde_json::Value;

use crate::command::{Demo, text};

const LOAD: [&str; 6] =
    ["--set", "load={rate: 1500/s, records: 2000, duration: null}", "--set", "stream.shards=4", "--set", "mirror=true"];
const STREAM_ONLY: &str = "stacks/stream-only.yaml";

fn worker(demo: &Demo, key: &AccessKey, part: &str, more: &[&str]) -> Child {
    let run = ["run", STREAM_ONLY, "--json", "--workers", part, "--run", "shared"];
    let mut command = demo.command_with(key, &[&run, &LOAD[..], more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("demo starts")
}

/// What a worker says that has done its part.
fn done(worker: Child) -> Value {
    let Output { status, stdout, stderr } = worker.wait_with_output().expect("it ends");
    assert_eq!(status.code(), Some(0), "{}\n{}", text(&stdout), text(&stderr));
    serde_json::from_slice(&stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&stdout)))
}

fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}"))
}

/// All documents of the run, each once, as the logs of all workers say.
fn all_there(verified: &Value) {
    let counts = ["acknowledged", "landed_stream", "lost", "duplicated"].map(|field| number(verified, field));
    assert_eq!(counts, [2_000, 2_000, 0, 0], "{verified}");
    assert_eq!(number(&verified["destinations"][0], "unacknowledged"), 0, "{verified}");
}

/// The logs of a state folder, by their names.
fn logs(demo: &Demo) -> Vec<String> {
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut names: Vec<String> = demo.files("runs").iter().map(|path| name(path)).collect();
    names.retain(|name| name.ends_with(".acks"));
    names.sort();
    names
}

#[test]
fn workers_with_one_state_folder_share_a_run() {
    let demo = Demo::new();
    let up = [&["up", STREAM_ONLY], &LOAD[..]].concat();
    let refused = demo.output(&[&["run", STREAM_ONLY, "--workers", "1/2", "--run", "shared"], &LOAD[..]].concat());
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("no stack stream-only on this machine; run `demo up` first"));
    demo.expect(0, &up);

    let workers = ["1/3", "2/3", "3/3"].map(|part| worker(&demo, &demo.key(), part, &[])).map(done);
    assert_eq!(workers.each_ref().map(|report| number(report, "acknowledged")), [666, 667, 667]);
    assert_eq!(workers[1]["worker"], "2/3");
    assert_eq!(logs(&demo), [1, 2, 3].map(|worker| format!("shared.{worker}-of-3.acks")));
    all_there(&demo.json(&["verify", "stream-only", "--json"]));

    // A run that is not shared goes on behind them, and is told from them.
    let whole = demo.json(&[&["run", STREAM_ONLY, "--json"], &LOAD[..]].concat());
    assert_eq!(["lost", "duplicated", "landed_stream"].map(|field| number(&whole, field)), [0, 0, 2_000], "{whole}");

    let again = worker(&demo, &demo.key(), "2/3", &[]).wait_with_output().expect("it ends");
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("worker 2/3 of run shared has already run"), "{}", text(&again.stderr));

    let other = worker(&demo, &demo.key(), "1/2", &[]).wait_with_output().expect("it ends");
    assert_eq!(other.status.code(), Some(2));
    let heard = text(&other.stderr);
    assert!(heard.contains("run shared is not shared by 2 workers, but by 3"), "{heard}");
    assert_eq!(logs(&demo).len(), 4, "no log of a worker that sends nothing");

    let lost = demo.files("runs").into_iter().find(|path| path.ends_with("shared.3-of-3.acks")).expect("a log");
    fs::remove_file(&lost).expect("removed");
    let without = demo.expect(4, &["verify", "stream-only", "--json"]);
    assert!(without.contains("no log of worker 3/3"), "{without}");
    demo.expect(0, &["down", "stream-only"]);
}

#[test]
fn workers_on_machines_of_their_own_meet_in_the_bucket() {
    let (here, there) = (Demo::new(), Demo::new());
    let url = here.expect(0, &["local", "start"]).trim().to_owned();
    let (at, key) = (["--endpoint-url", url.as_str()], here.key());
    let up = here.command_with(&key, &[&["up", STREAM_ONLY], &LOAD[..], &at].concat()).output().expect("demo starts");
    assert!(up.status.success(), "{}", text(&up.stderr));
    let bucket = text(&up.stdout).trim().to_owned();

    // The other machine may be the first: it waits until the run is reserved where the journal is.
    let waiting = worker(&there, &key, "2/2", &[&at[..], &["--mirror", &bucket]].concat());
    let beside = worker(&here, &key, "1/2", &at);
    let acknowledged = [beside, waiting].map(done).map(|report| number(&report, "acknowledged"));
    assert_eq!(acknowledged, [1_000, 1_000]);
    assert_eq!((logs(&here), logs(&there)), (vec!["shared.1-of-2.acks".into()], vec!["shared.2-of-2.acks".into()]));

    let verify = || {
        let found = here.command_with(&key, &["verify", "stream-only", "--json"]).output().expect("demo starts");
        assert!(found.status.success(), "{}{}", text(&found.stdout), text(&found.stderr));
        serde_json::from_slice::<Value>(&found.stdout).expect("JSON")
    };
    all_there(&verify());
    assert_eq!(logs(&here).len(), 2, "the other's log was brought here");
}

#[test]
fn what_cannot_be_shared_is_said_before_anything_is_touched() {
    let demo = Demo::new();
    for (args, said) in [
        (vec!["--workers", "4/3", "--run", "a"], "invalid worker `4/3`: use its number from 1"),
        (vec!["--workers", "1/2"], "--run <NAME>"),
        (vec!["--workers", "1/2", "--run", "a/b"], "invalid run name `a/b`"),
        (vec!["--workers", "1/2", "--run", "a", "--rm"], "cannot be used with"),
        (vec!["--workers", "1/2", "--run", "a", "--set", "load.rate=max"], "workers cannot share a load"),
    ] {
        let output = demo.output(&[&["run", STREAM_ONLY], &args[..]].concat());
        let heard = text(&output.stderr);
        assert!(output.status.code() == Some(2) && heard.contains(said), "{args:?}: {heard}");
    }
    assert!(demo.files("").is_empty(), "nothing was touched");
}
