//! Functions: making, invoking, ending.

use std::path::Path;

use aws_sdk_lambda::{
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{FunctionCode, LogType, Runtime},
};
use aws_stand_in::daemon::{Daemon, Started};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// What CreateFunction refuses: code and text.
async fn refused(rig: &Rig, role: &str, code: FunctionCode) -> (String, String) {
    let made = rig
        .lambda()
        .create_function()
        .function_name(FUNCTION)
        .runtime(Runtime::from("provided.al2023"))
        .handler("bootstrap")
        .role(role)
        .code(code)
        .send();
    let error = made.await.expect_err("refused").into_service_error();
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_function_lives_from_its_creation_to_its_end() {
    let mut rig = Rig::new().await;
    rig.make_function(30, &[("OWN", "value")]).await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:worker";
    rig.lambda().tag_resource().resource(arn).tags("more", "m").send().await.expect("tagged");
    rig.lambda().untag_resource().resource(arn).tag_keys("stack").send().await.expect("untagged");
    rig.stop().await;
    rig.start().await;
    let got = rig.lambda().get_function().function_name(arn).send().await.expect("there");
    assert_eq!(got.tags, Some([("more".to_owned(), "m".to_owned())].into()));
    let configuration = got.configuration.expect("configured");
    assert_eq!((configuration.memory_size, configuration.timeout), (Some(128), Some(30)));
    assert_eq!(configuration.code_size, bootstrap().len() as i64);
    assert_eq!(configuration.code_sha256.map(|digest| digest.len()), Some(44), "32 bytes in base64");
    assert_eq!(rig.lambda().list_functions().send().await.expect("listed").functions().len(), 1);
    let updated = rig.lambda().update_function_configuration().function_name(FUNCTION).memory_size(256).send().await;
    assert_eq!(updated.expect("updated").memory_size, Some(256));
    let change = rig.lambda().update_function_configuration().function_name(FUNCTION).memory_size(512);
    let busy = change.clone().send().await.expect_err("the first change is still on its way").into_service_error();
    assert!(busy.is_resource_conflict_exception(), "{busy:?}");
    rig.is_updated().await;
    change.send().await.expect("updated");
    let (code, _) =
        refused(&rig, &role_arn(ROLE), FunctionCode::builder().zip_file(Blob::new(bootstrap())).build()).await;
    assert_eq!(code, "ResourceConflictException");
    rig.lambda().delete_function().function_name(FUNCTION).send().await.expect("deleted");
    let absent = rig.lambda().get_function().function_name(FUNCTION).send().await.expect_err("gone");
    assert!(absent.into_service_error().is_resource_not_found_exception());
    rig.stop().await;
}

#[tokio::test]
async fn code_is_tried_out_without_a_change_and_put_over_the_known_revision_alone() {
    let mut rig = Rig::new().await;
    rig.make_function(30, &[]).await;
    let configuration = || rig.lambda().get_function_configuration().function_name(FUNCTION).send();
    let before = configuration().await.expect("there");
    let update = || {
        let update = rig.lambda().update_function_code().function_name(FUNCTION);
        update.zip_file(Blob::new(zipped("#!/bin/sh\nexit 3\n")))
    };
    let tried = update().dry_run(true).send().await.expect("tried out");
    assert_ne!(tried.code_sha256, before.code_sha256, "the digest of what was tried");
    let after = configuration().await.expect("there");
    assert_eq!((&after.code_sha256, &after.revision_id), (&before.code_sha256, &before.revision_id));
    assert_eq!(after.last_modified, before.last_modified);
    let folders = std::fs::read_dir(rig.folder.path().join("stand-in/lambda/functions/code")).expect("a folder");
    assert_eq!(folders.count(), 1, "what was tried is gone");

    let stale = update().revision_id("another").send().await.expect_err("refused").into_service_error();
    assert!(stale.is_precondition_failed_exception(), "{stale:?}");
    let updated = update().set_revision_id(before.revision_id).send().await.expect("updated");
    assert_eq!(updated.code_sha256, tried.code_sha256);
    rig.stop().await;
}

#[tokio::test]
async fn what_lambda_would_not_take_is_refused() {
    let mut rig = Rig::new().await;
    rig.make_role("other-role", "firehose.amazonaws.com").await;
    let zip = |bytes: Vec<u8>| FunctionCode::builder().zip_file(Blob::new(bytes)).build();
    for role in ["other-role", "no-role"] {
        let (code, message) = refused(&rig, &role_arn(role), zip(bootstrap())).await;
        assert_eq!(code, "InvalidParameterValueException");
        assert_eq!(message, "The role defined for the function cannot be assumed by Lambda.");
    }
    let (code, message) = refused(&rig, &role_arn(ROLE), zip(b"no zip".to_vec())).await;
    assert_eq!(code, "InvalidParameterValueException");
    assert!(message.contains("Could not unzip"), "{message}");
    let in_bucket = FunctionCode::builder().s3_bucket("none").s3_key("f.zip").build();
    let (code, message) = refused(&rig, &role_arn(ROLE), in_bucket).await;
    assert_eq!(code, "InvalidParameterValueException");
    assert!(message.contains("NoSuchBucket"), "{message}");
    let (code, message) = refused(&rig, &role_arn(ROLE), zip(vec![0; (50 << 20) + 1])).await;
    assert_eq!(code, "RequestEntityTooLargeException", "{message}");
    rig.stop().await;
}

#[tokio::test]
async fn code_may_come_from_a_bucket() {
    let mut rig = Rig::new().await;
    rig.make_function(30, &[]).await;
    rig.s3().create_bucket().bucket("codes").send().await.expect("created");
    let other = "#!/bin/sh\nexit 3\n";
    rig.s3().put_object().bucket("codes").key("a/f.zip").body(zipped(other).into()).send().await.expect("put");
    let updated =
        rig.lambda().update_function_code().function_name(FUNCTION).s3_bucket("codes").s3_key("a/f.zip").send();
    assert_eq!(updated.await.expect("updated").code_size, zipped(other).len() as i64);
    rig.is_updated().await;
    let (error, body) = rig.invoke(json!({})).await;
    assert_eq!(error.as_deref(), Some("Unhandled"));
    assert_eq!(body["errorType"], "Runtime.ExitError");
    assert!(body["errorMessage"].as_str().expect("text").contains("exit status: 3"), "{body}");
    rig.stop().await;
}

#[tokio::test]
async fn a_function_runs_in_a_process_with_an_environment_of_its_own() {
    let mut rig = Rig::new().await;
    rig.make_function(30, &[("OWN", "value")]).await;
    assert_eq!(rig.invoke(json!({"n": 1})).await, (None, json!({"n": 1})));
    let (_, environment) = rig.invoke(json!({"do": "environment"})).await;
    for (name, value) in [
        ("OWN", "value"),
        ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/worker"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", rig.url.as_str()),
        ("_HANDLER", "bootstrap"),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert!(environment.get("HOME").is_none() && environment.get("CARGO").is_none(), "nothing of ours: {environment}");
    let (_, first) = rig.invoke(json!({"do": "pid"})).await;
    assert_eq!(rig.invoke(json!({"do": "pid"})).await.1, first, "an idle process is used again");
    let process = process_in(&first);
    assert!(is_alive(process));
    rig.lambda().delete_function().function_name(FUNCTION).send().await.expect("deleted");
    until("the process ends with its function", async || (!is_alive(process)).then_some(())).await;
    rig.stop().await;
}

#[tokio::test]
async fn errors_timeouts_and_crashes_are_told_and_the_next_invocation_works() {
    let mut rig = Rig::new().await;
    rig.make_function(2, &[]).await;
    let (error, body) = rig.invoke(json!({"do": "fail"})).await;
    assert_eq!((error.as_deref(), &body["errorMessage"]), (Some("Unhandled"), &json!("told to fail")));
    let (_, process) = rig.invoke(json!({"do": "pid"})).await;
    let (error, body) = rig.invoke(json!({"do": "sleep"})).await;
    assert_eq!((error.as_deref(), &body["errorType"]), (Some("Unhandled"), &json!("Sandbox.Timedout")));
    assert!(body["errorMessage"].as_str().expect("text").ends_with("Task timed out after 2.00 seconds"), "{body}");
    let process = process_in(&process);
    until("a process that took too long is ended", async || (!is_alive(process)).then_some(())).await;
    let (error, body) = rig.invoke(json!({"do": "exit"})).await;
    assert_eq!((error.as_deref(), &body["errorType"]), (Some("Unhandled"), &json!("Runtime.ExitError")));
    assert_eq!(rig.invoke(json!({"n": 2})).await, (None, json!({"n": 2})));
    rig.stop().await;
}

#[tokio::test]
async fn lines_go_to_the_log_group_if_there_is_one() {
    let mut rig = Rig::new().await;
    rig.make_function(30, &[]).await;
    let group = "/aws/lambda/worker";
    rig.invoke(json!({"n": 1})).await;
    let absent = rig.logs().filter_log_events().log_group_name(group).send().await.expect_err("no group");
    assert!(absent.into_service_error().is_resource_not_found_exception());
    rig.logs().create_log_group().log_group_name(group).tags("stack", "s-1").send().await.expect("created");
    rig.logs().put_retention_policy().log_group_name(group).retention_in_days(1).send().await.expect("kept a day");
    let invoked = rig.lambda().invoke().function_name(FUNCTION).log_type(LogType::Tail);
    let invoked = invoked.payload(Blob::new(r#"{"do":"print"}"#)).send().await.expect("invoked");
    let tail = base64_simd::STANDARD.decode_to_vec(invoked.log_result.expect("a log")).expect("base64");
    let tail = String::from_utf8(tail).expect("text");
    assert!(tail.starts_with("START RequestId: ") && tail.contains("\nEND RequestId: "), "{tail}");
    let lines = until("the lines are kept", async || {
        let found = rig.logs().filter_log_events().log_group_name(group).send().await.expect("found");
        let lines: Vec<String> = found.events().iter().filter_map(|event| event.message.clone()).collect();
        let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
        (has("START") && has("a line of its own") && has("REPORT")).then_some(lines)
    })
    .await;
    let report = lines.iter().find(|line| line.starts_with("REPORT")).expect("a report");
    assert!(report.contains("\tMemory Size: 128 MB\tMax Memory Used: "), "{report}");
    let groups = rig.logs().describe_log_groups().log_group_name_prefix(group).send().await.expect("described");
    assert_eq!(groups.log_groups()[0].retention_in_days, Some(1));
    rig.logs().delete_log_group().log_group_name(group).send().await.expect("deleted");
    rig.stop().await;
}

#[tokio::test]
async fn only_the_functions_own_processes_reach_its_runtime_interface() {
    let mut rig = Rig::new().await;
    // The process that calls is a child of the bootstrap here, and belongs to the function all the same.
    let run = "#!/bin/sh\n\"$TEST_BINARY\" --exact stand_in_lambda::function::process --nocapture\n";
    rig.make_function_of(zipped(run), 30, &[]).await;
    let (_, environment) = rig.invoke(json!({"do": "environment"})).await;
    let address = environment["AWS_LAMBDA_RUNTIME_API"].as_str().expect("an address");

    let mut stranger = TcpStream::connect(address).await.expect("connected");
    let steal = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {address}\r\n\r\n");
    // The interface may hang up before it has read anything.
    let _ = stranger.write_all(steal.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stranger.read_to_end(&mut answer).await;
    assert_eq!(answer, b"", "nothing is answered");
    assert_eq!(rig.invoke(json!({"n": 1})).await, (None, json!({"n": 1})), "the function is served as before");
    rig.stop().await;
}

#[tokio::test]
async fn a_killed_stand_in_does_not_leave_its_functions_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::at(&folder.path().join("local")).with_program(Path::new(env!("CARGO_BIN_EXE_demo")));
    let endpoint = daemon.ensure(Started::ForStack).await.expect("started");
    let rig = Rig { folder, running: None, url: endpoint.url(), key: daemon.key().expect("a key") };
    rig.make_role(ROLE, "lambda.amazonaws.com").await;
    rig.make_function(30, &[]).await;
    let process = process_in(&rig.invoke(json!({"do": "pid"})).await.1);
    assert!(is_alive(process));
    let stand_in = Pid::from_raw(i32::try_from(endpoint.pid).expect("a process id")).expect("not 0");
    kill_process(stand_in, Signal::KILL).expect("killed");
    until("the process ends after the stand-in", async || (!is_alive(process)).then_some(())).await;
    daemon.ensure(Started::ForStack).await.expect("started again");
    assert_eq!(rig.invoke(json!({"n": 1})).await, (None, json!({"n": 1})), "the function is there again");
    let process = process_in(&rig.invoke(json!({"do": "pid"})).await.1);
    daemon.stop().await.expect("stopped");
    until("the process ends with the stand-in", async || (!is_alive(process)).then_some(())).await;
}

fn process_in(answer: &Value) -> u32 {
    u32::try_from(answer.as_u64().expect("a number")).expect("a process id")
}
