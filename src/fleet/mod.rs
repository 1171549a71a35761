//! One load by several workers: how they and their coordinator meet.
//!
//! They exchange small objects through a [`Rendezvous`], a folder or a bucket, and nothing else. Each object has one writer:
//!
//! ```text
//! coordinator ─ plan, seat-2-of-3.1, start, order-1, order-2 … ─▸ once
//!             ─ coordinator ─▸ each second: its heartbeat, and how long it may be missing
//! worker      ─ status-2-of-3.1, log-2-of-3.1 ─▸ each second: state and figures; the acknowledgement log
//! ```
//!
//! A seat is a part of the load and how many workers have had it. A worker says that it is ready; when all are, the
//! coordinator says when they start. A worker that is dead, by its process or because its heartbeat has been missing for too long, is
//! ended for good, and the next one has its part: what its log does not have is sent, again or for the first time. A worker whose coordinator
//! is missing for too long ends by itself.

mod bucket;
mod coordinator;
mod figures;
mod folder;
mod launch;
mod member;
mod message;
mod outcome;
mod processes;
mod rendezvous;
mod seat;
#[cfg(test)]
mod tests;

pub use bucket::InBucket;
pub use coordinator::{Coordinator, FleetError, FleetEvent, Tell};
pub use figures::{Figures, LastRead, Tally};
pub use folder::InFolder;
pub use launch::{Launcher, Running};
pub use member::{AtGate, Member, View};
pub use message::{Ended, Finished, RunPlan, Seat, Stage, Tracked};
pub use outcome::FleetResult;
pub use processes::{LogOf, Processes};
pub use rendezvous::{Rendezvous, RendezvousError};
pub use seat::WorkerState;
