//! The function that these tests run: this very test binary, started by the stand-in as the bootstrap of a zip.

use std::{collections::BTreeMap, env, fs::OpenOptions, io::Write, path::Path, time::Duration};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::test]
async fn process() {
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handle(event.payload))).await.expect("runs");
    } else {
        assert_eq!(handle(json!({"n": 1})).await.expect("handled"), json!({"n": 1}), "a function by itself");
    }
}

async fn handle(event: Value) -> Result<Value, Error> {
    if let Some(records) = event["Records"].as_array() {
        return records_of(records).await;
    }
    match event["do"].as_str() {
        Some("fail") => Err("told to fail".into()),
        Some("sleep") => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            Ok(Value::Null)
        }
        Some("exit") => std::process::exit(7),
        Some("pid") => Ok(json!(std::process::id())),
        Some("print") => {
            println!("a line of its own");
            Ok(Value::Null)
        }
        Some("environment") => Ok(json!(env::vars().collect::<BTreeMap<_, _>>())),
        _ => Ok(event),
    }
}

/// Notes what it got, and fails where the records tell it to: `poison…` always, `once…` the first time, `crash…` the first
/// time and hard. With `REPORT` it reports what failed, otherwise it fails as a whole.
async fn records_of(records: &[Value]) -> Result<Value, Error> {
    let mut texts = Vec::new();
    for record in records {
        let data = record["kinesis"]["data"].as_str().ok_or("a record without data")?;
        texts.push(String::from_utf8(base64_simd::STANDARD.decode_to_vec(data)?)?);
    }
    note(&texts)?;
    if let Ok(pause) = env::var("PAUSE_MS") {
        tokio::time::sleep(Duration::from_millis(pause.parse()?)).await;
    }
    let mut failed = Vec::new();
    for (record, text) in records.iter().zip(&texts) {
        if text.starts_with("crash") && is_first(text)? {
            std::process::exit(9);
        }
        if text.starts_with("poison") || text.starts_with("once") && is_first(text)? {
            failed.push(json!({"itemIdentifier": record["kinesis"]["sequenceNumber"]}));
        }
    }
    match env::var_os("REPORT") {
        Some(_) => Ok(json!({"batchItemFailures": failed})),
        None if failed.is_empty() => Ok(Value::Null),
        None => Err(format!("{} records failed", failed.len()).into()),
    }
}

fn note(texts: &[String]) -> Result<(), Error> {
    let mut notes = OpenOptions::new().create(true).append(true).open(env::var("NOTES")?)?;
    let line = json!({"process": std::process::id(), "records": texts});
    Ok(notes.write_all(format!("{line}\n").as_bytes())?)
}

/// Whether this record has not been here before.
fn is_first(text: &str) -> Result<bool, Error> {
    let mark = format!("{}.{text}", env::var("NOTES")?);
    let first = !Path::new(&mark).exists();
    std::fs::write(mark, [])?;
    Ok(first)
}
