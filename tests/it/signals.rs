//! Ctrl-C, SIGTERM and SIGHUP in every phase, sent to the real binary.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    command::{Demo, text, until},
    gate::Gate,
};

const STACK: &str = "stacks/store-sales-s3.yaml";
const FAST: [&str; 4] = ["--set", "deliver.s3.buffer.interval=1s", "--set", "load.duration=2s"];
const ORDERLY: &str = "stopping in order; press Ctrl-C again to exit at once";

/// A command under way, whose words can be read meanwhile.
struct Running {
    child: Child,
    said: PathBuf,
}

/// The same command, which hears SIGHUP though whoever runs the tests may have been started to ignore it.
fn hearing(command: &Command) -> Command {
    let mut hearing = Command::new("env");
    hearing.arg("--default-signal=HUP").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => hearing.env(name, value),
            None => hearing.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        hearing.current_dir(folder);
    }
    hearing
}

impl Running {
    fn start(demo: &Demo, args: &[&str]) -> Self {
        let said = demo.home.path().join(format!("said-{}", args[0]));
        let file = File::create(&said).expect("a file");
        let mut command = hearing(&demo.command(args));
        command.stdout(file.try_clone().expect("a file")).stderr(file);
        Self { child: command.spawn().expect("demo starts"), said }
    }

    fn said(&self) -> String {
        text(&fs::read(&self.said).expect("a file"))
    }

    fn until_said(&self, words: &str) {
        until(words, || self.said().contains(words));
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Its words, once it has ended with this code.
    fn ends(mut self, code: i32) -> String {
        until("its end", || self.child.try_wait().expect("a child").is_some());
        let said = self.said();
        assert_eq!(self.child.wait().expect("a child").code(), Some(code), "{said}");
        said
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

fn with<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command, STACK][..], &FAST, more].concat()
}

fn stacks(demo: &Demo) -> Vec<Value> {
    demo.json(&["ls", "--json"]).as_array().expect("an array").clone()
}

fn gone(demo: &Demo) {
    demo.expect(0, &["down", "store-sales"]);
    let left = demo.json(&["gc", "--json"]);
    assert_eq!(left.as_array().map(Vec::len), Some(0), "{left}");
}

#[test]
fn before_anything_is_made_one_signal_leaves_nothing() {
    for (command, signal) in [("up", Signal::INT), ("run", Signal::TERM), ("plan", Signal::HUP)] {
        let demo = Demo::new();
        let gate = Gate::before(&demo);
        gate.hold("GetCallerIdentity");
        gate.hold("CreateStream");
        gate.hold("DescribeStreamSummary");
        let running = Running::start(&demo, &with(command, &[]));
        until("a call", || gate.is_reached());
        running.send(signal);
        let said = running.ends(130);
        assert!(said.contains("interrupted") && !said.contains("demo down"), "{command}: {said}");
        assert_eq!(stacks(&demo).len(), 0, "{command}");
    }
}

#[test]
fn an_up_lets_its_calls_end_and_says_how_it_stands() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let demo = Demo::new();
        let gate = Gate::before(&demo);
        gate.hold("CreateDeliveryStream");
        let mut up = Running::start(&demo, &with("up", &[]));
        gate.until_reached("CreateDeliveryStream");
        up.send(signal);
        up.until_said(ORDERLY);
        assert!(up.is_running(), "the call is not over");
        gate.release("CreateDeliveryStream");
        let said = up.ends(130);
        assert!(said.contains("of 7 created") || said.contains("all 7 are up"), "{said}");
        assert!(said.contains("costs nothing") && said.contains("  demo down store-sales-"), "{said}");
        demo.expect(0, &with("up", &[]));
        gone(&demo);
    }
}

#[test]
fn twice_leaves_an_up_at_once_with_the_same_words() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.hold("CreateDeliveryStream");
    let up = Running::start(&demo, &with("up", &[]));
    gate.until_reached("CreateDeliveryStream");
    up.send(Signal::INT);
    up.until_said(ORDERLY);
    up.send(Signal::TERM);
    let said = up.ends(130);
    assert!(
        said.contains("of 7 created") && said.contains("1 unconfirmed") && said.contains("  demo down store-sales-"),
        "{said}"
    );
    assert_eq!(stacks(&demo)[0]["state"], "half made");
    gate.cut("CreateDeliveryStream");
    let found = text(&demo.output(&["status", "store-sales"]).stdout);
    assert!(found.contains("`demo up` was cut off") && found.contains("1 unconfirmed"), "{found}");
    gone(&demo);
}

#[test]
fn a_terminal_that_hangs_up_twice_is_one_signal() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.hold("CreateDeliveryStream");
    let mut up = Running::start(&demo, &with("up", &[]));
    gate.until_reached("CreateDeliveryStream");
    up.send(Signal::HUP);
    up.until_said(ORDERLY);
    up.send(Signal::HUP);
    up.send(Signal::HUP);
    assert!(up.is_running());
    gate.release("CreateDeliveryStream");
    up.ends(130);
    gone(&demo);
}

#[test]
fn with_rm_what_an_interrupted_up_made_goes() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.hold("CreateDeliveryStream");
    let run = Running::start(&demo, &with("run", &["--rm"]));
    gate.until_reached("CreateDeliveryStream");
    run.send(Signal::INT);
    run.until_said(ORDERLY);
    gate.release("CreateDeliveryStream");
    let said = run.ends(130);
    assert!(said.contains("removing what was created") && said.contains("nothing left"), "{said}");
    assert_eq!(stacks(&demo).len(), 0);
}

#[test]
fn a_failed_up_is_taken_back_and_a_signal_does_not_keep_it() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.cut("CreateDeliveryStream");
    gate.hold("DeleteStream");
    let mut up = Running::start(&demo, &with("up", &[]));
    gate.until_reached("DeleteStream");
    up.send(Signal::INT);
    up.until_said("what was created is still being removed; press Ctrl-C again to exit at once");
    assert!(up.is_running());
    gate.release("DeleteStream");
    let said = up.ends(1);
    assert!(said.contains("CreateDeliveryStream") && said.contains("nothing left"), "{said}");
    assert_eq!(stacks(&demo).len(), 0);
}

#[test]
fn twice_leaves_a_roll_back_too() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.cut("CreateDeliveryStream");
    gate.hold("DeleteStream");
    let up = Running::start(&demo, &with("up", &[]));
    gate.until_reached("DeleteStream");
    up.send(Signal::INT);
    up.until_said("press Ctrl-C again to exit at once");
    up.send(Signal::INT);
    let said = up.ends(130);
    assert!(said.contains("still there") && said.contains("continues to remove it"), "{said}");
    gate.release("DeleteStream");
    gone(&demo);
}

#[test]
fn a_failed_up_that_is_kept_names_what_stays() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.cut("CreateDeliveryStream");
    let up = Running::start(&demo, &with("up", &["--keep"]));
    let said = up.ends(1);
    assert!(
        said.contains("of 7 created") && said.contains("1 unconfirmed") && said.contains("  demo down store-sales-"),
        "{said}"
    );
    gate.release("CreateDeliveryStream");
    demo.expect(0, &with("up", &[]));
    gone(&demo);
}

#[test]
fn a_load_is_drained_and_the_stack_stays() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    let run = Running::start(&demo, &with("run", &["--set", "load.duration=300s"]));
    gate.hold("PutRecords");
    gate.until_reached("PutRecords");
    run.send(Signal::INT);
    run.until_said(ORDERLY);
    gate.release("PutRecords");
    let said = run.ends(130);
    assert!(said.contains("all 7 are up") && said.contains("  demo down store-sales-"), "{said}");
    let proved = demo.json(&["verify", "store-sales", "--json"]);
    assert_eq!(proved["lost"], 0, "{proved}");
    gone(&demo);
}

#[test]
fn twice_leaves_while_it_drains() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.hold("PutRecords");
    let run = Running::start(&demo, &with("run", &["--set", "load.duration=300s"]));
    gate.until_reached("PutRecords");
    run.send(Signal::INT);
    run.until_said(ORDERLY);
    run.send(Signal::INT);
    let said = run.ends(130);
    assert!(said.contains("all 7 are up"), "{said}");
    gate.cut("PutRecords");
    assert!(text(&demo.output(&["status", "store-sales"]).stdout).contains("its last run was cut off"));
    gone(&demo);
}

#[test]
fn a_drain_has_an_end_of_its_own() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.hold("PutRecords");
    let run = Running::start(&demo, &with("run", &["--rm", "--set", "load.duration=300s"]));
    gate.until_reached("PutRecords");
    run.send(Signal::INT);
    run.until_said(ORDERLY);
    run.ends(130);
    assert_eq!(stacks(&demo).len(), 0);
}

#[test]
fn a_verification_that_waits_is_left() {
    for rm in [true, false] {
        let demo = Demo::new();
        let late = ["--set", "deliver.s3.buffer.interval=900s", "--rm"];
        let run = Running::start(&demo, &with("run", if rm { &late } else { &late[..2] }));
        let is_over = |line: &str| line.starts_with("  load ") && !line.contains("acknowledged");
        until("the end of the load", || run.said().lines().any(is_over));
        run.send(Signal::INT);
        let said = run.ends(130);
        assert_eq!(said.contains("all 7 are up"), !rm, "{said}");
        assert_eq!(stacks(&demo).len(), usize::from(!rm), "{said}");
        if !rm {
            gone(&demo);
        }
    }
}

#[test]
fn a_query_is_stopped_where_it_runs() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    demo.expect(0, &with("up", &[]));
    gate.hold("GetQueryExecution");
    let query = Running::start(&demo, &["query", "store-sales"]);
    gate.until_reached("GetQueryExecution");
    gate.hold("StopQueryExecution");
    query.send(Signal::INT);
    gate.until_reached("StopQueryExecution");
    gate.release("StopQueryExecution");
    gate.release("GetQueryExecution");
    assert!(query.ends(130).contains("interrupted"));
    gone(&demo);
}

#[test]
fn a_down_lets_its_calls_end_and_goes_on_later() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    demo.expect(0, &with("up", &[]));
    gate.hold("DeleteDeliveryStream");
    let mut down = Running::start(&demo, &["down", "store-sales"]);
    gate.until_reached("DeleteDeliveryStream");
    down.send(Signal::INT);
    down.until_said(ORDERLY);
    assert!(down.is_running());
    gate.release("DeleteDeliveryStream");
    let said = down.ends(130);
    assert!(said.contains("of 7") && said.contains("  demo down store-sales-"), "{said}");
    gone(&demo);
}

#[test]
fn a_closed_terminal_does_not_keep_a_removal_from_its_end() {
    let demo = Demo::new();
    demo.expect(0, &with("up", &[]));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut down = demo.command(&["down", "store-sales"]);
    let status = down.stderr(writer).status().expect("demo starts");
    assert_eq!(status.code(), Some(0));
    assert_eq!(stacks(&demo).len(), 0);
}

#[test]
fn a_second_command_is_told_who_works_on_the_stack() {
    let demo = Demo::new();
    let gate = Gate::before(&demo);
    gate.hold("CreateDeliveryStream");
    let mut up = Running::start(&demo, &with("up", &[]));
    gate.until_reached("CreateDeliveryStream");
    let holder = format!("process {} (`demo up`", up.child.id());
    for args in [vec!["down", "store-sales"], with("up", &[])] {
        let refused = demo.output(&args);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(&holder), "{said}");
    }
    assert_eq!(stacks(&demo)[0]["state"], "in use");
    assert!(text(&demo.output(&["status", "store-sales"]).stdout).contains(&holder));
    up.child.kill().expect("it runs");
    up.child.wait().expect("a child");
    gate.cut("CreateDeliveryStream");
    assert_eq!(stacks(&demo)[0]["state"], "half made");
    gone(&demo);
}
