//! The AWS stand-in: one loopback port that speaks the AWS wire protocols.

pub mod athena;
mod call_log;
mod cbor;
pub mod clock;
pub mod daemon;
pub mod durable;
pub mod dynamodb;
pub mod fault;
pub mod firehose;
pub mod glue;
mod hive;
pub mod iam;
pub mod kept;
pub mod kinesis;
pub mod lambda;
pub mod logs;
mod protocol;
mod query;
pub mod quotas;
pub mod redshift;
pub mod rest;
pub mod s3;
pub mod scheduler;
pub mod secrets;
pub mod server;
mod signature;
mod snappy;
pub mod sts;

/// The account that everything in the stand-in belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The one region of the stand-in.
pub const REGION: &str = "us-east-1";
/// Access key id and secret that the stand-in takes.
pub const ACCESS_KEY: &str = "local";

/// The ARN of the one caller, whoever signs with [`ACCESS_KEY`].
fn caller_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{ACCESS_KEY}")
}

/// The caller's user id.
fn caller_id() -> String {
    format!("AIDA{:A<17}", ACCESS_KEY.to_ascii_uppercase())
}
