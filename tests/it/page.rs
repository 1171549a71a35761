//! The live page in headless Chromium, driven by Playwright.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::command::{Demo, text, until};

/// A program that serves a page, which is killed if the test fails.
struct Serving {
    child: Child,
    out: PathBuf,
    said: PathBuf,
}

impl Serving {
    fn start(demo: &Demo, args: &[&str]) -> Self {
        let file = |end: &str| demo.home.path().join(format!("{}-{end}", args[0]));
        let (out, said) = (file("out"), file("said"));
        let mut command = demo.command(args);
        command.stdout(fs::File::create(&out).expect("a file")).stderr(fs::File::create(&said).expect("a file"));
        Self { child: command.spawn().expect("demo starts"), out, said }
    }

    fn said(&self) -> String {
        text(&fs::read(&self.said).expect("a file"))
    }

    /// The addresses that it prints: to look on, and to present.
    fn addresses(&mut self) -> [String; 2] {
        until("the page's addresses", || {
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{ended:?}: {}", self.said());
            self.said().contains("present at  ")
        });
        let said = self.said();
        let after = |what: &str| said.lines().find_map(|line| line.strip_prefix(what)).expect("an address").to_owned();
        [after("look on at  "), after("present at  ")]
    }

    fn ends(mut self) -> String {
        until("its end", || self.child.try_wait().expect("a child").is_some());
        let (said, code) = (self.said(), self.child.wait().expect("a child").code());
        assert_eq!(code, Some(0), "{said}");
        text(&fs::read(&self.out).expect("a file"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a scene of `page.mjs`, and returns the figures that the page shows at its end.
fn play(demo: &Demo, scene: &str, addresses: &[String; 2]) -> Value {
    let pictures = env::var_os("DEMO_SCREENSHOTS").map_or_else(|| demo.home.path().join("pictures"), PathBuf::from);
    fs::create_dir_all(&pictures).expect("a folder");
    let mut node = Command::new("node");
    node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/page.mjs")).arg(scene).args(addresses).arg(&pictures);
    let output = node.stderr(Stdio::inherit()).output().expect("node starts");
    assert!(output.status.success(), "{scene}: {}", text(&output.stdout));
    serde_json::from_slice(&output.stdout).expect("figures")
}

fn grouped(number: &Value) -> String {
    kinesis_demo::report::numbers::grouped(number.as_u64().expect("a count"))
}

#[test]
#[ignore = "needs chromium and playwright-core"]
fn a_run_is_watched_and_steered_on_its_page_and_played_back() {
    let demo = Demo::new();
    let sets = ["stream.shards=4", "load.rate=100/s", "load.duration=300s", "deliver.s3.buffer.interval=1s"];
    let events = "load.events=[{at: 250s, reshard: 5}]";
    let sets = sets.iter().chain([&events]).flat_map(|set| ["--set", *set]);
    let run = ["run", "stacks/store-sales-s3.yaml", "--json", "--dashboard"];
    let mut run = Serving::start(&demo, &run.into_iter().chain(sets).collect::<Vec<_>>());
    let addresses = run.addresses();
    let shown = play(&demo, "run", &addresses);
    let report: Value = serde_json::from_str(&run.ends()).expect("JSON");
    assert_eq!((&report["lost"], &report["leftovers"]), (&0.into(), &Value::Null), "{report}");
    let actions = report["actions"].as_array().expect("a list");
    assert!(actions.len() >= 6, "rate, pause, resume, reshard, hot key, throttle, stop: {actions:?}");
    for (name, field) in [
        ("offered", "offered"),
        ("acknowledged", "acknowledged"),
        ("in S3", "landed_s3"),
        ("by SQL", "landed_sql"),
        ("lost", "lost"),
        ("duplicated", "duplicated"),
        ("failed", "failed"),
        ("retried", "retried"),
        ("throttled", "throttled"),
    ] {
        assert_eq!(shown[name], grouped(&report[field]), "{name}: {shown} {report}");
    }
    let p99 = report["ack_latency_ms"]["p99"].as_f64().expect("a number");
    let p99 = format!("{} ms", kinesis_demo::report::numbers::millis(p99));
    assert_eq!(shown["acknowledged in p99"], p99, "{shown}");

    let id = report["run"].as_str().expect("an id");
    let mut dashboard = Serving::start(&demo, &["dashboard", id]);
    let again = play(&demo, "playback", &dashboard.addresses());
    assert_eq!(again, shown, "the page says the same afterwards");
    let secrets = [&addresses[1], &dashboard.addresses()[1]]
        .map(|address| address.split_once('#').expect("a secret").1.to_owned());
    for path in demo.files(".").iter().filter(|path| !path.ends_with("run-said") && !path.ends_with("dashboard-said")) {
        let file = text(&fs::read(path).unwrap_or_default());
        assert!(secrets.iter().all(|secret| !file.contains(secret)), "a secret is in {}", path.display());
    }
    drop(dashboard);
    demo.expect(0, &["down", "store-sales"]);
}

#[test]
fn a_page_needs_its_port_before_anything_is_created() {
    let demo = Demo::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = demo.output(&["run", "stacks/stream-only.yaml", "--dashboard", "--port", &port]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains(&format!("cannot serve the page on port {port} of 127.0.0.1")), "{said}");
    assert!(demo.files("stacks").is_empty(), "nothing was created");
    assert_eq!(demo.output(&["run", "stacks/stream-only.yaml", "--port", "1"]).status.code(), Some(2));
    let none = demo.output(&["dashboard", "nowhere"]);
    assert!(
        none.status.code() == Some(1) && text(&none.stderr).contains("unknown run 'nowhere'"),
        "{}",
        text(&none.stderr)
    );
}
