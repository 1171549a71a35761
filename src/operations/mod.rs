//! What the commands do, for whichever program runs them: create a stack, load it, verify its records, query it, remove it.
//!
//! An operation knows no terminal, no exit code and no process signal. It reports events to a [`Host`], asks it before
//! something costs money or is deleted, and ends in order once a [`Cancel`](crate::engine::Cancel) is raised.

pub mod attach;
pub mod budget;
pub mod causes;
pub mod conductor;
pub mod control;
pub mod documents;
pub mod down;
mod fargate;
pub mod fleet;
mod guard;
pub mod host;
pub mod known;
pub mod load;
pub mod logs;
mod meeting;
pub mod member;
pub mod process;
pub mod query;
pub mod recording;
pub mod room;
pub mod run;
pub mod sending;
pub mod status;
pub mod target;
pub mod task;
pub mod up;
pub mod verification;
mod watching;
pub mod worker;

pub use budget::BudgetError;
pub use documents::{Documents, DocumentsError};
pub use down::{DownError, DownOutcome};
pub use host::{Event, Host, Question};
pub use known::{FindError, JournaledStack, KnownStack};
pub use member::MemberError;
pub use recording::Recording;
pub use room::RoomError;
pub use run::{RunError, RunOptions, RunOutcome};
pub use status::{StackStatus, Stage};
pub use target::ConnectError;
pub use up::{OnFailure, StackUp, UpError, UpOptions};
pub use worker::{SharedRun, WorkerError};
