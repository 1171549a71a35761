//! Resource graph, journal, plan, apply, destroy. Knows no AWS: providers bring that.
//!
//! The way of one `up`: a [`Graph`] of what is wanted; a [`Survey`] reads each resource by its [`Provider`]; [`apply::up`] writes
//! what it is about to do into the [`Journal`], and only then calls. [`destroy::down`] needs nothing but the journal.

pub mod apply;
pub mod cancel;
pub mod destroy;
pub mod entry;
pub mod graph;
pub mod home;
pub mod id;
pub mod journal;
pub mod lock;
pub mod mirror;
pub mod owned;
pub mod plan;
pub mod provider;
pub mod room;
pub mod stacks;
pub mod state;
pub mod takeover;
mod work;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use apply::{Applied, ApplyError};
pub use cancel::Cancel;
pub use destroy::{Down, ForeignContents};
pub use entry::{Fingerprint, Opened};
pub use graph::{Graph, GraphError, Node, ResourceKey};
pub use home::{FolderError, Home};
pub use id::StackId;
pub use journal::{Journal, JournalError};
pub use lock::{Held, Holder};
pub use mirror::{Mirror, MirrorError};
pub use owned::{Owned, Scope};
pub use plan::{Action, Step, Survey};
pub use provider::{
    Cause, Change, Difference, Doing, Event, Foreign, Observed, Observer, Outcome, Progress, Provider, ProviderError,
    Providers, Transient,
};
pub use stacks::{Claim, DamagedJournal, HomeError, Journals};
pub use state::{Phase, Resource, Run, State};
