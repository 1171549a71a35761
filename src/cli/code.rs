//! The code of a stack's function, for the commands that make stacks.

use std::path::PathBuf;

use clap::Args;

use super::exit::Stop;
use crate::{aws::packaging::Package, spec::Stack};

/// Where the function's code comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct Code {
    /// The binary of the function between the stream and DynamoDB, for Linux; the one beside `demo` when left out.
    #[arg(long, value_name = "FILE")]
    pub function_binary: Option<PathBuf>,
}

impl Code {
    /// The code, looked over; none for a stack without a function.
    pub fn package(&self, stack: &Stack) -> anyhow::Result<Option<Package>> {
        if stack.deliver.dynamodb.is_none() {
            return Ok(None);
        }
        Ok(Some(Package::find(self.function_binary.as_deref()).map_err(Stop::usage)?))
    }
}
