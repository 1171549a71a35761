//! The two APIs of Redshift, as services.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{Redshift, wire::parse};
use crate::{
    inventory::Inventory,
    protocol::{Json, Protocol},
    service::{Answer, Call, Operation::Immediate, Operations, Service, json},
    service_error::ServiceError,
};

/// The Data API. Statements run on the calling Tokio runtime, and go on after the call has returned.
pub(crate) struct DataApi(pub(crate) Arc<Redshift>);

static DATA: Operations<DataApi> = Operations(&[
    ("ExecuteStatement", Immediate(|api, call| json(api.0.data.execute(parse(&call.body)?)))),
    ("BatchExecuteStatement", Immediate(|api, call| json(api.0.data.batch_execute(parse(&call.body)?)))),
    ("DescribeStatement", Immediate(|api, call| json(api.0.data.describe(&parse(&call.body)?)))),
    ("CancelStatement", Immediate(|api, call| json(api.0.data.cancel(&parse(&call.body)?)))),
    ("GetStatementResult", Immediate(|api, call| json(api.0.data.result(&parse(&call.body)?)))),
    ("ListStatements", Immediate(|api, call| json(api.0.data.list(&parse(&call.body)?)))),
    ("ListDatabases", Immediate(|api, call| json(api.0.data.list_databases(&parse(&call.body)?)))),
    ("ListSchemas", Immediate(|api, call| json(api.0.data.list_schemas(&parse(&call.body)?)))),
    ("ListTables", Immediate(|api, call| json(api.0.data.list_tables(&parse(&call.body)?)))),
    ("DescribeTable", Immediate(|api, call| json(api.0.data.describe_table(&parse(&call.body)?)))),
]);

#[async_trait]
impl Service for DataApi {
    fn name(&self) -> &'static str {
        "redshift-data"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("RedshiftData"))
    }

    fn operations(&self) -> Vec<&'static str> {
        DATA.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        self.0.serverless.settle()?;
        DATA.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.0.warehouses.inventory(into)
    }
}

/// Redshift Serverless.
pub(crate) struct ServerlessApi(pub(crate) Arc<Redshift>);

static SERVERLESS: Operations<ServerlessApi> = Operations(&[
    ("CreateNamespace", Immediate(|api, call| json(api.0.serverless.create_namespace(parse(&call.body)?)))),
    ("GetNamespace", Immediate(|api, call| json(api.0.serverless.get_namespace(&parse(&call.body)?)))),
    ("ListNamespaces", Immediate(|api, call| json(api.0.serverless.list_namespaces(&parse(&call.body)?)))),
    ("UpdateNamespace", Immediate(|api, call| json(api.0.serverless.update_namespace(parse(&call.body)?)))),
    ("DeleteNamespace", Immediate(|api, call| json(api.0.delete_namespace(call)))),
    ("CreateWorkgroup", Immediate(|api, call| json(api.0.serverless.create_workgroup(parse(&call.body)?)))),
    ("GetWorkgroup", Immediate(|api, call| json(api.0.serverless.get_workgroup(&parse(&call.body)?)))),
    ("ListWorkgroups", Immediate(|api, call| json(api.0.serverless.list_workgroups(&parse(&call.body)?)))),
    ("DeleteWorkgroup", Immediate(|api, call| json(api.0.serverless.delete_workgroup(&parse(&call.body)?)))),
    ("TagResource", Immediate(|api, call| json(api.0.serverless.tag(parse(&call.body)?)))),
    ("UntagResource", Immediate(|api, call| json(api.0.serverless.untag(&parse(&call.body)?)))),
    ("ListTagsForResource", Immediate(|api, call| json(api.0.serverless.tags(&parse(&call.body)?)))),
]);

#[async_trait]
impl Service for ServerlessApi {
    fn name(&self) -> &'static str {
        "redshift-serverless"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("RedshiftServerless"))
    }

    fn operations(&self) -> Vec<&'static str> {
        SERVERLESS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        self.0.serverless.settle()?;
        SERVERLESS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.0.serverless.inventory(into)
    }
}

impl Redshift {
    fn delete_namespace(&self, call: &Call) -> Result<Value, ServiceError> {
        let (answer, id) = self.serverless.delete_namespace(&parse(&call.body)?)?;
        self.warehouses.forget(&id)?;
        Ok(answer)
    }
}
