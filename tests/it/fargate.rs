//! One load by tasks on Fargate, which are processes of the stand-in.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::command::{Demo, text, until};

const S3: &str = "stacks/store-sales-s3.yaml";
const STREAM_ONLY: &str = "stacks/stream-only.yaml";

/// A task's process.
#[derive(Clone, Debug)]
struct Task {
    pid: Pid,
    part: String,
    run: String,
    /// Whether it is the worker by now, not the shell that fetches it.
    works: bool,
}

/// The leading processes of a home's tasks.
fn tasks(demo: &Demo) -> Vec<Task> {
    let home = demo.home.path().canonicalize().expect("a folder");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // Gone meanwhile, or somebody else's.
        let (Ok(folder), Ok(variables)) =
            (entry.path().join("cwd").read_link(), fs::read(entry.path().join("environ")))
        else {
            continue;
        };
        let variables: HashMap<String, String> = variables
            .split(|byte| *byte == 0)
            .filter_map(|variable| {
                text(variable).split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
            })
            .collect();
        let (Some(part), Some(run)) = (variables.get("DEMO_PART"), variables.get("DEMO_RUN")) else { continue };
        let leads = rustix::process::getpgid(Some(pid)).is_ok_and(|group| group == pid);
        if leads && folder.starts_with(&home) {
            let works = !variables.contains_key("DEMO_WORKER_URL");
            found.push(Task { pid, part: part.clone(), run: run.clone(), works });
        }
    }
    found
}

/// Enough shards for any rate here.
fn sets(load: &str, count: u32) -> Vec<String> {
    let load = format!("load={{{load}, duration: null}}");
    let tasks = format!("load.workers={{fargate: {{tasks: {count}, cpu: 0.25, start_timeout: 15s}}}}");
    ["--set", load.as_str(), "--set", "stream.shards=8", "--set", tasks.as_str()].map(str::to_owned).to_vec()
}

/// A run in the background, which is killed if the test fails.
struct Run {
    child: Child,
    said: PathBuf,
}

impl Run {
    fn start(demo: &Demo, args: &[&str], sets: &[String]) -> Self {
        let said = demo.home.path().join(format!("said-{}", rand::random::<u32>()));
        let file = File::create(&said).expect("a file");
        let args: Vec<&str> = args.iter().copied().chain(sets.iter().map(String::as_str)).collect();
        let mut command = demo.command(&args);
        command.stdout(file.try_clone().expect("a file")).stderr(file);
        Self { child: command.spawn().expect("demo starts"), said }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).expect("a file")
    }

    /// What it says at its end, which is to have this exit code.
    fn ends(mut self, code: i32) -> String {
        until("its end", || self.child.try_wait().expect("a child").is_some());
        let said = self.said();
        assert_eq!(self.child.wait().expect("a child").code(), Some(code), "{said}");
        said
    }

    fn report(self) -> (Value, String) {
        let said = self.ends(0);
        let report = said.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        (report.unwrap_or_else(|| panic!("JSON in {said}")), said)
    }

    /// Kills it as a machine that loses its power would.
    fn kill(mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until so many tasks work, and some of what they send is in the stream.
fn sending(demo: &Demo, count: usize) -> Vec<Task> {
    until("tasks that send", || {
        let is_logged = demo.files("local").iter().any(|path| {
            path.to_string_lossy().contains("/kinesis/")
                && path.metadata().is_ok_and(|of| of.is_file() && of.size() > 100_000)
        });
        is_logged && tasks(demo).iter().filter(|task| task.works).count() == count
    });
    tasks(demo)
}

fn counts<const N: usize>(report: &Value, fields: [&str; N]) -> [u64; N] {
    fields.map(|field| report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}")))
}

/// Everything that the stand-in has, but what it keeps for itself.
fn nothing_is_left(demo: &Demo) {
    assert!(tasks(demo).is_empty(), "{:?}", tasks(demo));
    let stacks = demo.json(&["ls", "--json"]);
    assert_eq!(stacks.as_array().map(Vec::len), Some(0), "{stacks}");
}

fn is_whole(report: &Value, documents: u64) {
    let sent = counts(report, ["offered", "acknowledged", "landed_stream"]);
    assert_eq!(sent, [documents; 3], "{report}");
    assert_eq!(counts(report, ["failed", "lost", "leftovers"]), [0; 3], "{report}");
    assert!(counts(report, ["duplicated"]) <= counts(report, ["possible_duplicates"]), "{report}");
}

#[test]
fn four_tasks_send_one_load_that_is_verified_and_nothing_is_left() {
    let demo = Demo::new();
    let run = Run::start(&demo, &["run", S3, "--rm", "--json"], &sets("rate: 800/s, records: 4000", 4));
    let (report, said) = run.report();
    assert_eq!(counts(&report, ["offered", "acknowledged", "landed_s3", "landed_sql"]), [4_000; 4], "{report}");
    let none = counts(&report, ["failed", "lost", "duplicated", "leftovers"]);
    assert_eq!((none, &report["problems"]), ([0; 4], &Value::Array(Vec::new())), "{report}");
    for worker in 1..=4 {
        assert!(said.contains(&format!("  {worker}/4    done   1,000 acknowledged")), "{said}");
    }
    for kind in ["cluster", "task-definition", "security-group", "logs"] {
        assert!(
            said.lines().any(|line| line.contains(&format!("  {kind} ")) && line.ends_with("(removed)")),
            "{kind}: {said}"
        );
    }
    nothing_is_left(&demo);
}

#[test]
fn others_finish_the_parts_of_two_tasks_that_are_killed() {
    let demo = Demo::new();
    let run = Run::start(&demo, &["run", STREAM_ONLY, "--rm", "--json"], &sets("rate: 300/s, records: 4500", 4));
    for task in sending(&demo, 4).iter().filter(|task| ["2/4", "3/4"].contains(&task.part.as_str())) {
        kill_process(task.pid, Signal::KILL).expect("it runs");
    }
    let (report, said) = run.report();
    is_whole(&report, 4_500);
    for worker in ["2/4", "3/4"] {
        let told = said.lines().find(|line| line.contains(&format!("worker {worker} ended (")));
        let told = told.unwrap_or_else(|| panic!("{worker}: {said}"));
        assert!(told.contains("137") && told.contains("another goes on from document"), "{told}");
    }
    nothing_is_left(&demo);
}

#[test]
fn a_run_whose_coordinator_is_killed_is_led_to_its_end_by_another() {
    let demo = Demo::new();
    let sets = sets("rate: 300/s, records: 6000", 2);
    let run = Run::start(&demo, &["run", STREAM_ONLY, "--json"], &sets);
    let name = sending(&demo, 2)[0].run.clone();
    run.kill();
    let others =
        demo.output(&[&["run", STREAM_ONLY][..], &sets.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    assert_eq!(others.status.code(), Some(1));
    assert!(text(&others.stderr).contains(&format!("tasks of run {name} still run")), "{}", text(&others.stderr));
    let verified = || -> Value {
        serde_json::from_slice(&demo.output(&["verify", "stream-only", "--json"]).stdout).expect("JSON")
    };
    until("logs in the bucket that have documents", || {
        let verified = verified();
        assert_eq!(counts(&verified, ["lost"]), [0], "{verified}");
        assert_eq!(verified["runs_under_way"], json!([format!("{name}, worker 1/2"), format!("{name}, worker 2/2")]));
        counts(&verified, ["acknowledged"])[0] > 0
    });
    assert_eq!(tasks(&demo).len(), 2, "its tasks wait for it");
    let (report, _) = Run::start(&demo, &["attach", &name, "--rm", "--json"], &[]).report();
    is_whole(&report, 6_000);
    assert_eq!((report["run"].as_str(), counts(&report, ["duplicated"])), (Some(name.as_str()), [0]), "{report}");
    nothing_is_left(&demo);
    let again = demo.output(&["attach", &name]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains(&format!("no stack of this machine has a run {name} under way")));
}

#[test]
fn a_detached_run_goes_on_by_itself_until_somebody_attaches() {
    let demo = Demo::new();
    let sets = sets("rate: 400/s, records: 2000", 2);
    let said = Run::start(&demo, &["run", STREAM_ONLY, "--detach"], &sets).ends(0);
    let running = tasks(&demo);
    assert_eq!(running.len(), 2, "{said}");
    let name = running[0].run.clone();
    assert!(said.contains(&format!("`demo attach {name}` leads it to the end")), "{said}");
    until("the end of its tasks", || tasks(&demo).is_empty());
    let (report, _) = Run::start(&demo, &["attach", &name, "--json"], &[]).report();
    assert_eq!(
        counts(&report, ["offered", "acknowledged", "landed_stream", "lost", "duplicated"]),
        [2_000, 2_000, 2_000, 0, 0]
    );
    demo.expect(0, &["down", "stream-only"]);
    nothing_is_left(&demo);
    for (more, why) in [
        (&["--set", "load.workers=2"][..], "--detach needs tasks that go on without this process"),
        (&["--set", "load.events=[{at: 1s, reshard: 6}]"], "--detach leaves nobody to do what `load.events` asks for"),
    ] {
        let mut args = vec!["run", STREAM_ONLY, "--detach"];
        args.extend(sets.iter().map(String::as_str).chain(more.iter().copied()));
        let refused = demo.output(&args);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(why), "{}", text(&refused.stderr));
    }
}

#[test]
fn a_run_goes_on_when_there_is_no_capacity_at_first_and_when_a_task_never_starts() {
    let demo = Demo::new();
    let sets = sets("rate: 300/s, records: 600", 2);
    let up: Vec<&str> = ["up", STREAM_ONLY].into_iter().chain(sets.iter().map(String::as_str)).collect();
    demo.expect(0, &up);
    let cluster = demo.json(&["ls", "--json"])[0]["id"].as_str().expect("an id").to_owned();
    demo.expect(0, &["local", "fault", "exhaust", &cluster, "4s"]);
    let run = Run::start(&demo, &["run", STREAM_ONLY, "--json"], &sets);
    // One hangs before it is a worker.
    let hung = || tasks(&demo).into_iter().find(|task| task.part == "2/2" && !task.works);
    until("a task that starts", || hung().is_some_and(|task| kill_process(task.pid, Signal::STOP).is_ok()));
    let (report, said) = run.report();
    is_whole_of_600(&report);
    assert!(said.contains("worker 2/2 ended (not heard of in its first 15 s)"), "{said}");
    demo.expect(0, &["down", "stream-only"]);
    nothing_is_left(&demo);
}

fn is_whole_of_600(report: &Value) {
    assert_eq!(counts(report, ["offered", "acknowledged", "landed_stream", "lost"]), [600, 600, 600, 0], "{report}");
}

#[test]
fn a_detached_run_is_led_by_another_machine_that_has_the_bucket() {
    let (here, there) = (Demo::new(), Demo::new());
    let url = here.expect(0, &["local", "start"]).trim().to_owned();
    let (at, key) = (["--endpoint-url", url.as_str()], here.key());
    let sets = sets("rate: 400/s, records: 2000", 2);
    let sets: Vec<&str> = sets.iter().map(String::as_str).chain(["--set", "mirror=true"]).collect();
    let run = here.command_with(&key, &[&["run", STREAM_ONLY, "--detach", "--json"][..], &sets, &at].concat());
    let output = { run }.output().expect("demo starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let left: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let [stack, name] = ["stack", "run"].map(|field| left[field].as_str().expect("a text"));
    assert_eq!(left["goes_on"], true);
    let attach = ["attach", name, "--mirror", stack, "--rm", "--json", at[0], at[1]];
    let output = there.command_with(&key, &attach).output().expect("demo starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        counts(&report, ["offered", "acknowledged", "landed_stream", "lost", "leftovers"]),
        [2_000, 2_000, 2_000, 0, 0]
    );
    assert!(tasks(&here).is_empty());
}

#[test]
fn a_run_that_is_led_is_taken_from_nobody() {
    let (here, there) = (Demo::new(), Demo::new());
    let url = here.expect(0, &["local", "start"]).trim().to_owned();
    let (at, key) = (["--endpoint-url", url.as_str()], here.key());
    let sets = sets("rate: 100/s, records: 4000", 2);
    let sets: Vec<&str> = sets.iter().map(String::as_str).chain(["--set", "mirror=true"]).collect();
    let args = [&["run", STREAM_ONLY, "--json"][..], &sets, &at].concat();
    let said = here.home.path().join("said");
    let file = File::create(&said).expect("a file");
    let mut command = here.command_with(&key, &args);
    command.stdout(file.try_clone().expect("a file")).stderr(file);
    let run = Run { child: command.spawn().expect("demo starts"), said };
    let name = sending(&here, 2)[0].run.clone();
    let listed = here.command_with(&key, &["ls", "--json"]).output().expect("demo starts");
    let stacks: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let stack = stacks[0]["id"].as_str().expect("an id").to_owned();
    let attach = ["attach", &name, "--mirror", &stack, "--rm", at[0], at[1]];
    let refused = there.command_with(&key, &attach).output().expect("demo starts");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("another process leads the run"), "{}", text(&refused.stderr));
    let (report, _) = run.report();
    assert_eq!(
        counts(&report, ["offered", "acknowledged", "landed_stream", "lost", "duplicated"]),
        [4_000, 4_000, 4_000, 0, 0]
    );
}
