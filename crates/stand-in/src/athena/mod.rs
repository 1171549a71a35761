//! Athena: SQL on DataFusion over the catalogued objects.
//!
//! A table is a folder of JSON objects, one a line, as the OpenX SerDe reads them: keys in any case, plain or in gzip or in
//! Hadoop's Snappy, what follows a line's first object ignored. Or it is a folder of Parquet, of which only the columns that
//! are asked for are read. Every query reads the objects anew; nothing is cached.
//!
//! The SQL is DataFusion's, which has most of what Trino's SELECT has: dots into structs, joins, windows, `with`,
//! `approx_distinct`, `date_trunc`, `try_cast`, `round`. Not covered: Trino functions that DataFusion has no equal of
//! (`json_extract_scalar`, `count_if`, `max_by`, `arbitrary`, `from_iso8601_timestamp`, `transform` and other lambdas),
//! one expression twice in a SELECT without an alias, `UNNEST … WITH ORDINALITY`, `TABLESAMPLE`, prepared statements,
//! EXPLAIN, quoted names in upper case, a line and column in error messages, `map` and `binary` columns, the OpenX
//! SerDe's `mapping.*` and `dots.in.keys`, and file formats other than JSON and Parquet. Catalog and data are read-only here:
//! CREATE, ALTER, MSCK, INSERT and DROP fail with a message that says so.

mod catalog;
mod engine;
mod execution;
mod failure;
mod parquet;
mod projection;
mod query;
mod results;
mod source;
mod statement;
mod store;
mod table;
mod text;
mod wire;
mod workgroup;

use std::{fs, io, path::Path, sync::Arc};

use bytes::Bytes;

use self::{execution::Executions, query::Queries, store::Store};
use super::{durable::Durable, glue::Glue, kept::Kept, s3::S3, service_error::ServiceError};

/// The service.
pub struct Athena {
    queries: Arc<Queries>,
}

impl Athena {
    /// Opens the workgroups and executions that lie in `folder`. Executions that were under way when it was closed
    /// are FAILED; what is older than Athena's history is forgotten.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it is damaged.
    pub fn open(folder: &Path, glue: Arc<Glue>, s3: Arc<S3>) -> io::Result<Arc<Self>> {
        Self::over(folder, glue, s3)
    }

    fn over(folder: &Path, glue: Arc<Glue>, store: Arc<dyn Store>) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let workgroups = Durable::open(&folder.join("workgroups.json"))?;
        let executions = Executions::open(&folder.join("executions"))?;
        Ok(Arc::new(Self { queries: Arc::new(Queries::new(glue, store, workgroups, executions)) }))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        self.queries.workgroups.read().note(kept)
    }

    /// One call of the wire protocol: the operation's name as in `X-Amz-Target: AmazonAthena.<operation>`, its JSON
    /// body, and the JSON answer. Queries run on the calling Tokio runtime, and go on after the call has returned.
    ///
    /// # Errors
    /// As the API reference has them.
    pub async fn call(&self, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        let queries = &self.queries;
        let workgroups = &queries.workgroups;
        let answer = match operation {
            "CreateWorkGroup" => workgroups.create(wire::parse(&body)?),
            "GetWorkGroup" => workgroups.describe(wire::parse(&body)?),
            "ListWorkGroups" => workgroups.list(wire::parse(&body)?),
            "UpdateWorkGroup" => workgroups.update(wire::parse(&body)?),
            "DeleteWorkGroup" => queries.delete_workgroup(wire::parse(&body)?),
            "TagResource" => workgroups.tag(wire::parse(&body)?),
            "UntagResource" => workgroups.untag(wire::parse(&body)?),
            "ListTagsForResource" => workgroups.tags(wire::parse(&body)?),
            "StartQueryExecution" => queries.start(wire::parse(&body)?),
            "StopQueryExecution" => queries.stop(wire::parse(&body)?),
            "GetQueryExecution" => queries.get(wire::parse(&body)?),
            "BatchGetQueryExecution" => queries.batch_get(wire::parse(&body)?),
            "ListQueryExecutions" => queries.list(wire::parse(&body)?),
            "GetQueryResults" => queries.results(wire::parse(&body)?).await,
            _ => Err(ServiceError::client(
                "UnknownOperationException",
                format!("the stand-in's Athena has no operation {operation}"),
            )),
        }?;
        Ok(Bytes::from(answer.to_string()))
    }
}

#[cfg(test)]
mod tests;
