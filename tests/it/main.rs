//! Every integration test in one binary.

mod aws_cli;
mod catalog;
mod command;
mod delivery;
mod floors;
mod lifecycle;
mod postgres;
mod producer;
mod producer_sdk;
mod redshift;
mod schema;
mod specs;
mod stand_in;
mod stand_in_daemon;
mod stand_in_iam;
mod whole;
mod workload;
