//! Every integration test in one binary.

mod aws_cli;
mod catalog;
mod command;
mod delivery;
mod dynamodb;
mod floors;
mod formats;
mod function;
mod lifecycle;
mod ministack;
mod own_json;
mod postgres;
mod producer;
mod producer_sdk;
mod redshift;
mod redshift_kill;
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
