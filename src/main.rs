//! `demo`: parse, run, exit.

use std::process::ExitCode;

use clap::Parser;
use kinesis_demo::cli::{self, Demo};

fn main() -> ExitCode {
    cli::run(Demo::parse())
}
