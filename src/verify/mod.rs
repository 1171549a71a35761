//! Offered = acknowledged = landed = queried: what must be there, against what is.

pub mod acknowledged;
pub mod contents;
pub mod destination;
pub mod destinations;
pub mod freshness;
pub mod items;
pub mod keys;
pub mod objects;
pub mod prove;
pub mod redshift;
pub mod s3;
pub mod sought;
pub mod sql;
pub mod stream;

pub use acknowledged::{Acknowledged, AcknowledgedError};
pub use destination::{Place, ProveError};
pub use keys::{KeyBag, Tally};
pub use prove::{Landed, Landing, Proof, prove};
pub use sought::{Scope, Sought};
