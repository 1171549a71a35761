//! Verifies that every acknowledged document arrived: offered = acknowledged = landed = queried.

pub mod acknowledged;
pub mod contents;
pub mod destination;
pub mod destinations;
pub mod freshness;
pub mod dynamodb;
pub mod keys;
pub mod objects;
pub mod verification;
pub mod redshift;
pub mod s3;
pub mod expected;
pub mod sql;
pub mod stream;

pub use acknowledged::{Acknowledged, AcknowledgedError};
pub use destination::{Destination, VerifyError};
pub use expected::{Expected, Scope};
pub use keys::{KeyBag, Tally};
pub use verification::{DestinationResult, SearchProgress, Verification, verify};
