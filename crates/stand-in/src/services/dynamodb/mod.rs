//! DynamoDB over a library that keeps tables in one SQLite file.
//!
//! The library answers as DynamoDB does, its checks and their words included; what is here is the way in: which operations
//! there are, how a request and an error are written, and what a pipeline does all the time, writes and scans that are written
//! plainly. Not covered: transactions, streams, indexes added later, PartiQL, backups, capacity limits, and the old item in the
//! error of a failed condition.

mod plain;
mod scan;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use dynoxide::Database;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::scan::Scans;
use crate::{
    inventory::Inventory,
    protocol::{Json, Protocol},
    room::refuse_without_room,
    service::{Answer, Call, Operation::Immediate, Operations, Reply, Service},
    service_error::ServiceError,
};

/// Members of CreateTable that the library passes over.
const NOT_CREATED: [&str; 4] =
    ["WarmThroughput", "ResourcePolicy", "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode"];
/// Members of UpdateTable that the library passes over.
const NOT_UPDATED: [&str; 7] = [
    "SSESpecification",
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
    "WarmThroughput",
    "GlobalTableSettingsReplicationMode",
    "DisassociationProtectionEnabled",
];

/// DynamoDB over one SQLite file.
pub(crate) struct DynamoDb {
    folder: PathBuf,
    database: Database,
    scans: Scans,
}

impl DynamoDb {
    /// Opens the tables that lie in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made, or the file in it is not a database.
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let file = folder.join("tables.sqlite");
        let path = file.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", file.display())))?;
        let database = Database::new(path);
        // The library commits item by item, and a new file syncs every commit. After this one it syncs at checkpoints only: a
        // kill of the process loses nothing, and a batch costs what it writes.
        let database = database.and_then(|database| database.disable_bulk_loading().map(|()| database));
        let database = database.map_err(|e| io::Error::other(format!("open the tables in {path}: {e}")))?;
        let scans =
            Scans::open(&file).map_err(|e| io::Error::other(format!("open the tables in {path} to scan: {e}")))?;
        Ok(Arc::new(Self { folder: folder.to_owned(), database, scans }))
    }

    /// [`answer`] of an operation that stores data.
    fn store<Request: DeserializeOwned, Response: Serialize>(
        &self,
        call: &Call,
        run: impl FnOnce(Request) -> dynoxide::Result<Response>,
    ) -> Answer {
        refuse_without_room(&self.folder, call.body.len())?;
        answer(call, run)
    }

    fn scan(&self, call: &Call) -> Answer {
        match self.scans.page(&call.body, &self.database)? {
            Some(page) => Reply::json(200, &page),
            None => answer(call, |request| self.database.scan(request)),
        }
    }

    fn write_batch(&self, call: &Call) -> Answer {
        refuse_without_room(&self.folder, call.body.len())?;
        let request = plain::puts(&call.body).map_or_else(|| wire::parse(&call.body), Ok)?;
        answered(call, self.database.batch_write_item(request))
    }
}

static OPERATIONS: Operations<DynamoDb> = Operations(&[
    (
        "CreateTable",
        Immediate(|dynamodb, call| {
            wire::refuse_any(&NOT_CREATED, call)?;
            wire::refuse_reserved_tags(call)?;
            table(call, |request| dynamodb.database.create_table(request))
        }),
    ),
    ("DescribeTable", Immediate(|dynamodb, call| table(call, |request| dynamodb.database.describe_table(request)))),
    (
        "UpdateTable",
        Immediate(|dynamodb, call| {
            wire::refuse_any(&NOT_UPDATED, call)?;
            table(call, |request| dynamodb.database.update_table(request))
        }),
    ),
    ("DeleteTable", Immediate(|dynamodb, call| table(call, |request| dynamodb.database.delete_table(request)))),
    ("ListTables", Immediate(|dynamodb, call| answer(call, |request| dynamodb.database.list_tables(request)))),
    (
        "TagResource",
        Immediate(|dynamodb, call| {
            wire::refuse_reserved_tags(call)?;
            answer(call, |request| dynamodb.database.tag_resource(request))
        }),
    ),
    ("UntagResource", Immediate(|dynamodb, call| answer(call, |request| dynamodb.database.untag_resource(request)))),
    (
        "ListTagsOfResource",
        Immediate(|dynamodb, call| {
            // There is one page, so no token was ever given out.
            wire::refuse_any(&["NextToken"], call)?;
            answer(call, |request| dynamodb.database.list_tags_of_resource(request))
        }),
    ),
    ("PutItem", Immediate(|dynamodb, call| dynamodb.store(call, |request| dynamodb.database.put_item(request)))),
    ("GetItem", Immediate(|dynamodb, call| answer(call, |request| dynamodb.database.get_item(request)))),
    ("UpdateItem", Immediate(|dynamodb, call| dynamodb.store(call, |request| dynamodb.database.update_item(request)))),
    ("DeleteItem", Immediate(|dynamodb, call| answer(call, |request| dynamodb.database.delete_item(request)))),
    ("BatchWriteItem", Immediate(|dynamodb, call| dynamodb.write_batch(call))),
    ("BatchGetItem", Immediate(|dynamodb, call| answer(call, |request| dynamodb.database.batch_get_item(request)))),
    ("Query", Immediate(|dynamodb, call| answer(call, |request| dynamodb.database.query(request)))),
    ("Scan", Immediate(|dynamodb, call| dynamodb.scan(call))),
]);

#[async_trait]
impl Service for DynamoDb {
    fn name(&self) -> &'static str {
        "dynamodb"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::version_1_0("DynamoDB_20120810", "com.amazonaws.dynamodb.v20120810#"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run_blocking(self, call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        let list = Call::of("ListTables", "{}");
        let tables = parsed(answer(&list, |request| self.database.list_tables(request))?)?;
        for name in tables["TableNames"].as_array().into_iter().flatten() {
            let describe = Call::of("DescribeTable", json!({"TableName": name}).to_string());
            let described = parsed(table(&describe, |request| self.database.describe_table(request))?)?;
            let arn = &described["Table"]["TableArn"];
            let list = Call::of("ListTagsOfResource", json!({"ResourceArn": arn}).to_string());
            let tags = parsed(answer(&list, |request| self.database.list_tags_of_resource(request))?)?;
            into.add("dynamodb table", name.as_str().unwrap_or_default(), &(described, tags))?;
        }
        Ok(())
    }
}

fn parsed(reply: Reply) -> Result<Value, ServiceError> {
    serde_json::from_slice(&reply.body).map_err(ServiceError::internal)
}

/// Answers with what the library says of a table.
fn table<Request: DeserializeOwned, Response: Serialize>(
    call: &Call,
    run: impl FnOnce(Request) -> dynoxide::Result<Response>,
) -> Answer {
    let reply = answer(call, run)?;
    Ok(Reply { body: wire::with_region(reply.body), ..reply })
}

fn answer<Request: DeserializeOwned, Response: Serialize>(
    call: &Call,
    run: impl FnOnce(Request) -> dynoxide::Result<Response>,
) -> Answer {
    answered(call, run(wire::parse(&call.body)?))
}

fn answered<Response: Serialize>(call: &Call, response: dynoxide::Result<Response>) -> Answer {
    Reply::json(200, &response.map_err(|error| wire::service_error(&call.operation, &error))?)
}
