//! The function as Lambda runs it: the zip that would be uploaded, and the binary in it.

mod dynalite;
mod runtime;

use std::{fs, path::Path, process::Command};

use kinesis_demo::aws::packaging::{Architecture, Package};
use serde_json::{Value, json};

use runtime::{Function, Runtime};

const BINARY: &str = env!("CARGO_BIN_EXE_demo-function");
/// A document, poison, a key that comes twice, and an aggregated record of three documents.
const EVENT: &str = include_str!("../../events/kinesis.json");

fn create_table(runtime: &Runtime) {
    let request = json!({
        "TableName": "sales", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "ss_ticket_number", "AttributeType": "N"},
            {"AttributeName": "ss_item_sk", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "ss_ticket_number", "KeyType": "HASH"}, {"AttributeName": "ss_item_sk", "KeyType": "RANGE"},
        ],
    });
    runtime.dynamodb.create_table(serde_json::from_value(request).expect("a request")).expect("a table");
}

/// Every item, by ticket and item.
fn items(runtime: &Runtime) -> Vec<Value> {
    let request = serde_json::from_value(json!({"TableName": "sales"})).expect("a request");
    let answer = serde_json::to_value(runtime.dynamodb.scan(request).expect("a scan")).expect("JSON");
    let mut items = answer["Items"].as_array().expect("items").clone();
    items.sort_by_key(|item| {
        ["ss_ticket_number", "ss_item_sk"].map(|name| item[name]["N"].as_str().expect("a number").to_owned())
    });
    items
}

fn start(runtime: &Runtime, folder: &Path) -> Function {
    start_at(&format!("http://{}", runtime.address), runtime, folder)
}

/// With a DynamoDB at `endpoint`.
fn start_at(endpoint: &str, runtime: &Runtime, folder: &Path) -> Function {
    let package = Package::find(Some(Path::new(BINARY))).expect("a package");
    let zip = Package::zip(&package.binary, &package.digest).expect("the zip");
    let variables = [("DEMO_TABLE", "sales"), ("DEMO_KEY", "ss_ticket_number,ss_item_sk")];
    Function::start(&zip, folder, &runtime.address, endpoint, &variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_event_is_handled_under_the_runtime_interface() {
    let mut runtime = Runtime::start().await;
    create_table(&runtime);
    let folder = tempfile::tempdir().expect("a folder");
    let function = start(&runtime, folder.path());
    let poison = "49545115243490985018280067714973144582180062593244200962";
    let answer = json!({"batchItemFailures": [{"itemIdentifier": poison}]});
    assert_eq!(runtime.invoke(EVENT).await, ("response".to_owned(), answer.clone()));

    let written = items(&runtime);
    let prices: Vec<&str> = written.iter().map(|item| item["ss_sales_price"]["N"].as_str().expect("a price")).collect();
    assert_eq!(prices, ["54.1", "2", "0.1234567890123456789012345678901234567", "7", "-12.5"]);
    let arrivals: Vec<&str> = written.iter().map(|item| item["arrived"]["N"].as_str().expect("a time")).collect();
    let aggregated = "1764000003500";
    assert_eq!(arrivals, ["1764000000500", "1764000004500", aggregated, aggregated, aggregated]);
    assert!(written.iter().all(|item| item["processed"]["N"].as_str() > Some("1764000000500")));
    let item = json!({"M": {
        "i_brand": {"S": "amalgamalg #1"}, "i_current_price": {"N": "9.9"}, "i_rec_end_date": {"NULL": true},
    }});
    assert_eq!(written[0]["ss_item"], item);

    assert_eq!(runtime.invoke(EVENT).await.1, answer, "once more, as after a retry");
    assert_eq!(items(&runtime).len(), 5);
    let line = format!("1 record failed: not a JSON object (sequence number {poison})\n");
    assert_eq!(function.log(), line.repeat(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_fails_every_record_in_one_line() {
    let mut runtime = Runtime::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let function = start(&runtime, folder.path());
    let (kind, answer) = runtime.invoke(EVENT).await;
    assert_eq!((kind.as_str(), answer["batchItemFailures"].as_array().map(Vec::len)), ("response", Some(5)));
    let log = function.log();
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(log.contains("4 records failed: ResourceNotFoundException"), "{log}");
}

#[test]
fn without_its_table_the_function_says_so_and_ends() {
    let output = Command::new(BINARY).env_clear().env("DEMO_KEY", "id").output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "demo-function: the environment has no DEMO_TABLE\n");
}

/// Lambda's runtime can load it; and it is too small for the stand-in or a SQL engine to be in it, as in `demo`.
#[test]
fn the_binary_is_small_and_fits_the_runtime() {
    let code = fs::read(BINARY).expect("a binary");
    let package = Package::find(Some(Path::new(BINARY))).expect("a package that fits");
    assert!(code.len() < 15 << 20 && package.size < 6 << 20, "{} bytes, {} zipped", code.len(), package.size);
    let here = if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 };
    assert_eq!(package.architecture, here);
    let demo = fs::metadata(env!("CARGO_BIN_EXE_demo")).expect("a binary").len();
    assert!(demo > 4 * code.len() as u64, "{} bytes, and demo has {demo}", code.len());
}

/// The newest version that the binary needs, made newer than the runtime's.
#[test]
fn a_glibc_newer_than_the_runtimes_is_refused() {
    let mut code = fs::read(BINARY).expect("a binary");
    let needed = b"GLIBC_2.34\0";
    let at = code.windows(needed.len()).position(|window| window == needed).expect("it is linked against 2.34");
    code[at..at + needed.len()].copy_from_slice(b"GLIBC_2.39\0");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demo-function");
    fs::write(&path, code).expect("written");
    let error = Package::find(Some(&path)).expect_err("refused").to_string();
    assert!(error.contains("it needs glibc 2.39; Amazon Linux 2023 has 2.34"), "{error}");
    assert!(error.contains("--function-binary FILE"), "{error}");
}
