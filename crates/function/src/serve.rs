//! The function under Lambda's runtime interface.

use std::{convert::Infallible, env};

use lambda_runtime::{Error, LambdaEvent, service_fn};

use super::{Config, Event, Writer, handle};

/// Handles events until the process ends. Failed records and their causes go to stderr, so to the function's log.
///
/// # Errors
/// The environment lacks what [`Config`] reads, or the runtime interface is gone.
pub async fn serve() -> Result<(), Error> {
    let config = Config::read(|name| env::var(name).ok())?;
    let writer = Writer::new(config.client(), config.table, config.key);
    let handler = async |event: LambdaEvent<Event>| {
        let deadline = event.context.deadline();
        let handled = handle(event.payload, &writer, deadline).await;
        handled.causes.iter().for_each(|cause| eprintln!("{cause}"));
        Ok::<_, Infallible>(handled.response)
    };
    lambda_runtime::run(service_fn(handler)).await
}
