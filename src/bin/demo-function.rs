//! `demo-function`: what a stack's Lambda function runs, under the runtime `provided.al2023`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match demo_function::serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-function: {error}");
            ExitCode::FAILURE
        }
    }
}
