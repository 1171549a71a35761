//! The code of a stack's Lambda function and of its workers on Fargate, for the commands that create stacks.

use std::path::PathBuf;

use clap::Args;

use super::exit::Stop;
use crate::{
    aws::{packaging::Package, worker_program::WorkerProgram},
    operations::up,
    spec::Stack,
};

/// Options for the function's code.
#[derive(Args, Clone, Debug, Default)]
pub struct Code {
    /// Linux binary of the Lambda function that writes to DynamoDB; defaults to `demo-function` beside `demo`.
    #[arg(long, value_name = "FILE")]
    pub function_binary: Option<PathBuf>,
}

impl Code {
    /// Finds and checks the code; none for a stack without a function.
    pub fn package(&self, stack: &Stack) -> anyhow::Result<Option<Package>> {
        up::package(stack, self.function_binary.as_deref()).map_err(|error| Stop::usage(error).into())
    }
}

/// Finds and checks the program of a stack's workers on Fargate; none for a stack without any.
pub(super) fn worker_program(stack: &Stack) -> anyhow::Result<Option<WorkerProgram>> {
    up::worker_program(stack).map_err(|error| Stop::usage(error).into())
}
