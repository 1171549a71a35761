//! Verifies that every acknowledged document arrived: offered = acknowledged = landed = queried.

pub mod acknowledged;
pub mod contents;
pub mod destination;
pub mod due;
mod flawed;
pub mod folder;
pub mod freshness;
pub mod keys;
pub mod ledger;
pub mod objects;
pub mod rejected_objects;
pub mod rejections;
pub mod verification;
pub mod expected;
pub mod sql;
pub mod stream;
pub mod watch;

pub use acknowledged::{Acknowledged, AcknowledgedError};
pub use destination::{Destination, DestinationReader, VerifyError};
pub use due::{Due, Ended};
pub use expected::{Expected, Scope, line_id};
pub use keys::{KeyBag, Tally};
pub use ledger::{LedgerEnd, LedgerLine};
pub use verification::{DestinationResult, SearchProgress, Sought, Verification, verify};
