//! A whole Kinesis pipeline from one YAML file: stand it up, drive it, prove that nothing was lost, take it away.
//!
//! The map of the house, ground floor first. A module imports only from those above its line here, or from itself;
//! `tests/it/floors.rs` holds that. With the feature `producer` alone, it is the producer and what that stands on.

/// The one schema of a document, and everything that follows from it.
#[cfg(feature = "demo")]
pub mod schema;
/// Firehose's prefix expressions: `!{timestamp:…}`, `!{firehose:…}`, `!{partitionKeyFromQuery:…}`.
#[cfg(feature = "demo")]
pub mod prefix;
/// Aggregated records: many user records in one Kinesis record.
pub mod aggregated;
/// A stack file: YAML, overlays, one validated type.
#[cfg(feature = "demo")]
pub mod spec;
/// Documents, seeded and splittable.
#[cfg(feature = "demo")]
pub mod workload;
/// The function between the stream and a DynamoDB table.
#[cfg(feature = "demo")]
pub mod function;
/// The embeddable producer.
pub mod producer;
/// Resource graph, journal, plan, apply, destroy; knows no AWS.
#[cfg(feature = "demo")]
pub mod engine;
/// The AWS stand-in; knows only the AWS protocols.
#[cfg(feature = "demo")]
pub mod local;
/// One file per kind of AWS resource, and the clients.
#[cfg(feature = "demo")]
pub mod aws;
/// Drives a workload through the producer at a rate.
#[cfg(feature = "demo")]
pub mod load;
/// Offered = acknowledged = landed = queried.
#[cfg(feature = "demo")]
pub mod verify;
/// One result, several renderings.
#[cfg(feature = "demo")]
pub mod report;
/// One file per command.
#[cfg(feature = "demo")]
pub mod cli;
