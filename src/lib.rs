//! Creates a Kinesis pipeline from one YAML file, loads it, verifies that nothing was lost, and removes it.
//!
//! Module map, lowest module first. A module imports only from the modules above its line here, or from itself;
//! `tests/it/floors.rs` checks this, and which of the crates in `crates/` import which. The `spec` of a delivery is a part
//! of the module `spec`.

/// A stack file: YAML, overlays, one validated type.
pub mod spec;
/// Resource graph, journal, plan, apply, destroy; knows no AWS.
pub mod engine;
/// One file per kind of AWS resource, and the clients.
pub mod aws;
/// Sends a workload through the producer at a rate.
pub mod load;
/// One load by several workers: how they and their coordinator meet.
pub mod fleet;
/// Verifies that every acknowledged document arrived.
pub mod verify;
/// One folder for each delivery, with everything about it.
pub mod deliveries;
/// The pipeline of a stack: its resources, its costs and its lifecycle.
pub mod pipeline;
/// The result of a run, and how to render it.
pub mod report;
/// The record of a run: written as it goes, read back, listed.
pub mod record;
/// What the commands do, for whichever program runs them.
pub mod operations;
/// A live page of a run, for an audience and whoever presents it.
pub mod page;
/// One file per command.
pub mod cli;

/// The Rust code that the documents show, so that `cargo test` compiles it as printed.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/producer.md")]
#[doc = include_str!("../docs/stand-in.md")]
struct Documents;
