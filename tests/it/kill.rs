//! The plug pulled: the real binary killed at a line of its journal, and what comes after.

use std::{fs, path::PathBuf, process::Child};

use serde_json::Value;

use crate::command::{Demo, text, until};

const STACKS: [&str; 2] = ["stacks/stream-only.yaml", "stacks/store-sales-s3.yaml"];

/// What is killed, and at how many lines of the journal from where it begins.
const POINTS: [(&str, usize); 8] =
    [("up", 1), ("up", 2), ("up", 5), ("up", 9), ("run", 3), ("run", 7), ("down", 1), ("down", 4)];

fn journals(demo: &Demo) -> Vec<PathBuf> {
    demo.files("stacks").into_iter().filter(|file| file.ends_with("journal.jsonl")).collect()
}

fn lines(demo: &Demo) -> usize {
    let text = |file: PathBuf| fs::read(file).unwrap_or_default();
    journals(demo).into_iter().map(|file| text(file).iter().filter(|byte| **byte == b'\n').count()).sum()
}

/// Whether it was still running when its end came.
fn killed_at(demo: &Demo, child: &mut Child, line: usize) -> bool {
    until("a line of the journal", || lines(demo) >= line || child.try_wait().expect("a child").is_some());
    let ran = child.try_wait().expect("a child").is_none();
    child.kill().expect("a child");
    child.wait().expect("a child");
    ran
}

fn nothing_is_left(demo: &Demo, about: &str) {
    demo.expect(0, &["local", "start"]);
    let left = demo.json(&["gc", "--json"]);
    assert_eq!(left.as_array().map(Vec::len), Some(0), "{about}: {left}");
    assert_eq!(demo.json(&["ls", "--json"]).as_array().map(Vec::len), Some(0), "{about}");
}

/// One kill, and then the way back: `up` first where `again`.
fn pull_the_plug(demo: &Demo, stack: &str, command: &str, line: usize, again: bool) -> bool {
    let small = ["--set", "load.duration=60s"];
    let about = format!("{command} {stack} killed at line {line}");
    if command == "down" {
        demo.expect(0, &[&["up", stack][..], &small].concat());
    }
    let before = lines(demo);
    let mut child = match command {
        "down" => demo.spawn(&["down", stack]),
        _ => demo.spawn(&[&[command, stack][..], &small].concat()),
    };
    let ran = killed_at(demo, &mut child, before + line);
    come_back(demo, stack, &about, again && command != "down", ran)
}

fn come_back(demo: &Demo, stack: &str, about: &str, again: bool, ran: bool) -> bool {
    let listed = demo.json(&["ls", "--json"]);
    if let Some(row) = listed.as_array().and_then(|rows| rows.first()) {
        let id = row["id"].as_str().expect("an id");
        let found = text(&demo.output(&["status", id]).stdout);
        let advised = format!("  demo down {id}    ");
        assert!(found.contains(&advised) && found.contains("costs nothing"), "{about}: {found}");
        assert_ne!(row["state"], Value::from("in use"), "{about}: the dead hold nothing");
    }
    if again {
        demo.expect(0, &["up", stack]);
    }
    demo.expect(0, &["down", stack]);
    nothing_is_left(demo, about);
    demo.expect(0, &["down", stack]);
    ran
}

#[test]
fn wherever_it_is_killed_nothing_is_left() {
    let mut ran = 0;
    for stack in STACKS {
        let demo = Demo::new();
        for (at, (command, line)) in POINTS.iter().enumerate() {
            ran += usize::from(pull_the_plug(&demo, stack, command, *line, at % 2 == 0));
        }
    }
    let all = STACKS.len() * POINTS.len();
    println!("{ran} of {all} were killed while they ran");
    assert!(ran >= all / 2, "only {ran} of {all} were killed while they ran");
}
