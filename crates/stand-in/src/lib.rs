//! The AWS stand-in: one loopback port that speaks the AWS wire protocols, for demonstrations and tests without an account.
//!
//! A program's own tests start a [`Server`] and point any AWS SDK at it; `examples/own_test.rs` shows how. [`daemon`] is the
//! same in a process of its own. The services themselves are open only to the tests of this workspace.

#[cfg(test)]
mod arbitrary;
mod browser;
mod buffers;
mod call_log;
mod cbor;
mod clock;
mod connections;
pub mod daemon;
mod durable;
pub mod faults;
mod service_error;
pub mod folder;
mod hive;
mod in_process;
mod inventory;
mod json;
mod keys;
mod processes;
mod protocol;
mod query;
mod region;
mod room;
mod route;
mod server;
mod service;
mod services;
mod sessions;
mod signature;
mod snappy;
mod sql;
mod tags;
mod trino;

pub use in_process::Server;
pub use keys::AccessKey;

/// For the tests of this workspace, which look into the stores themselves. It changes without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::{inventory::Inventory, server::StandIn};
}

/// The account that everything in the stand-in belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The one region of the stand-in; calls that are signed for another see it under that name.
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
