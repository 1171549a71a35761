//! A target of AWS whose calls go elsewhere, because the environment or a flag says so.

use std::process::Output;

use serde_json::Value;

use crate::command::{Demo, text};

const ON_AWS: [&str; 3] = ["stacks/stream-only.yaml", "-c", "config/aws.yaml"];

/// A stand-in, and a shell after `eval "$(demo local env)"`.
struct Shell {
    demo: Demo,
    url: String,
}

impl Shell {
    fn new() -> Self {
        let demo = Demo::new();
        let url = demo.expect(0, &["local", "start"]).trim().to_owned();
        Self { demo, url }
    }

    fn output(&self, command: &str, more: &[&str], endpoint: &str) -> Output {
        let args = [&[command], &ON_AWS[..], more].concat();
        self.demo.command_with(&self.demo.key(), &args).env(endpoint, &self.url).output().expect("demo starts")
    }
}

/// Without credentials of its own.
fn alone(args: &[&str], variables: &[(&str, &str)]) -> String {
    let demo = Demo::new();
    let mut command = demo.command(args);
    command.env("HOME", demo.home.path()).env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    said(&command.output().expect("demo starts"))
}

#[test]
fn credentials_that_are_not_there_are_told_in_a_line_with_their_profile() {
    let plan = [&["plan"], &ON_AWS[..]].concat();
    let of_file = [&plan[..], &["--set", "target.aws.profile=other"]].concat();
    for (args, variables, whose) in [
        (&plan, &[][..], "no credentials found"),
        (&plan, &[("AWS_PROFILE", "nobodys")], "profile `nobodys` (AWS_PROFILE): "),
        (&of_file, &[("AWS_PROFILE", "nobodys")], "profile `other` (target.aws.profile): "),
    ] {
        let said = alone(args, variables);
        assert!(said.contains(whose) && said.contains("AWS_PROFILE"), "{said}");
        assert!(!said.contains("DispatchFailure") && said.lines().all(|line| line.len() < 400), "{said}");
    }
    let nobody =
        [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let said = alone(&plan, &nobody);
    assert!(said.contains("Connection refused") && !said.contains("DispatchFailure"), "{said}");
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_stand_in_that_only_the_environment_names_is_not_taken_for_aws() {
    let shell = Shell::new();
    for command in ["doctor", "plan", "up"] {
        let output = shell.output(command, if command == "up" { &["--yes"] } else { &[] }, "AWS_ENDPOINT_URL");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        let why = format!("{} is a stand-in, with account 000000000000, and the target is AWS", shell.url);
        assert!(said.contains(&why) && said.contains("unset AWS_ENDPOINT_URL"), "{command}: {said}");
    }
    assert_eq!(shell.demo.expect(0, &["ls", "--json"]).trim(), "[]");
}

#[test]
fn a_stand_in_that_a_flag_names_is_named_on_every_line_and_costs_nothing() {
    let shell = Shell::new();
    let asked = ["--endpoint-url", &shell.url];
    let there = format!("on the endpoint {}, in place of AWS in us-east-1", shell.url);
    for (command, more) in [("plan", &asked[..]), ("up", &[asked[0], asked[1], "--yes"])] {
        let output = shell.output(command, more, "NOTHING");
        assert!(output.status.success() && said(&output).contains(&there), "{command}: {}", said(&output));
    }
    let doctor = said(&shell.output("doctor", &asked, "NOTHING"));
    assert!(doctor.contains(&format!("calls go to {} in place of AWS in us-east-1", shell.url)), "{doctor}");
    let listed = shell.demo.expect(0, &["ls"]);
    assert!(listed.contains("costs nothing"), "{listed}");
    assert!(listed.contains(&format!("at {}, in place of AWS", shell.url)), "{listed}");
    let down = shell.demo.command_with(&shell.demo.key(), &["down", "stream-only"]).output().expect("demo starts");
    assert!(down.status.success(), "{}", said(&down));
}

#[test]
fn a_single_service_that_is_elsewhere_is_named() {
    let shell = Shell::new();
    let output = shell.output("plan", &["--endpoint-url", &shell.url], "AWS_ENDPOINT_URL_KINESIS");
    assert!(!said(&output).contains("with Kinesis"), "a flag is for every service: {}", said(&output));
    let args = [&["doctor"], &ON_AWS[..]].concat();
    let mut doctor = shell.demo.command_with(&shell.demo.key(), &args);
    // Who is calling is asked at an endpoint that nobody listens at.
    doctor.env("AWS_ENDPOINT_URL_KINESIS", &shell.url).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let said = said(&doctor.output().expect("demo starts"));
    let services = format!("AWS in us-east-1, with Kinesis at {}, STS at http://127.0.0.1:1", shell.url);
    assert!(said.contains(&services), "{said}");
}

#[test]
fn a_stack_in_another_region_or_partition_is_up_verified_and_gone() {
    let shell = Shell::new();
    for region in ["eu-central-1", "cn-north-1"] {
        let target = format!("target={{aws: {{region: {region}}}}}");
        let sets = [&target, "ttl=1h", "load.duration=2s", "deliver.s3.buffer.interval=1s"];
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let args =
            ["run", "stacks/store-sales-everything.yaml", "--endpoint-url", &shell.url, "--rm", "--yes", "--json"];
        let args: Vec<&str> = args.into_iter().chain(sets).collect();
        let output = shell.demo.command_with(&shell.demo.key(), &args).output().expect("demo starts");
        assert!(output.status.success(), "{region}: {}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!([&report["lost"], &report["leftovers"]], [0, 0], "{region}: {report}");
        assert_eq!(report["acknowledged"], report["landed_sql"], "{region}: {report}");
    }
}
