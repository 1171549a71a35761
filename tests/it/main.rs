//! Every integration test in one binary.

mod aws_cli;
mod catalog;
mod command;
mod delivery;
mod floors;
mod function;
mod lifecycle;
mod producer;
mod producer_sdk;
mod schema;
mod specs;
mod stand_in;
mod stand_in_daemon;
mod stand_in_iam;
mod whole;
mod workload;
