//! Lambda: functions that run as processes of their own behind the runtime interface, and event source mappings that
//! bring them the records of Kinesis streams.
//!
//! A function's processes need the stand-in's own address, so nothing is invoked before [`Lambda::start`] gets it. Not
//! covered: versions and aliases, layers, images, URLs, asynchronous invocation, filters, tumbling windows, permissions of a
//! function's role, runtimes other than `provided`, and limits on memory.

mod batch;
mod code;
mod event;
mod failure;
mod function;
mod functions;
mod invoke;
mod shard_poller;
mod last_result;
mod mapping;
mod mappings;
mod mapping_poller;
mod pool;
mod process;
mod progress;
mod refuse;
mod route;
mod runtime;

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::json;

use self::{functions::Functions, mappings::Mappings, route::Route};
use crate::{
    clock,
    durable::Durable,
    inventory::Inventory,
    json,
    keys::AccessKey,
    protocol::{Protocol, Rest, uuid},
    service::{Answer, Call, Reply, Service},
    service_error::ServiceError,
    services::{iam::Iam, kinesis::Kinesis, logs::Logs, s3::S3},
};

/// The largest body of a request, in bytes: a zip of 50 MiB as base64 in JSON (Lambda answers a larger one with
/// `Request must be smaller than 70167211 bytes for the CreateFunction operation`).
pub(crate) const BODY_LIMIT: usize = 70_167_211;

/// Lambda. Dropping it ends the functions' processes and stops the mappings where they are; opening it again goes on
/// from there.
pub(crate) struct Lambda {
    functions: Arc<Functions>,
    mappings: Mappings,
}

impl Lambda {
    /// Opens the functions and mappings that lie in `folder`; to be called inside a tokio runtime. Functions call the
    /// stand-in with `key`.
    ///
    /// # Errors
    /// When the folder cannot be read or written, what lies there is damaged, or there is no runtime.
    pub(crate) fn open(
        folder: &Path,
        kinesis: Arc<Kinesis>,
        s3: Arc<S3>,
        iam: Arc<Iam>,
        logs: Arc<Logs>,
        key: AccessKey,
    ) -> io::Result<Arc<Self>> {
        let functions =
            Functions::open(&folder.join("functions"), s3.clone(), iam, logs, key, kinesis.faults().clone())?;
        let mappings = Mappings::open(&folder.join("mappings"), kinesis, s3, functions.clone())?;
        Ok(Arc::new(Self { functions, mappings }))
    }

    /// Says where the stand-in answers: functions may be invoked now, and call it there.
    pub(crate) fn start(&self, address: SocketAddr) {
        self.functions.start(address);
    }

    /// Says that the stand-in answers no longer: mappings rest, and what they had begun does not count as failed.
    pub(crate) fn pause(&self) {
        self.functions.pause();
    }

    fn list_tags(&self, arn: &str) -> Answer {
        match mapping::id_in(arn) {
            Some(id) => self.mappings.list_tags(id),
            None => self.functions.list_tags(arn),
        }
    }

    fn tag(&self, arn: &str, request: route::Tags) -> Answer {
        refuse::reserved(&request.tags)?;
        match mapping::id_in(arn) {
            Some(id) => self.mappings.change_tags(id, |tags| tags.extend(request.tags)),
            None => self.functions.change_tags(arn, |tags| tags.extend(request.tags)),
        }
    }

    fn untag(&self, arn: &str, keys: &[String]) -> Answer {
        match mapping::id_in(arn) {
            Some(id) => self.mappings.change_tags(id, |tags| tags.retain(|key, _| !keys.contains(key))),
            None => self.functions.change_tags(arn, |tags| tags.retain(|key, _| !keys.contains(key))),
        }
    }
}

#[async_trait]
impl Service for Lambda {
    fn name(&self) -> &'static str {
        "lambda"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Rest(Rest { body_limit: BODY_LIMIT, error_body })
    }

    fn operations(&self) -> Vec<&'static str> {
        route::OPERATIONS.to_vec()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        match Route::of(&call.request)? {
            Route::CreateFunction => self.functions.create(parse(&call.body)?).await,
            Route::ListFunctions(paging) => self.functions.list(&paging),
            Route::GetFunction(name) => self.functions.get(&name),
            Route::GetFunctionConfiguration(name) => self.functions.get_configuration(&name),
            Route::UpdateFunctionCode(name) => self.functions.update_code(&name, parse(&call.body)?).await,
            Route::UpdateFunctionConfiguration(name) => self.functions.update_configuration(&name, parse(&call.body)?),
            Route::DeleteFunction(name) => self.functions.delete(&name),
            Route::Invoke(name) => self.functions.answer_invoke(&name, &call.request.headers, call.body).await,
            Route::ListTags(arn) => self.list_tags(&arn),
            Route::TagResource(arn) => self.tag(&arn, parse(&call.body)?),
            Route::UntagResource(arn, keys) => self.untag(&arn, &keys),
            Route::CreateMapping => self.mappings.create(parse(&call.body)?),
            Route::ListMappings(wanted, paging) => self.mappings.list(&wanted, &paging),
            Route::GetMapping(id) => self.mappings.get(&id),
            Route::UpdateMapping(id) => self.mappings.update(&id, parse(&call.body)?),
            Route::DeleteMapping(id) => self.mappings.delete(&id),
        }
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.functions.inventory(into)?;
        self.mappings.inventory(into)
    }
}

/// What an error says, in the fields of Lambda's model.
fn error_body(error: &ServiceError) -> serde_json::Value {
    let at_fault = if error.status < 500 { "User" } else { "Service" };
    json!({"Type": at_fault, "message": error.message})
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    json::parse(body).map_err(|e| match json::unsupported(&e) {
        Some(member) => refuse::parameter(member),
        None => {
            let message = format!("Could not parse request body into json: {e}");
            ServiceError::client("InvalidRequestContentException", message)
        }
    })
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    clock::utc().timestamp_millis()
}
