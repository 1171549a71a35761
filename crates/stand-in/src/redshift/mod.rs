//! Redshift: the Data API, Redshift Serverless, and an engine under both that stores rows and answers SQL.
//!
//! A fresh stand-in has one provisioned cluster and one Serverless workgroup, both named `demo`. Statements run in the
//! background; what they have committed survives a kill of the process. The SQL is DataFusion's with Redshift's words and
//! functions added, see [`engine`] for what is not covered; COPY loads JSON.

mod copy;
mod data;
mod engine;
mod firehose;
mod serverless;
#[cfg(test)]
mod tests;
mod warehouses;
mod wire;

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;

pub(crate) use self::firehose::{Destination, Login, Trouble};
use self::{
    data::{Data, Executions},
    serverless::{Serverless, State},
    warehouses::Warehouses,
};
use super::{durable::Durable, iam::Iam, kept::Kept, s3::S3, secrets::Secrets, service_error::ServiceError};

/// The name of the cluster, the namespace and the workgroup of a fresh stand-in.
pub(crate) const PRELOADED: &str = "demo";
/// Their administrator's name and password; the secret `demo/redshift` holds both.
pub(crate) const ADMIN: (&str, &str) = ("admin", "local-only");
/// The database of every warehouse that names no other.
pub(crate) const DATABASE: &str = "dev";

/// The service.
pub struct Redshift {
    data: Arc<Data>,
    serverless: Serverless,
    warehouses: Arc<Warehouses>,
    secrets: Arc<Secrets>,
}

impl Redshift {
    /// Opens what lies in `folder`, which nobody but its owner may look into. A statement that was under way when it was
    /// closed is FINISHED where its effect is there, and FAILED otherwise.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it is damaged.
    pub fn open(folder: &Path, s3: Arc<S3>, iam: Arc<Iam>, secrets: Arc<Secrets>) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let state = Arc::new(Durable::<State>::open(&folder.join("serverless.json"))?);
        let warehouses = Arc::new(Warehouses::new(&folder.join("warehouses"), state.clone(), s3, iam.clone()));
        warehouses.sweep()?;
        let is_committed = |warehouse: &str, statement: &str| warehouses.is_committed(warehouse, statement);
        let executions = Executions::open(&folder.join("statements"), is_committed)?;
        let data = Arc::new(Data::new(warehouses.clone(), secrets.clone(), executions));
        let serverless = Serverless::new(state, secrets.clone(), iam);
        Ok(Arc::new(Self { data, serverless, warehouses, secrets }))
    }

    /// What is there, for a look into the store itself.
    pub(super) fn note(&self, kept: &mut Kept) -> Result<(), ServiceError> {
        self.serverless.note(kept)?;
        self.warehouses.note(kept)
    }

    /// One call of the Data API: the operation's name as in `X-Amz-Target: RedshiftData.<operation>`, its JSON body, and the
    /// JSON answer. Statements run on the calling Tokio runtime, and go on after the call has returned.
    ///
    /// # Errors
    /// As the API reference has them.
    pub async fn call_data(&self, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        self.serverless.settle()?;
        let data = &self.data;
        let answer = match operation {
            "ExecuteStatement" => data.execute(wire::parse(&body)?),
            "BatchExecuteStatement" => data.batch_execute(wire::parse(&body)?),
            "DescribeStatement" => data.describe(&wire::parse(&body)?),
            "CancelStatement" => data.cancel(&wire::parse(&body)?),
            "GetStatementResult" => data.result(&wire::parse(&body)?),
            "ListStatements" => data.list(&wire::parse(&body)?),
            "ListDatabases" => data.list_databases(&wire::parse(&body)?),
            "ListSchemas" => data.list_schemas(&wire::parse(&body)?),
            "ListTables" => data.list_tables(&wire::parse(&body)?),
            "DescribeTable" => data.describe_table(&wire::parse(&body)?),
            _ => Err(unknown("Redshift Data API", operation)),
        }?;
        Ok(Bytes::from(answer.to_string()))
    }

    /// One call of Redshift Serverless: the operation's name as in `X-Amz-Target: RedshiftServerless.<operation>`, its JSON
    /// body, and the JSON answer.
    ///
    /// # Errors
    /// As the API reference has them.
    pub async fn call_serverless(&self, operation: &str, body: Bytes) -> Result<Bytes, ServiceError> {
        let serverless = &self.serverless;
        serverless.settle()?;
        let answer = match operation {
            "CreateNamespace" => serverless.create_namespace(wire::parse(&body)?),
            "GetNamespace" => serverless.get_namespace(&wire::parse(&body)?),
            "ListNamespaces" => serverless.list_namespaces(&wire::parse(&body)?),
            "UpdateNamespace" => serverless.update_namespace(wire::parse(&body)?),
            "DeleteNamespace" => {
                let (answer, id) = serverless.delete_namespace(&wire::parse(&body)?)?;
                self.warehouses.forget(&id)?;
                Ok(answer)
            }
            "CreateWorkgroup" => serverless.create_workgroup(wire::parse(&body)?),
            "GetWorkgroup" => serverless.get_workgroup(&wire::parse(&body)?),
            "ListWorkgroups" => serverless.list_workgroups(&wire::parse(&body)?),
            "DeleteWorkgroup" => serverless.delete_workgroup(&wire::parse(&body)?),
            "TagResource" => serverless.tag(wire::parse(&body)?),
            "UntagResource" => serverless.untag(&wire::parse(&body)?),
            "ListTagsForResource" => serverless.tags(&wire::parse(&body)?),
            _ => Err(unknown("Redshift Serverless", operation)),
        }?;
        Ok(Bytes::from(answer.to_string()))
    }
}

fn unknown(service: &str, operation: &str) -> ServiceError {
    ServiceError::client("UnknownOperationException", format!("the stand-in's {service} has no operation {operation}"))
}
