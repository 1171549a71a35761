//! How somebody begins, and looks things up.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::command::{Demo, text};

fn init(demo: &Demo, folder: &Path, args: &[&str]) -> std::process::Output {
    let args = [&["init"], args].concat();
    demo.command(&args).current_dir(folder).output().expect("demo starts")
}

#[test]
fn what_init_writes_is_valid_and_runs() {
    let (demo, folder) = (Demo::new(), tempfile::tempdir().expect("a folder"));
    let lines: String = (1..=50).map(|n| format!("{{\"order_id\":{n},\"customer\":{{\"id\":{}}}}}\n", n % 7)).collect();
    fs::write(folder.path().join("my orders.jsonl"), lines).expect("written");
    let args = [
        "--name",
        "my-orders",
        "--documents",
        "my orders.jsonl",
        "--deliver",
        "s3,dynamodb",
        "--rate",
        "50/s",
        "--duration",
        "2s",
    ];
    let written = init(&demo, folder.path(), &args);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    assert_eq!(text(&written.stdout), "wrote my-orders.yaml\n");
    let stack = folder.path().join("my-orders.yaml");
    let first = fs::read_to_string(&stack).expect("a stack");
    assert!(first.contains("key: [order_id]"), "the field that differs in each line: {first}");
    demo.expect(0, &["validate", &stack.display().to_string()]);
    let report = demo.json(&["run", &stack.display().to_string(), "--rm", "--json"]);
    assert_eq!(
        (&report["landed_s3"], &report["landed_dynamodb"], &report["lost"]),
        (&100.into(), &50.into(), &0.into())
    );

    let again = init(&demo, folder.path(), &args);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        text(&again.stderr).contains("my-orders.yaml exists already, and is not overwritten"),
        "{}",
        text(&again.stderr)
    );
    assert_eq!(fs::read_to_string(&stack).expect("a stack"), first);
}

#[test]
fn every_way_to_begin_is_valid() {
    let (demo, folder) = (Demo::new(), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("event.template"), "{\"id\": {{ sequence }}}").expect("written");
    for (position, args) in [
        &["--deliver", "none"][..],
        &["--deliver", "s3,redshift,dynamodb"],
        &["--region", "eu-west-1", "--budget", "$5", "--rate", "2500/s", "--duration", "90s"],
        &["--region", "eu-west-1", "--deliver", "redshift", "--workgroup", "mine"],
        &["--documents", "event.template", "--key", "id"],
        &["--documents", "event.template", "--deliver", "s3"],
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("stack-{position}.yaml");
        let written = init(&demo, folder.path(), &[&[file.as_str()], args].concat());
        assert_eq!(written.status.code(), Some(0), "{args:?}: {}", text(&written.stderr));
        demo.expect(0, &["validate", &folder.path().join(&file).display().to_string()]);
    }
}

#[test]
fn what_init_cannot_write_is_told_and_leaves_nothing() {
    let (demo, folder) = (Demo::new(), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("twice.jsonl"), "{\"id\":1}\n{\"ix\":2}\n").expect("written");
    fs::write(folder.path().join("pretty.json"), "{\n  \"id\": 1\n}\n").expect("written");
    for (args, why) in [
        (&["--documents", "none.jsonl"][..], "cannot be read"),
        (&["--documents", "pretty.json"][..], "one document a line"),
        (&["--documents", "twice.jsonl", "--key", "id"][..], "would not be valid, and was not kept"),
        (&["--name", "My Stack"][..], "did you mean `my-stack`?"),
        (&["--region", "eu-west-1", "--deliver", "redshift"][..], "--workgroup NAME"),
        (&["--budget", "$0.0001"][..], "is less than the first minute"),
        (&["--deliver", "s4"][..], "possible values: s3, redshift, dynamodb, none"),
    ] {
        let refused = init(&demo, folder.path(), args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains(why), "{args:?}: {}", text(&refused.stderr));
        assert!(!folder.path().join("my-stack.yaml").exists(), "{args:?}");
    }
}

#[test]
fn a_command_line_without_a_command_says_where_to_start() {
    let demo = Demo::new();
    let said = demo.expect(0, &[]);
    assert!(["demo init ", "demo run FILE --rm", "demo help"].iter().all(|command| said.contains(command)), "{said}");
    assert!(demo.expect(0, &["help"]).contains("Get started:\n  init "));
    assert!(demo.expect(0, &["help", "run"]).contains("--threshold"));
}

#[test]
fn codes_and_messages_are_explained() {
    let demo = Demo::new();
    assert!(demo.expect(0, &["explain", "99"]).starts_with("exit code 99\n  cause:  The run crossed a threshold"));
    assert!(demo.expect(0, &["explain", "load.rate:", "2000", "has", "no", "unit"]).contains("remedy: Add the unit"));
    assert!(text(&demo.output(&["explain", "the weather"]).stderr).contains("nothing is known about `the weather`"));
}

#[test]
fn every_command_has_a_man_page_and_completions() {
    let (demo, folder) = (Demo::new(), tempfile::tempdir().expect("a folder"));
    assert!(demo.expect(0, &["man"]).contains(".TH demo 1"));
    demo.expect(0, &["man", "--to", &folder.path().join("man1").display().to_string()]);
    let page = fs::read_to_string(folder.path().join("man1/demo-run.1")).expect("a page");
    assert!(page.contains("\\-\\-threshold"), "{page}");
    assert!(fs::read_to_string(folder.path().join("man1/demo-local-start.1")).is_ok());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        // Fish writes an option without its dashes.
        assert!(demo.expect(0, &["completions", shell]).contains("threshold"), "{shell}");
    }
}

/// What a terminal of so many columns gets from a short run with an event.
#[cfg(target_os = "linux")]
fn on_a_terminal(demo: &Demo, columns: usize) -> String {
    let run = format!(
        "stty cols {columns} rows 30; exec {} run stacks/stream-only.yaml --rm --set load.duration=3s --set \
         thresholds.throughput=off --set 'load.events=[{{at: 2s, reshard: 6}}]'",
        env!("CARGO_BIN_EXE_demo")
    );
    let mut command = Command::new("script");
    command.args(["-qec", run.as_str(), "/dev/null"]).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.env("KINESIS_DEMO_HOME", demo.home.path()).env("NO_COLOR", "1").env("TERM", "xterm");
    let output = command.output().expect("util-linux has it");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    text(&output.stdout)
}

/// Lines without what moves the cursor.
#[cfg(target_os = "linux")]
fn lines(written: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut parts = written.split("\u{1b}[");
    plain.extend(parts.next());
    for part in parts {
        plain.push('\n');
        plain.push_str(
            part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';' || c == '?').get(1..).unwrap_or_default(),
        );
    }
    plain.split(['\r', '\n']).map(|line| line.trim_end().to_owned()).collect()
}

/// A line as a terminal breaks it.
#[cfg(target_os = "linux")]
fn rows(line: &str, columns: usize) -> Vec<String> {
    line.chars().collect::<Vec<_>>().chunks(columns).map(|row| row.iter().collect()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn stages_live_above_a_bar_within_the_width_of_the_terminal() {
    let demo = Demo::new();
    for columns in [40, 80] {
        let written = on_a_terminal(&demo, columns);
        let lines = lines(&written);
        // Lines that live are as long as the terminal is wide, so they need no end of a line: one that were longer would push
        // the others from where they begin.
        let rows: Vec<String> = lines.iter().flat_map(|line| rows(line, columns)).collect();
        for label in
            ["  stream   verified", "  shards   4 shards", "  next     in ", "  cost     less than $", "           ━"]
        {
            assert!(rows.iter().any(|row| row.starts_with(label)), "{label} in {columns} columns: {rows:#?}");
        }
        assert!(lines.iter().any(|line| line.contains("offered 1,200 = acknowledged 1,200 = in the stream 1,200")));
        let colors = written
            .split("\u{1b}[")
            .skip(1)
            .filter(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
        assert_eq!(colors.count(), 0, "NO_COLOR is set");
    }
}

#[test]
fn without_a_terminal_there_are_plain_lines_alone() {
    let demo = Demo::new();
    let args = ["run", "stacks/stream-only.yaml", "--rm", "--set", "load.duration=7s"];
    let said = text(&demo.output(&args).stderr);
    assert!(!said.contains('\u{1b}') && !said.contains('\r') && !said.contains('━'), "{said:?}");
    assert!(said.contains("  load     ") && said.contains(" acknowledged   "), "a line after five seconds: {said}");
    assert!(!said.contains("  shards   "), "{said}");
}
