//! What every service of the stand-in has in common: how requests reach it, what it answers, and what it stores.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, request::Parts};
use minicbor_serde::Deserializer;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::{
    inventory::Inventory,
    protocol::{Encoding, Protocol},
    service_error::ServiceError,
};

/// One AWS service. `services/mod.rs` has the table of them all.
#[async_trait]
pub(crate) trait Service: Send + Sync {
    /// Returns the name that requests are signed for, for example `kinesis`.
    fn name(&self) -> &'static str;

    /// Returns how requests name this service and its operations, and how it writes its answers.
    fn protocol(&self) -> Protocol;

    /// Lists its operations by their names in the API reference.
    fn operations(&self) -> Vec<&'static str>;

    /// Whether it takes the operation's requests in CBOR as they are, and answers in CBOR. All others come and go in JSON, whatever
    /// the caller speaks.
    fn takes_cbor(&self, _operation: &str) -> bool {
        false
    }

    /// Carries out one call. Its signature is verified and its body is in memory. A service whose protocol streams, as S3's
    /// does, is not called this way and keeps the default.
    async fn call(self: Arc<Self>, call: Call) -> Answer {
        Err(unknown_operation(self.name(), &self.protocol(), &call.operation))
    }

    /// Adds everything that this service stores.
    fn inventory(&self, _into: &mut Inventory) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// A request to a service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The operation's name; method and path in a REST protocol.
    pub(crate) operation: String,
    /// The request line and the headers.
    pub(crate) request: Parts,
    /// How body and answer are written; JSON in protocols that have no other.
    pub(crate) encoding: Encoding,
    /// JSON or CBOR, or a form in the query protocol.
    pub(crate) body: Bytes,
}

impl Call {
    /// Makes a call that came over no wire.
    pub(crate) fn of(operation: &str, body: impl Into<Bytes>) -> Self {
        let request = Request::new(()).into_parts().0;
        Self { operation: operation.to_owned(), request, encoding: Encoding::Json, body: body.into() }
    }
}

impl Call {
    /// The body in JSON, whatever it is written in.
    ///
    /// # Errors
    /// `SerializationException` when it is not CBOR, or of types that JSON has not.
    pub(crate) fn json(&self) -> Result<Bytes, ServiceError> {
        self.encoding.decode(self.body.clone())
    }

    /// The request in CBOR, read where it lies. `None` where it is in JSON, and where it is of a shape that only [`Call::json`]
    /// knows: reading that also says what is wrong with a request.
    pub(crate) fn read_cbor<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        if self.encoding != Encoding::Cbor {
            return None;
        }
        let mut deserializer = Deserializer::new(&self.body);
        let request = T::deserialize(&mut deserializer).ok()?;
        (deserializer.decoder().position() == self.body.len()).then_some(request)
    }
}

/// What a call returns.
pub(crate) type Answer = Result<Reply, ServiceError>;

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// Beyond those of every answer.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON or CBOR, XML in the query protocol, or a function's own answer.
    pub(crate) body: Bytes,
}

impl Reply {
    /// Answers 200 with a body.
    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// Answers with a value in JSON.
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(value).map_err(ServiceError::internal)?;
        Ok(Self { status, headers: Vec::new(), body: body.into() })
    }

    /// Answers without a body.
    pub(crate) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), body: Bytes::new() }
    }
}

/// Answers 200 with a value in JSON, if there is one.
pub(crate) fn json(value: Result<impl Serialize, ServiceError>) -> Answer {
    Reply::json(200, &value?)
}

/// The operations of a service by name.
pub(crate) struct Operations<S: 'static>(pub(crate) &'static [(&'static str, Operation<S>)]);

/// What carries out an operation.
pub(crate) enum Operation<S: 'static> {
    /// Is done when it returns.
    Immediate(fn(&S, &Call) -> Answer),
    /// Waits for something on its way.
    Awaited(for<'a> fn(&'a S, &'a Call) -> BoxFuture<'a, Answer>),
}

impl<S: Service> Operations<S> {
    /// Lists the names.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    /// Carries out the operation that the call names.
    ///
    /// # Errors
    /// `UnknownOperationException`, in the query protocol `InvalidAction`, if there is none of that name.
    pub(crate) async fn run(&self, service: &S, call: &Call) -> Answer {
        match self.0.iter().find(|(known, _)| *known == call.operation) {
            Some((_, Operation::Immediate(run))) => run(service, call),
            Some((_, Operation::Awaited(run))) => run(service, call).await,
            None => Err(unknown_operation(service.name(), &service.protocol(), &call.operation)),
        }
    }
}

impl<S: Service + 'static> Operations<S> {
    /// Carries out the operation that the call names on a thread that may wait for files.
    ///
    /// # Errors
    /// As [`Operations::run`] does.
    pub(crate) async fn run_blocking(&'static self, service: Arc<S>, call: Call) -> Answer {
        let runtime = Handle::current();
        let run = move || runtime.block_on(self.run(&service, &call));
        tokio::task::spawn_blocking(run).await.map_err(ServiceError::internal)?
    }
}

/// Calls a service as its tests do, and returns the body of its answer.
#[cfg(test)]
pub(crate) async fn ask(
    service: &Arc<impl Service>,
    operation: &str,
    body: impl Into<Bytes>,
) -> Result<Bytes, ServiceError> {
    Ok(service.clone().call(Call::of(operation, body)).await?.body)
}

/// Refuses an operation that a service does not have.
fn unknown_operation(service: &str, protocol: &Protocol, operation: &str) -> ServiceError {
    match protocol {
        Protocol::Query(query) => query.unknown_action(operation),
        _ => {
            let message = format!("the stand-in's {service} has no operation {operation}");
            ServiceError::client("UnknownOperationException", message)
        }
    }
}
