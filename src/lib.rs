//! A whole Kinesis pipeline from one YAML file: stand it up, drive it, prove that nothing was lost, take it away.
//!
//! The map of the house, ground floor first. A module imports only from those above its line here, or from itself;
//! `tests/it/floors.rs` holds that.

/// The one schema of a document, and everything that follows from it.
pub mod schema;
/// Firehose's prefix expressions: `!{timestamp:…}`, `!{firehose:…}`, `!{partitionKeyFromQuery:…}`.
pub mod prefix;
/// Aggregated records: many user records in one Kinesis record.
pub mod aggregated;
/// A stack file: YAML, overlays, one validated type.
pub mod spec;
/// Documents, seeded and splittable.
pub mod workload;
/// The function between the stream and a DynamoDB table.
pub mod function;
/// The embeddable producer.
pub mod producer;
/// Resource graph, journal, plan, apply, destroy; knows no AWS.
pub mod engine;
/// The AWS stand-in; knows only the AWS protocols.
pub mod local;
/// One file per kind of AWS resource, and the clients.
pub mod aws;
/// Drives a workload through the producer at a rate.
pub mod load;
/// Offered = acknowledged = landed = queried.
pub mod verify;
/// One result, several renderings.
pub mod report;
/// One file per command.
pub mod cli;
