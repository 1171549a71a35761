//! Every integration test in one binary.

mod aws_cli;
mod catalog;
mod command;
mod delivery;
mod floors;
mod function;
mod lifecycle;
mod own_json;
mod producer;
mod producer_sdk;
mod redshift;
mod schema;
mod specs;
mod stacks;
mod stand_in;
mod stand_in_daemon;
mod stand_in_dynamodb;
mod stand_in_iam;
mod stand_in_lambda;
mod whole;
mod workload;
