//! A stdout that takes nothing, as of a full disk: every command with something to print says so, and none panics.

use std::{
    fs::File,
    process::{Output, Stdio},
};

use crate::command::{Demo, text};

const STACK: &str = "stacks/store-sales-s3.yaml";
const SMALL: [&str; 6] = [
    "--set",
    "load={rate: 50/s, duration: null, records: 20}",
    "--set",
    "deliver.s3.buffer.interval=1s",
    "--set",
    "thresholds.throughput=off",
];

fn with_full_stdout(demo: &Demo, args: &[&str]) -> Output {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    demo.command(args).stdout(full).stderr(Stdio::piped()).output().expect("demo starts")
}

/// The commands fail, since what was asked for cannot be read by anybody.
fn all_say_so(demo: &Demo, commands: &[&[&str]]) {
    for args in commands {
        let ended = with_full_stdout(demo, args);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(": No space left on device") && !said.contains("panicked"), "{args:?}: {said}");
    }
}

#[test]
fn a_full_stdout_is_told_by_every_command_and_stops_none_halfway() {
    let demo = Demo::new();
    let file: &[&str] = &[&[STACK], &SMALL[..]].concat();
    let of_file = |command: &[&'static str]| [command, file].concat();
    let (up, run) = (of_file(&["up"]), of_file(&["run"]));
    all_say_so(
        &demo,
        &[
            &[],
            &["--help"],
            &["man"],
            &["explain", "99"],
            &["schema", "thresholds"],
            &["help", "run"],
            &["--version"],
            &["schema"],
            &["schema", "documents", "stacks/your-own-json.yaml"],
            &["sample"],
            &["sample", "--fields"],
            &["completions", "bash"],
            &["ls", "--json"],
            &["local", "start"],
            &["local", "status"],
            &["local", "env"],
            &["local", "logs"],
            &of_file(&["plan"]),
            &of_file(&["cost"]),
            &of_file(&["policy"]),
            &of_file(&["doctor"]),
            &up,
        ],
    );
    demo.expect(0, &["status", "store-sales"]);
    all_say_so(
        &demo,
        &[
            &["status", "store-sales"],
            &run,
            &["verify", "store-sales"],
            &["query", "store-sales"],
            &["ls", "--json"],
            &["gc", "--local"],
        ],
    );
    let verified = demo.json(&["verify", "store-sales", "--json"]);
    assert_eq!((&verified["acknowledged"], &verified["lost"]), (&20.into(), &0.into()), "the run went to its end");
    let down = with_full_stdout(&demo, &["down", "store-sales"]);
    assert_eq!(down.status.code(), Some(0), "it has nothing to print: {}", text(&down.stderr));
    demo.expect(0, &["local", "stop"]);
}
