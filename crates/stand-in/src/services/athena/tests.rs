use std::{io::Write, sync::Mutex, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::*;
use crate::{
    keys::AccessKey,
    service::ask,
    services::s3::{Draft, Object},
};

mod bounds;
mod data;
mod definitions;
mod formats;
mod functions;
mod operations;
mod projected;
mod units;
mod views;
mod writes;

/// The stand-in's S3; records which objects are read.
struct Recorded {
    s3: Arc<S3>,
    read: Mutex<Vec<String>>,
    /// While it is held, reading waits.
    gate: tokio::sync::Mutex<()>,
}

impl Recorded {
    /// With the bucket `lake`.
    fn open(folder: &Path) -> Self {
        let key = AccessKey::open(folder).expect("a key");
        let s3 = S3::open(&folder.join("s3"), &key).expect("S3");
        s3.create_bucket("lake", None);
        Self { s3, read: Mutex::default(), gate: tokio::sync::Mutex::default() }
    }
}

#[async_trait::async_trait]
impl Store for Recorded {
    fn exists(&self, bucket: &str) -> bool {
        self.s3.exists(bucket)
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, ServiceError> {
        self.s3.list(bucket, prefix).await
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ServiceError> {
        let _open = self.gate.lock().await;
        self.read.lock().expect("reads").push(key.to_owned());
        self.s3.get(bucket, key).await
    }

    async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), ServiceError> {
        self.s3.put(bucket, key, data).await
    }

    fn draft(&self) -> Result<Draft, ServiceError> {
        self.s3.draft()
    }

    fn publish(&self, drafts: Vec<(String, String, Draft)>) -> Result<(), ServiceError> {
        self.s3.publish(drafts)
    }

    fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.s3.delete(bucket, key)
    }
}

/// A lake with the database `tpcds` over it.
struct Lake {
    folder: tempfile::TempDir,
    store: Arc<Recorded>,
    glue: Arc<Glue>,
    athena: Arc<Athena>,
}

impl Lake {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Recorded::open(folder.path()));
        let glue = Glue::open(&folder.path().join("glue")).expect("a catalog");
        let athena =
            Athena::open_over_store(&folder.path().join("athena"), glue.clone(), store.clone()).expect("Athena");
        let lake = Self { folder, store, glue, athena };
        lake.glue_ok("CreateDatabase", json!({"DatabaseInput": {"Name": "tpcds"}})).await;
        lake
    }

    async fn with_table(columns: &[(&str, &str)], keys: &[(&str, &str)]) -> Self {
        let lake = Self::new().await;
        lake.table("t", columns, keys, json!({}), json!({})).await;
        lake
    }

    async fn glue_ok(&self, operation: &str, request: Value) {
        ask(&self.glue, operation, request.to_string()).await.expect(operation);
    }

    async fn table(
        &self,
        name: &str,
        columns: &[(&str, &str)],
        keys: &[(&str, &str)],
        parameters: Value,
        serde: Value,
    ) {
        let serde = json!({"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": serde});
        self.table_of(name, columns, keys, parameters, serde).await;
    }

    async fn table_of(
        &self,
        name: &str,
        columns: &[(&str, &str)],
        keys: &[(&str, &str)],
        parameters: Value,
        serde: Value,
    ) {
        let list = |columns: &[(&str, &str)]| -> Vec<Value> {
            columns.iter().map(|(name, kind)| json!({"Name": name, "Type": kind})).collect()
        };
        let input = json!({
            "Name": name, "Parameters": parameters, "PartitionKeys": list(keys),
            "StorageDescriptor": {
                "Columns": list(columns), "Location": format!("s3://lake/{name}/"),
                "SerdeInfo": serde,
            },
        });
        self.glue_ok("CreateTable", json!({"DatabaseName": "tpcds", "TableInput": input})).await;
    }

    async fn partition(&self, values: &[&str], location: &str) {
        let input = json!({"Values": values, "StorageDescriptor": {"Location": format!("s3://lake/{location}")}});
        let request = json!({"DatabaseName": "tpcds", "TableName": "t", "PartitionInput": input});
        self.glue_ok("CreatePartition", request).await;
    }

    fn object(&self, key: &str, data: impl Into<Bytes>) -> u64 {
        let data = data.into();
        let mut draft = self.store.draft().expect("a draft");
        draft.write_all(&data).expect("written");
        self.store.publish(vec![("lake".to_owned(), key.to_owned(), draft)]).expect("published");
        data.len() as u64
    }

    /// The data of an object.
    async fn data(&self, key: &str) -> Bytes {
        self.store.s3.get("lake", key).await.expect(key)
    }

    /// The keys of the objects below a prefix.
    async fn keys(&self, prefix: &str) -> Vec<String> {
        let objects = self.store.s3.list("lake", prefix).await.expect("listed");
        objects.into_iter().map(|object| object.key).collect()
    }

    /// A table or a view as Glue has it.
    async fn described(&self, name: &str) -> Value {
        let request = json!({"DatabaseName": "tpcds", "Name": name});
        let answer = ask(&self.glue, "GetTable", request.to_string()).await.expect(name);
        serde_json::from_slice::<Value>(&answer).expect("an answer in JSON")["Table"].clone()
    }

    /// An execution that has succeeded.
    async fn done(&self, sql: &str) -> Value {
        let execution = self.ended(sql).await;
        assert_eq!(execution["Status"]["State"], "SUCCEEDED", "{sql}: {}", execution["Status"]);
        execution
    }

    async fn try_call(&self, operation: &str, request: Value) -> Result<Value, ServiceError> {
        let answer = ask(&self.athena, operation, request.to_string()).await?;
        Ok(serde_json::from_slice(&answer).expect("an answer in JSON"))
    }

    async fn ok(&self, operation: &str, request: Value) -> Value {
        self.try_call(operation, request).await.expect(operation)
    }

    async fn refused(&self, operation: &str, request: Value) -> ServiceError {
        self.try_call(operation, request).await.expect_err(operation)
    }

    async fn start(&self, sql: &str) -> String {
        let started = self.ok("StartQueryExecution", request(sql)).await;
        started["QueryExecutionId"].as_str().expect("an id").to_owned()
    }

    /// The execution, when it is in one of the states.
    async fn until(&self, id: &str, states: &[&str]) -> Value {
        let waiting = async {
            loop {
                let answer = self.ok("GetQueryExecution", json!({"QueryExecutionId": id})).await;
                let execution = answer["QueryExecution"].clone();
                if states.iter().any(|state| execution["Status"]["State"] == *state) {
                    return execution;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), waiting).await.expect("a state within two minutes")
    }

    async fn ended(&self, sql: &str) -> Value {
        let id = self.start(sql).await;
        self.until(&id, &["SUCCEEDED", "FAILED", "CANCELLED"]).await
    }

    /// All rows, the header among them, `null` for null.
    async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let execution = self.ended(sql).await;
        assert_eq!(execution["Status"]["State"], "SUCCEEDED", "{sql}: {}", execution["Status"]);
        let answer = self.ok("GetQueryResults", json!({"QueryExecutionId": execution["QueryExecutionId"]})).await;
        rows(&answer)
    }

    /// The one value of a query's one row.
    async fn value(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 2, "{rows:?}");
        rows[1].join("|")
    }

    async fn reason(&self, sql: &str, state: &str) -> String {
        let execution = self.ended(sql).await;
        assert_eq!(execution["Status"]["State"], state, "{sql}: {}", execution["Status"]);
        execution["Status"]["StateChangeReason"].as_str().expect("a reason").to_owned()
    }

    fn read(&self) -> Vec<String> {
        let mut read = std::mem::take(&mut *self.store.read.lock().expect("reads"));
        read.retain(|key| !key.starts_with("results/"));
        read.sort();
        read
    }
}

fn request(sql: &str) -> Value {
    json!({
        "QueryString": sql,
        "QueryExecutionContext": {"Database": "tpcds"},
        "ResultConfiguration": {"OutputLocation": "s3://lake/results/"},
    })
}

fn rows(answer: &Value) -> Vec<Vec<String>> {
    let text = |datum: &Value| datum["VarCharValue"].as_str().unwrap_or("null").to_owned();
    let row = |row: &Value| row["Data"].as_array().expect("data").iter().map(text).collect();
    answer["ResultSet"]["Rows"].as_array().expect("rows").iter().map(row).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
