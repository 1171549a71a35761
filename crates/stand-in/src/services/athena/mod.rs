//! Athena: SQL on DataFusion over the catalogued objects.
//!
//! A table is a folder of JSON objects, one a line, as the OpenX SerDe reads them: keys in any case, plain or in gzip or in
//! Hadoop's Snappy, what follows a line's first object ignored. Or it is a folder of Parquet, of which only the columns that
//! are asked for are read. Every query reads the objects anew; nothing is cached.
//!
//! The SQL is Trino's dialect, on DataFusion (see [`crate::trino`]); `docs/sql.md` lists what there is of it. Not covered:
//! `binary` columns, maps with keys other than strings, and file formats other than JSON, Parquet and delimited text. What a
//! statement writes is put whole when its query has ended, and then entered in the catalog.

mod catalog;
mod create_table;
mod create_table_as;
mod create_view;
mod cursor;
mod definition;
mod end;
mod engine;
mod execution;
mod failure;
mod folders;
mod insert;
mod job;
mod kind;
mod layout;
mod named_query;
mod names;
mod output_columns;
mod parquet;
mod partition_change;
mod plan;
mod prepared;
mod projected_dates;
mod projection;
mod properties;
mod query;
mod results;
mod source;
mod statement;
mod store;
mod table;
mod table_input;
mod table_name;
mod text;
mod unload;
mod value_text;
mod view;
mod wire;
mod workgroup;
mod write;

use std::{fs, io, path::Path, sync::Arc};

use async_trait::async_trait;

use self::{execution::Executions, query::Queries, store::Store};
use crate::{
    durable::Durable,
    inventory::Inventory,
    protocol::{Json, Protocol},
    service::{
        Answer, Call,
        Operation::{Awaited, Immediate},
        Operations, Service, json,
    },
    service_error::ServiceError,
    services::{glue::Glue, s3::S3},
};

/// Athena over one folder.
pub(crate) struct Athena {
    queries: Arc<Queries>,
}

impl Athena {
    /// Opens the workgroups and executions that lie in `folder`. Executions that were under way when it was closed
    /// are FAILED; what is older than Athena's history is forgotten.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it is damaged.
    pub(crate) fn open(folder: &Path, glue: Arc<Glue>, s3: Arc<S3>) -> io::Result<Arc<Self>> {
        Self::open_over_store(folder, glue, s3)
    }

    fn open_over_store(folder: &Path, glue: Arc<Glue>, store: Arc<dyn Store>) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let workgroups = Durable::open(&folder.join("workgroups.json"))?;
        let executions = Executions::open(&folder.join("executions"))?;
        Ok(Arc::new(Self { queries: Arc::new(Queries::new(glue, store, workgroups, executions)) }))
    }
}

static OPERATIONS: Operations<Athena> = Operations(&[
    ("CreateWorkGroup", Immediate(|athena, call| json(athena.queries.workgroups.create(wire::parse(&call.body)?)))),
    ("GetWorkGroup", Immediate(|athena, call| json(athena.queries.workgroups.describe(wire::parse(&call.body)?)))),
    ("ListWorkGroups", Immediate(|athena, call| json(athena.queries.workgroups.list(wire::parse(&call.body)?)))),
    ("UpdateWorkGroup", Immediate(|athena, call| json(athena.queries.workgroups.update(wire::parse(&call.body)?)))),
    ("DeleteWorkGroup", Immediate(|athena, call| json(athena.queries.delete_workgroup(wire::parse(&call.body)?)))),
    ("TagResource", Immediate(|athena, call| json(athena.queries.workgroups.tag(wire::parse(&call.body)?)))),
    ("UntagResource", Immediate(|athena, call| json(athena.queries.workgroups.untag(wire::parse(&call.body)?)))),
    ("ListTagsForResource", Immediate(|athena, call| json(athena.queries.workgroups.tags(wire::parse(&call.body)?)))),
    (
        "CreateNamedQuery",
        Immediate(|athena, call| json(athena.queries.workgroups.create_named_query(wire::parse(&call.body)?))),
    ),
    (
        "GetNamedQuery",
        Immediate(|athena, call| json(athena.queries.workgroups.describe_named_query(wire::parse(&call.body)?))),
    ),
    (
        "ListNamedQueries",
        Immediate(|athena, call| json(athena.queries.workgroups.list_named_queries(wire::parse(&call.body)?))),
    ),
    (
        "DeleteNamedQuery",
        Immediate(|athena, call| json(athena.queries.workgroups.delete_named_query(wire::parse(&call.body)?))),
    ),
    ("StartQueryExecution", Immediate(|athena, call| json(athena.queries.start(wire::parse(&call.body)?)))),
    ("StopQueryExecution", Immediate(|athena, call| json(athena.queries.stop(wire::parse(&call.body)?)))),
    ("GetQueryExecution", Immediate(|athena, call| json(athena.queries.get(wire::parse(&call.body)?)))),
    ("BatchGetQueryExecution", Immediate(|athena, call| json(athena.queries.batch_get(wire::parse(&call.body)?)))),
    ("ListQueryExecutions", Immediate(|athena, call| json(athena.queries.list(wire::parse(&call.body)?)))),
    (
        "GetQueryResults",
        Awaited(|athena, call| Box::pin(async { json(athena.queries.results(wire::parse(&call.body)?).await) })),
    ),
]);

#[async_trait]
impl Service for Athena {
    fn name(&self) -> &'static str {
        "athena"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("AmazonAthena"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.queries.workgroups.read().inventory(into)
    }
}

#[cfg(test)]
mod tests;
