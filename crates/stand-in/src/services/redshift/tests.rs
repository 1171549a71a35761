//! Statements over real files, by the wire's JSON.

mod bounds;
mod copies;
mod queries;
mod serverless;
mod statements;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{keys::AccessKey, service::ask, service_error::ServiceError};

const BUCKET: &str = "lake";

/// Redshift with its neighbours, over one folder.
struct Rig {
    folder: TempDir,
    s3: Arc<S3>,
    iam: Arc<Iam>,
    redshift: Arc<Redshift>,
}

/// The answer of a batch: each statement's rows, a null as `None`.
type Rows = Vec<Vec<Option<String>>>;

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let s3 = S3::open(&folder.path().join("s3"), &AccessKey::open(folder.path()).expect("a key")).expect("S3");
        s3.create_bucket(BUCKET, None);
        let iam = Iam::open(&folder.path().join("iam")).expect("IAM");
        let redshift = open(&folder, &s3, &iam);
        Self { folder, s3, iam, redshift }
    }

    /// As after a kill: nothing is told to end.
    fn reopen(&mut self) {
        self.redshift = open(&self.folder, &self.s3, &self.iam);
    }

    async fn put(&self, key: &str, text: impl Into<Bytes>) {
        self.s3.put(BUCKET, key, text.into()).await.expect("put");
    }

    async fn data(&self, operation: &str, body: Value) -> Result<Value, ServiceError> {
        let answer = ask(&Arc::new(DataApi(self.redshift.clone())), operation, body.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    async fn serverless(&self, operation: &str, body: Value) -> Result<Value, ServiceError> {
        let answer = ask(&Arc::new(ServerlessApi(self.redshift.clone())), operation, body.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    /// Sends statements as one batch to the workgroup and waits for its end.
    async fn end_of(&self, sqls: &[&str]) -> Value {
        let sent = json!({"WorkgroupName": "demo", "Database": "dev", "Sqls": sqls});
        let sent = self.data("BatchExecuteStatement", sent).await.expect("taken");
        self.ended(&sent).await
    }

    async fn ended(&self, sent: &Value) -> Value {
        let wait = async {
            loop {
                let described = self.data("DescribeStatement", json!({"Id": sent["Id"]})).await.expect("there");
                if ["FINISHED", "FAILED", "ABORTED"].contains(&text(&described["Status"])) {
                    return described;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), wait).await.expect("it ends")
    }

    /// Runs statements that go well; the rows of the last.
    async fn run(&self, sqls: &[&str]) -> Rows {
        let ended = self.end_of(sqls).await;
        assert_eq!(ended["Status"], "FINISHED", "{ended}");
        let last = &ended["SubStatements"][sqls.len() - 1];
        if last["HasResultSet"] == false {
            return Rows::new();
        }
        let result = self.data("GetStatementResult", json!({"Id": last["Id"]})).await.expect("a result");
        rows(&result)
    }

    /// Runs statements of which one fails; the error.
    async fn failure(&self, sqls: &[&str]) -> String {
        let ended = self.end_of(sqls).await;
        assert_eq!(ended["Status"], "FAILED", "{ended}");
        text(&ended["Error"]).to_owned()
    }
}

fn open(folder: &TempDir, s3: &Arc<S3>, iam: &Arc<Iam>) -> Arc<Redshift> {
    let secrets = Secrets::open(&folder.path().join("secrets")).expect("Secrets Manager");
    Redshift::open(&folder.path().join("redshift"), s3.clone(), iam.clone(), secrets).expect("Redshift")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn rows(result: &Value) -> Rows {
    let value = |field: &Value| {
        let (kind, value) = field.as_object().and_then(|field| field.iter().next()).expect("a field");
        match value {
            _ if kind == "isNull" => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    };
    let row = |record: &Value| record.as_array().expect("a record").iter().map(value).collect();
    result["Records"].as_array().expect("records").iter().map(row).collect()
}

/// Rows as they are compared with.
fn expected(rows: &[&[&str]]) -> Rows {
    let value = |text: &&str| (*text != "null").then(|| (*text).to_owned());
    rows.iter().map(|row| row.iter().map(value).collect()).collect()
}
