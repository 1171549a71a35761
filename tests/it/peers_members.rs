//! The stand-in's operations against botocore's models of them.

use std::process::Command;

use crate::command::{Demo, text};

#[test]
#[ignore = "needs boto3"]
fn no_member_of_an_operation_is_passed_over() {
    let demo = Demo::new();
    demo.expect(0, &["local", "start"]);
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers_members.py"));
    let output = python.env_remove("AWS_PROFILE").envs(demo.stand_in_environment()).output().expect("python3 in PATH");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    demo.expect(0, &["local", "stop"]);
}
