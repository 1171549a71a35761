//! `demo doctor`, and what stands in the way of an `up`, through the real binary.

use serde_json::Value;

use crate::command::{Demo, text};

const S3: &str = "stacks/store-sales-s3.yaml";
const REDSHIFT: &str = "stacks/store-sales-redshift.yaml";

/// On a machine without credentials.
fn without_credentials(demo: &Demo, args: &[&str]) -> std::process::Output {
    let mut command = demo.command(args);
    command.env("HOME", demo.home.path()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.output().expect("demo starts")
}

fn verdict<'a>(report: &'a Value, what: &str) -> &'a str {
    let findings = report["findings"].as_array().expect("findings");
    let finding = findings.iter().find(|finding| finding["what"] == what);
    finding.and_then(|finding| finding["verdict"].as_str()).unwrap_or_else(|| panic!("{what} in {report:#}"))
}

#[test]
fn a_machine_without_credentials_is_fit_for_the_stand_in() {
    let demo = Demo::new();
    let output = without_credentials(&demo, &["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    for what in ["state folder", "stand-in", "demo-function"] {
        assert_eq!(verdict(&report, what), "fine", "{report:#}");
    }
    assert_eq!(verdict(&report, "credentials"), "note");
    assert_eq!(verdict(&report, "terminal"), "note");
    assert_eq!(report["wrong"], 0);
    let status = demo.json(&["local", "status", "--json"]);
    assert_eq!(status["running"], false, "the stand-in is left as it was");
}

#[test]
fn a_stack_that_could_be_made_is_said_to_be_fine() {
    let demo = Demo::new();
    let said = demo.expect(0, &["doctor", S3]);
    for part in ["  ✔ state folder: ", "  ✔ credentials: arn:", "  ✔ permissions: ", "  ✔ names: ", "no problems"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(demo.files("stacks").is_empty(), "nothing was opened");
    assert_eq!(demo.json(&["local", "status", "--json"])["running"], false);
}

#[test]
fn what_is_wrong_has_its_remedy_below_it() {
    let demo = Demo::new();
    let unwritable = demo.command(&["doctor"]).env("KINESIS_DEMO_HOME", "/proc/nowhere").output().expect("demo starts");
    let said = text(&unwritable.stdout);
    assert_eq!(unwritable.status.code(), Some(1), "{said}");
    assert!(said.contains("  ✘ state folder: ") && said.contains("    set KINESIS_DEMO_HOME to a folder"), "{said}");
    let nobodys = ["doctor", REDSHIFT, "--set", "deliver.redshift.workgroup=nobodys", "--set", "stream.shards=25000"];
    let said = demo.expect(5, &nobodys);
    assert!(said.contains("  ✘ quota Shards per Region of kinesis: 25000 needed"), "{said}");
    assert!(said.contains("--quota-code L-0918CF54 --desired-value 25000"), "{said}");
    assert!(said.contains("  ✘ workgroup nobodys, database dev: no such workgroup"), "{said}");
    assert!(said.ends_with("\n  2 problems\n"), "{said}");
}

#[test]
fn what_stands_in_the_way_is_said_at_once_and_nothing_is_made() {
    let demo = Demo::new();
    let nobodys = [REDSHIFT, "--set", "deliver.redshift.workgroup=nobodys", "--set", "stream.shards=25000"];
    for command in ["up", "run", "plan"] {
        let output = demo.output(&[&[command], nobodys.as_slice()].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "a quota: {said}");
        assert!(said.contains("2 problems; nothing was created\n"), "{said}");
        assert!(said.contains("  quota Shards per Region of kinesis: ") && said.contains("nobodys"), "{said}");
        assert!(demo.files("stacks").is_empty(), "nothing was opened");
        assert_eq!(demo.json(&["local", "status", "--json"])["running"], false, "{command}");
    }
    let one = [REDSHIFT, "--set", "deliver.redshift.workgroup=nobodys"];
    let output = demo.output(&[&["up"], one.as_slice()].concat());
    assert_eq!(output.status.code(), Some(1), "no quota and no permission: {}", text(&output.stderr));
}
