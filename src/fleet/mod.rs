//! One load by several workers: how they and their coordinator meet.
//!
//! They exchange small objects through a [`Rendezvous`], a folder or a bucket, and nothing else. Each object has one writer:
//!
//! ```text
//! coordinator ─ plan, seat-2-of-3.1, order-1, order-2 … ─▸ once
//!             ─ coordinator ─▸ each second: its heartbeat, how long it may be missing, the start, how many orders there are
//! worker      ─ status-2-of-3.1 ─▸ each second: state and figures
//!             ─ log-2-of-3.1 ─▸ each second, or more seldom: the acknowledgement log
//!             ─ ended-2-of-3.1 ─▸ once: what it came to
//! ```
//!
//! A seat is a part of the load and how many workers have had it. A worker says that it is ready; when all are, the
//! coordinator says when they start. A worker that is dead, by its process or because its heartbeat has been missing for too long, is
//! ended for good, and the next one has its part: what its log does not have is sent, again or for the first time. A worker whose coordinator
//! is missing for too long ends by itself.

mod bucket;
mod coordinator;
mod event;
mod figures;
mod folder;
mod last_words;
mod launch;
mod member;
mod message;
mod outcome;
mod processes;
mod rendezvous;
mod seat;
mod task;
mod tasks;
mod told;
#[cfg(test)]
mod tests;

pub use bucket::InBucket;
pub use coordinator::{Coordinator, FleetError, Unled, plan_of, until_unled};
pub use event::{FleetEvent, Tell};
pub use figures::{Figures, LastRead, Tally};
pub use folder::InFolder;
pub use last_words::logs_in;
pub use launch::{Launcher, Running};
pub use member::{AtGate, Member, View};
pub use message::{Ended, Finished, RunPlan, Seat, Stage, Tracked};
pub use outcome::FleetResult;
pub use processes::{LogOf, Processes};
pub use rendezvous::{Rendezvous, RendezvousError};
pub use seat::WorkerState;
pub use task::{NoTask, Task};
pub use tasks::{TaskService, Tasks};
