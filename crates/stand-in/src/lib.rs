//! The AWS stand-in: one loopback port that speaks the AWS wire protocols, for demonstrations and tests without an account.
//!
//! A program's own tests start a [`Server`] and point any AWS SDK at it; `examples/own_test.rs` shows how. [`daemon`] is the
//! same in a process of its own. The services themselves are open only to the tests of this workspace.

pub mod athena;
mod browser;
mod call_log;
mod cbor;
pub mod clock;
pub mod daemon;
pub mod durable;
pub mod dynamodb;
pub mod fault;
pub mod firehose;
mod folder;
pub mod glue;
mod hive;
mod in_process;
pub mod iam;
pub mod kept;
pub mod keys;
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

pub use in_process::Server;
pub use keys::AccessKey;

/// The account that everything in the stand-in belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The one region of the stand-in.
pub const REGION: &str = "us-east-1";
/// The one user there is: whoever signs with the stand-in's key.
const USER: &str = "local";

/// The ARN of the one user.
fn caller_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{USER}")
}

/// The user's id.
fn caller_id() -> String {
    format!("AIDA{:A<17}", USER.to_ascii_uppercase())
}
