//! Every integration test in one binary.

mod aws_cli;
mod command;
mod floors;
mod producer;
mod producer_sdk;
mod whole;
