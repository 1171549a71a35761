//! A whole Kinesis pipeline from one YAML file: stand it up, drive it, prove that nothing was lost, take it away.
//!
//! The map of the house, ground floor first. A module imports only from those above its line here, or from itself;
//! `tests/it/floors.rs` holds that, and which of the crates in `crates/` may know which.

/// A stack file: YAML, overlays, one validated type.
pub mod spec;
/// Resource graph, journal, plan, apply, destroy; knows no AWS.
pub mod engine;
/// One file per kind of AWS resource, and the clients.
pub mod aws;
/// Drives a workload through the producer at a rate.
pub mod load;
/// Offered = acknowledged = landed = queried.
pub mod verify;
/// One result, several renderings.
pub mod report;
/// What the commands do, for whichever program runs them.
pub mod operations;
/// One file per command.
pub mod cli;
