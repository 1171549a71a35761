//! `demo`: parse, run, exit.

use std::process::ExitCode;

use kinesis_demo::cli::{self, usage};

fn main() -> ExitCode {
    cli::run(usage::parse())
}
