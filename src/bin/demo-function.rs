//! `demo-function`: from a Kinesis event to items of a DynamoDB table, under the Lambda runtime `provided.al2023`.

use std::{convert::Infallible, env, process::ExitCode};

use kinesis_demo::function::{Config, Event, Writer, handle};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-function: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), lambda_runtime::Error> {
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
