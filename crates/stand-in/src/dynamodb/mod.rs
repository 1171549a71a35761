//! DynamoDB over a library that keeps tables in one SQLite file.
//!
//! The library answers as DynamoDB does, its checks and their words included; what is here is the way in: which operations
//! there are, and how a request and an error are written. Not covered: transactions, streams, indexes added later, PartiQL,
//! backups, capacity limits, and the old item in the error of a failed condition.

mod wire;
#[cfg(test)]
mod tests;

use std::{fs, io, path::Path, sync::Arc};

use bytes::Bytes;
use dynoxide::Database;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{kept::Kept, service_error::ServiceError};

/// The service.
pub struct DynamoDb {
    database: Database,
}

impl DynamoDb {
    /// Opens the tables that lie in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made, or the file in it is not a database.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let file = folder.join("tables.sqlite");
        let path = file.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", file.display())))?;
        let database = Database::new(path);
        // The library commits item by item, and a new file syncs every commit. After this one it syncs at checkpoints only: a
        // kill of the process loses nothing, and a batch costs what it writes.
        let database = database.and_then(|database| database.disable_bulk_loading().map(|()| database));
        let database = database.map_err(|e| io::Error::other(format!("open the tables in {path}: {e}")))?;
        Ok(Arc::new(Self { database }))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        let tables: Value = parsed(&run(&self.database, "ListTables", b"{}")?)?;
        for name in tables["TableNames"].as_array().into_iter().flatten() {
            let table = run(&self.database, "DescribeTable", json!({"TableName": name}).to_string().as_bytes())?;
            let arn = &parsed(&table)?["Table"]["TableArn"];
            let tags = run(&self.database, "ListTagsOfResource", json!({"ResourceArn": arn}).to_string().as_bytes())?;
            let name = name.as_str().unwrap_or_default();
            kept.note("dynamodb table", name, &(parsed(&table)?, parsed(&tags)?))?;
        }
        Ok(())
    }

    /// One call of the wire protocol: `operation` as in `X-Amz-Target` after the dot, a JSON body in and out.
    ///
    /// # Errors
    /// What AWS would answer: its code and text.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        let (database, operation) = (self.database.clone(), operation.to_owned());
        tokio::task::spawn_blocking(move || run(&database, &operation, &body)).await.map_err(ServiceError::internal)?
    }
}

fn parsed(answer: &[u8]) -> Result<Value, ServiceError> {
    serde_json::from_slice(answer).map_err(ServiceError::internal)
}

fn run(database: &Database, operation: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
    match operation {
        "CreateTable" => answer(operation, body, |request| database.create_table(request)).map(wire::with_region),
        "DescribeTable" => answer(operation, body, |request| database.describe_table(request)).map(wire::with_region),
        "UpdateTable" => answer(operation, body, |request| database.update_table(request)).map(wire::with_region),
        "DeleteTable" => answer(operation, body, |request| database.delete_table(request)).map(wire::with_region),
        "ListTables" => answer(operation, body, |request| database.list_tables(request)),
        "TagResource" => answer(operation, body, |request| database.tag_resource(request)),
        "UntagResource" => answer(operation, body, |request| database.untag_resource(request)),
        "ListTagsOfResource" => answer(operation, body, |request| database.list_tags_of_resource(request)),
        "PutItem" => answer(operation, body, |request| database.put_item(request)),
        "GetItem" => answer(operation, body, |request| database.get_item(request)),
        "UpdateItem" => answer(operation, body, |request| database.update_item(request)),
        "DeleteItem" => answer(operation, body, |request| database.delete_item(request)),
        "BatchWriteItem" => answer(operation, body, |request| database.batch_write_item(request)),
        "BatchGetItem" => answer(operation, body, |request| database.batch_get_item(request)),
        "Query" => answer(operation, body, |request| database.query(request)),
        "Scan" => answer(operation, body, |request| database.scan(request)),
        other => Err(ServiceError::client(
            "UnknownOperationException",
            format!("DynamoDB operation {other} is not covered by the stand-in"),
        )),
    }
}

fn answer<Request: DeserializeOwned, Response: Serialize>(
    operation: &str,
    body: &[u8],
    call: impl FnOnce(Request) -> dynoxide::Result<Response>,
) -> Result<Bytes, ServiceError> {
    let response = call(wire::parse(body)?).map_err(|error| wire::service_error(operation, &error))?;
    serde_json::to_vec(&response).map(Bytes::from).map_err(ServiceError::internal)
}
