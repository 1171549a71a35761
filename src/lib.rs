//! A whole Kinesis pipeline from one YAML file: stand it up, drive it, prove that nothing was lost, take it away.
//!
//! The map of the house, ground floor first. A module imports only from those above its line here, or from itself;
//! `tests/it/floors.rs` holds that.

/// One file per kind of AWS resource, and the clients.
pub mod aws;
/// One file per command.
pub mod cli;
/// Resource graph, journal, plan, apply, destroy; knows no AWS.
pub mod engine;
/// Drives a workload through the producer at a rate.
pub mod load;
/// The AWS stand-in; knows only the AWS protocols.
pub mod local;
/// Firehose's prefix expressions: `!{timestamp:…}` and `!{firehose:…}`.
pub mod prefix;
/// The embeddable producer.
pub mod producer;
/// One result, several renderings.
pub mod report;
/// The one schema of a document, and everything that follows from it.
pub mod schema;
/// A stack file: YAML, overlays, one validated type.
pub mod spec;
/// Offered = acknowledged = landed = queried.
pub mod verify;
/// Documents, seeded and splittable.
pub mod workload;
